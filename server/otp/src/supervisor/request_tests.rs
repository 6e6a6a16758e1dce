//! Rule by rule: what is asked of a supervisor of children in order.

use pq_abi::Reason;
use pq_abi::spec::{ChildSpec, ChildType, Restart, Strategy, SupReply, SupRequest};
use pq_term::{Pid, Term};

use super::node::{Node, abc, boom, id, with_restart, worker};
use super::{Action, Input, StartOutcome};

#[test]
fn requests_have_their_turn_between_two_tries() {
    let mut node = Node::started(Strategy::OneForOne, vec![worker("a")]);
    node.exits("a1", boom());
    node.asks(SupRequest::RestartChild(id("a")));
    node.asks(SupRequest::DeleteChild(id("a")));
    node.asks(SupRequest::WhichChildren);
    node.asks(SupRequest::TerminateId(id("a")));
    node.take();
    node.start_not(StartOutcome::Err(boom()));
    assert_eq!(
        node.take(),
        [
            "log start_error a boom",
            "reply 0 error restarting",
            "reply 1 error restarting",
            "reply 2 a:none",
            "reply 3 ok"
        ]
    );
    assert!(
        node.pending.is_empty(),
        "a terminated child is not tried again"
    );
}

#[test]
fn requests_wait_while_a_child_starts_and_are_answered_in_order() {
    let mut node = Node::new(Strategy::OneForOne, vec![worker("a")]);
    node.asks(SupRequest::CountChildren);
    node.asks(SupRequest::TerminateId(id("a")));
    node.asks(SupRequest::DeleteChild(id("a")));
    node.take();
    node.start_ok();
    node.exits("a1", Reason::Shutdown);
    assert_eq!(
        node.take(),
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
    let mut node = Node::new(Strategy::OneForOne, vec![worker("a")]);
    for _ in 0..1_024 {
        node.asks(SupRequest::CountChildren);
    }
    assert_eq!(node.take(), ["start a"]);
    node.asks(SupRequest::CountChildren);
    assert_eq!(node.take(), ["reply 1024 error overloaded"]);
    node.start_ok();
    assert!(node.asked.is_empty());
    node.take();
    node.asks(SupRequest::CountChildren);
    assert_eq!(node.take(), ["reply 1025 1 1 0 1"]);
}

#[test]
fn requests_to_one_that_stops_are_answered_shutdown_and_afterwards_noproc() {
    let mut node = Node::new(Strategy::OneForOne, vec![worker("a")]);
    node.asks(SupRequest::WhichChildren);
    node.give(Input::Stop(Reason::Shutdown));
    node.take();
    node.start_ok();
    node.asks(SupRequest::WhichChildren);
    node.exits("a1", Reason::Shutdown);
    assert_eq!(
        node.take(),
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
    node.supervisor.handle(
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
    let mut node = Node::started(Strategy::OneForOne, vec![worker("a")]);
    node.asks(SupRequest::StartSpec(worker("b")));
    assert_eq!(node.take(), ["start b"]);
    node.start_ok();
    node.asks(SupRequest::WhichChildren);
    assert_eq!(
        node.take(),
        ["log progress b b1", "reply 0 b1", "reply 1 b:b1 a:a1"]
    );
    node.exits("b1", boom());
    assert_eq!(node.take(), ["log child_terminated b b1 boom", "start b"]);
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
        let mut node = Node::started(Strategy::OneForOne, vec![worker("a")]);
        node.asks(SupRequest::StartSpec(worker("b")));
        node.take();
        node.start_not(outcome);
        node.asks(SupRequest::CountChildren);
        assert_eq!(
            node.take(),
            [format!("reply 0 {reply}"), format!("reply 1 {count}")]
        );
    }
    let mut node = Node::started(Strategy::OneForOne, vec![]);
    node.asks(SupRequest::StartSpec(with_restart("t", Restart::Temporary)));
    node.start_not(StartOutcome::Ignore);
    node.asks(SupRequest::CountChildren);
    assert_eq!(node.take(), ["start t", "reply 0 none", "reply 1 0 0 0 0"]);
}

#[test]
fn requests_that_do_not_fit_are_refused_in_the_words_of_otp() {
    let mut node = Node::started(
        Strategy::OneForOne,
        vec![worker("a"), with_restart("t", Restart::Transient)],
    );
    node.exits("t1", Reason::Normal);
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
        let tag = node.asks(request);
        assert_eq!(node.take(), [format!("reply {tag} {wanted}")]);
    }
}

#[test]
fn a_terminated_child_stays_down_until_it_is_asked_for() {
    let mut node = Node::started(Strategy::OneForOne, vec![worker("a")]);
    node.asks(SupRequest::TerminateId(id("a")));
    node.exits("a1", Reason::Shutdown);
    node.asks(SupRequest::TerminateId(id("a")));
    node.asks(SupRequest::WhichChildren);
    node.take();
    node.asks(SupRequest::RestartChild(id("a")));
    node.start_not(StartOutcome::Err(boom()));
    node.asks(SupRequest::RestartChild(id("a")));
    node.start_not(StartOutcome::Ignore);
    node.asks(SupRequest::RestartChild(id("a")));
    node.start_ok();
    assert_eq!(
        node.take(),
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
    let mut node = Node::started(Strategy::OneForAll, vec![worker("a"), worker("b")]);
    node.asks(SupRequest::TerminateId(id("b")));
    node.exits("b1", Reason::Shutdown);
    node.take();
    node.exits("a1", boom());
    node.start_ok();
    node.start_ok();
    assert_eq!(
        node.take(),
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
    let mut node = Node::started(
        Strategy::OneForOne,
        vec![with_restart("t", Restart::Temporary)],
    );
    node.asks(SupRequest::TerminateId(id("t")));
    node.exits("t1", Reason::Shutdown);
    node.asks(SupRequest::RestartChild(id("t")));
    let lines = node.take();
    assert_eq!(
        lines[lines.len() - 2..],
        ["reply 0 ok", "reply 1 error not_found"]
    );
}

#[test]
fn a_deleted_child_is_unknown() {
    let mut node = Node::started(Strategy::OneForOne, abc());
    node.asks(SupRequest::TerminateId(id("b")));
    node.exits("b1", Reason::Shutdown);
    node.asks(SupRequest::DeleteChild(id("b")));
    node.asks(SupRequest::WhichChildren);
    let lines = node.take();
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
    let mut node = Node::started(
        Strategy::OneForOne,
        vec![worker("a"), supervisor, worker("b")],
    );
    node.asks(SupRequest::TerminateId(id("s")));
    node.exits("s1", Reason::Shutdown);
    node.take();
    node.asks(SupRequest::CountChildren);
    assert_eq!(node.take(), ["reply 1 3 2 1 2"]);
}

#[test]
fn strangers_and_their_tickets_and_timers_are_ignored() {
    for strategy in [Strategy::OneForOne, Strategy::SimpleOneForOne] {
        let mut node = Node::new(strategy, vec![worker("a")]);
        node.take();
        let stranger = Pid::new(7, 7, 7);
        node.give(Input::Exited {
            pid: stranger,
            reason: boom(),
        });
        node.give(Input::Exited {
            pid: Pid::from_raw(0),
            reason: boom(),
        });
        node.give(Input::Timer { id: 1 });
        node.give(Input::Started {
            ticket: super::Ticket(99),
            outcome: StartOutcome::Ok(stranger),
        });
        assert_eq!(node.take(), Vec::<String>::new());
    }
}
