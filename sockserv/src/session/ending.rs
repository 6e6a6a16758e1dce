//! Why the node ends a connection, for an entrance whose clients are told so by a code: a WebSocket is (`web`), telnet has
//! no such code.
//!
//! The first cause that is told is the one that counts. Who tells it is `port`; before there is one, `reception`.

use std::sync::{Arc, OnceLock};

use crate::admission::refused::Refusal;

/// Why.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Cause {
    /// All is said: the player has quit, or a crawler has its answer.
    Done,
    /// The node or the game stops.
    Stops,
    /// The client's process has failed, or there is none.
    Fails,
    /// An operator, a ban or a limit.
    Refused,
    /// There is no place now; later there may be.
    Busy,
}

/// Why, and what was said about it; that may be nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Ending {
    pub(crate) cause: Cause,
    pub(crate) words: String,
}

/// Where the ending of a connection is told, once.
#[derive(Clone, Default, Debug)]
pub(crate) struct EndingCell(Arc<OnceLock<Ending>>);

impl EndingCell {
    /// It ends because of this, unless another cause came first.
    pub(crate) fn tell(&self, cause: Cause, words: &str) {
        let words = words.to_string();
        self.0.get_or_init(|| Ending { cause, words });
    }

    /// The same for what is refused.
    pub(crate) fn refuse(&self, refusal: &Refusal) {
        let cause = match refusal {
            Refusal::Locked | Refusal::Full | Refusal::Abandoned(_) => Cause::Busy,
            Refusal::NoProcess => Cause::Fails,
            _ => Cause::Refused,
        };
        self.tell(cause, &refusal.to_string());
    }

    /// What was told.
    pub(crate) fn told(&self) -> Option<Ending> {
        self.0.get().cloned()
    }
}
