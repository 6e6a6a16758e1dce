//! Single events between two readings, in a bounded queue. Without a viewer none is made.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The events that one frame carries. A frame is 100 ms long; nobody reads more lines in that time. The rest is counted.
pub const HAPPENINGS_MAX: usize = 64;

/// The kind of an event.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A child has failed.
    #[default]
    Failed,
    /// A supervisor has started a child again.
    Restarted,
    /// A supervisor ends because a child failed too often.
    GivenUp,
    /// A callback takes long.
    Slow,
    /// A callback does not end.
    Stalled,
    /// A callback that took long has ended.
    Over,
}

/// One event between two readings.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Happening {
    /// The kind of the event.
    pub kind: Kind,
    /// The module of the supervisor; empty for callbacks.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub supervisor: String,
    /// The id of the child; empty for callbacks.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub child: String,
    /// The process; empty if the event is about none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub pid: String,
    /// The name of the process; empty if it has none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The reason, or a sentence about the callback.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub why: String,
}

/// The events since the last frame.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Happened {
    /// The first events, up to [`HAPPENINGS_MAX`].
    pub events: Vec<Happening>,
    /// The number of further ones, which were dropped.
    pub more: u64,
}

/// The queue of events.
#[derive(Default)]
pub struct Happenings {
    is_wanted: AtomicBool,
    waiting: Mutex<(VecDeque<Happening>, u64)>,
}

impl Happenings {
    /// Whether somebody looks. An event that is made without that is dropped.
    pub fn is_wanted(&self) -> bool {
        self.is_wanted.load(Ordering::Relaxed)
    }

    /// Adds an event. A full queue only counts it.
    pub fn add(&self, happening: Happening) {
        if !self.is_wanted() {
            return;
        }
        let (waiting, more) = &mut *self.waiting.lock();
        match waiting.len() < HAPPENINGS_MAX {
            true => waiting.push_back(happening),
            false => *more += 1,
        }
    }

    /// Takes all events, and the number of those that were dropped.
    pub(crate) fn take(&self) -> Happened {
        let (waiting, more) = std::mem::take(&mut *self.waiting.lock());
        Happened {
            events: waiting.into(),
            more,
        }
    }

    pub(crate) fn want(&self, is_wanted: bool) {
        self.is_wanted.store(is_wanted, Ordering::Relaxed);
        if !is_wanted {
            self.take();
        }
    }
}
