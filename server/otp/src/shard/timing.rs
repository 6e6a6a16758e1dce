//! Durations of callbacks: one of each 16 turns times its first callback. Two readings of the clock cost half as much as a
//! short callback, so not every callback is timed. The thread of the shard orders and collects the durations.

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
    took_ns: Option<u64>,
}

impl Timing {
    /// The start of a callback that is timed.
    pub(super) fn begin(&mut self) -> Option<Instant> {
        self.is_due.then(|| {
            self.is_due = false;
            Instant::now()
        })
    }

    /// Ends a callback that was timed.
    pub(super) fn end(&mut self, began: Option<Instant>) {
        if let Some(began) = began {
            self.took_ns = Some(began.elapsed().as_nanos() as u64);
        }
    }
}

impl Shard {
    /// Begins a turn, in which a callback may be timed.
    pub(crate) fn begin_timing(&mut self) {
        self.timing.turns = self.timing.turns.wrapping_add(1);
        self.timing.is_due |= self.timing.turns.is_multiple_of(TURNS);
    }

    /// The duration of the callback that was timed, in nanoseconds.
    pub(crate) fn take_timing(&mut self) -> Option<u64> {
        self.timing.took_ns.take()
    }
}
