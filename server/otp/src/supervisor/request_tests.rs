//! Requests to a supervisor of children in order: one test for each rule.

use pq_abi::Reason;
use pq_abi::spec::{ChildSpec, ChildType, Restart, Strategy, SupReply, SupRequest};
use pq_term::{Pid, Term};

use super::harness::{Harness, abc, boom, id, with_restart, worker};
use super::{Action, Input, StartOutcome};

#[test]
fn requests_have_their_turn_between_two_tries() {
    let mut harness = Harness::started(Strategy::OneForOne, vec![worker("a")]);
    harness.exits("a1", boom());
    harness.asks(SupRequest::RestartChild(id("a")));
    harness.asks(SupRequest::DeleteChild(id("a")));
    harness.asks(SupRequest::WhichChildren);
    harness.asks(SupRequest::TerminateId(id("a")));
    harness.take();
    harness.start_not(StartOutcome::Err(boom()));
    assert_eq!(
        harness.take(),
        [
            "log start_error a boom",
            "reply 0 error restarting",
            "reply 1 error restarting",
            "reply 2 a:none",
            "reply 3 ok"
        ]
    );
    assert!(
        harness.pending.is_empty(),
        "a terminated child is not tried again"
    );
}

#[test]
fn requests_wait_while_a_child_starts_and_are_answered_in_order() {
    let mut harness = Harness::new(Strategy::OneForOne, vec![worker("a")]);
    harness.asks(SupRequest::CountChildren);
    harness.asks(SupRequest::TerminateId(id("a")));
    harness.asks(SupRequest::DeleteChild(id("a")));
    harness.take();
    harness.start_ok();
    harness.exits("a1", Reason::Shutdown);
    assert_eq!(
        harness.take(),
        [
            "log progress a a1",
            "ready",
            "reply 0 1 1 0 1",
            "exit a1 shutdown",
            "set timer 5000",
            "cancel timer",
            "reply 1 ok",
            "reply 2 ok"
        ]
    );
}

#[test]
fn requests_beyond_the_limit_are_refused_and_the_others_keep_their_place() {
    let mut harness = Harness::new(Strategy::OneForOne, vec![worker("a")]);
    for _ in 0..1_024 {
        harness.asks(SupRequest::CountChildren);
    }
    assert_eq!(harness.take(), ["start a"]);
    harness.asks(SupRequest::CountChildren);
    assert_eq!(harness.take(), ["reply 1024 error overloaded"]);
    harness.start_ok();
    assert!(harness.asked.is_empty());
    harness.take();
    harness.asks(SupRequest::CountChildren);
    assert_eq!(harness.take(), ["reply 1025 1 1 0 1"]);
}

#[test]
fn requests_to_one_that_stops_are_answered_shutdown_and_afterwards_noproc() {
    let mut harness = Harness::new(Strategy::OneForOne, vec![worker("a")]);
    harness.asks(SupRequest::WhichChildren);
    harness.give(Input::Stop(Reason::Shutdown));
    harness.take();
    harness.start_ok();
    harness.asks(SupRequest::WhichChildren);
    harness.exits("a1", Reason::Shutdown);
    assert_eq!(
        harness.take(),
        [
            "log progress a a1",
            "reply 0 error shutdown",
            "exit a1 shutdown",
            "set timer 5000",
            "reply 1 error shutdown",
            "cancel timer",
            "end shutdown"
        ]
    );
    let from = super::Caller {
        pid: Pid::new(0, 0, 0),
        tag: 7,
    };
    let mut actions = vec![];
    harness.supervisor.handle(
        Input::Request {
            from,
            request: SupRequest::CountChildren,
        },
        0,
        &mut actions,
    );
    assert_eq!(
        actions,
        [Action::Reply {
            to: from,
            reply: SupReply::Error(Term::atom("noproc"))
        }]
    );
}

#[test]
fn a_child_added_starts_and_stands_last() {
    let mut harness = Harness::started(Strategy::OneForOne, vec![worker("a")]);
    harness.asks(SupRequest::StartSpec(worker("b")));
    assert_eq!(harness.take(), ["start b"]);
    harness.start_ok();
    harness.asks(SupRequest::WhichChildren);
    assert_eq!(
        harness.take(),
        ["log progress b b1", "reply 0 b1", "reply 1 b:b1 a:a1"]
    );
    harness.exits("b1", boom());
    assert_eq!(
        harness.take(),
        ["log child_terminated b b1 boom", "start b"]
    );
}

#[test]
fn a_child_whose_first_start_fails_is_not_added() {
    let started = Reason::Other(Term::tuple([
        id("already_started"),
        Term::from(Pid::new(1, 2, 3)),
    ]));
    for (outcome, reply, count) in [
        (StartOutcome::Err(boom()), "error {boom,b}", "1 1 0 1"),
        (
            StartOutcome::Err(started),
            "error {already_started,<1.2.3>}",
            "1 1 0 1",
        ),
        (StartOutcome::Ignore, "none", "2 1 0 2"),
    ] {
        let mut harness = Harness::started(Strategy::OneForOne, vec![worker("a")]);
        harness.asks(SupRequest::StartSpec(worker("b")));
        harness.take();
        harness.start_not(outcome);
        harness.asks(SupRequest::CountChildren);
        assert_eq!(
            harness.take(),
            [format!("reply 0 {reply}"), format!("reply 1 {count}")]
        );
    }
    let mut harness = Harness::started(Strategy::OneForOne, vec![]);
    harness.asks(SupRequest::StartSpec(with_restart("t", Restart::Temporary)));
    harness.start_not(StartOutcome::Ignore);
    harness.asks(SupRequest::CountChildren);
    assert_eq!(
        harness.take(),
        ["start t", "reply 0 none", "reply 1 0 0 0 0"]
    );
}

