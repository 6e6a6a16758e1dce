//! Starts that say of which child they are restarts, and why.

use pq_abi::Reason;
use pq_abi::spec::{Restart, Strategy, SupRequest};

use super::harness::{Harness, abc, boom, id, with_restart};
use super::{Action, EndOf, Former, StartOutcome, Ticket};

/// The restarts among the starts so far: each child, with the failed child and the reason.
fn restarts(harness: &Harness) -> Vec<String> {
    let again = harness.seen.iter().filter_map(|action| match action {
        Action::Start { again, .. } => again.as_deref(),
        _ => None,
    });
    let line = |again: &super::Again| {
        let child = match &again.child {
            Former::Id(id) => id.to_string(),
            Former::Process(_) => "process".to_string(),
        };
        let why = again.why.as_ref().map(|why| {
            let failed = why
                .child
                .as_ref()
                .map_or(String::new(), |id| format!("{id} "));
            format!(": {failed}{}", why.reason)
        });
        child + &why.unwrap_or_default()
    };
    again.map(line).collect()
}

#[test]
fn only_a_restart_says_so_and_its_first_start_has_the_cause() {
    let expected = [
        (Strategy::OneForOne, vec!["b: b boom"]),
        (Strategy::RestForOne, vec!["b: b boom", "c"]),
        (Strategy::OneForAll, vec!["a: b boom", "b", "c"]),
    ];
    for (strategy, expected) in expected {
        let mut harness = Harness::started(strategy, abc());
        assert!(restarts(&harness).is_empty());
        harness.exits("b1", boom());
        while !harness.alive.is_empty() && harness.pending.is_empty() {
            let told = harness.alive.iter().find(|(_, (_, told))| told.is_some());
            let Some((pid, _)) = told.map(|(pid, told)| (*pid, told.clone())) else {
                break;
            };
            harness.dies(pid);
            let reason = Reason::Shutdown;
            harness.give(super::Input::Exited { pid, reason });
        }
        while !harness.pending.is_empty() {
            harness.start_ok();
        }
        assert_eq!(restarts(&harness), expected, "{strategy:?}");
    }
}

#[test]
fn a_restart_that_fails_is_the_cause_of_the_next() {
    let mut harness = Harness::started(Strategy::OneForOne, abc());
    harness.exits("a1", boom());
    harness.start_not(StartOutcome::Err(Reason::NoProc));
    assert_eq!(restarts(&harness), ["a: a boom", "a: a noproc"]);
    harness.start_ok();
    harness.asks(SupRequest::TerminateId(id("b")));
    harness.exits("b1", Reason::Shutdown);
    harness.asks(SupRequest::RestartChild(id("b")));
    assert_eq!(restarts(&harness).len(), 2, "restart_child is asked for");
}

#[test]
fn a_child_of_one_kind_is_restarted_as_the_process_that_it_was() {
    let child = with_restart("h", Restart::Transient);
    let mut harness = Harness::new(Strategy::SimpleOneForOne, vec![child]);
    harness.asks(SupRequest::StartChild(vec![0x90]));
    let pid = harness.start_ok();
    let end = |harness: &Harness, reason: &Reason| match harness.supervisor.end_of(pid, reason) {
        Some(EndOf::Order) => "order",
        Some(EndOf::Restart) => "restart",
        Some(EndOf::Failure(_)) => "failure",
        None => "stops",
    };
    assert_eq!(end(&harness, &boom()), "restart");
    assert_eq!(end(&harness, &Reason::Normal), "order");
    harness.exits("h1", boom());
    assert_eq!(restarts(&harness), ["process: boom"]);
    let Ticket(ticket) = harness.pending[0].ticket;
    let of = harness.seen.iter().find_map(|action| match action {
        Action::Start {
            ticket: Ticket(it),
            again: Some(again),
            ..
        } if *it == ticket => Some(again.child.clone()),
        _ => None,
    });
    assert_eq!(of, Some(Former::Process(pid)));
}
