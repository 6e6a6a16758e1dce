//! Copies and arrivals while a transaction is under way.

use std::collections::BTreeSet;

use pq_otp::moved::{Moving as _, NotMoved, PutIn, SameVersions, Subtree};
use pq_otp::sys::SysMessage;
use pq_otp::{Direction as Way, Term};

use super::*;
use crate::rig::worker;

/// A supervisor with counters, and its copy.
fn family(rig: &mut Rig, counters: i64) -> (Pid, Subtree) {
    let children = ["a", "b", "c", "d", "e"]
        .into_iter()
        .zip(100..100 + counters);
    let children = children.map(|(id, count)| worker(id, start("counter", &(count,))));
    let root = rig
        .sim
        .start(tree(Strategy::OneForOne, children.collect()))
        .unwrap();
    let copy = rig.sim.copy_out(root, 1_000).unwrap();
    (root, copy)
}

fn counters(subtree: &Subtree) -> BTreeSet<String> {
    let versions = subtree
        .versions()
        .filter(|(module, _)| *module == "counter");
    versions.map(|(_, vsn)| vsn.to_string()).collect()
}

/// Whatever the moment of a transaction, a copy shows either the old states or the new ones.
#[test]
fn a_copy_shows_no_half_swapped_subtree() {
    let mut rig = Rig::new();
    let roots: Vec<Pid> = (0..12).map(|_| family(&mut rig, 5).0).collect();
    let mut plan = plan(&rig.modules, UP, &["counter"]);
    plan.slice = 1;
    let copies = Arc::new(Mutex::new(Vec::new()));
    let list = copies.clone();
    rig.change(plan, UP.0, |sim, _| {
        for root in [roots[0], roots[11]] {
            let list = list.clone();
            sim.node()
                .copy_out(root, move |copy| list.lock().unwrap().push(copy));
        }
    })
    .unwrap();
    let mut seen = BTreeSet::new();
    for copy in copies.lock().unwrap().drain(..) {
        let versions = counters(&copy.unwrap());
        assert_eq!(versions.len(), 1, "{versions:?}");
        seen.extend(versions);
    }
    assert_eq!(seen.len(), 2, "copies before and after the decision");
}

/// The outcomes of arrivals.
type Outcomes = Arc<Mutex<Vec<Result<Pid, NotMoved>>>>;

fn arrive(node: &Node, subtree: &Subtree) -> Outcomes {
    let outcomes = Outcomes::default();
    let list = outcomes.clone();
    let put = PutIn {
        subtree: subtree.clone(),
        under: None,
        opens: Arc::new(SameVersions),
    };
    node.put_in(put, move |root| list.lock().unwrap().push(root));
    outcomes
}

/// Subtrees arrive at all moments. One that arrives before the hold is converted; one that arrives while processes are
/// held waits for the decision, and is refused then, because its version is no longer in force.
#[test]
fn subtrees_that_arrive_during_a_transaction_have_its_version_at_the_end_or_do_not_arrive() {
    let mut rig = Rig::new();
    let (_, copy) = family(&mut rig, 5);
    let plan = plan(&rig.modules, UP, &["counter"]);
    let (modules, node) = (rig.modules.clone(), rig.sim.node().clone());
    let mut transaction = Transaction::begin(&mut rig.sim, plan);
    let copying = arrive(&node, &copy);
    transaction.copy().unwrap();
    let mut held = transaction.hold().unwrap();
    let waiting = arrive(&node, &copy);
    let processes = held.driver().processes(1_000).unwrap().len();
    assert_eq!((processes, waiting.lock().unwrap().len()), (12, 0));
    held.commit(|| modules.load(UP.0));
    rig.sim.settle();
    let late = arrive(&node, &copy);
    rig.sim.settle();
    assert!(matches!(copying.lock().unwrap()[..], [Ok(_)]));
    for refused in [waiting, late] {
        let refused = refused
            .lock()
            .unwrap()
            .pop()
            .unwrap()
            .unwrap_err()
            .to_string();
        assert!(refused.ends_with("is in version 2.0.0 here, and not in 1.0.0"));
    }
    let mut all = rig.sim.processes();
    all.retain(|info| info.module == "counter");
    assert_eq!(all.len(), 10);
    assert!(all.iter().all(|info| info.vsn == "2.0.0"), "{all:?}");
}

#[test]
fn nothing_leaves_while_a_transaction_decides() {
    let mut rig = Rig::new();
    let (root, _) = family(&mut rig, 5);
    let mut plan = plan(&rig.modules, UP, &["counter"]);
    plan.slice = 1;
    let modules = rig.modules.clone();
    let outcomes = Arc::new(Mutex::new(Vec::new()));
    let list = outcomes.clone();
    rig.change(plan, UP.0, |sim, _| {
        if modules.current("counter").unwrap().vsn() == "2.0.0" {
            let list = list.clone();
            sim.node()
                .take_out(root, move |taken| list.lock().unwrap().push(taken));
        }
    })
    .unwrap();
    let outcomes = outcomes.lock().unwrap();
    let first = outcomes.first().unwrap();
    assert!(matches!(first, Err(NotMoved::NotYet(_))), "{first:?}");
}

impl Rig {
    /// Converts a counter up and down, which leaves a residue beside its state.
    pub(crate) fn leave_residue(&mut self, counter: Pid) {
        let changes = [(Way::Up, "1.0.0", true), (Way::Down, "1.0.0", false)];
        for (direction, vsn, is_up) in changes {
            match is_up {
                true => self.modules.upgrade(),
                false => self.modules.downgrade(),
            }
            self.convert(counter, direction, vsn);
        }
    }

    /// Converts a counter up again, and returns its state: the residue is the step.
    pub(crate) fn take_residue(&mut self, counter: Pid) -> String {
        self.modules.upgrade();
        self.convert(counter, Way::Up, "1.0.0");
        let state = self.sim.sys(counter, SysMessage::GetState, 1_000).unwrap();
        state.to_string()
    }

    fn convert(&mut self, pid: Pid, direction: Way, vsn: &str) {
        let change = SysMessage::ChangeCode {
            module: "counter".to_string(),
            direction,
            vsn: vsn.to_string(),
            extra: Vec::new(),
        };
        for message in [SysMessage::Suspend, change, SysMessage::Resume] {
            let answer = self.sim.sys(pid, message, 1_000).unwrap();
            assert_eq!(answer, Term::atom("ok"));
        }
    }
}
