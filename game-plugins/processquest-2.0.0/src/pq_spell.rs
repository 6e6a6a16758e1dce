//! Spells: their names, and the spells that a hero knows.

use std::borrow::Cow;

use pq_sdk::{Export, Function, Functions, Module, RngExt};
use serde::{Deserialize, Serialize};

/// The module `pq_spell`, which draws spells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PqSpell;

/// A spell that a hero knows.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Known {
    /// The name of the spell, as players see it.
    pub name: Cow<'static, str>,
    /// How often the hero has learned it: 1 or more.
    pub rank: u16,
}

impl Module for PqSpell {
    const NAME: &'static str = "pq_spell";
    const VSN: &'static str = "2.0.0";
    const FUNCTIONS: &'static [&'static dyn Export] = &[&FETCH];
}

impl Functions for PqSpell {}

/// `fetch()`: returns the name of a random spell, with equal probabilities.
pub static FETCH: Function<(), Cow<'static, str>> =
    Function::new("pq_spell", "fetch", |ctx, ()| {
        Cow::Borrowed(SPELLS[ctx.random_range(0..SPELLS.len())])
    });

/// The names of all spells.
pub static SPELLS: [&str; 10] = [
    "Cinder Sneeze",
    "Lesser Apology",
    "Unbutton",
    "Borrowed Thunder",
    "Mild Panic",
    "Summon Aunt",
    "Invisible Bench",
    "Second Breakfast",
    "Turn Page",
    "Rain Indoors",
];

/// Learns a spell, or a known one better.
pub fn learn(spells: &mut Vec<Known>, name: Cow<'static, str>) {
    match spells.iter_mut().find(|known| known.name == name) {
        Some(known) => known.rank = known.rank.saturating_add(1),
        None => spells.push(Known { name, rank: 1 }),
    }
}

impl Known {
    /// The name with its rank from 2 on: `Mild Panic`, `Mild Panic 3`.
    pub fn described(&self) -> String {
        match self.rank {
            0 | 1 => self.name.to_string(),
            rank => format!("{} {rank}", self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spell_that_is_learned_again_has_a_higher_rank() {
        let mut spells = Vec::new();
        for name in [SPELLS[4], SPELLS[0], SPELLS[4]] {
            learn(&mut spells, name.into());
        }
        let described: Vec<String> = spells.iter().map(Known::described).collect();
        assert_eq!(described, ["Mild Panic 2", "Cinder Sneeze"]);
        spells[0].rank = u16::MAX;
        learn(&mut spells, SPELLS[4].into());
        assert_eq!(spells[0].rank, u16::MAX);
    }
}
