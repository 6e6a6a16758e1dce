//! Tables for keys that the node itself numbers: pids, tags of requests, tickets of starts.
//!
//! Such keys are consecutive, and most are removed soon. A general hash would scatter them, and put each on
//! its own cache line; this hash puts neighbours next to each other, so that many entries share cache lines.
//! Nobody outside can choose these numbers and provoke collisions, so the hash needs no seed: a run can be
//! repeated, including the order of exits.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use pq_term::Pid;

/// A table with such keys.
pub(crate) type Numbered<K, V> = HashMap<K, V, BuildHasherDefault<NumberHasher>>;

/// `hashbrown` takes the lowest bits of a hash for the place, and the seven highest to distinguish entries with the
/// same place.
const TAG: u64 = 0x7f << 57;

/// Fibonacci hashing: the highest bits of the product depend on all bits of the factor.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// Shards number their processes independently: entries of this many shards lie beside each other.
const SHARDS_ABREAST: u64 = 4;

/// The hash of one key: the sum of its numbers, which is also its place.
#[derive(Default)]
pub(crate) struct NumberHasher(u64);

impl Hasher for NumberHasher {
    /// Hashes a pid, or another number as if it were one: a number below 2^28 is a generation, and unchanged.
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

    /// The places of a table for about ten thousand entries.
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
