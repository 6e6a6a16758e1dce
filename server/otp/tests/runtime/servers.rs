//! gen_server: calls, casts, messages, continue, stop (`gen_server(3)`).

use pq_otp::{Ask, Envelope, Reason, Term};

use crate::actor::Do;
use crate::rig::{Rig, payload, say};

/// A request whose answer is this text.
fn reply(text: &str) -> Vec<Do> {
    vec![Do::Reply(text.to_string())]
}

#[test]
fn a_call_is_answered_at_once_or_later_by_whom_it_was_put_to() {
    let mut rig = Rig::new();
    let b = rig.actor("b", vec![]);
    let a = rig.actor(
        "a",
        vec![
            Do::Ask(b, reply("now"), 1_000),
            Do::Ask(b, vec![Do::Keep], 1_000),
        ],
    );
    rig.sim.settle();
    assert_eq!(rig.lines(), ["a answer \"now\""]);
    rig.sim.run_ms(900);
    rig.tell(b, vec![Do::ReplyKept("later".to_string())]);
    rig.sim.run_ms(10_000);
    assert_eq!(rig.lines(), ["a answer \"later\""]);
    assert_eq!(rig.ask(b, &reply("outside")), "\"outside\"");
    assert!(rig.is_alive(a));
}

#[test]
fn a_call_that_waits_too_long_fails_once_and_its_late_answer_is_dropped() {
    let mut rig = Rig::new();
    let b = rig.actor("b", vec![]);
    rig.actor("a", vec![Do::Ask(b, vec![Do::Keep], 1_000)]);
    rig.sim.run_ms(999);
    assert_eq!(rig.lines(), Vec::<String>::new());
    rig.sim.run_ms(1);
    assert_eq!(rig.lines(), ["a no answer: timeout"]);
    rig.tell(b, vec![Do::ReplyKept("late".to_string())]);
    rig.exit(b, "boom");
    rig.sim.run_ms(10_000);
    assert_eq!(rig.lines(), Vec::<String>::new());
}

#[test]
fn an_answer_that_lies_in_the_mailbox_when_time_is_up_counts() {
    let mut rig = Rig::new();
    let b = rig.actor("b", vec![]);
    let a = rig.actor("a", vec![Do::Ask(b, vec![Do::Keep], 1_000)]);
    rig.sim
        .sys(a, pq_otp::sys::SysMessage::Suspend, pq_otp::sys::TIMEOUT_MS)
        .unwrap();
    rig.tell(b, vec![Do::ReplyKept("in time".to_string())]);
    rig.sim.run_ms(2_000);
    rig.sim
        .sys(a, pq_otp::sys::SysMessage::Resume, pq_otp::sys::TIMEOUT_MS)
        .unwrap();
    assert_eq!(rig.lines(), ["a answer \"in time\""]);
}

#[test]
fn a_call_without_end_waits_without_end() {
    let mut rig = Rig::new();
    let b = rig.actor("b", vec![]);
    rig.actor("a", vec![Do::Ask(b, vec![Do::Keep], u64::MAX)]);
    rig.sim.run_ms(100_000_000);
    rig.tell(b, vec![Do::ReplyKept("at last".to_string())]);
    assert_eq!(rig.lines(), ["a answer \"at last\""]);
}

#[test]
fn a_call_to_the_dead_fails_with_noproc() {
    let mut rig = Rig::new();
    let b = rig.actor("b", vec![]);
    rig.exit(b, "boom");
    rig.actor("a", vec![Do::Ask(b, reply("?"), 1_000)]);
    rig.sim.run_ms(5_000);
    assert_eq!(rig.lines(), ["a no answer: noproc"]);
    assert_eq!(rig.ask(b, &reply("?")), "noproc");
}

#[test]
fn a_call_fails_with_the_reason_of_an_end_before_the_answer() {
    let mut rig = Rig::new();
    let b = rig.actor("b", vec![]);
    rig.actor("a", vec![Do::Ask(b, vec![Do::Keep], 1_000)]);
    rig.exit(b, "boom");
    assert_eq!(rig.lines(), ["a no answer: boom"]);
}

#[test]
fn a_call_that_nobody_came_to_read_fails_with_the_reason_as_well() {
    let mut rig = Rig::new();
    let b = rig.actor("b", vec![]);
    let a = rig.actor("a", vec![]);
    // `b` is suspended until both envelopes are in its mailbox.
    rig.sim
        .sys(b, pq_otp::sys::SysMessage::Suspend, pq_otp::sys::TIMEOUT_MS)
        .unwrap();
    rig.tell(b, vec![Do::Stop(Term::atom("boom"))]);
    rig.tell(a, vec![Do::Ask(b, reply("?"), 1_000)]);
    rig.sim
        .sys(b, pq_otp::sys::SysMessage::Resume, pq_otp::sys::TIMEOUT_MS)
        .unwrap();
    assert_eq!(rig.lines(), ["b terminate boom", "a no answer: boom"]);
}

