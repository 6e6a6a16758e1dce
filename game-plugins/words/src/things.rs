//! Enemies, what they leave behind, what is worn, and quests.
//!
//! Their texts are `Cow<'static, str>`: a row of a table is a constant that is copied without an
//! allocation, and one that came from another version owns what it says.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Somebody to fight.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Enemy {
    /// Who it is.
    pub name: Cow<'static, str>,
    /// What it leaves behind.
    pub drop: Cow<'static, str>,
    /// What that is worth.
    pub value: u32,
    /// What is learned from the fight.
    pub experience: u32,
}

/// Something an enemy left behind.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Loot {
    /// What it is.
    pub drop: Cow<'static, str>,
    /// What it is worth.
    pub value: u32,
}

/// A task that is done by killing.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Quest {
    /// What it is called.
    pub name: Cow<'static, str>,
    /// What completing it is worth.
    pub experience: u32,
    /// How many kills are left.
    pub kills: u32,
}

/// Something to wear or wield.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Item {
    /// What it is called; the slot is not part of it.
    pub name: Cow<'static, str>,
    /// How much better than others of its kind it is.
    pub modifier: i32,
    /// How good its kind is.
    pub level: i32,
    /// What it costs.
    pub price: u64,
}

impl Item {
    /// How good it is: modifier and level together.
    pub fn rank(&self) -> i32 {
        self.modifier.saturating_add(self.level)
    }
}

/// Where something is worn; the order is that of the names.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Slot {
    /// Around the body.
    Armor,
    /// On the head.
    Helmet,
    /// On one arm.
    Shield,
    /// In the other hand.
    Weapon,
}

impl Slot {
    /// All of them, in their order.
    pub const ALL: [Slot; 4] = [Slot::Armor, Slot::Helmet, Slot::Shield, Slot::Weapon];

    /// Its word: `armor`, `helmet`, `shield`, `weapon`.
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
