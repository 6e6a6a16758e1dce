//! Locks after a panic: whoever holds one leaves what it guards whole, so the next one goes on with it.

use std::sync::{LockResult, PoisonError};

/// The guard of a lock.
pub(crate) trait Unpoisoned {
    type Guard;
    /// It, whatever has become of the one who had it before.
    fn unpoisoned(self) -> Self::Guard;
}

impl<G> Unpoisoned for LockResult<G> {
    type Guard = G;

    fn unpoisoned(self) -> G {
        self.unwrap_or_else(PoisonError::into_inner)
    }
}
