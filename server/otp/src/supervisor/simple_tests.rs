//! `simple_one_for_one`: one test for each rule.

use pq_abi::Reason;
use pq_abi::spec::{ChildSpec, ChildType, Restart, Shutdown, Start, Strategy, SupRequest};
use pq_term::{Atom, Pid, Term};

use super::harness::{Harness, boom, spec_bytes, with_restart, with_shutdown, worker};
use super::{Input, StartOutcome};

const SIMPLE: Strategy = Strategy::SimpleOneForOne;

fn harness(restart: Restart) -> Harness {
    let mut harness = Harness::new(SIMPLE, vec![with_restart("h", restart)]);
    assert_eq!(harness.take(), ["ready"]);
    harness
}

fn start(number: u8) -> SupRequest {
    SupRequest::StartChild(vec![0x91, number])
}

/// A harness with this many running children.
fn with_children(spec: ChildSpec, count: usize) -> Harness {
    let mut harness = Harness::new(SIMPLE, vec![spec]);
    for _ in 0..count {
        harness.asks(start(1));
        harness.start_ok();
    }
    harness.take();
    harness
}

#[test]
fn a_start_never_waits_for_another_and_its_answer_comes_with_its_own_outcome() {
    let mut harness = harness(Restart::Temporary);
    for number in 0..4 {
        harness.asks(start(number));
    }
    assert_eq!(harness.take(), ["start h"; 4]);
    harness.start_nth_ok(2);
    harness.start_nth_not(2, StartOutcome::Err(boom()));
    harness.start_nth_not(0, StartOutcome::Ignore);
    harness.start_nth_ok(0);
    assert_eq!(
        harness.take(),
        [
            "reply 2 h1",
            "reply 3 error boom",
            "reply 0 none",
            "reply 1 h2"
        ]
    );
    harness.asks(SupRequest::CountChildren);
    assert_eq!(harness.take(), ["reply 4 1 2 0 2"]);
}

#[test]
fn the_arguments_are_those_of_the_spec_and_then_those_of_the_request() {
    let mut spec = worker("h");
    spec.start.args = vec![0x92, 1, 2];
    let mut harness = Harness::new(SIMPLE, vec![spec]);
    harness.asks(SupRequest::StartChild(vec![0x91, 3]));
    assert_eq!(harness.pending[0].start.args, [0x93, 1, 2, 3]);
    harness.take();
    harness.asks(SupRequest::StartChild(vec![7]));
    assert_eq!(harness.take(), ["reply 1 error {badarg,<<7>>}"]);
}

#[test]
fn requests_for_ids_are_refused() {
    let mut harness = harness(Restart::Temporary);
    let id = Term::atom("h");
    for request in [
        SupRequest::StartSpec(worker("h")),
        SupRequest::TerminateId(id.clone()),
        SupRequest::RestartChild(id.clone()),
        SupRequest::DeleteChild(id),
    ] {
        let tag = harness.asks(request);
        assert_eq!(
            harness.take(),
            [format!("reply {tag} error simple_one_for_one")]
        );
    }
}

#[test]
fn a_temporary_child_is_forgotten_when_it_ends() {
    let mut harness = with_children(with_restart("h", Restart::Temporary), 2);
    harness.exits("h1", Reason::Normal);
    harness.exits("h2", boom());
    harness.asks(SupRequest::CountChildren);
    assert_eq!(
        harness.take(),
        ["log child_terminated h h2 boom", "reply 2 1 0 0 0"]
    );
}

#[test]
fn a_child_comes_back_with_all_its_arguments() {
    for (restart, reason, is_restarted) in [
        (Restart::Permanent, Reason::Normal, true),
        (Restart::Transient, Reason::Normal, false),
        (Restart::Transient, boom(), true),
    ] {
        let mut harness = with_children(with_restart("h", restart), 1);
        harness.exits("h1", reason);
        let args = harness
            .pending
            .first()
            .map(|pending| pending.start.args.clone());
        assert_eq!(args, is_restarted.then(|| vec![0x91, 1]), "{restart:?}");
    }
}

