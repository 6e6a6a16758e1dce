//! The random generators of a shard: one for all its processes, or one for each process.
//!
//! A shared generator gives a process numbers that depend on all numbers that others have drawn. A generator of its own
//! depends only on the seed and the name of the process, so a process draws the same numbers beside others and alone, and
//! beside another version of the code. Rehearsals and replays need this; other nodes do not pay for it.

use std::collections::HashMap;

use pq_term::Pid;
use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::node::Node;
use crate::upgrade::Salt;

/// The owners of random generators.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Dice {
    /// One for all processes of a shard.
    #[default]
    OfShards,
    /// One for each process, from the seed and the first name of the process in the registry; without a name, from its pid. It is
    /// made at the first number that the process draws, and begins anew with a process that is started again.
    OfProcesses,
}

/// The generators of a shard.
pub(crate) struct AllDice {
    shared: Xoshiro256PlusPlus,
    own: Option<OwnDice>,
}

/// The generators of processes that have drawn a number.
struct OwnDice {
    seed: u64,
    of: HashMap<u64, Xoshiro256PlusPlus>,
}

impl AllDice {
    pub(crate) fn new(dice: Dice, seed: u64) -> AllDice {
        let own = (dice == Dice::OfProcesses).then(|| OwnDice {
            seed,
            of: HashMap::new(),
        });
        AllDice {
            shared: Xoshiro256PlusPlus::seed_from_u64(seed),
            own,
        }
    }

    /// The generator for a process.
    pub(crate) fn of(&mut self, process: Pid, node: &Node) -> &mut Xoshiro256PlusPlus {
        let Some(OwnDice { seed, of }) = &mut self.own else {
            return &mut self.shared;
        };
        of.entry(process.as_raw()).or_insert_with(|| {
            Xoshiro256PlusPlus::seed_from_u64(*seed ^ Salt::Process(process).number(node))
        })
    }

    /// Forgets the generator of a process that has ended.
    pub(crate) fn forget(&mut self, process: Pid) {
        if let Some(own) = &mut self.own {
            own.of.remove(&process.as_raw());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicU64;

    use pq_abi::{Module, Modules};
    use rand::Rng;

    use super::*;
    use crate::node::Config;

    /// A node without code.
    struct NoModules(AtomicU64);

    impl Modules for NoModules {
        fn current(&self, _: &str) -> Option<Module> {
            None
        }

        fn epoch(&self) -> &AtomicU64 {
            &self.0
        }
    }

    fn node() -> Node {
        Node::new(Config::new(Arc::new(NoModules(AtomicU64::new(1)))))
    }

    #[test]
    fn a_process_with_its_own_dice_draws_the_same_numbers_whatever_others_draw() {
        let node = node();
        let (one, other) = (Pid::new(0, 1, 1), Pid::new(0, 2, 1));
        let alone: Vec<u64> = {
            let mut dice = AllDice::new(Dice::OfProcesses, 7);
            (0..4).map(|_| dice.of(one, &node).next_u64()).collect()
        };
        let mut dice = AllDice::new(Dice::OfProcesses, 7);
        for expected in &alone {
            let of_other = dice.of(other, &node).next_u64();
            assert_ne!(of_other, *expected);
            assert_eq!(dice.of(one, &node).next_u64(), *expected);
        }
        dice.forget(one);
        assert_eq!(dice.of(one, &node).next_u64(), alone[0]);
    }

    #[test]
    fn processes_of_a_shard_share_its_dice_by_default() {
        let node = node();
        let mut dice = AllDice::new(Dice::default(), 7);
        let first = dice.of(Pid::new(0, 1, 1), &node).next_u64();
        let second = dice.of(Pid::new(0, 2, 1), &node).next_u64();
        let mut shared = Xoshiro256PlusPlus::seed_from_u64(7);
        assert_eq!((first, second), (shared.next_u64(), shared.next_u64()));
    }
}
