//! Callbacks that do not end (`stall`), as everybody asks about them.

use std::time::{Duration, Instant};

use super::{Node, RequestError};
use crate::stall::{Stall, StallEvent};

/// How long whoever waits for an answer goes on when a shard stands still: the others may have it.
const GRACE: Duration = Duration::from_secs(1);

impl Node {
    /// Callbacks that take long now, and functions that were called from outside; shards first.
    pub fn stalls(&self) -> Vec<Stall> {
        self.watched().now().clone()
    }

    /// The first shard that stands still.
    pub fn stalled(&self) -> Option<Stall> {
        let now = self.watched().now();
        let mut shards = now.iter().filter(|stall| stall.shard.is_some());
        shards.find(|stall| stall.is_stalled).cloned()
    }

    /// Why this shard does not answer; `None` when it does.
    pub fn stall_of(&self, shard: usize) -> Option<Stall> {
        let now = self.watched().now();
        let mut stalls = now.iter().filter(|stall| stall.shard == Some(shard));
        stalls.find(|stall| stall.is_stalled).cloned()
    }

    /// The first shard that stands still, for whoever is about to begin something that needs all of them: a callback that
    /// takes long already is waited for until it has ended, or is known not to; but no longer than `patience_ms`.
    pub fn stalled_soon(&self, patience_ms: u64) -> Option<Stall> {
        const LOOK: Duration = Duration::from_millis(20);
        let began = Instant::now();
        let is_undecided = |stall: &Stall| stall.shard.is_some() && !stall.is_stalled;
        while began.elapsed() < Duration::from_millis(patience_ms)
            && self.stalled().is_none()
            && self.stalls().iter().any(is_undecided)
        {
            std::thread::sleep(LOOK);
        }
        self.stalled()
    }

    pub(crate) fn tell_stall(&self, event: StallEvent, stall: &Stall) {
        if let Some(on_stall) = &self.config().on_stall {
            on_stall(event, stall);
        }
    }

    /// Whether it is worth waiting for an answer that any shard may keep: until a moment after one is known to stand still.
    pub(crate) fn while_shards_answer(&self) -> impl FnMut() -> bool {
        let mut since: Option<Instant> = None;
        move || match self.stalled() {
            None => {
                since = None;
                true
            }
            Some(_) => since.get_or_insert_with(Instant::now).elapsed() < GRACE,
        }
    }

    /// The error for a thread that has waited in vain.
    pub(crate) fn unanswered(&self, timeout_ms: u64) -> RequestError {
        match self.stalled() {
            Some(stall) => RequestError::Stalled(stall.to_string()),
            None => RequestError::Timeout(timeout_ms),
        }
    }
}
