//! The six stats of a hero.

use serde::{Deserialize, Serialize};

/// The six stats, always told in this order.
///
/// They begin at 18 at most and grow by 6 per level at most; the experience for a level doubles
/// each time, so 16 bits are never reached in play. Sums saturate all the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Stats {
    /// Unused by the rules so far.
    pub charisma: u16,
    /// Unused by the rules so far.
    pub constitution: u16,
    /// Unused by the rules so far.
    pub dexterity: u16,
    /// Unused by the rules so far.
    pub intelligence: u16,
    /// Twice as many pieces of loot can be carried.
    pub strength: u16,
    /// Unused by the rules so far.
    pub wisdom: u16,
}

impl Stats {
    /// Six values from one source, asked in the order of the stats.
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

    /// Each stat with the other's added to it.
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

    /// Name and value of each, in their order: `("Charisma", 12)` first.
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
