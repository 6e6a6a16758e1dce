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

/// The moment of a transaction, as an arrival sees it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Moment {
    Copying,
    Held,
    Decided,
}

/// Subtrees arrive at all moments. Those that arrive before the hold are converted; all others wait for the decision, and are
/// refused, because their version is no longer in force.
#[test]
fn subtrees_that_arrive_during_a_transaction_have_its_version_at_the_end_or_do_not_arrive() {
    const EACH: usize = 3;
    let mut rig = Rig::new();
    let (_, copy) = family(&mut rig, 5);
    let mut plan = plan(&rig.modules, UP, &["counter"]);
    plan.slice = 2;
    let modules = rig.modules.clone();
    let outcomes = Arc::new(Mutex::new(Vec::new()));
    let mut sent: Vec<Moment> = Vec::new();
    let list = outcomes.clone();
    rig.change(plan, UP.0, |sim, _| {
        let is_decided = modules.current("counter").unwrap().vsn() == "2.0.0";
        let is_held = Sim::processes(sim).iter().any(|info| info.held);
        let moment = match (is_decided, is_held) {
            (true, _) => Moment::Decided,
            (false, true) => Moment::Held,
            (false, false) => Moment::Copying,
        };
        if sent.iter().filter(|it| **it == moment).count() < EACH {
            sent.push(moment);
            let put = PutIn {
                subtree: copy.clone(),
                under: None,
                opens: Arc::new(SameVersions),
            };
            let list = list.clone();
            sim.node()
                .put_in(put, move |root| list.lock().unwrap().push((moment, root)));
        }
    })
    .unwrap();
    sent.dedup();
    assert_eq!(sent, [Moment::Copying, Moment::Held, Moment::Decided]);
    let refusal = "counter is in version 2.0.0 here, and not in 1.0.0";
    let outcomes = std::mem::take(&mut *outcomes.lock().unwrap());
    for (moment, root) in &outcomes {
        match root {
            Ok(_) => assert_eq!(*moment, Moment::Copying),
            Err(why) => assert!(why.to_string().ends_with(refusal), "{moment:?}: {why}"),
        }
    }
    let arrived = outcomes.iter().filter(|(_, root)| root.is_ok()).count();
    assert!(arrived > 0, "{outcomes:?}");
    let mut all = rig.sim.processes();
    all.retain(|info| info.module == "counter");
    assert_eq!(all.len(), 5 * (1 + arrived));
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
