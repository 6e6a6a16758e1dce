//! gen_server: calls, casts, messages, continue, stop (`gen_server(3)`).

use pq_otp::{Ask, Envelope, Reason, Term};

use crate::actor::Do;
use crate::house::{House, payload, say};

/// The request that answers with its text.
fn reply(text: &str) -> Vec<Do> {
    vec![Do::Reply(text.to_string())]
}

#[test]
fn a_call_is_answered_at_once_or_later_by_whom_it_was_put_to() {
    let mut house = House::new();
    let b = house.actor("b", vec![]);
    let a = house.actor(
        "a",
        vec![
            Do::Ask(b, reply("now"), 1_000),
            Do::Ask(b, vec![Do::Keep], 1_000),
        ],
    );
    house.sim.settle();
    assert_eq!(house.lines(), ["a answer \"now\""]);
    house.sim.run_ms(900);
    house.tell(b, vec![Do::ReplyKept("later".to_string())]);
    house.sim.run_ms(10_000);
    assert_eq!(house.lines(), ["a answer \"later\""]);
    assert_eq!(house.ask(b, &reply("outside")), "\"outside\"");
    assert!(house.is_alive(a));
}

#[test]
fn a_call_that_waits_too_long_fails_once_and_its_late_answer_is_dropped() {
    let mut house = House::new();
    let b = house.actor("b", vec![]);
    house.actor("a", vec![Do::Ask(b, vec![Do::Keep], 1_000)]);
    house.sim.run_ms(999);
    assert_eq!(house.lines(), Vec::<String>::new());
    house.sim.run_ms(1);
    assert_eq!(house.lines(), ["a no answer: timeout"]);
    house.tell(b, vec![Do::ReplyKept("late".to_string())]);
    house.exit(b, "boom");
    house.sim.run_ms(10_000);
    assert_eq!(house.lines(), Vec::<String>::new());
}

#[test]
fn an_answer_that_lies_in_the_mailbox_when_time_is_up_counts() {
    let mut house = House::new();
    let b = house.actor("b", vec![]);
    let a = house.actor("a", vec![Do::Ask(b, vec![Do::Keep], 1_000)]);
    house
        .sim
        .sys(a, pq_otp::sys::SysMessage::Suspend, pq_otp::sys::TIMEOUT_MS)
        .unwrap();
    house.tell(b, vec![Do::ReplyKept("in time".to_string())]);
    house.sim.run_ms(2_000);
    house
        .sim
        .sys(a, pq_otp::sys::SysMessage::Resume, pq_otp::sys::TIMEOUT_MS)
        .unwrap();
    assert_eq!(house.lines(), ["a answer \"in time\""]);
}

#[test]
fn a_call_without_end_waits_without_end() {
    let mut house = House::new();
    let b = house.actor("b", vec![]);
    house.actor("a", vec![Do::Ask(b, vec![Do::Keep], u64::MAX)]);
    house.sim.run_ms(100_000_000);
    house.tell(b, vec![Do::ReplyKept("at last".to_string())]);
    assert_eq!(house.lines(), ["a answer \"at last\""]);
}

#[test]
fn a_call_to_the_dead_fails_with_noproc() {
    let mut house = House::new();
    let b = house.actor("b", vec![]);
    house.exit(b, "boom");
    house.actor("a", vec![Do::Ask(b, reply("?"), 1_000)]);
    house.sim.run_ms(5_000);
    assert_eq!(house.lines(), ["a no answer: noproc"]);
    assert_eq!(house.ask(b, &reply("?")), "noproc");
}

#[test]
fn a_call_fails_with_the_reason_of_an_end_before_the_answer() {
    let mut house = House::new();
    let b = house.actor("b", vec![]);
    house.actor("a", vec![Do::Ask(b, vec![Do::Keep], 1_000)]);
    house.exit(b, "boom");
    assert_eq!(house.lines(), ["a no answer: boom"]);
}

#[test]
fn a_call_that_nobody_came_to_read_fails_with_the_reason_as_well() {
    let mut house = House::new();
    let b = house.actor("b", vec![]);
    let a = house.actor("a", vec![]);
    // `b` is suspended until both lie in its mailbox.
    house
        .sim
        .sys(b, pq_otp::sys::SysMessage::Suspend, pq_otp::sys::TIMEOUT_MS)
        .unwrap();
    house.tell(b, vec![Do::Stop(Term::atom("boom"))]);
    house.tell(a, vec![Do::Ask(b, reply("?"), 1_000)]);
    house
        .sim
        .sys(b, pq_otp::sys::SysMessage::Resume, pq_otp::sys::TIMEOUT_MS)
        .unwrap();
    assert_eq!(house.lines(), ["b terminate boom", "a no answer: boom"]);
}

