//! The hash of names and of processes, which decides their place in the tables.
//!
//! Names come from players and are hashed with a seed. Processes come from the node, which numbers them one after the
//! other, and each process is entered and removed by its own shard. So processes with adjacent numbers are adjacent in
//! the table, and a series of starts uses it from the front to the back instead of at random: random cache misses would
//! take a fifth of the time of a hero's start. `{events, Name}` is adjacent to `Name`, because callers that use one of
//! them usually use the other.

use std::hash::{BuildHasher, Hasher};

use foldhash::fast::{FoldHasher, RandomState};
use pq_otp::Pid;
use regis::SHARDS_DEFAULT;

/// The number of adjacent processes that share a part of the table, and so a lock: as many as fit in a page of 4 KiB.
const BLOCK: u64 = 64;

/// The seven highest bits of a hash distinguish the entries of a group, and the bits below select the part (`dashmap`).
const TAG_BIT: u32 = 57;
const PART_BIT: u32 = TAG_BIT - SHARDS_DEFAULT.trailing_zeros();

/// Makes hashes of names and of processes.
#[derive(Clone)]
pub(crate) struct Places {
    names: RandomState,
    /// The number of shards; each numbers its processes independently of the others.
    shards: u64,
}

impl Places {
    pub(crate) fn new(shards: usize) -> Places {
        Places {
            names: RandomState::default(),
            shards: shards.max(1) as u64,
        }
    }
}

impl BuildHasher for Places {
    type Hasher = PlaceHasher;

    fn build_hasher(&self) -> PlaceHasher {
        PlaceHasher {
            of_name: self.names.build_hasher(),
            of_process: None,
            tag: 0,
            shards: self.shards,
        }
    }
}

/// The hash of one name or process.
pub(crate) struct PlaceHasher {
    of_name: FoldHasher<'static>,
    of_process: Option<u64>,
    /// Distinguishes names that are adjacent.
    tag: u64,
    shards: u64,
}

/// A name is the number of its tag and then bytes (`names`); a process is one number ([`Pid`]).
impl Hasher for PlaceHasher {
    fn write(&mut self, name: &[u8]) {
        self.of_name.write_usize(name.len());
        self.of_name.write(name);
    }

    fn write_u32(&mut self, tag: u32) {
        self.tag = u64::from(tag);
    }

    fn write_u64(&mut self, pid: u64) {
        self.of_process = Some(of_process(Pid::from_raw(pid), self.shards));
    }

    fn finish(&self) -> u64 {
        let of_name = || self.of_name.finish() ^ self.tag << TAG_BIT;
        self.of_process.unwrap_or_else(of_name)
    }
}

/// Distributes the blocks of all shards over the parts of the table in turn.
fn of_process(pid: Pid, shards: u64) -> u64 {
    let index = u64::from(pid.index());
    let block = index / BLOCK * shards + u64::from(pid.shard());
    let parts = SHARDS_DEFAULT as u64;
    let (part, round) = (block % parts, block / parts);
    index << TAG_BIT | part << PART_BIT | (round * BLOCK + index % BLOCK)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use pq_term::{Term, msgpack};

    use super::*;
    use crate::names::Looks;

    #[test]
    fn a_pair_of_an_atom_and_a_name_lies_beside_the_name_and_is_not_taken_for_it() {
        let places = Places::new(2);
        let place = |term: &Term| {
            let bytes = msgpack::to_msgpack(term);
            places.hash_one(Looks::of(&bytes))
        };
        let mut taken = HashSet::new();
        for number in 0..10_000 {
            let name = Term::string(format!("bot-{number}"));
            let of_name = place(&name);
            let pair = place(&Term::tuple([Term::atom("events"), name]));
            assert!(pair != of_name && (pair ^ of_name) >> TAG_BIT << TAG_BIT == pair ^ of_name);
            taken.insert(of_name & !(u64::MAX << TAG_BIT));
        }
        assert_eq!(taken.len(), 10_000);
    }

    #[test]
    fn neighbours_lie_together_and_nobody_lies_where_another_does() {
        let places = Places::new(2);
        let mut taken = HashSet::new();
        for index in 0..200_000 {
            for shard in 0..2 {
                let place = places.hash_one(Pid::new(shard, index, 7));
                let low = place & !(u64::MAX << TAG_BIT);
                assert!(taken.insert(low), "process {index} of shard {shard}");
                let next = places.hash_one(Pid::new(shard, index + 1, 1));
                let is_neighbour = next & !(u64::MAX << TAG_BIT) == low + 1;
                assert!(is_neighbour || u64::from(index) % BLOCK == BLOCK - 1);
            }
        }
        let parts: HashSet<u64> = taken.iter().map(|low| low >> PART_BIT).collect();
        let longest = taken.iter().map(|low| low & !(u64::MAX << PART_BIT)).max();
        assert_eq!(
            (parts.len(), longest.map(|it| it / 1_000)),
            (SHARDS_DEFAULT, Some(1))
        );
    }
}
