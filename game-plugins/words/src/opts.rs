//! What a hero may be given at the start.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Item, Loot, Quest, Slot, Stats};

/// Overrides of a new hero's state: what is `None` is what every hero begins with.
///
/// `Opts { time: Some(800), lvlexp: Some(50), ..Opts::default() }`
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Opts {
    /// The six stats; otherwise they are rolled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stats: Option<Stats>,
    /// Experience; otherwise 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exp: Option<u64>,
    /// The experience at which the next level comes; otherwise 1000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lvlexp: Option<u64>,
    /// The level; otherwise 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lvl: Option<u32>,
    /// What is worn; otherwise nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub equip: Option<BTreeMap<Slot, Item>>,
    /// Money; otherwise none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub money: Option<u64>,
    /// What is carried, the newest first; otherwise nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loot: Option<Vec<Loot>>,
    /// For which slots the hero has been to the market on this trip; otherwise none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bought: Option<Vec<Slot>>,
    /// The pace in milliseconds: a walk takes one, a fight two of these. Otherwise 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<u32>,
    /// The quest; heroes of 1.0.0 have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quest: Option<Quest>,
}
