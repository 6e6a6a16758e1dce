//! The dice behind the six stats.

use pq_sdk::{Export, Function, Functions, Module, RngExt};
use pq_words::Stats;

/// The module.
pub struct PqStats;

impl Module for PqStats {
    const NAME: &'static str = "pq_stats";
    const VSN: &'static str = "1.0.0";
    const FUNCTIONS: &'static [&'static dyn Export] = &[&INITIAL_ROLL, &ROLL];
}

impl Functions for PqStats {}

/// `initial_roll()`: the stats of a new hero, three dice each.
pub static INITIAL_ROLL: Function<(), Stats> =
    Function::new("pq_stats", "initial_roll", |ctx, ()| initial_stats(ctx));

/// `roll()`: one die; what one stat gains with a level.
pub static ROLL: Function<(), u16> = Function::new("pq_stats", "roll", |ctx, ()| die(ctx));

fn initial_stats(dice: &mut impl RngExt) -> Stats {
    Stats::from_fn(|| die(dice) + die(dice) + die(dice))
}

fn die(dice: &mut impl RngExt) -> u16 {
    dice.random_range(1..=6)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use rand_xoshiro::Xoshiro256PlusPlus;
    use rand_xoshiro::rand_core::SeedableRng;

    /// Seeded dice: every run is the same, and the seed stands where they are used.
    fn dice(seed: u64) -> Xoshiro256PlusPlus {
        Xoshiro256PlusPlus::seed_from_u64(seed)
    }

    #[test]
    fn a_die_has_six_equal_sides() {
        let mut dice = dice(1);
        let mut seen = BTreeMap::new();
        for _ in 0..6_000 {
            *seen.entry(die(&mut dice)).or_insert(0) += 1;
        }
        assert_eq!(
            seen.keys().copied().collect::<Vec<u16>>(),
            [1, 2, 3, 4, 5, 6]
        );
        // Four standard deviations of 29 around the 1 000 that each side should have.
        assert!(
            seen.values().all(|count| (884..=1_116).contains(count)),
            "seed 1: {seen:?}"
        );
    }

    #[test]
    fn each_of_six_stats_is_the_sum_of_three_dice() {
        let mut dice = dice(2);
        let rolls: Vec<Stats> = (0..2_000).map(|_| initial_stats(&mut dice)).collect();
        let values: Vec<u16> = rolls
            .iter()
            .flat_map(|stats| stats.iter().map(|(_, v)| v))
            .collect();
        assert_eq!(values.len(), 12_000);
        assert_eq!(
            (values.iter().min(), values.iter().max()),
            (Some(&3), Some(&18))
        );
        let mean = values.iter().copied().map(f64::from).sum::<f64>() / values.len() as f64;
        assert!(
            (10.4..=10.6).contains(&mean),
            "seed 2: three dice show 10.5 on average, not {mean}"
        );
    }

    #[test]
    fn two_heroes_are_not_alike() {
        let mut dice = dice(3);
        assert_ne!(initial_stats(&mut dice), initial_stats(&mut dice));
    }

    #[test]
    fn the_same_dice_make_the_same_hero() {
        assert_eq!(initial_stats(&mut dice(4)), initial_stats(&mut dice(4)));
    }
}
