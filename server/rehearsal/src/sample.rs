//! A part of the copies: from all strata, so that rare avatars play, too.
//!
//! A stratum has the copies with the same versions of modules, of the same third of the births, and with the same power of two in the
//! first measure; a game names the one first on which its rules depend most, such as the level. Each stratum gets its share of the
//! sample, and one copy at least while there is room. Within a stratum, the seed decides.

use std::collections::BTreeMap;

/// The parts of the births.
const AGES: usize = 3;

/// The stratum of a copy.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Stratum {
    /// The modules with their versions.
    pub(crate) versions: String,
    /// The third of the births: the copies are in the order of their places in the node, which is about that of births.
    pub(crate) age: usize,
    /// The power of two below the first measure; 0 without one.
    pub(crate) level: u32,
}

impl Stratum {
    /// The stratum of a copy by its place among all.
    pub(crate) fn of(
        versions: String,
        (place, all): (usize, usize),
        measure: Option<f64>,
    ) -> Stratum {
        let level = measure.filter(|value| *value >= 1.0);
        Stratum {
            versions,
            age: place * AGES / all.max(1),
            level: level.map_or(0, |value| 1 + value.log2() as u32),
        }
    }
}

/// Chooses this many places from all strata, in their order.
pub(crate) fn choose(strata: &[Stratum], count: usize, seed: u64) -> Vec<usize> {
    let mut by_stratum: BTreeMap<&Stratum, Vec<usize>> = BTreeMap::new();
    for (place, stratum) in strata.iter().enumerate() {
        by_stratum.entry(stratum).or_default().push(place);
    }
    for places in by_stratum.values_mut() {
        places.sort_by_key(|place| (drawn(seed, *place), *place));
    }
    let count = count.min(strata.len());
    let mut lists: Vec<&Vec<usize>> = by_stratum.values().collect();
    // Rare strata come first, so that each gets its copy before the large ones take the rest.
    lists.sort_by_key(|places| places.len());
    let (mut chosen, mut left, mut rest) = (Vec::new(), count, strata.len());
    for places in lists {
        let share = (places.len() * left).div_ceil(rest.max(1));
        let share = share.min(left).min(places.len());
        chosen.extend(&places[..share]);
        left -= share;
        rest -= places.len();
    }
    chosen.sort_unstable();
    chosen
}

/// A number that the seed gives a place: the finalizer of splitmix64.
fn drawn(seed: u64, place: usize) -> u64 {
    let mut mixed = seed ^ (place as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A thousand avatars, of which three have a level above 16, and two another version.
    fn crowd() -> Vec<Stratum> {
        let stratum = |place| {
            let level = if place % 400 == 7 { 20.0 } else { 1.0 };
            let versions = if place > 997 {
                "ship-1.1.0"
            } else {
                "ship-1.0.0"
            };
            Stratum::of(versions.to_string(), (place, 1_000), Some(level))
        };
        (0..1_000).map(stratum).collect()
    }

    #[test]
    fn a_sample_has_all_strata_and_the_asked_number() {
        let strata = crowd();
        let chosen = choose(&strata, 50, 7);
        assert_eq!(chosen.len(), 50);
        let mut has: Vec<&Stratum> = chosen.iter().map(|place| &strata[*place]).collect();
        has.sort();
        has.dedup();
        let mut all: Vec<&Stratum> = strata.iter().collect();
        all.sort();
        all.dedup();
        assert_eq!(has, all);
    }

    #[test]
    fn the_seed_decides_and_nothing_else() {
        let strata = crowd();
        assert_eq!(choose(&strata, 50, 7), choose(&strata, 50, 7));
        assert_ne!(choose(&strata, 50, 7), choose(&strata, 50, 8));
        assert_eq!(choose(&strata, 2_000, 7), (0..1_000).collect::<Vec<_>>());
        assert!(choose(&strata, 0, 7).is_empty());
    }

    #[test]
    fn levels_are_grouped_by_powers_of_two() {
        let level = |value| Stratum::of(String::new(), (0, 1), value).level;
        assert_eq!(
            [None, Some(0.5), Some(1.0), Some(3.0), Some(4.0)].map(level),
            [0, 0, 1, 2, 3]
        );
    }
}
