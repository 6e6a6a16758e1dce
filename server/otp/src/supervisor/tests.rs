//! Children in order: one test for each rule. Tests compare the actions as lines, which [`super::harness`] writes.

use pq_abi::Reason;
use pq_abi::spec::{ChildSpec, Restart, Shutdown, Strategy, SupRequest};
use pq_term::Term;

use super::harness::{Harness, abc, boom, id, with_restart, with_shutdown, worker};
use super::{Action, Input, StartOutcome};

const ALL: [Strategy; 3] = [
    Strategy::OneForOne,
    Strategy::OneForAll,
    Strategy::RestForOne,
];

#[test]
fn children_start_in_order_one_after_the_other() {
    for strategy in ALL {
        let mut harness = Harness::new(strategy, abc());
        assert_eq!(harness.take(), ["start a"]);
        harness.start_ok();
        assert_eq!(harness.take(), ["log progress a a1", "start b"]);
        harness.start_ok();
        harness.start_ok();
        assert_eq!(
            harness.take(),
            ["log progress b b1", "start c", "log progress c c1", "ready"]
        );
    }
}

#[test]
fn a_supervisor_without_children_is_ready_at_once() {
    let mut harness = Harness::new(Strategy::OneForOne, vec![]);
    assert_eq!(harness.take(), ["ready"]);
    harness.give(Input::Stop(Reason::Shutdown));
    assert_eq!(harness.take(), ["end shutdown"]);
}

#[test]
fn a_failed_start_at_init_ends_those_started_in_reverse_order() {
    let mut harness = Harness::new(Strategy::OneForOne, abc());
    harness.start_ok();
    harness.start_ok();
    harness.take();
    harness.start_not(StartOutcome::Err(boom()));
    assert_eq!(
        harness.take(),
        [
            "log start_error c boom",
            "exit b1 shutdown",
            "set timer 5000"
        ]
    );
    harness.exits("b1", Reason::Shutdown);
    harness.exits("a1", Reason::Shutdown);
    assert_eq!(
        harness.take(),
        [
            "cancel timer",
            "exit a1 shutdown",
            "set timer 5000",
            "cancel timer",
            "end {shutdown,{failed_to_start_child,c,boom}}"
        ]
    );
}

#[test]
fn a_child_that_says_ignore_keeps_its_spec_unless_it_is_temporary() {
    let children = vec![
        worker("a"),
        with_restart("b", Restart::Temporary),
        worker("c"),
    ];
    let mut harness = Harness::new(Strategy::OneForOne, children);
    harness.start_not(StartOutcome::Ignore);
    harness.start_not(StartOutcome::Ignore);
    harness.start_ok();
    harness.take();
    harness.asks(SupRequest::WhichChildren);
    assert_eq!(harness.take(), ["reply 0 c:c1 a:none"]);
}

#[test]
fn under_one_for_one_only_that_child_is_restarted() {
    let mut harness = Harness::started(Strategy::OneForOne, abc());
    harness.exits("b1", boom());
    assert_eq!(
        harness.take(),
        ["log child_terminated b b1 boom", "start b"]
    );
    harness.start_ok();
    assert_eq!(harness.take(), ["log restarted b b2"]);
}

#[test]
fn under_one_for_all_the_others_end_in_reverse_and_all_start_in_order() {
    let mut harness = Harness::started(Strategy::OneForAll, abc());
    harness.exits("b1", boom());
    assert_eq!(
        harness.take(),
        [
            "log child_terminated b b1 boom",
            "exit c1 shutdown",
            "set timer 5000"
        ]
    );
    harness.exits("c1", Reason::Shutdown);
    assert_eq!(
        harness.take(),
        ["cancel timer", "exit a1 shutdown", "set timer 5000"]
    );
    harness.exits("a1", Reason::Shutdown);
    assert_eq!(harness.take(), ["cancel timer", "start a"]);
    for _ in 0..3 {
        harness.start_ok();
    }
    let lines = harness.take();
    assert_eq!(
        lines,
        [
            "log restarted a a2",
            "start b",
            "log restarted b b2",
            "start c",
            "log restarted c c2"
        ]
    );
}

#[test]
fn under_rest_for_one_those_started_later_are_restarted_too() {
    let mut harness = Harness::started(Strategy::RestForOne, abc());
    harness.exits("b1", boom());
    harness.exits("c1", Reason::Shutdown);
    assert_eq!(
        harness.take(),
        [
            "log child_terminated b b1 boom",
            "exit c1 shutdown",
            "set timer 5000",
            "cancel timer",
            "start b"
        ]
    );
    harness.start_ok();
    harness.start_ok();
    assert_eq!(
        harness.take(),
        ["log restarted b b2", "start c", "log restarted c c2"]
    );
}

