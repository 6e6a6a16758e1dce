//! Copies of all subtrees below a supervisor, slice by slice.

use std::collections::BTreeSet;

use pq_otp::moved::{Batch, Moving, Subtree, Sweep};
use pq_otp::{Envelope, Pid};

use super::company::Word;
use super::stage::{Ids, PATIENCE_MS, grow, node, put, with_desk};
use crate::rig::{Rig, payload, start};

/// A grove with this many trees, between other processes.
fn grove(trees: u32) -> (Rig, Ids, BTreeSet<Pid>) {
    let (mut rig, ids) = node();
    let grove = rig.sim.start(start("grove", &(false,))).unwrap();
    let roots = (0..trees).map(|id| {
        rig.actor("other", vec![]);
        grow(&mut rig.sim, grove, &with_desk(id))
    });
    let roots = roots.collect();
    (rig, ids, roots)
}

/// All slices of a sweep for a store.
fn sweep(rig: &mut Rig, copies_max: u32, unchanged_too: bool) -> Vec<Batch> {
    sweep_with(rig, (copies_max, unchanged_too), true)
}

fn sweep_with(
    rig: &mut Rig,
    (copies_max, unchanged_too): (u32, bool),
    leaves_marks: bool,
) -> Vec<Batch> {
    let (mut from, mut batches) = (0, Vec::new());
    loop {
        let sweep = Sweep {
            supervisor: "grove".to_string(),
            from,
            copies_max,
            unchanged_too,
            leaves_marks,
        };
        let batch = rig.sim.sweep(0, sweep, PATIENCE_MS).unwrap();
        let next = batch.next;
        batches.push(batch);
        match next {
            Some(next) => from = next,
            None => return batches,
        }
    }
}

fn roots(batches: &[Batch]) -> Vec<Pid> {
    let copies = batches.iter().flat_map(|batch| &batch.copies);
    copies.map(|(root, _)| *root).collect()
}

fn unchanged(batches: &[Batch]) -> u32 {
    batches.iter().map(|batch| batch.unchanged).sum()
}

#[test]
fn each_subtree_is_copied_once_and_again_only_when_it_has_changed() {
    let (mut rig, ids, trees) = grove(20);
    let batches = sweep(&mut rig, 7, false);
    assert!(batches.iter().all(|batch| batch.copies.len() <= 7) && batches.len() >= 3);
    let found = roots(&batches);
    assert_eq!(
        (found.len(), found.into_iter().collect::<BTreeSet<_>>()),
        (20, trees.clone())
    );
    let batches = sweep(&mut rig, 7, false);
    assert_eq!((roots(&batches), unchanged(&batches)), (vec![], 20));
    for _ in 0..2 {
        rig.deliver(ids.find(3).unwrap(), Envelope::Cast(payload(&Word::Beat)));
        rig.sim.settle();
        let batches = sweep(&mut rig, 7, false);
        assert_eq!((roots(&batches).len(), unchanged(&batches)), (1, 19));
    }
    assert_eq!(roots(&sweep(&mut rig, 100, true)).len(), 20);
}

#[test]
fn copies_without_marks_hide_no_change_from_a_store() {
    let (mut rig, ids, _) = grove(5);
    sweep(&mut rig, 9, false);
    rig.deliver(ids.find(3).unwrap(), Envelope::Cast(payload(&Word::Beat)));
    rig.sim.settle();
    assert_eq!(roots(&sweep_with(&mut rig, (9, true), false)).len(), 5);
    let batches = sweep(&mut rig, 9, false);
    assert_eq!((roots(&batches).len(), unchanged(&batches)), (1, 4));
}

#[test]
fn the_copies_of_a_sweep_can_be_put_in() {
    let (mut rig, ids, _) = grove(3);
    let desk = ids.find(2).unwrap();
    for _ in 0..4 {
        rig.ask(desk, &Word::Beat);
    }
    let (mut second, its_ids) = node();
    for batch in sweep(&mut rig, 1, false) {
        for (_, copy) in batch.copies {
            let subtree = Subtree::from_bytes(&copy.to_bytes()).unwrap();
            second.sim.put_in(put(subtree, None), PATIENCE_MS).unwrap();
        }
    }
    assert_eq!(second.sim.processes().len(), 6);
    assert_eq!(second.ask(its_ids.find(2).unwrap(), &Word::Beat), "5");
}

#[test]
fn a_subtree_in_which_a_child_has_just_ended_is_not_yet_copied_and_is_with_the_next_sweep() {
    let (mut rig, ids, trees) = grove(3);
    sweep(&mut rig, 9, false);
    rig.sim.node().kill(ids.find(1).unwrap());
    let batches = sweep(&mut rig, 9, false);
    let failed: Vec<_> = batches.iter().flat_map(|batch| &batch.failed).collect();
    assert_eq!((failed.len(), unchanged(&batches)), (1, 2));
    assert!(trees.contains(&failed[0].0) && failed[0].1.to_string().starts_with("not yet: "));
    assert_eq!(roots(&sweep(&mut rig, 9, false)), [failed[0].0]);
}

#[test]
fn without_the_supervisor_there_is_nothing_to_copy() {
    let (mut rig, _) = node();
    assert_eq!(sweep(&mut rig, 9, false), [Batch::default()]);
}