#[test]
fn a_restart_that_fails_is_tried_again_until_there_were_too_many() {
    let mut harness = with_children(worker("h"), 2);
    harness.exits("h1", boom());
    harness.asks(SupRequest::CountChildren);
    harness.asks(SupRequest::WhichChildren);
    harness.start_not(StartOutcome::Err(boom()));
    assert_eq!(
        harness.take(),
        [
            "log child_terminated h h1 boom",
            "start h",
            "reply 2 1 1 0 2",
            "reply 3 undefined:h2 undefined:none",
            "log start_error h boom",
            "start h"
        ]
    );
    harness.start_not(StartOutcome::Err(boom()));
    harness.exits("h2", Reason::Shutdown);
    assert_eq!(
        harness.take(),
        [
            "log start_error h boom",
            "log reached_max_restart_intensity h",
            "exit h2 shutdown",
            "set timer 5000",
            "cancel timer",
            "end shutdown"
        ]
    );
}

#[test]
fn a_child_that_says_ignore_at_its_restart_is_dropped() {
    let mut harness = with_children(worker("h"), 1);
    harness.exits("h1", boom());
    harness.start_not(StartOutcome::Ignore);
    harness.take();
    harness.asks(SupRequest::CountChildren);
    assert_eq!(harness.take(), ["reply 1 1 0 0 0"]);
}

#[test]
fn a_child_is_terminated_by_its_pid_while_others_start() {
    let mut harness = with_children(worker("h"), 2);
    let h1 = harness.pid("h1");
    harness.asks(SupRequest::TerminatePid(h1));
    harness.asks(SupRequest::TerminateId(Term::from(h1)));
    harness.asks(start(1));
    harness.start_ok();
    assert_eq!(
        harness.take(),
        [
            "exit h1 shutdown",
            "set timer 5000",
            "start h",
            "reply 4 h3"
        ]
    );
    harness.exits("h1", Reason::Shutdown);
    assert_eq!(harness.take(), ["cancel timer", "reply 2 ok", "reply 3 ok"]);
    let tag = harness.asks(SupRequest::TerminatePid(h1));
    assert_eq!(harness.take(), [format!("reply {tag} error not_found")]);
}

#[test]
fn a_child_that_does_not_obey_its_termination_is_killed() {
    let mut harness = with_children(with_shutdown("h", Shutdown::Timeout(70)), 2);
    let (h1, h2) = (harness.pid("h1"), harness.pid("h2"));
    harness.asks(SupRequest::TerminatePid(h1));
    harness.wait(30);
    harness.asks(SupRequest::TerminatePid(h2));
    harness.take();
    harness.wait(40);
    assert_eq!(harness.take(), ["exit h1 kill"]);
    harness.exits("h1", Reason::Killed);
    assert_eq!(
        harness.take(),
        ["log shutdown_error h h1 killed", "reply 2 ok"]
    );
}

#[test]
fn a_child_terminated_while_it_is_restarted_ends_as_soon_as_it_runs() {
    let mut harness = with_children(worker("h"), 2);
    let (h1, h2) = (harness.pid("h1"), harness.pid("h2"));
    harness.exits("h1", boom());
    harness.exits("h2", boom());
    harness.asks(SupRequest::TerminatePid(h1));
    harness.asks(SupRequest::TerminatePid(h2));
    harness.take();
    harness.start_ok();
    harness.start_not(StartOutcome::Err(boom()));
    harness.exits("h3", Reason::Shutdown);
    assert_eq!(
        harness.take(),
        [
            "exit h3 shutdown",
            "set timer 5000",
            "reply 3 ok",
            "cancel timer",
            "reply 2 ok"
        ]
    );
    harness.asks(SupRequest::CountChildren);
    assert_eq!(harness.take(), ["reply 4 1 0 0 0"]);
}

#[test]
fn at_the_end_all_children_are_told_at_once_and_share_one_timer() {
    let mut harness = with_children(with_shutdown("h", Shutdown::Timeout(70)), 3);
    harness.give(Input::Stop(Reason::Shutdown));
    let mut told = harness.take();
    told.sort();
    assert_eq!(
        told,
        [
            "exit h1 shutdown",
            "exit h2 shutdown",
            "exit h3 shutdown",
            "set timer 70"
        ]
    );
    harness.exits("h2", Reason::Shutdown);
    harness.wait(70);
    let mut killed = harness.take();
    killed.sort();
    assert_eq!(killed, ["exit h1 kill", "exit h3 kill"]);
    harness.exits("h1", Reason::Killed);
    harness.exits("h3", Reason::Killed);
    assert_eq!(
        harness.take(),
        ["log shutdown_error h 2 killed", "end shutdown"]
    );
}