#[test]
fn a_suspended_process_that_is_killed_fails_its_callers_with_killed() {
    let mut house = House::new();
    let b = house.actor("b", vec![]);
    house
        .sim
        .sys(b, pq_otp::sys::SysMessage::Suspend, pq_otp::sys::TIMEOUT_MS)
        .unwrap();
    house.actor("a", vec![Do::Ask(b, reply("?"), 1_000)]);
    house.exit(b, "kill");
    assert_eq!(house.lines(), ["a no answer: killed"]);
}

#[test]
fn casts_and_messages_arrive_in_the_order_in_which_they_were_sent() {
    let mut house = House::new();
    let b = house.actor("b", vec![]);
    let script = (0..20)
        .map(|n| match n % 2 {
            0 => Do::Send(b, format!("{n}")),
            _ => Do::Cast(b, vec![say(&format!("cast {n}"))]),
        })
        .collect();
    house.actor("a", script);
    house.sim.settle();
    let expected = (0..20).map(|n| {
        if n % 2 == 0 {
            format!("b info \"{n}\"")
        } else {
            format!("b cast {n}")
        }
    });
    assert_eq!(house.lines(), Vec::from_iter(expected));
}

#[test]
fn continue_runs_before_any_message_that_waits() {
    let mut house = House::new();
    let go_on = |word: &str| Do::Continue(word.to_string());
    let a = house.actor("a", vec![go_on("init")]);
    house.post(
        a,
        vec![Do::Send(a, "own message".to_string()), go_on("first")],
    );
    house.post(a, vec![say("second cast")]);
    house.sim.settle();
    let expected = [
        "a continue \"init\"",
        "a continue \"first\"",
        "a second cast",
        "a info \"own message\"",
    ];
    assert_eq!(house.lines(), expected);
}

#[test]
fn a_server_that_stops_terminates_after_it_has_done_what_it_wanted() {
    let mut house = House::new();
    let w = house.actor("w", vec![]);
    let a = house.actor("a", vec![]);
    house.tell(w, vec![Do::Monitor(a)]);
    house.tell(
        a,
        vec![Do::Send(w, "bye".to_string()), Do::Stop(Term::atom("done"))],
    );
    assert_eq!(
        house.lines(),
        ["a terminate done", "w info \"bye\"", "w down a: done"]
    );
}

#[test]
fn a_request_that_it_cannot_read_ends_a_server_with_badarg() {
    let mut house = House::new();
    for envelope in [
        Envelope::Cast(payload("no script")),
        Envelope::Cast(payload(&17)),
    ] {
        let a = house.actor("a", vec![]);
        let w = house.actor("w", vec![Do::Monitor(a)]);
        house.deliver(a, envelope);
        house.sim.settle();
        let lines = house.lines();
        assert!(
            lines[0].starts_with("w down a: {badarg,\"these "),
            "{lines:?}"
        );
        house.sim.exit(w, Reason::Kill);
    }
    let a = house.actor("a", vec![]);
    assert!(house.ask(a, &"no script").starts_with("{badarg,\"these "));
    assert!(!house.is_alive(a));
}

#[test]
fn a_full_mailbox_drops_messages_and_refuses_calls_but_takes_what_must_not_be_lost() {
    let mut house = House::with(|config| config.mailbox_max = 3);
    let b = house.actor("b", vec![]);
    let a = house.actor("a", vec![Do::Trap(true), Do::Monitor(b), Do::Link(b)]);
    house
        .sim
        .sys(a, pq_otp::sys::SysMessage::Suspend, pq_otp::sys::TIMEOUT_MS)
        .unwrap();
    for n in 0..5 {
        house.post(a, vec![say(&format!("cast {n}"))]);
    }
    assert!(house.ask(a, &reply("?")).starts_with("{overloaded,"));
    house.exit(b, "boom");
    assert_eq!(house.sim.counters().dropped, 3, "two casts and a call");
    house
        .sim
        .sys(a, pq_otp::sys::SysMessage::Resume, pq_otp::sys::TIMEOUT_MS)
        .unwrap();
    let mut lines = house.lines();
    lines[3..].sort();
    assert_eq!(
        lines,
        [
            "a cast 0",
            "a cast 1",
            "a cast 2",
            "a down b: boom",
            "a exit of b: boom"
        ]
    );
}
