//! What subscribers of a hero hear.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::{Slot, Stats};

/// One piece of news of one hero. The one who tells it borrows its texts, the one who hears it owns
/// them: a handler's event type is `Report<'static>`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Report<'a> {
    /// Whose news it is.
    pub name: Cow<'a, str>,
    /// What happened.
    pub event: Event<'a>,
}

/// What happened. `ms` is how long it takes in the telling, in milliseconds: the line that says it
/// began comes at once, the one that says how it ended so much later.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event<'a> {
    /// An enemy fell.
    Killed {
        /// How long it took.
        ms: u64,
        /// Who fell.
        enemy: Cow<'a, str>,
        /// What it left behind.
        drop: Cow<'a, str>,
        /// What was learned.
        experience: u64,
    },
    /// The hero set out.
    Heading {
        /// How long the way is.
        ms: u64,
        /// Where it leads.
        place: Place,
    },
    /// A level was reached.
    LvlUp {
        /// The stats from now on.
        stats: Stats,
        /// The new level.
        lvl: u32,
        /// The experience at which the next one comes.
        lvlexp: u64,
    },
    /// Something better was bought.
    Buy {
        /// How long it took.
        ms: u64,
        /// Where it is worn.
        slot: Slot,
        /// What it is called.
        item: Cow<'a, str>,
    },
    /// A piece of loot was sold.
    Sell {
        /// How long it took.
        ms: u64,
        /// What it was.
        drop: Cow<'a, str>,
        /// What it brought.
        value: u64,
    },
    /// A quest was completed and another one given. No hero of 1.0.0 has quests; whoever listens
    /// knows the word all the same, because listeners and heroes are upgraded at different times.
    Quest {
        /// The quest that is done.
        completed: Cow<'a, str>,
        /// The quest that follows.
        new: Cow<'a, str>,
    },
}

/// Where a hero can go.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// The killing fields.
    Killing,
    /// The marketplace.
    Market,
}
