//! The news of a hero, which its subscribers receive.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::{Slot, Stats};

/// One piece of news of one hero. The sender borrows the texts, and the receiver owns them: the event type of a handler
/// is `Report<'static>`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Report<'a> {
    /// The name of the hero.
    pub name: Cow<'a, str>,
    /// The event that happened to the hero.
    pub event: Event<'a>,
}

/// An event in the life of a hero. `ms` is its duration in milliseconds: players see the line about its beginning at
/// once, and the line about its end `ms` later.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event<'a> {
    /// The hero has killed an enemy.
    Killed {
        /// The duration of the fight in milliseconds.
        ms: u64,
        /// The name of the enemy.
        enemy: Cow<'a, str>,
        /// The loot that the enemy dropped.
        drop: Cow<'a, str>,
        /// The experience that the hero gained.
        experience: u64,
    },
    /// The hero has set out to another place.
    Heading {
        /// The duration of the walk in milliseconds.
        ms: u64,
        /// The place to which the hero walks.
        place: Place,
    },
    /// The hero has reached a new level.
    LvlUp {
        /// The stats at the new level.
        stats: Stats,
        /// The number of the new level.
        lvl: u32,
        /// The experience at which the next level begins.
        lvlexp: u64,
    },
    /// The hero has bought better equipment.
    Buy {
        /// The duration of the purchase in milliseconds.
        ms: u64,
        /// The slot of the new equipment.
        slot: Slot,
        /// The name of the new equipment.
        item: Cow<'a, str>,
    },
    /// The hero has sold a piece of loot.
    Sell {
        /// The duration of the sale in milliseconds.
        ms: u64,
        /// The name of the loot.
        drop: Cow<'a, str>,
        /// The money that the hero got for it.
        value: u64,
    },
    /// The hero has completed a quest and got another one. Heroes of 1.0.0 have no quests, but listeners of 1.0.0 know
    /// this event, because listeners and heroes are upgraded at different times.
    Quest {
        /// The name of the completed quest.
        completed: Cow<'a, str>,
        /// The name of the next quest.
        new: Cow<'a, str>,
    },
}

/// The places to which a hero can go.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// The killing fields, where heroes fight.
    Killing,
    /// The marketplace, where heroes sell and buy.
    Market,
}
