//! Rule by rule: children in order. What a supervisor does is compared as lines; [`super::node`] writes them.

use pq_abi::Reason;
use pq_abi::spec::{ChildSpec, Restart, Shutdown, Strategy, SupRequest};
use pq_term::Term;

use super::node::{Node, abc, boom, id, with_restart, with_shutdown, worker};
use super::{Action, Input, StartOutcome};

const ALL: [Strategy; 3] = [
    Strategy::OneForOne,
    Strategy::OneForAll,
    Strategy::RestForOne,
];

#[test]
fn children_start_in_order_one_after_the_other() {
    for strategy in ALL {
        let mut node = Node::new(strategy, abc());
        assert_eq!(node.take(), ["start a"]);
        node.start_ok();
        assert_eq!(node.take(), ["log progress a a1", "start b"]);
        node.start_ok();
        node.start_ok();
        assert_eq!(
            node.take(),
            ["log progress b b1", "start c", "log progress c c1", "ready"]
        );
    }
}

#[test]
fn a_supervisor_without_children_is_ready_at_once() {
    let mut node = Node::new(Strategy::OneForOne, vec![]);
    assert_eq!(node.take(), ["ready"]);
    node.give(Input::Stop(Reason::Shutdown));
    assert_eq!(node.take(), ["end shutdown"]);
}

