//! Processes between the hold and the decision, when every shard has reported that it holds them.

use super::*;

/// A row of counters with one counter, and a transaction that changes `counter`.
struct Scene {
    rig: Rig,
    row: Pid,
    first: Pid,
}

impl Scene {
    fn new() -> Scene {
        let mut rig = Rig::new();
        let row = rig.sim.start(start("row", &())).unwrap();
        let born = Slot::default();
        give_birth(rig.sim.node(), row, 50, born.clone());
        rig.sim.settle();
        let first = born.lock().unwrap().expect("the counter is born");
        Scene { rig, row, first }
    }

    /// Holds the counters, runs `meanwhile`, lets the node run for five milliseconds, runs `check`, and commits.
    fn hold(&mut self, meanwhile: impl FnOnce(&Node), check: impl FnOnce(&Node)) -> Committed {
        let plan = plan(&self.rig.modules, UP, &["counter"]);
        let modules = self.rig.modules.clone();
        let transaction = Transaction::begin(&mut self.rig.sim, plan);
        let board = transaction.board().clone();
        let mut held = transaction.hold().unwrap();
        meanwhile(held.driver().node());
        for _ in 0..5 {
            held.driver().step(&board);
        }
        check(held.driver().node());
        let committed = held.commit(|| modules.load(UP.0));
        self.rig.sim.settle();
        committed
    }
}

#[test]
fn a_birth_waits_for_the_decision() {
    let mut scene = Scene::new();
    let (row, born) = (scene.row, Slot::default());
    let (slot, seen) = (born.clone(), born.clone());
    scene.hold(
        |node| give_birth(node, row, 7, slot),
        |_| assert_eq!(*seen.lock().unwrap(), None),
    );
    let born = born.lock().unwrap().expect("the counter is born");
    assert_eq!(scene.rig.tells(born), "\"7 by 2.0.0\"");
}

#[test]
fn a_child_ends_when_its_supervisor_orders_it() {
    let mut scene = Scene::new();
    let (row, first) = (scene.row, scene.first);
    let order = spec::encode(&SupRequest::TerminatePid(first));
    let committed = scene.hold(
        |node| node.request(row, &order, |reply| assert!(reply.is_ok())),
        |node| assert!(!node.is_alive(first)),
    );
    assert!(committed.processes.is_empty(), "{:?}", committed.processes);
}

#[test]
fn an_event_waits_and_reaches_the_new_version() {
    let mut scene = Scene::new();
    let (first, second) = (scene.first, scene.rig.counter(70));
    let step = payload(&Count::Step);
    let committed = scene.hold(
        |node| node.signal(pq_otp::Signal::Deliver(first, Envelope::Cast(step))),
        |_| (),
    );
    assert_eq!(scene.rig.lines(), [format!("{first} 60 by 2.0.0")]);
    let told = [first, second].map(|counter| scene.rig.tells(counter));
    assert_eq!(told, ["\"60 by 2.0.0\"", "\"70 by 2.0.0\""]);
    assert_eq!(
        (committed.processes["counter"], committed.unpaused),
        (2, 1),
        "one of two had something to do"
    );
}
