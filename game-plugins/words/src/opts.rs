//! The options with which a hero can be started.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Item, Loot, Quest, Slot, Stats};

/// Overrides of the state of a new hero. For each `None`, the hero starts with its default.
///
/// For example: `Opts { time: Some(800), lvlexp: Some(50), ..Opts::default() }`
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Opts {
    /// The six stats; rolled by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stats: Option<Stats>,
    /// The experience; 0 by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exp: Option<u64>,
    /// The experience at which the next level begins; 1000 by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lvlexp: Option<u64>,
    /// The level; 1 by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lvl: Option<u32>,
    /// The worn equipment by slot; none by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub equip: Option<BTreeMap<Slot, Item>>,
    /// The money; 0 by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub money: Option<u64>,
    /// The loot in the bag, the newest first; none by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loot: Option<Vec<Loot>>,
    /// The slots for which the hero has already tried to buy on this trip to the market; none by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bought: Option<Vec<Slot>>,
    /// The pace in milliseconds, 0 by default. A walk takes one pace, a fight two.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<u32>,
    /// The quest of the hero; heroes of 1.0.0 have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quest: Option<Quest>,
}
