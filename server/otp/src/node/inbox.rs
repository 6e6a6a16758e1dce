//! The inbox of a shard: signals of other threads, all taken at once.

use std::sync::{Condvar, Mutex};
use std::time::Duration;

use crate::message::Signal;
use crate::unpoisoned::Unpoisoned;

/// Signals that may wait before senders must hold back. At 100 bytes each this is 6 MB; a shard takes
/// them all between two slices of work, so only a shard that is 250 ms behind reaches this limit.
const INBOX_MAX: usize = 65_536;

/// The inbox of one shard.
pub(crate) struct Inbox {
    signals: Mutex<Vec<Signal>>,
    arrived: Condvar,
}

impl Inbox {
    pub(crate) fn new() -> Inbox {
        Inbox {
            signals: Mutex::new(Vec::new()),
            arrived: Condvar::new(),
        }
    }

    /// Adds a signal from outside. The number of such signals is bounded by their senders: a port has a few inputs on
    /// their way, and a thread that asks waits for the answer.
    pub(crate) fn push(&self, signal: Signal) {
        let mut signals = self.signals.lock().unpoisoned();
        let was_empty = signals.is_empty();
        signals.push(signal);
        drop(signals);
        // A shard sleeps only on an empty inbox: the sender of the first signal wakes it.
        if was_empty {
            self.arrived.notify_one();
        }
    }

    /// Moves all of another shard's signals here, unless too many wait.
    pub(crate) fn try_append(&self, outbox: &mut Vec<Signal>) -> bool {
        let mut signals = self.signals.lock().unpoisoned();
        if signals.len() >= INBOX_MAX {
            return false;
        }
        if !signals.is_empty() {
            signals.append(outbox);
            return true;
        }
        // The vectors are swapped: copied signals would be fetched from the other core, and fetched back.
        std::mem::swap(&mut *signals, outbox);
        drop(signals);
        self.arrived.notify_one();
        true
    }

    /// Takes all signals; `into` is empty and provides its memory.
    pub(crate) fn take(&self, into: &mut Vec<Signal>) {
        std::mem::swap(&mut *self.signals.lock().unpoisoned(), into);
    }

    /// Removes the signals that match; the others stay, in their order.
    pub(crate) fn withdraw(&self, mut is_wanted: impl FnMut(&Signal) -> bool) -> Vec<Signal> {
        let mut signals = self.signals.lock().unpoisoned();
        signals.extract_if(.., |signal| is_wanted(signal)).collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.signals.lock().unpoisoned().is_empty()
    }

    /// Waits for a signal, at most for `limit`.
    pub(crate) fn wait(&self, limit: Duration) {
        let signals = self.signals.lock().unpoisoned();
        if signals.is_empty() {
            // The reason of the wake-up does not matter: the shard reads its clock and its inbox in each case.
            let _ = self.arrived.wait_timeout(signals, limit);
        }
    }
}