#[test]
fn a_temporary_child_does_not_come_back_when_the_others_do() {
    for strategy in [Strategy::OneForAll, Strategy::RestForOne] {
        let children = vec![
            worker("a"),
            with_restart("t", Restart::Temporary),
            worker("b"),
        ];
        let mut harness = Harness::started(strategy, children);
        harness.exits("a1", boom());
        harness.exits("b1", Reason::Shutdown);
        harness.exits("t1", Reason::Shutdown);
        harness.take();
        harness.start_ok();
        harness.start_ok();
        assert_eq!(
            harness.take(),
            ["log restarted a a2", "start b", "log restarted b b2"]
        );
        harness.asks(SupRequest::WhichChildren);
        assert_eq!(harness.take(), ["reply 0 b:b2 a:a2"]);
    }
}

#[test]
fn restart_types_decide_who_comes_back() {
    let orderly = Reason::Other(Term::tuple([id("shutdown"), id("done")]));
    for (restart, reason, wanted) in [
        (
            Restart::Permanent,
            Reason::Normal,
            "log child_terminated a a1 normal, start a",
        ),
        (
            Restart::Permanent,
            boom(),
            "log child_terminated a a1 boom, start a",
        ),
        (Restart::Transient, Reason::Normal, ""),
        (Restart::Transient, Reason::Shutdown, ""),
        (Restart::Transient, orderly.clone(), ""),
        (
            Restart::Transient,
            Reason::Killed,
            "log child_terminated a a1 killed, start a",
        ),
        (Restart::Temporary, orderly, ""),
        (Restart::Temporary, boom(), "log child_terminated a a1 boom"),
    ] {
        let mut harness = Harness::started(Strategy::OneForOne, vec![with_restart("a", restart)]);
        harness.exits("a1", reason);
        assert_eq!(harness.take().join(", "), wanted);
    }
}

#[test]
fn a_transient_child_that_is_done_keeps_its_spec_and_a_temporary_one_does_not() {
    for (restart, wanted) in [
        (Restart::Transient, "1 0 0 1"),
        (Restart::Temporary, "0 0 0 0"),
    ] {
        let mut harness = Harness::started(Strategy::OneForOne, vec![with_restart("a", restart)]);
        harness.exits("a1", Reason::Normal);
        harness.asks(SupRequest::CountChildren);
        assert_eq!(harness.take(), [format!("reply 0 {wanted}")]);
    }
}

#[test]
fn one_restart_too_many_ends_the_supervisor() {
    let mut harness = Harness::started(Strategy::OneForOne, vec![worker("a"), worker("b")]);
    for (name, ms) in [("a1", 0), ("a2", 5_000)] {
        harness.wait(ms);
        harness.exits(name, boom());
        harness.start_ok();
    }
    harness.take();
    harness.exits("a3", boom());
    assert_eq!(
        harness.take(),
        [
            "log child_terminated a a3 boom",
            "log reached_max_restart_intensity a",
            "exit b1 shutdown",
            "set timer 5000"
        ]
    );
    harness.exits("b1", Reason::Shutdown);
    assert_eq!(harness.take(), ["cancel timer", "end shutdown"]);
}

#[test]
fn a_restart_of_long_ago_does_not_count() {
    let mut harness = Harness::started(Strategy::OneForOne, vec![worker("a")]);
    for birth in 1..10 {
        harness.exits(&format!("a{birth}"), boom());
        harness.start_ok();
        harness.wait(2_501);
    }
    assert_eq!(harness.end, None);
}

#[test]
fn a_restart_that_fails_is_tried_again_and_counts_again() {
    for strategy in ALL {
        let mut harness = Harness::started(strategy, vec![worker("a")]);
        harness.exits("a1", boom());
        harness.take();
        harness.start_not(StartOutcome::Err(boom()));
        assert_eq!(harness.take(), ["log start_error a boom", "start a"]);
        harness.start_not(StartOutcome::Err(boom()));
        assert_eq!(
            harness.take(),
            [
                "log start_error a boom",
                "log reached_max_restart_intensity a",
                "end shutdown"
            ],
            "{strategy:?}"
        );
    }
}

#[test]
fn when_a_later_child_fails_in_a_group_the_strategy_begins_again_with_it() {
    for (strategy, next) in [
        (Strategy::OneForAll, "exit a2 shutdown"),
        (Strategy::RestForOne, "start b"),
    ] {
        let mut harness = Harness::started(strategy, vec![worker("a"), worker("b")]);
        harness.exits("a1", boom());
        harness.exits("b1", Reason::Shutdown);
        harness.start_ok();
        harness.take();
        harness.start_not(StartOutcome::Err(boom()));
        let lines = harness.take();
        assert_eq!(lines[..2], ["log start_error b boom", next], "{strategy:?}");
    }
}

