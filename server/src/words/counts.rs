//! Counts of the words that were compared and kept, for the status.

use std::sync::atomic::{AtomicU64, Ordering};

use super::Said;

/// Counts since the start of the node.
#[derive(Default)]
pub(crate) struct Counts {
    right: AtomicU64,
    wrong: AtomicU64,
    limited: AtomicU64,
    kept: AtomicU64,
    refused: AtomicU64,
    tokens: AtomicU64,
}

/// The values of [`Counts`].
pub(crate) struct Counted {
    /// Words that were those of avatars.
    pub(crate) right: u64,
    /// Words that were not.
    pub(crate) wrong: u64,
    /// Words that were not compared, because too many before were wrong.
    pub(crate) limited: u64,
    /// Words that avatars have got.
    pub(crate) kept: u64,
    /// Questions that found the queue full.
    pub(crate) refused: u64,
    /// Tokens that browsers have got.
    pub(crate) tokens: u64,
}

impl Counts {
    pub(super) fn note(&self, said: Said) {
        let count = match said {
            Said::Plays(_) | Said::Aside => &self.right,
            Said::Wrong => &self.wrong,
            Said::Later => &self.limited,
            Said::Kept => &self.kept,
            Said::Busy | Said::NotKept => return,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn note_refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn note_token(&self) {
        self.tokens.fetch_add(1, Ordering::Relaxed);
    }

    /// The values at this time.
    pub(crate) fn read(&self) -> Counted {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Counted {
            right: read(&self.right),
            wrong: read(&self.wrong),
            limited: read(&self.limited),
            kept: read(&self.kept),
            refused: read(&self.refused),
            tokens: read(&self.tokens),
        }
    }
}
