//! Tables whose keys the node itself numbers: pids, tags of requests, tickets of starts.
//!
//! Such keys come one after the other, and most leave soon. Scattered by a hash meant for strangers' keys each would
//! lie on a cache line of its own; here neighbours lie next to each other, so that a crowd walks through a table.
//! Nobody outside can choose these numbers, so nobody can crowd a place, and the hash needs no seed: a run can be
//! repeated, order of exits and all.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use pq_term::Pid;

/// A table with such keys.
pub(crate) type Numbered<K, V> = HashMap<K, V, BuildHasherDefault<NumberHasher>>;

/// Of a hash, `hashbrown` takes the lowest bits for the place and the seven highest to tell those apart that want the
/// same one.
const TAG: u64 = 0x7f << 57;

/// Fibonacci hashing: its highest bits depend on all bits of what is multiplied.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// Shards number their processes independently: this many lie beside each other.
const SHARDS_ABREAST: u64 = 4;

/// The hash of one key: the sum of its numbers, so that it is also its place.
#[derive(Default)]
pub(crate) struct NumberHasher(u64);

impl Hasher for NumberHasher {
    /// Of a pid, or of another number as if it were one: one below 2^28 then is a generation, and stands for itself.
    fn write_u64(&mut self, number: u64) {
        let pid = Pid::from_raw(number);
        let beside = u64::from(pid.index()) * SHARDS_ABREAST + u64::from(pid.shard());
        self.0 = self.0.wrapping_add(number).wrapping_add(beside);
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(number.into());
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64((*byte).into());
        }
    }

    fn finish(&self) -> u64 {
        (self.0.wrapping_mul(GOLDEN) & TAG) | (self.0 & !TAG)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::hash::{BuildHasher, Hash};

    use super::*;
    use crate::message::Caller;

    /// Of a table for some ten thousand.
    const PLACES: u64 = 1 << 15;

    fn hash(key: impl Hash) -> u64 {
        BuildHasherDefault::<NumberHasher>::default().hash_one(key)
    }

    #[test]
    fn neighbours_lie_together() {
        let near = |one: u64, other: u64| other.wrapping_sub(one) % PLACES <= 2 * SHARDS_ABREAST;
        for number in 1..100_000 {
            assert!(near(hash(number), hash(number + 1)));
            let pid = |index| Pid::new(1, index, 1);
            assert!(near(hash(pid(number as u32)), hash(pid(number as u32 + 1))));
            let caller = |tag| Caller { pid: pid(7), tag };
            assert!(near(hash(caller(number)), hash(caller(number + 1))));
        }
    }

    #[test]
    fn no_place_is_crowded_by_those_who_are_numbered_one_after_the_other() {
        let heroes = (0..2 * 9_000_u32).map(|at| hash(Pid::new((at % 2) as u8, at / 2 * 3, 1)));
        let tags = (0..18_000_u64).map(hash);
        let tickets = (0..18_000_u32).map(hash);
        for hashes in [
            heroes.collect::<Vec<u64>>(),
            tags.collect(),
            tickets.collect(),
        ] {
            let mut groups = vec![0; (PLACES / 16) as usize];
            hashes
                .iter()
                .for_each(|hash| groups[(hash % PLACES / 16) as usize] += 1);
            assert!(groups.iter().max() <= Some(&16), "{groups:?}");
            let apart: HashSet<u64> = hashes
                .iter()
                .map(|hash| (hash & TAG) | (hash % PLACES))
                .collect();
            assert!(
                apart.len() * 100 > hashes.len() * 99,
                "{} of {}",
                apart.len(),
                hashes.len()
            );
        }
    }
}
