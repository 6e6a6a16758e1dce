//! The reason for the end of a connection, for entrances that report it to the client with a code: a WebSocket does (`web`),
//! telnet has no such code.
//!
//! The first reported cause counts. `port` reports causes; before a port exists, `reception` does.

use std::sync::{Arc, OnceLock};

use crate::admission::refused::Refusal;

/// The cause of an end, as a class that maps to a code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Cause {
    /// The dialogue is over: the player has quit, or a crawler has its answer.
    Done,
    /// The node or the game stops.
    Stops,
    /// The client's process has failed, or could not be started.
    Fails,
    /// An operator, a ban or a limit has ended the connection.
    Refused,
    /// No place is free at this time; a later attempt may succeed.
    Busy,
}

/// The cause, and the sentence for the client, which may be empty.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Ending {
    pub(crate) cause: Cause,
    pub(crate) words: String,
}

/// A cell for the ending of one connection, which is written once.
#[derive(Clone, Default, Debug)]
pub(crate) struct EndingCell(Arc<OnceLock<Ending>>);

impl EndingCell {
    /// Reports a cause, unless another one was reported before.
    pub(crate) fn tell(&self, cause: Cause, words: &str) {
        let words = words.to_string();
        self.0.get_or_init(|| Ending { cause, words });
    }

    /// Reports a refusal, unless another cause was reported before.
    pub(crate) fn refuse(&self, refusal: &Refusal) {
        let cause = match refusal {
            Refusal::Locked | Refusal::Full | Refusal::Abandoned(_) => Cause::Busy,
            Refusal::NoProcess => Cause::Fails,
            _ => Cause::Refused,
        };
        self.tell(cause, &refusal.to_string());
    }

    /// The reported ending, if the node has ended the connection.
    pub(crate) fn told(&self) -> Option<Ending> {
        self.0.get().cloned()
    }
}
