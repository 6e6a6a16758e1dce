//! Durations of callbacks: one of each 16 turns times its first callback. Two readings of the clock cost half as much as a
//! short callback, so not every callback is timed. The thread of the shard orders and collects the durations. The callbacks of a
//! process with a tracer are all timed, and those are no samples.

use std::time::Instant;

use super::Shard;

/// One turn of so many is timed.
const TURNS: u32 = 16;

/// The timer of a shard's callbacks.
#[derive(Default)]
pub(super) struct Timing {
    turns: u32,
    /// Whether the next callback is timed.
    is_due: bool,
    /// Whether its duration is one of the samples.
    is_sample: bool,
    /// Whether its duration is for the trace of its process.
    is_traced: bool,
    took_ns: Option<u64>,
}

impl Timing {
    /// Has the next callback timed for the trace of its process.
    pub(super) fn trace(&mut self) {
        (self.is_due, self.is_traced) = (true, true);
    }

    /// The start of a callback that is timed.
    pub(super) fn begin(&mut self) -> Option<Instant> {
        self.is_due.then(|| {
            self.is_due = false;
            Instant::now()
        })
    }

    /// Ends a callback that was timed. Returns the nanoseconds for the trace of its process.
    pub(super) fn end(&mut self, began: Option<Instant>) -> Option<u64> {
        let took_ns = began?.elapsed().as_nanos() as u64;
        if std::mem::take(&mut self.is_sample) {
            self.took_ns = Some(took_ns);
        }
        std::mem::take(&mut self.is_traced).then_some(took_ns)
    }
}

impl Shard {
    /// Begins a turn, in which a callback may be timed.
    pub(crate) fn begin_timing(&mut self) {
        self.timing.turns = self.timing.turns.wrapping_add(1);
        if self.timing.turns.is_multiple_of(TURNS) {
            (self.timing.is_due, self.timing.is_sample) = (true, true);
        }
    }

    /// The duration of the callback that was timed, in nanoseconds.
    pub(crate) fn take_timing(&mut self) -> Option<u64> {
        self.timing.took_ns.take()
    }
}
