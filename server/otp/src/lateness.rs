//! The lateness of timers: from the millisecond when a timer was due to the end of its process's turn.
//!
//! ```text
//!   wheel ─ fired ─► batch, placed behind the run queue ─ the queue has run past it ─► Histogram ─► Lateness
//! ```
//! An overloaded shard still fires its timers in time, but its run queue grows.
//! So the time in the queue counts, too. Not counted: the delay of a process that has more than one turn of other
//! messages before the timer. Called by the shard ([`Waiting`]) and by its thread ([`Histogram`]); under the
//! virtual clock no timer is late.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};

/// Buckets for 0 to 999 ms, and one for all later timers: with timers a second late, the node
/// cannot keep up, and the exact delay does not matter.
const BUCKETS: usize = 1_001;

/// The place of a batch whose timers are not delivered yet.
const UNPLACED: u64 = u64::MAX;

/// The timers of one millisecond that fired in one turn.
struct Batch {
    due_ms: u64,
    timers: u64,
    /// The number of processes that have left the run queue since the shard's start when the whole batch is handled.
    behind: u64,
}

/// Timers that have fired, and whose processes wait for their turn. The number of batches is at most that of the
/// processes in the run queue.
#[derive(Default)]
pub(crate) struct Waiting {
    batches: VecDeque<Batch>,
}

impl Waiting {
    /// Counts a timer that fires.
    pub(crate) fn fired(&mut self, due_ms: u64) {
        match self.batches.back_mut() {
            Some(batch) if (batch.due_ms, batch.behind) == (due_ms, UNPLACED) => batch.timers += 1,
            _ => self.batches.push_back(Batch {
                due_ms,
                timers: 1,
                behind: UNPLACED,
            }),
        }
    }

    /// All fired timers are in mailboxes now; their processes have left the run queue when `behind` processes
    /// have left it.
    pub(crate) fn placed(&mut self, behind: u64) {
        let fresh = self.batches.iter_mut().rev();
        for batch in fresh.take_while(|batch| batch.behind == UNPLACED) {
            batch.behind = behind;
        }
    }

    /// `left` processes have left the run queue: reports how many timers are handled by that, and when they were
    /// due.
    pub(crate) fn settle(&mut self, left: u64, mut note: impl FnMut(u64, u64)) {
        while let Some(batch) = self.batches.front().filter(|batch| batch.behind <= left) {
            note(batch.due_ms, batch.timers);
            self.batches.pop_front();
        }
    }
}

/// Counts written by one shard's thread, and read by any thread.
pub(crate) struct Histogram {
    counts: Box<[AtomicU64]>,
}

impl Default for Histogram {
    fn default() -> Histogram {
        Histogram {
            counts: (0..BUCKETS).map(|_| AtomicU64::new(0)).collect(),
        }
    }
}

impl Histogram {
    /// Counts this many timers, handled this late.
    pub(crate) fn note(&self, late_ms: u64, timers: u64) {
        let bucket = usize::try_from(late_ms).map_or(BUCKETS - 1, |ms| ms.min(BUCKETS - 1));
        self.counts[bucket].fetch_add(timers, Ordering::Relaxed);
    }

    /// Adds the counts to a sum.
    pub(crate) fn add_to(&self, sum: &mut Lateness) {
        for (all, count) in sum.counts.iter_mut().zip(&self.counts) {
            *all += count.load(Ordering::Relaxed);
        }
    }
}

/// How late timers were handled.
#[derive(Clone, Debug)]
pub struct Lateness {
    counts: Vec<u64>,
}

impl Default for Lateness {
    fn default() -> Lateness {
        Lateness {
            counts: vec![0; BUCKETS],
        }
    }
}

impl Lateness {
    /// The timers that were handled since an earlier reading.
    pub fn since(&self, before: &Lateness) -> Lateness {
        let both = self.counts.iter().zip(&before.counts);
        Lateness {
            counts: both.map(|(now, past)| now.saturating_sub(*past)).collect(),
        }
    }

    /// The number of timers handled.
    pub fn timers(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The number of timers by their lateness in milliseconds; 1 000 stands for all greater values.
    pub fn by_ms(&self) -> impl Iterator<Item = (u64, u64)> {
        (0..).zip(self.counts.iter().copied())
    }

    /// The greatest lateness, in milliseconds; 1 000 stands for all greater values.
    pub fn max_ms(&self) -> u64 {
        let last = self.counts.iter().rposition(|count| *count > 0);
        last.unwrap_or_default() as u64
    }

    /// The lateness in milliseconds that this percentage of the timers did not exceed; 1 000 stands for all greater
    /// values.
    pub fn percentile_ms(&self, percent: u64) -> u64 {
        let wanted = (self.timers() * percent.min(100)).div_ceil(100);
        let mut seen = 0;
        let found = self.counts.iter().position(|count| {
            seen += count;
            seen >= wanted
        });
        found.unwrap_or_default() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(waiting: &mut Waiting, left: u64) -> Vec<(u64, u64)> {
        let mut all = Vec::new();
        waiting.settle(left, |due_ms, timers| all.push((due_ms, timers)));
        all
    }

    #[test]
    fn timers_count_when_the_run_queue_has_run_past_them() {
        let mut waiting = Waiting::default();
        for due_ms in [5, 5, 6] {
            waiting.fired(due_ms);
        }
        waiting.placed(10);
        waiting.fired(6);
        waiting.placed(12);
        assert_eq!(settled(&mut waiting, 9), []);
        assert_eq!(settled(&mut waiting, 10), [(5, 2), (6, 1)]);
        assert_eq!(settled(&mut waiting, 12), [(6, 1)]);
    }

    #[test]
    fn a_percentile_is_the_lateness_that_so_many_timers_keep() {
        let histogram = Histogram::default();
        histogram.note(0, 90);
        histogram.note(7, 9);
        histogram.note(30_000, 1);
        let mut lateness = Lateness::default();
        histogram.add_to(&mut lateness);
        let percentiles = [0, 50, 90, 91, 99, 100].map(|percent| lateness.percentile_ms(percent));
        assert_eq!(percentiles, [0, 0, 0, 7, 7, 1_000]);
        assert_eq!((lateness.timers(), lateness.max_ms()), (100, 1_000));
    }

    #[test]
    fn the_timers_of_an_earlier_reading_do_not_count_again() {
        let histogram = Histogram::default();
        let read = || {
            let mut lateness = Lateness::default();
            histogram.add_to(&mut lateness);
            lateness
        };
        histogram.note(7, 2);
        let before = read();
        histogram.note(3, 1);
        let since = read().since(&before);
        assert_eq!((since.timers(), since.max_ms()), (1, 3));
        assert_eq!(since.percentile_ms(99), 3);
    }
}
