//! What an operator may do at the door.

use std::fmt;
use std::time::Duration;

use humantime::format_duration;
use serde::{Deserialize, Serialize};

/// The longest text for players, in characters: three lines of a terminal, as for the history.
pub(crate) const TEXT_MAX: usize = 240;

/// What may be done at the door.
#[derive(Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DoorRequest {
    /// Close a connection.
    Kick {
        /// The name of its avatar, or where it comes from.
        whom: String,
        /// What it is told first.
        text: Option<String>,
    },
    /// End an avatar, whoever plays it.
    EndAvatar {
        /// What the game calls it.
        noun: String,
        /// Its name.
        name: String,
        /// What whoever plays it is told first.
        text: Option<String>,
    },
    /// End all avatars whose clients have gone and left them.
    EndAbandoned {
        /// What the game calls one.
        noun: String,
    },
    /// Tell everybody something.
    Wall {
        /// What.
        text: String,
    },
    /// Let an address, a network or a name in no more.
    Ban {
        /// Which.
        whom: String,
        /// For how long, in milliseconds; nothing for ever.
        for_ms: Option<u64>,
        /// Why.
        text: Option<String>,
    },
    /// Let it in again.
    Unban {
        /// Which.
        whom: String,
    },
    /// Let nobody in, or everybody again.
    Lock {
        /// Nobody.
        locked: bool,
    },
}

impl DoorRequest {
    /// What is said with it, to players or for the history.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            DoorRequest::Kick { text, .. }
            | DoorRequest::Ban { text, .. }
            | DoorRequest::EndAvatar { text, .. } => text.as_deref(),
            DoorRequest::Wall { text } => Some(text),
            DoorRequest::Unban { .. }
            | DoorRequest::Lock { .. }
            | DoorRequest::EndAbandoned { .. } => None,
        }
    }

    /// Whom it is about, if it is about somebody.
    pub(crate) fn whom(&self) -> Option<&str> {
        match self {
            DoorRequest::Kick { whom, .. }
            | DoorRequest::Ban { whom, .. }
            | DoorRequest::Unban { whom }
            | DoorRequest::EndAvatar { name: whom, .. } => Some(whom),
            DoorRequest::Wall { .. }
            | DoorRequest::Lock { .. }
            | DoorRequest::EndAbandoned { .. } => None,
        }
    }
}

/// As it was typed, without the text.
impl fmt::Display for DoorRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DoorRequest::Kick { whom, .. } => write!(f, "kick {whom}"),
            DoorRequest::EndAvatar { noun, name, .. } => write!(f, "end-{noun} {name}"),
            DoorRequest::EndAbandoned { noun } => write!(f, "end-{noun} --abandoned"),
            DoorRequest::Wall { .. } => f.write_str("wall"),
            DoorRequest::Ban { whom, for_ms, .. } => {
                let span = for_ms.map(Duration::from_millis).map(format_duration);
                write!(f, "ban {whom}")?;
                span.map_or(Ok(()), |span| write!(f, " for {span}"))
            }
            DoorRequest::Unban { whom } => write!(f, "unban {whom}"),
            DoorRequest::Lock { locked: true } => f.write_str("lock on"),
            DoorRequest::Lock { locked: false } => f.write_str("lock off"),
        }
    }
}
