//! The way into a shard: signals of the other threads, taken all at once.

use std::sync::{Condvar, Mutex};
use std::time::Duration;

use crate::message::Signal;
use crate::unpoisoned::Unpoisoned;

/// Signals that may wait before senders are told to hold back. At 100 bytes each this is 6 MB; a shard takes
/// them all between two slices of work, so it is reached only by a shard that is a quarter of a second behind.
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

    /// Puts a signal from outside. Their number is bounded by whom they come from: a port has a few inputs on
    /// their way, a thread that asks waits for the answer.
    pub(crate) fn push(&self, signal: Signal) {
        let mut signals = self.signals.lock().unpoisoned();
        let was_empty = signals.is_empty();
        signals.push(signal);
        drop(signals);
        // A shard sleeps only on an empty inbox: whoever puts the first signal wakes it.
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
        // Handed over as they lie: what is copied here is fetched from the other core, and fetched back.
        std::mem::swap(&mut *signals, outbox);
        drop(signals);
        self.arrived.notify_one();
        true
    }

    /// Takes everything; `into` is empty and lends its memory.
    pub(crate) fn take(&self, into: &mut Vec<Signal>) {
        std::mem::swap(&mut *self.signals.lock().unpoisoned(), into);
    }

    /// Takes those signals out that are these; the others wait on, in their order.
    pub(crate) fn withdraw(&self, mut is_wanted: impl FnMut(&Signal) -> bool) -> Vec<Signal> {
        let mut signals = self.signals.lock().unpoisoned();
        signals.extract_if(.., |signal| is_wanted(signal)).collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.signals.lock().unpoisoned().is_empty()
    }

    /// Waits until a signal is there, at most `limit`.
    pub(crate) fn wait(&self, limit: Duration) {
        let signals = self.signals.lock().unpoisoned();
        if signals.is_empty() {
            // Why it woke does not matter: the shard looks at its clock and its inbox either way.
            let _ = self.arrived.wait_timeout(signals, limit);
        }
    }
}
