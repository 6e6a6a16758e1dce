//! A pid refers to one incarnation, and a name to one living process.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, OnceLock};

use pq_otp::{Node, Pid, Reason, Service, ServiceCall};

use crate::actor::Do;
use crate::rig::{Rig, start};

#[test]
fn no_pid_is_ever_given_to_a_second_process() {
    let mut rig = Rig::new();
    let mut seen = BTreeSet::new();
    for round in 0..300 {
        let pids: Vec<_> = (0..3).map(|_| rig.actor("a", vec![])).collect();
        for pid in &pids[..round % 4_usize.min(pids.len())] {
            rig.exit(*pid, "kill");
        }
        assert!(pids.iter().all(|pid| seen.insert(*pid)), "round {round}");
    }
}

#[test]
fn a_message_for_the_dead_does_not_reach_their_successor() {
    let mut rig = Rig::new();
    let old = rig.actor("old", vec![]);
    rig.exit(old, "kill");
    let new = rig.actor("new", vec![]);
    assert_eq!(
        (old.shard(), old.index()),
        (new.shard(), new.index()),
        "the slot is used again"
    );
    rig.tell(old, vec![Do::Note("for the dead".to_string())]);
    rig.exit(old, "kill");
    assert_eq!(rig.lines(), Vec::<String>::new());
    assert!(rig.is_alive(new) && !rig.is_alive(old));
}

#[test]
fn a_name_is_given_once_and_is_free_after_the_end() {
    let mut rig = Rig::new();
    let clerk = rig.begin("clerk", "clerk", &(Vec::<Do>::new(),)).unwrap();
    assert_eq!(rig.sim.node().whereis("clerk"), Some(clerk));
    let again = rig
        .begin("another", "clerk", &(Vec::<Do>::new(),))
        .unwrap_err();
    assert_eq!(
        rig.named(&again.to_string()),
        "the process ended: {already_started,clerk}"
    );
    rig.sim.exit(clerk, Reason::Kill);
    assert_eq!(rig.sim.node().whereis("clerk"), None);
    assert!(rig.begin("another", "clerk", &(Vec::<Do>::new(),)).is_ok());
}

#[test]
fn a_start_that_fails_leaves_no_process_and_no_name() {
    let mut rig = Rig::new();
    for script in [
        vec![Do::Stop(pq_otp::Term::atom("no"))],
        vec![Do::Panic("no".to_string())],
        vec![Do::Ignore],
    ] {
        assert!(rig.begin("clerk", "clerk", &(script,)).is_err());
        assert_eq!(rig.sim.node().whereis("clerk"), None);
        assert_eq!(rig.sim.processes(), []);
    }
    let no_process = rig.sim.start(start("well", &())).unwrap_err();
    let expected = "the process ended: {bad_module,\"well-1.0.0 is of kind functions\"}";
    assert_eq!(no_process.to_string(), expected);
    let unknown = rig.sim.start(start("nonsense", &())).unwrap_err();
    assert_eq!(
        unknown.to_string(),
        "the process ended: {undef,\"nonsense:init\"}"
    );
}

/// A registry that returns a name for every process.
struct Names;

impl Service for Names {
    fn call(&self, call: ServiceCall<'_>) -> Result<(), Reason> {
        *call.holds_name = true;
        call.answer.push(0xc0);
        Ok(())
    }
}

#[test]
fn the_registry_hears_of_an_end_after_the_death_and_before_anybody_else_and_only_of_holders() {
    let told = Arc::new(Mutex::new(Vec::<(Pid, bool)>::new()));
    let node = Arc::new(OnceLock::<Node>::new());
    let mut rig = Rig::with(|config| {
        let (told, node) = (told.clone(), node.clone());
        config.services.insert("names", Arc::new(Names));
        config.exited = Some(Box::new(move |pid| {
            let lives = node.get().is_some_and(|node: &Node| node.is_alive(pid));
            told.lock().unwrap().push((pid, lives));
        }));
    });
    assert!(node.set(rig.sim.node().clone()).is_ok());
    let holder = rig.actor("holder", vec![Do::HoldName]);
    let other = rig.actor("other", vec![]);
    rig.exit(other, "kill");
    rig.exit(holder, "kill");
    assert_eq!(*told.lock().unwrap(), [(holder, false)]);
    // A failed start frees all its resources.
    assert!(
        rig.begin(
            "third",
            "actor",
            &(vec![Do::HoldName, Do::Panic("no".to_string())],)
        )
        .is_err()
    );
    assert_eq!(told.lock().unwrap().len(), 2);
}