#[test]
fn a_child_is_ended_as_its_spec_says() {
    for (shutdown, wanted) in [
        (Shutdown::BrutalKill, vec!["exit a1 kill"]),
        (Shutdown::Infinity, vec!["exit a1 shutdown"]),
        (
            Shutdown::Timeout(70),
            vec!["exit a1 shutdown", "set timer 70"],
        ),
    ] {
        let mut harness = Harness::started(Strategy::OneForOne, vec![with_shutdown("a", shutdown)]);
        harness.give(Input::Stop(Reason::Shutdown));
        assert_eq!(harness.take(), wanted);
    }
}

#[test]
fn a_child_that_does_not_end_in_time_is_killed_and_reported() {
    let mut harness = Harness::started(
        Strategy::OneForOne,
        vec![with_shutdown("a", Shutdown::Timeout(70))],
    );
    harness.give(Input::Stop(Reason::Shutdown));
    harness.wait(69);
    assert_eq!(harness.take(), ["exit a1 shutdown", "set timer 70"]);
    harness.wait(1);
    assert_eq!(harness.take(), ["exit a1 kill"]);
    harness.exits("a1", Reason::Killed);
    assert_eq!(
        harness.take(),
        ["log shutdown_error a a1 killed", "end shutdown"]
    );
}

#[test]
fn a_timer_that_fires_after_its_child_is_gone_kills_nobody() {
    let mut harness = Harness::started(Strategy::OneForOne, vec![worker("a"), worker("b")]);
    let actions = harness.give(Input::Stop(Reason::Shutdown));
    let timer = actions.iter().find_map(|action| match action {
        Action::SetTimer { id, .. } => Some(*id),
        _ => None,
    });
    harness.exits("b1", Reason::Shutdown);
    harness.take();
    harness.give(Input::Timer { id: timer.unwrap() });
    assert_eq!(harness.take(), Vec::<String>::new());
}

#[test]
fn an_end_for_another_reason_than_the_wanted_is_reported() {
    let kill = Shutdown::BrutalKill;
    let wait = Shutdown::Infinity;
    for (shutdown, restart, reason, is_reported) in [
        (kill, Restart::Permanent, Reason::Killed, false),
        (kill, Restart::Permanent, Reason::Shutdown, true),
        (kill, Restart::Transient, Reason::Shutdown, false),
        (wait, Restart::Permanent, Reason::Shutdown, false),
        (wait, Restart::Permanent, Reason::Normal, true),
        (wait, Restart::Temporary, Reason::Normal, false),
        (wait, Restart::Transient, Reason::Killed, true),
        (wait, Restart::Temporary, boom(), true),
    ] {
        let spec = ChildSpec {
            restart,
            ..with_shutdown("a", shutdown)
        };
        let mut harness = Harness::started(Strategy::OneForOne, vec![spec]);
        harness.give(Input::Stop(Reason::Shutdown));
        harness.take();
        harness.exits("a1", reason.clone());
        let is_in_log = harness.take()[0] == format!("log shutdown_error a a1 {reason}");
        assert_eq!(is_in_log, is_reported, "{shutdown:?} {restart:?} {reason}");
    }
}

#[test]
fn a_child_that_had_ended_before_its_turn_is_not_told_to() {
    let mut harness = Harness::started(Strategy::OneForAll, abc());
    harness.exits("c1", boom());
    // `b` is awaited, and `a` crashes meanwhile.
    harness.exits("a1", boom());
    harness.take();
    harness.exits("b1", Reason::Shutdown);
    assert_eq!(
        harness.take(),
        ["cancel timer", "log shutdown_error a a1 boom", "start a"]
    );
}

#[test]
fn a_child_that_ends_while_another_starts_is_restarted_afterwards() {
    let mut harness = Harness::started(Strategy::OneForOne, abc());
    harness.exits("a1", boom());
    harness.exits("b1", boom());
    assert_eq!(
        harness.take(),
        ["log child_terminated a a1 boom", "start a"]
    );
    harness.start_ok();
    assert_eq!(
        harness.take(),
        [
            "log restarted a a2",
            "log child_terminated b b1 boom",
            "start b"
        ]
    );
}

#[test]
fn a_stop_waits_for_the_start_in_flight_and_starts_no_other() {
    let mut harness = Harness::new(Strategy::OneForOne, abc());
    harness.start_ok();
    harness.give(Input::Stop(Reason::Shutdown));
    harness.take();
    harness.start_ok();
    assert_eq!(
        harness.take(),
        ["log progress b b1", "exit b1 shutdown", "set timer 5000"]
    );
    harness.exits("b1", Reason::Shutdown);
    harness.exits("a1", Reason::Shutdown);
    assert_eq!(harness.end, Some(Reason::Shutdown));
    assert!(!harness.is_ready);
}

#[test]
fn a_stop_keeps_its_reason_and_the_first_one_counts() {
    let mut harness = Harness::started(Strategy::OneForOne, vec![worker("a")]);
    harness.give(Input::Stop(boom()));
    harness.give(Input::Stop(Reason::Shutdown));
    harness.exits("a1", Reason::Shutdown);
    assert_eq!(harness.end, Some(boom()));
}
