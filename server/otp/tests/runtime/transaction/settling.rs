//! Processes that are born or change their kind of concern around the hold: new supervisors, and event managers that lose
//! a handler.

use pq_otp::{Ack, Caller, Signal, Spawn};

use super::*;

/// Starts a supervisor with one child, and does not wait for it.
fn spawn_tree(node: &Node) {
    let outside = Pid::from_raw(0);
    let nobody = Caller {
        pid: outside,
        tag: u64::MAX,
    };
    node.signal(Signal::Spawn(Spawn {
        start: tree(Strategy::OneForOne, vec![child("a", vec![])]),
        parent: outside,
        ack: Ack::Request(nobody),
    }));
}

/// The versions of all processes of the module `tree`.
fn versions_of_trees(rig: &Rig) -> Vec<String> {
    let processes = rig.sim.processes().into_iter();
    let trees = processes.filter(|process| process.module == "tree");
    trees.map(|process| process.vsn).collect()
}

/// The birth and the hold arrive in one turn, so the supervisor has not run, and it is the only one.
#[test]
fn a_supervisor_that_is_born_just_before_the_hold_gets_its_new_version() {
    let mut rig = Rig::new();
    let plan = plan(&rig.modules, UP, &["tree"]);
    let (node, modules) = (rig.sim.node().clone(), rig.modules.clone());
    let mut transaction = Transaction::begin(&mut rig.sim, plan);
    transaction.copy().unwrap();
    spawn_tree(&node);
    let held = transaction.hold().unwrap();
    let committed = held.commit(|| modules.load(UP.0));
    rig.sim.settle();
    assert_eq!(versions_of_trees(&rig), ["2.0.0"]);
    assert_eq!(committed.processes["tree"], 1);
}

/// The supervisor is born behind the hold, and its first message waits behind those of 2 000 other processes. Meanwhile the
/// transaction checks the processes that changed before the hold, four in each turn: their number varies.
#[test]
fn a_supervisor_that_is_born_while_others_settle_gets_its_new_version() {
    for changing in 8..16 {
        let mut rig = Rig::new();
        rig.sim
            .start(tree(Strategy::OneForOne, vec![child("a", vec![])]))
            .unwrap();
        let counters: Vec<Pid> = (0..20).map(|count| rig.counter(1_000 + count)).collect();
        let actors: Vec<Pid> = (0..2_000).map(|_| rig.actor("busy", vec![])).collect();
        let mut plan = plan(&rig.modules, UP, &["counter", "tree"]);
        plan.slice = 1;
        let (node, modules) = (rig.sim.node().clone(), rig.modules.clone());
        let (is_holding, mut is_born) = (Cell::new(false), false);
        let mut meddle = |sim: &mut Sim, _| {
            if !is_holding.get() {
                counters[..changing]
                    .iter()
                    .for_each(|counter| step_of(sim, *counter));
            } else if !std::mem::replace(&mut is_born, true) {
                for actor in &actors {
                    let script = payload(&vec![crate::rig::say("busy")]);
                    node.signal(Signal::Deliver(*actor, Envelope::Cast(script)));
                }
                spawn_tree(&node);
            }
        };
        let mut driver = Meddler {
            sim: &mut rig.sim,
            step: 0,
            meddle: &mut meddle,
        };
        let mut transaction = Transaction::begin(&mut driver, plan);
        transaction.copy().unwrap();
        is_holding.set(true);
        let held = transaction.hold().unwrap();
        held.commit(|| modules.load(UP.0));
        rig.sim.settle();
        let versions = versions_of_trees(&rig);
        assert_eq!(versions, ["2.0.0"; 2], "{changing} counters changed");
    }
}

#[test]
fn a_handler_that_is_removed_behind_its_copy_does_not_come_back_in_the_place_of_another() {
    let mut rig = Rig::new();
    let bell = rig.begin("bell", "bell", &()).unwrap();
    for name in ["eye", "ear"] {
        let add = ManagerRequest::AddHandler(Atom::from_static(name), encode(&("x",)));
        rig.sim.call(bell, &spec::encode(&add), 1_000).unwrap();
    }
    rig.lines();
    let plan = plan(&rig.modules, UP, &["ear"]);
    let (node, modules) = (rig.sim.node().clone(), rig.modules.clone());
    let mut transaction = Transaction::begin(&mut rig.sim, plan);
    transaction.copy().unwrap();
    let remove = ManagerRequest::DeleteHandler(Atom::from_static("ear"));
    node.request(bell, &spec::encode(&remove), |_| ());
    let held = transaction.hold().unwrap();
    let committed = held.commit(|| modules.load(UP.0));
    rig.deliver(bell, Envelope::Event(payload("dong")));
    rig.sim.settle();
    let expected = ["bell ear: terminate normal", "bell eye: dong"];
    assert_eq!(rig.lines(), expected);
    assert!(committed.processes.is_empty(), "{:?}", committed.processes);
}
