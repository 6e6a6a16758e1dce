//! What an operator may do at the door.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The longest text for players, in characters: three lines of a terminal, as for the history.
pub(crate) const TEXT_MAX: usize = 240;

/// What may be done at the door.
#[derive(Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DoorRequest {
    /// Close a connection.
    Kick {
        /// The name of its hero, or where it comes from.
        whom: String,
        /// What it is told first.
        text: Option<String>,
    },
    /// Tell everybody something.
    Wall {
        /// What.
        text: String,
    },
    /// Let nobody in, or everybody again.
    Lock {
        /// Nobody.
        locked: bool,
    },
}

impl DoorRequest {
    /// What players are to read of it.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            DoorRequest::Kick { text, .. } => text.as_deref(),
            DoorRequest::Wall { text } => Some(text),
            DoorRequest::Lock { .. } => None,
        }
    }
}

/// As it was typed, without the text.
impl fmt::Display for DoorRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DoorRequest::Kick { whom, .. } => write!(f, "kick {whom}"),
            DoorRequest::Wall { .. } => f.write_str("wall"),
            DoorRequest::Lock { locked: true } => f.write_str("lock on"),
            DoorRequest::Lock { locked: false } => f.write_str("lock off"),
        }
    }
}
