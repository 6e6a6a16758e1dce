//! Live updates of the specs of children in order: one test for each rule.

use pq_abi::Reason;
use pq_abi::spec::{self, ChildSpec, ChildType, Shutdown, Strategy, SupFlags, SupRequest, SupSpec};

use super::Supervisor;
use super::harness::{Harness, boom, id, spec_bytes, with_shutdown, worker};

fn replaced(
    harness: &mut Harness,
    strategy: Strategy,
    children: Vec<ChildSpec>,
) -> Result<(), String> {
    let bytes = spec_bytes(strategy, children);
    let checked = harness.supervisor.check_spec(&bytes);
    let done = harness.supervisor.replace_spec(&bytes);
    assert_eq!(checked, done);
    done.map_err(|reason| reason.to_string())
}

#[test]
fn an_update_takes_new_specs_keeps_processes_and_orders_the_new_before_the_kept() {
    let mut harness = Harness::started(
        Strategy::OneForOne,
        vec![worker("a"), worker("old"), worker("b"), worker("older")],
    );
    let b = ChildSpec {
        kind: ChildType::Supervisor,
        ..with_shutdown("b", Shutdown::BrutalKill)
    };
    replaced(
        &mut harness,
        Strategy::OneForOne,
        vec![b, worker("new"), worker("a")],
    )
    .unwrap();
    harness.asks(SupRequest::WhichChildren);
    harness.asks(SupRequest::CountChildren);
    assert_eq!(
        harness.take(),
        [
            "reply 0 older:older1 old:old1 a:a1 new:none b:b1",
            "reply 1 5 4 1 4"
        ]
    );
    // The new spec applies from the next end or start.
    harness.asks(SupRequest::TerminateId(id("b")));
    assert_eq!(harness.take(), ["exit b1 kill"]);
    harness.exits("b1", Reason::Killed);
    harness.asks(SupRequest::RestartChild(id("new")));
    harness.start_ok();
    assert_eq!(
        harness.take(),
        [
            "reply 2 ok",
            "start new",
            "log progress new new1",
            "reply 3 new1"
        ]
    );
}

#[test]
fn an_added_child_starts_with_the_first_crash_under_one_for_all() {
    let mut harness = Harness::started(Strategy::OneForAll, vec![worker("a")]);
    replaced(
        &mut harness,
        Strategy::OneForAll,
        vec![worker("a"), worker("new")],
    )
    .unwrap();
    harness.exits("a1", boom());
    harness.start_ok();
    harness.start_ok();
    assert_eq!(harness.take()[3..], ["start new", "log restarted new new1"]);
}

#[test]
fn an_update_changes_the_flags_and_remembers_the_restarts() {
    let mut harness = Harness::started(Strategy::OneForOne, vec![worker("a"), worker("b")]);
    harness.exits("a1", boom());
    harness.start_ok();
    harness.take();
    let flags = SupFlags {
        strategy: Strategy::OneForAll,
        intensity: 1,
        period_s: 5,
    };
    let new = SupSpec {
        flags,
        children: vec![worker("a"), worker("b")],
    };
    harness
        .supervisor
        .replace_spec(&spec::encode(&new))
        .unwrap();
    harness.exits("b1", boom());
    assert_eq!(harness.take()[1], "log reached_max_restart_intensity b");
    let mut harness = Harness::started(Strategy::OneForOne, vec![worker("a"), worker("b")]);
    harness
        .supervisor
        .replace_spec(&spec::encode(&new))
        .unwrap();
    harness.exits("b1", boom());
    assert_eq!(harness.take()[1], "exit a1 shutdown");
}

#[test]
fn a_refused_update_changes_nothing() {
    let mut harness = Harness::started(Strategy::OneForOne, vec![worker("a")]);
    for (strategy, children, wanted) in [
        (
            Strategy::OneForAll,
            vec![worker("b"), worker("b")],
            "{duplicate_child_name,b}",
        ),
        (
            Strategy::SimpleOneForOne,
            vec![worker("b")],
            "{invalid_strategy,simple_one_for_one}",
        ),
        (Strategy::SimpleOneForOne, vec![], "{bad_start_spec,[]}"),
    ] {
        assert_eq!(
            replaced(&mut harness, strategy, children),
            Err(wanted.into())
        );
    }
    harness.asks(SupRequest::WhichChildren);
    assert_eq!(harness.take(), ["reply 0 a:a1"]);
    harness.exits("a1", boom());
    assert!(!harness.supervisor.is_settled());
    assert_eq!(
        replaced(&mut harness, Strategy::OneForOne, vec![worker("a")]),
        Err("busy".into())
    );
}

#[test]
fn specs_beyond_the_limit_are_refused_at_every_door() {
    let long = |name: &'static str, mega: usize| {
        let mut spec = worker(name);
        spec.start.args = vec![0; mega << 20];
        spec
    };
    let mut harness = Harness::started(Strategy::OneForOne, vec![long("a", 9)]);
    let refused = replaced(&mut harness, Strategy::OneForOne, vec![long("b", 9)]);
    assert_eq!(refused, Err("system_limit".into()));
    harness.asks(SupRequest::StartSpec(long("b", 9)));
    harness.asks(SupRequest::WhichChildren);
    assert_eq!(
        harness.take(),
        ["reply 0 error system_limit", "reply 1 a:a1"]
    );
    let bytes = spec_bytes(Strategy::OneForOne, vec![long("a", 9), long("b", 9)]);
    let refused = Supervisor::new(&bytes, &mut vec![]).err().unwrap();
    assert_eq!(
        refused.to_string(),
        "{bad_return,\"more than 16777216 bytes of specs\"}"
    );
}