#[test]
fn a_child_whose_start_was_in_flight_at_the_end_is_ended_too() {
    for (shutdown, told) in [
        (Shutdown::Timeout(70), "exit h1 shutdown"),
        (Shutdown::BrutalKill, "exit h1 kill"),
    ] {
        let mut harness = Harness::new(SIMPLE, vec![with_shutdown("h", shutdown)]);
        harness.asks(start(1));
        harness.asks(start(2));
        harness.give(Input::Stop(boom()));
        harness.asks(start(3));
        harness.take();
        harness.start_ok();
        assert_eq!(harness.take(), [told, "reply 0 h1"]);
        harness.wait(70);
        harness.take();
        harness.start_ok();
        assert_eq!(harness.take(), ["exit h2 kill", "reply 1 h2"]);
        harness.exits("h1", Reason::Killed);
        harness.exits("h2", Reason::Killed);
        assert_eq!(harness.end, Some(boom()));
    }
}

#[test]
fn many_different_surprises_at_the_end_are_counted_together() {
    let mut harness = with_children(with_restart("h", Restart::Temporary), 30);
    harness.give(Input::Stop(Reason::Shutdown));
    harness.take();
    for child in 1..=30 {
        harness.exits(&format!("h{child}"), Reason::Other(Term::from(child)));
    }
    let lines = harness.take();
    assert_eq!(lines.len(), 18);
    assert_eq!(
        lines[1..3],
        ["log shutdown_error h 1 1", "log shutdown_error h 1 2"]
    );
    assert_eq!(
        lines[16..],
        ["log shutdown_error h 15 several_reasons", "end shutdown"]
    );
}

#[test]
fn an_update_is_seen_by_old_children_which_keep_their_arguments() {
    let mut harness = with_children(worker("h"), 1);
    let module = Atom::from_static("k");
    let spec = ChildSpec {
        start: Start {
            module,
            args: vec![0x91, 9],
        },
        kind: ChildType::Supervisor,
        shutdown: Shutdown::BrutalKill,
        ..worker("h")
    };
    harness
        .supervisor
        .replace_spec(&spec_bytes(SIMPLE, vec![spec]))
        .unwrap();
    harness.asks(SupRequest::CountChildren);
    harness.exits("h1", boom());
    assert_eq!(
        harness.take(),
        [
            "reply 1 1 1 1 0",
            "log child_terminated h h1 boom",
            "start k"
        ]
    );
    assert_eq!(harness.pending[0].start.args, [0x91, 1]);
    harness.start_ok();
    harness.give(Input::Stop(Reason::Shutdown));
    assert_eq!(harness.take(), ["log restarted h k1", "exit k1 kill"]);
}

#[test]
fn an_update_must_have_exactly_one_spec_of_the_same_strategy() {
    let mut harness = harness(Restart::Permanent);
    for (strategy, children, wanted) in [
        (SIMPLE, vec![], "{bad_start_spec,[]}"),
        (
            SIMPLE,
            vec![worker("a"), worker("b")],
            "{bad_start_spec,[a,b]}",
        ),
        (
            Strategy::OneForOne,
            vec![worker("a")],
            "{invalid_strategy,one_for_one}",
        ),
    ] {
        let refused = harness
            .supervisor
            .replace_spec(&spec_bytes(strategy, children));
        assert_eq!(refused.unwrap_err().to_string(), wanted);
    }
}

#[test]
fn a_burst_of_starts_gives_its_memory_back() {
    let mut harness = harness(Restart::Temporary);
    let from = super::Caller {
        pid: Pid::new(0, 0, 0),
        tag: 0,
    };
    let mut actions = Vec::new();
    for _ in 0..20_000 {
        harness.supervisor.handle(
            Input::Request {
                from,
                request: start(1),
            },
            0,
            &mut actions,
        );
    }
    for number in 1..=20_000 {
        let outcome = StartOutcome::Ok(Pid::new(1, number, 0));
        harness.supervisor.handle(
            Input::Started {
                ticket: super::Ticket(number),
                outcome,
            },
            0,
            &mut actions,
        );
    }
    let super::Kind::Simple(simple) = &harness.supervisor.0 else {
        panic!("it is a simple one")
    };
    assert!(
        simple.starts_capacity() <= 8_192,
        "{}",
        simple.starts_capacity()
    );
}
