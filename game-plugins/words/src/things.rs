//! Enemies, their loot, equipment, and quests.
//!
//! The texts are `Cow<'static, str>`: a row of a table is a constant, whose copy needs no allocation, and a value from
//! another version owns its text.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

/// An enemy that heroes fight.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Enemy {
    /// The name of the enemy.
    pub name: Cow<'static, str>,
    /// The name of the loot that it drops.
    pub drop: Cow<'static, str>,
    /// The price of that loot.
    pub value: u32,
    /// The experience that the hero gains from the fight.
    pub experience: u32,
}

/// A piece of loot, which an enemy has dropped.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Loot {
    /// The name of the loot.
    pub drop: Cow<'static, str>,
    /// The price that the market pays.
    pub value: u32,
}

/// A quest, which a hero completes by kills.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Quest {
    /// The name of the quest.
    pub name: Cow<'static, str>,
    /// The experience that the hero gains at its completion.
    pub experience: u32,
    /// The number of kills until its completion.
    pub kills: u32,
}

/// A piece of equipment, worn or wielded.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Item {
    /// The name of the equipment, without its slot.
    pub name: Cow<'static, str>,
    /// Quality relative to others of its kind; may be negative.
    pub modifier: i32,
    /// The quality of its kind.
    pub level: i32,
    /// The price at the market.
    pub price: u64,
}

impl Item {
    /// The quality that counts in comparisons: modifier plus level.
    pub fn rank(&self) -> i32 {
        self.modifier.saturating_add(self.level)
    }
}

/// The part of the body for equipment. Slots are ordered by their names.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Slot {
    /// A slot around the body.
    Armor,
    /// A slot on the head.
    Helmet,
    /// A slot on one arm.
    Shield,
    /// A slot in the other hand.
    Weapon,
}

impl Slot {
    /// All slots in their order.
    pub const ALL: [Slot; 4] = [Slot::Armor, Slot::Helmet, Slot::Shield, Slot::Weapon];

    /// The text in messages: `armor`, `helmet`, `shield` or `weapon`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Slot::Armor => "armor",
            Slot::Helmet => "helmet",
            Slot::Shield => "shield",
            Slot::Weapon => "weapon",
        }
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