#[test]
fn a_suspended_process_that_is_killed_fails_its_callers_with_killed() {
    let mut rig = Rig::new();
    let b = rig.actor("b", vec![]);
    rig.sim
        .sys(b, pq_otp::sys::SysMessage::Suspend, pq_otp::sys::TIMEOUT_MS)
        .unwrap();
    rig.actor("a", vec![Do::Ask(b, reply("?"), 1_000)]);
    rig.exit(b, "kill");
    assert_eq!(rig.lines(), ["a no answer: killed"]);
}

#[test]
fn casts_and_messages_arrive_in_the_order_in_which_they_were_sent() {
    let mut rig = Rig::new();
    let b = rig.actor("b", vec![]);
    let script = (0..20)
        .map(|n| match n % 2 {
            0 => Do::Send(b, format!("{n}")),
            _ => Do::Cast(b, vec![say(&format!("cast {n}"))]),
        })
        .collect();
    rig.actor("a", script);
    rig.sim.settle();
    let expected = (0..20).map(|n| {
        if n % 2 == 0 {
            format!("b info \"{n}\"")
        } else {
            format!("b cast {n}")
        }
    });
    assert_eq!(rig.lines(), Vec::from_iter(expected));
}

#[test]
fn continue_runs_before_any_message_that_waits() {
    let mut rig = Rig::new();
    let go_on = |word: &str| Do::Continue(word.to_string());
    let a = rig.actor("a", vec![go_on("init")]);
    rig.post(
        a,
        vec![Do::Send(a, "own message".to_string()), go_on("first")],
    );
    rig.post(a, vec![say("second cast")]);
    rig.sim.settle();
    let expected = [
        "a continue \"init\"",
        "a continue \"first\"",
        "a second cast",
        "a info \"own message\"",
    ];
    assert_eq!(rig.lines(), expected);
}

#[test]
fn a_server_that_stops_terminates_after_it_has_done_what_it_wanted() {
    let mut rig = Rig::new();
    let w = rig.actor("w", vec![]);
    let a = rig.actor("a", vec![]);
    rig.tell(w, vec![Do::Monitor(a)]);
    rig.tell(
        a,
        vec![Do::Send(w, "bye".to_string()), Do::Stop(Term::atom("done"))],
    );
    assert_eq!(
        rig.lines(),
        ["a terminate done", "w info \"bye\"", "w down a: done"]
    );
}

#[test]
fn a_request_that_it_cannot_read_ends_a_server_with_badarg() {
    let mut rig = Rig::new();
    for envelope in [
        Envelope::Cast(payload("no script")),
        Envelope::Cast(payload(&17)),
    ] {
        let a = rig.actor("a", vec![]);
        let w = rig.actor("w", vec![Do::Monitor(a)]);
        rig.deliver(a, envelope);
        rig.sim.settle();
        let lines = rig.lines();
        assert!(
            lines[0].starts_with("w down a: {badarg,\"these "),
            "{lines:?}"
        );
        rig.sim.exit(w, Reason::Kill);
    }
    let a = rig.actor("a", vec![]);
    assert!(rig.ask(a, &"no script").starts_with("{badarg,\"these "));
    assert!(!rig.is_alive(a));
}

#[test]
fn a_full_mailbox_drops_messages_and_refuses_calls_but_takes_what_must_not_be_lost() {
    let mut rig = Rig::with(|config| config.mailbox_max = 3);
    let b = rig.actor("b", vec![]);
    let a = rig.actor("a", vec![Do::Trap(true), Do::Monitor(b), Do::Link(b)]);
    rig.sim
        .sys(a, pq_otp::sys::SysMessage::Suspend, pq_otp::sys::TIMEOUT_MS)
        .unwrap();
    for n in 0..5 {
        rig.post(a, vec![say(&format!("cast {n}"))]);
    }
    assert!(rig.ask(a, &reply("?")).starts_with("{overloaded,"));
    rig.exit(b, "boom");
    assert_eq!(rig.sim.counters().dropped, 3, "two casts and a call");
    rig.sim
        .sys(a, pq_otp::sys::SysMessage::Resume, pq_otp::sys::TIMEOUT_MS)
        .unwrap();
    let mut lines = rig.lines();
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
