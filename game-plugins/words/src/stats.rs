//! The six stats of a hero.

use serde::{Deserialize, Serialize};

/// The six stats of a hero, always listed in this order.
///
/// A stat starts at 18 at most and grows by at most 6 per level. The experience for a level doubles each time, so no
/// game reaches the limit of 16 bits. Sums saturate nevertheless.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Stats {
    /// The rules do not use this stat yet.
    pub charisma: u16,
    /// The rules do not use this stat yet.
    pub constitution: u16,
    /// The rules do not use this stat yet.
    pub dexterity: u16,
    /// The rules do not use this stat yet.
    pub intelligence: u16,
    /// The bag has room for twice as many pieces of loot.
    pub strength: u16,
    /// The rules do not use this stat yet.
    pub wisdom: u16,
}

impl Stats {
    /// Calls `value` six times, in the order of the stats.
    pub fn from_fn(mut value: impl FnMut() -> u16) -> Stats {
        Stats {
            charisma: value(),
            constitution: value(),
            dexterity: value(),
            intelligence: value(),
            strength: value(),
            wisdom: value(),
        }
    }

    /// Adds the stats of the other to these, one by one.
    #[must_use]
    pub fn plus(self, other: Stats) -> Stats {
        Stats {
            charisma: self.charisma.saturating_add(other.charisma),
            constitution: self.constitution.saturating_add(other.constitution),
            dexterity: self.dexterity.saturating_add(other.dexterity),
            intelligence: self.intelligence.saturating_add(other.intelligence),
            strength: self.strength.saturating_add(other.strength),
            wisdom: self.wisdom.saturating_add(other.wisdom),
        }
    }

    /// Name and value of each stat, in their order: `("Charisma", 12)` first.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u16)> + use<> {
        [
            ("Charisma", self.charisma),
            ("Constitution", self.constitution),
            ("Dexterity", self.dexterity),
            ("Intelligence", self.intelligence),
            ("Strength", self.strength),
            ("Wisdom", self.wisdom),
        ]
        .into_iter()
    }
}
