//! The tests of the registry that need no process of their own, and their random numbers.

use std::hash::{Hash, Hasher};
use std::thread;

mod book;
mod history;
mod model;
mod races;
mod stress;

/// SplitMix64: its whole state is the seed that a failing test prints.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }
}

/// The seed of a test: `REGIS_SEED` if it is set, else the argument.
pub(crate) fn seed(otherwise: u64) -> u64 {
    let from_env = std::env::var("REGIS_SEED").ok();
    from_env.map_or(otherwise, |text| {
        text.parse().expect("REGIS_SEED is a number")
    })
}

/// A name that lets another thread run whenever the registry hashes or compares it. That opens every possible race
/// window, between the locks of the registry and under them.
#[derive(Debug, Clone)]
pub(crate) struct Slow<N>(pub(crate) N);

impl<N: Hash> Hash for Slow<N> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        thread::yield_now();
        self.0.hash(state);
    }
}

impl<N: PartialEq> PartialEq for Slow<N> {
    fn eq(&self, other: &Self) -> bool {
        thread::yield_now();
        self.0 == other.0
    }
}

impl<N: Eq> Eq for Slow<N> {}

impl From<u8> for Slow<u8> {
    fn from(name: u8) -> Self {
        Self(name)
    }
}

impl From<Slow<u8>> for u8 {
    fn from(name: Slow<u8>) -> Self {
        name.0
    }
}