#[test]
fn requests_that_do_not_fit_are_refused_in_the_words_of_otp() {
    let mut harness = Harness::started(
        Strategy::OneForOne,
        vec![worker("a"), with_restart("t", Restart::Transient)],
    );
    harness.exits("t1", Reason::Normal);
    for (request, wanted) in [
        (
            SupRequest::StartSpec(worker("a")),
            "error {already_started,<1.0.1>}",
        ),
        (SupRequest::StartSpec(worker("t")), "error already_present"),
        (
            SupRequest::StartChild(vec![1]),
            "error {invalid_child_spec,<<1>>}",
        ),
        (SupRequest::TerminateId(id("x")), "error not_found"),
        (
            SupRequest::TerminatePid(Pid::new(1, 0, 1)),
            "error not_found",
        ),
        (SupRequest::RestartChild(id("x")), "error not_found"),
        (SupRequest::RestartChild(id("a")), "error running"),
        (SupRequest::DeleteChild(id("x")), "error not_found"),
        (SupRequest::DeleteChild(id("a")), "error running"),
    ] {
        let tag = harness.asks(request);
        assert_eq!(harness.take(), [format!("reply {tag} {wanted}")]);
    }
}

#[test]
fn a_terminated_child_stays_down_until_it_is_asked_for() {
    let mut harness = Harness::started(Strategy::OneForOne, vec![worker("a")]);
    harness.asks(SupRequest::TerminateId(id("a")));
    harness.exits("a1", Reason::Shutdown);
    harness.asks(SupRequest::TerminateId(id("a")));
    harness.asks(SupRequest::WhichChildren);
    harness.take();
    harness.asks(SupRequest::RestartChild(id("a")));
    harness.start_not(StartOutcome::Err(boom()));
    harness.asks(SupRequest::RestartChild(id("a")));
    harness.start_not(StartOutcome::Ignore);
    harness.asks(SupRequest::RestartChild(id("a")));
    harness.start_ok();
    assert_eq!(
        harness.take(),
        [
            "start a",
            "reply 3 error boom",
            "start a",
            "reply 4 none",
            "start a",
            "log progress a a2",
            "reply 5 a2"
        ]
    );
}

#[test]
fn a_terminated_child_starts_again_with_its_group() {
    let mut harness = Harness::started(Strategy::OneForAll, vec![worker("a"), worker("b")]);
    harness.asks(SupRequest::TerminateId(id("b")));
    harness.exits("b1", Reason::Shutdown);
    harness.take();
    harness.exits("a1", boom());
    harness.start_ok();
    harness.start_ok();
    assert_eq!(
        harness.take(),
        [
            "log child_terminated a a1 boom",
            "start a",
            "log restarted a a2",
            "start b",
            "log restarted b b2"
        ]
    );
}

#[test]
fn a_terminated_temporary_child_leaves_no_spec() {
    let mut harness = Harness::started(
        Strategy::OneForOne,
        vec![with_restart("t", Restart::Temporary)],
    );
    harness.asks(SupRequest::TerminateId(id("t")));
    harness.exits("t1", Reason::Shutdown);
    harness.asks(SupRequest::RestartChild(id("t")));
    let lines = harness.take();
    assert_eq!(
        lines[lines.len() - 2..],
        ["reply 0 ok", "reply 1 error not_found"]
    );
}

#[test]
fn a_deleted_child_is_unknown() {
    let mut harness = Harness::started(Strategy::OneForOne, abc());
    harness.asks(SupRequest::TerminateId(id("b")));
    harness.exits("b1", Reason::Shutdown);
    harness.asks(SupRequest::DeleteChild(id("b")));
    harness.asks(SupRequest::WhichChildren);
    let lines = harness.take();
    assert_eq!(
        lines[lines.len() - 3..],
        ["reply 0 ok", "reply 1 ok", "reply 2 c:c1 a:a1"]
    );
}

#[test]
fn children_are_counted_by_kind() {
    let supervisor = ChildSpec {
        kind: ChildType::Supervisor,
        ..worker("s")
    };
    let mut harness = Harness::started(
        Strategy::OneForOne,
        vec![worker("a"), supervisor, worker("b")],
    );
    harness.asks(SupRequest::TerminateId(id("s")));
    harness.exits("s1", Reason::Shutdown);
    harness.take();
    harness.asks(SupRequest::CountChildren);
    assert_eq!(harness.take(), ["reply 1 3 2 1 2"]);
}

#[test]
fn strangers_and_their_tickets_and_timers_are_ignored() {
    for strategy in [Strategy::OneForOne, Strategy::SimpleOneForOne] {
        let mut harness = Harness::new(strategy, vec![worker("a")]);
        harness.take();
        let stranger = Pid::new(7, 7, 7);
        harness.give(Input::Exited {
            pid: stranger,
            reason: boom(),
        });
        harness.give(Input::Exited {
            pid: Pid::from_raw(0),
            reason: boom(),
        });
        harness.give(Input::Timer { id: 1 });
        harness.give(Input::Started {
            ticket: super::Ticket(99),
            outcome: StartOutcome::Ok(stranger),
        });
        assert_eq!(harness.take(), Vec::<String>::new());
    }
}