#[test]
fn a_failed_start_at_init_ends_those_started_in_reverse_order() {
    let mut node = Node::new(Strategy::OneForOne, abc());
    node.start_ok();
    node.start_ok();
    node.take();
    node.start_not(StartOutcome::Err(boom()));
    assert_eq!(
        node.take(),
        [
            "log start_error c boom",
            "exit b1 shutdown",
            "set timer 5000"
        ]
    );
    node.exits("b1", Reason::Shutdown);
    node.exits("a1", Reason::Shutdown);
    assert_eq!(
        node.take(),
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
    let mut node = Node::new(Strategy::OneForOne, children);
    node.start_not(StartOutcome::Ignore);
    node.start_not(StartOutcome::Ignore);
    node.start_ok();
    node.take();
    node.asks(SupRequest::WhichChildren);
    assert_eq!(node.take(), ["reply 0 c:c1 a:none"]);
}

#[test]
fn under_one_for_one_only_that_child_is_restarted() {
    let mut node = Node::started(Strategy::OneForOne, abc());
    node.exits("b1", boom());
    assert_eq!(node.take(), ["log child_terminated b b1 boom", "start b"]);
    node.start_ok();
    assert_eq!(node.take(), ["log restarted b b2"]);
}

#[test]
fn under_one_for_all_the_others_end_in_reverse_and_all_start_in_order() {
    let mut node = Node::started(Strategy::OneForAll, abc());
    node.exits("b1", boom());
    assert_eq!(
        node.take(),
        [
            "log child_terminated b b1 boom",
            "exit c1 shutdown",
            "set timer 5000"
        ]
    );
    node.exits("c1", Reason::Shutdown);
    assert_eq!(
        node.take(),
        ["cancel timer", "exit a1 shutdown", "set timer 5000"]
    );
    node.exits("a1", Reason::Shutdown);
    assert_eq!(node.take(), ["cancel timer", "start a"]);
    for _ in 0..3 {
        node.start_ok();
    }
    let lines = node.take();
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
    let mut node = Node::started(Strategy::RestForOne, abc());
    node.exits("b1", boom());
    node.exits("c1", Reason::Shutdown);
    assert_eq!(
        node.take(),
        [
            "log child_terminated b b1 boom",
            "exit c1 shutdown",
            "set timer 5000",
            "cancel timer",
            "start b"
        ]
    );
    node.start_ok();
    node.start_ok();
    assert_eq!(
        node.take(),
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
        let mut node = Node::started(strategy, children);
        node.exits("a1", boom());
        node.exits("b1", Reason::Shutdown);
        node.exits("t1", Reason::Shutdown);
        node.take();
        node.start_ok();
        node.start_ok();
        assert_eq!(
            node.take(),
            ["log restarted a a2", "start b", "log restarted b b2"]
        );
        node.asks(SupRequest::WhichChildren);
        assert_eq!(node.take(), ["reply 0 b:b2 a:a2"]);
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
        let mut node = Node::started(Strategy::OneForOne, vec![with_restart("a", restart)]);
        node.exits("a1", reason);
        assert_eq!(node.take().join(", "), wanted);
    }
}

#[test]
fn a_transient_child_that_is_done_keeps_its_spec_and_a_temporary_one_does_not() {
    for (restart, wanted) in [
        (Restart::Transient, "1 0 0 1"),
        (Restart::Temporary, "0 0 0 0"),
    ] {
        let mut node = Node::started(Strategy::OneForOne, vec![with_restart("a", restart)]);
        node.exits("a1", Reason::Normal);
        node.asks(SupRequest::CountChildren);
        assert_eq!(node.take(), [format!("reply 0 {wanted}")]);
    }
}

#[test]
fn one_restart_too_many_ends_the_supervisor() {
    let mut node = Node::started(Strategy::OneForOne, vec![worker("a"), worker("b")]);
    for (name, ms) in [("a1", 0), ("a2", 5_000)] {
        node.wait(ms);
        node.exits(name, boom());
        node.start_ok();
    }
    node.take();
    node.exits("a3", boom());
    assert_eq!(
        node.take(),
        [
            "log child_terminated a a3 boom",
            "log reached_max_restart_intensity a",
            "exit b1 shutdown",
            "set timer 5000"
        ]
    );
    node.exits("b1", Reason::Shutdown);
    assert_eq!(node.take(), ["cancel timer", "end shutdown"]);
}

#[test]
fn a_restart_of_long_ago_does_not_count() {
    let mut node = Node::started(Strategy::OneForOne, vec![worker("a")]);
    for birth in 1..10 {
        node.exits(&format!("a{birth}"), boom());
        node.start_ok();
        node.wait(2_501);
    }
    assert_eq!(node.end, None);
}

#[test]
fn a_restart_that_fails_is_tried_again_and_counts_again() {
    for strategy in ALL {
        let mut node = Node::started(strategy, vec![worker("a")]);
        node.exits("a1", boom());
        node.take();
        node.start_not(StartOutcome::Err(boom()));
        assert_eq!(node.take(), ["log start_error a boom", "start a"]);
        node.start_not(StartOutcome::Err(boom()));
        assert_eq!(
            node.take(),
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
        let mut node = Node::started(strategy, vec![worker("a"), worker("b")]);
        node.exits("a1", boom());
        node.exits("b1", Reason::Shutdown);
        node.start_ok();
        node.take();
        node.start_not(StartOutcome::Err(boom()));
        let lines = node.take();
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
        let mut node = Node::started(Strategy::OneForOne, vec![with_shutdown("a", shutdown)]);
        node.give(Input::Stop(Reason::Shutdown));
        assert_eq!(node.take(), wanted);
    }
}

#[test]
fn a_child_that_does_not_end_in_time_is_killed_and_reported() {
    let mut node = Node::started(
        Strategy::OneForOne,
        vec![with_shutdown("a", Shutdown::Timeout(70))],
    );
    node.give(Input::Stop(Reason::Shutdown));
    node.wait(69);
    assert_eq!(node.take(), ["exit a1 shutdown", "set timer 70"]);
    node.wait(1);
    assert_eq!(node.take(), ["exit a1 kill"]);
    node.exits("a1", Reason::Killed);
    assert_eq!(
        node.take(),
        ["log shutdown_error a a1 killed", "end shutdown"]
    );
}

#[test]
fn a_timer_that_fires_after_its_child_is_gone_kills_nobody() {
    let mut node = Node::started(Strategy::OneForOne, vec![worker("a"), worker("b")]);
    let actions = node.give(Input::Stop(Reason::Shutdown));
    let timer = actions.iter().find_map(|action| match action {
        Action::SetTimer { id, .. } => Some(*id),
        _ => None,
    });
    node.exits("b1", Reason::Shutdown);
    node.take();
    node.give(Input::Timer { id: timer.unwrap() });
    assert_eq!(node.take(), Vec::<String>::new());
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
        let mut node = Node::started(Strategy::OneForOne, vec![spec]);
        node.give(Input::Stop(Reason::Shutdown));
        node.take();
        node.exits("a1", reason.clone());
        let is_in_log = node.take()[0] == format!("log shutdown_error a a1 {reason}");
        assert_eq!(is_in_log, is_reported, "{shutdown:?} {restart:?} {reason}");
    }
}

#[test]
fn a_child_that_had_ended_before_its_turn_is_not_told_to() {
    let mut node = Node::started(Strategy::OneForAll, abc());
    node.exits("c1", boom());
    // `b` is awaited, and `a` crashes of itself.
    node.exits("a1", boom());
    node.take();
    node.exits("b1", Reason::Shutdown);
    assert_eq!(
        node.take(),
        ["cancel timer", "log shutdown_error a a1 boom", "start a"]
    );
}

#[test]
fn a_child_that_ends_while_another_starts_is_restarted_afterwards() {
    let mut node = Node::started(Strategy::OneForOne, abc());
    node.exits("a1", boom());
    node.exits("b1", boom());
    assert_eq!(node.take(), ["log child_terminated a a1 boom", "start a"]);
    node.start_ok();
    assert_eq!(
        node.take(),
        [
            "log restarted a a2",
            "log child_terminated b b1 boom",
            "start b"
        ]
    );
}

#[test]
fn a_stop_waits_for_the_start_in_flight_and_starts_no_other() {
    let mut node = Node::new(Strategy::OneForOne, abc());
    node.start_ok();
    node.give(Input::Stop(Reason::Shutdown));
    node.take();
    node.start_ok();
    assert_eq!(
        node.take(),
        ["log progress b b1", "exit b1 shutdown", "set timer 5000"]
    );
    node.exits("b1", Reason::Shutdown);
    node.exits("a1", Reason::Shutdown);
    assert_eq!(node.end, Some(Reason::Shutdown));
    assert!(!node.is_ready);
}

#[test]
fn a_stop_keeps_its_reason_and_the_first_one_counts() {
    let mut node = Node::started(Strategy::OneForOne, vec![worker("a")]);
    node.give(Input::Stop(boom()));
    node.give(Input::Stop(Reason::Shutdown));
    node.exits("a1", Reason::Shutdown);
    assert_eq!(node.end, Some(boom()));
}
