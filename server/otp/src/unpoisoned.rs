//! Locks after a panic: each holder leaves the data consistent, so the next holder continues with them.

use std::sync::{LockResult, PoisonError};

/// The guard of a lock.
pub(crate) trait Unpoisoned {
    type Guard;
    /// The guard, also after a panic of the previous holder.
    fn unpoisoned(self) -> Self::Guard;
}

impl<G> Unpoisoned for LockResult<G> {
    type Guard = G;

    fn unpoisoned(self) -> G {
        self.unwrap_or_else(PoisonError::into_inner)
    }
}
