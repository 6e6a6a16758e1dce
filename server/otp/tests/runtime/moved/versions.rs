//! Versions: residues stay beside their states, and a hook opens states of other versions.

use std::sync::Arc;

use pq_otp::Node;
use pq_otp::moved::{Closed, Moving, Opened, Opens, Part, PutIn, Subtree};
use pq_sdk::Strategy;

use super::stage::{PATIENCE_MS, put};
use crate::fixture::{self, Count};
use crate::fixture_next;
use crate::rig::{Rig, child, encode, start, sup_spec, worker};

/// Opens counters of the first version with the next one, and leaves all others to the current version.
struct Newer;

impl Opens for Newer {
    fn open(&self, node: &Node, part: Closed<'_>) -> Result<Opened, String> {
        let module = node.module(part.module).ok_or("no such module")?;
        let bytes = match (part.part, part.module) {
            (Part::State, "counter") => {
                let old: fixture::Counter =
                    rmp_serde::from_slice(&part.bytes).map_err(|it| it.to_string())?;
                let count = old.count;
                let step = part
                    .residues
                    .first()
                    .map_or(100, |residue| residue.bytes.len() as i64);
                encode(&fixture_next::Counter { count, step })
            }
            _ => part.bytes,
        };
        Ok(Opened {
            module,
            bytes,
            residues: Vec::new(),
        })
    }
}

/// The copy of a supervisor with a counter at 7.
fn copied() -> (Rig, Subtree) {
    let mut rig = Rig::new();
    let counter = worker("counter", start("counter", &(7_i64,)));
    let spec = sup_spec(Strategy::OneForOne, vec![counter, child("actor", vec![])]);
    let root = rig.sim.start(start("tree", &(spec,))).unwrap();
    let subtree = rig.sim.copy_out(root, PATIENCE_MS).unwrap();
    (rig, subtree)
}

#[test]
fn a_hook_opens_an_older_state_and_a_newer_supervisor_gives_new_specifications() {
    let (_, subtree) = copied();
    assert!(subtree.versions().all(|(_, vsn)| vsn == "1.0.0"));
    let mut rig = Rig::new();
    rig.modules.load(&fixture_next::LIBRARY);
    let (under, opens) = (None, Arc::new(Newer));
    let root = PutIn {
        subtree,
        under,
        opens,
    };
    let root = rig.sim.put_in(root, PATIENCE_MS).unwrap();
    let counter = |rig: &Rig| {
        let mut all = rig.sim.processes().into_iter();
        all.find(|info| info.module == "counter").unwrap().pid
    };
    assert!(
        rig.sim
            .processes()
            .iter()
            .all(|info| info.module == "actor" || info.vsn == "2.0.0")
    );
    rig.deliver(
        counter(&rig),
        pq_otp::Envelope::Cast(crate::rig::payload(&Count::Step)),
    );
    let first = counter(&rig);
    assert_eq!(rig.ask(first, &Count::Tell), "\"107 by 2.0.0\"");
    // Two restarts were permitted; the next version permits five more.
    for _ in 0..7 {
        let counter = counter(&rig);
        rig.exit(counter, "boom");
    }
    assert!(rig.is_alive(root));
    let counter = counter(&rig);
    rig.exit(counter, "boom");
    assert!(!rig.is_alive(root));
}

#[test]
fn residues_stay_beside_the_state_of_a_moved_process() {
    let mut rig = Rig::new();
    let counter = rig.begin("counter", "counter", &(5_i64,)).unwrap();
    rig.leave_residue(counter);
    let subtree = rig.sim.copy_out(counter, PATIENCE_MS).unwrap();
    let bytes = subtree.to_bytes();
    let mut other = Rig::new();
    let subtree = Subtree::from_bytes(&bytes).unwrap();
    let moved = other.sim.put_in(put(subtree, None), PATIENCE_MS).unwrap();
    let again = other.sim.copy_out(moved, PATIENCE_MS).unwrap();
    assert_eq!(other.take_residue(moved), rig.take_residue(counter));
    assert!(again.to_bytes().len() == bytes.len());
}
