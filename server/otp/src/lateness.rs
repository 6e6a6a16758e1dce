//! How late timers are handled: from the millisecond a timer was due to the moment its process has had its turn.
//!
//! ```text
//!   wheel ─ fired ─► batch, placed behind the run queue ─ the queue has run past it ─► Histogram ─► Lateness
//! ```
//! A shard that has more to do than it can fires its timers in time all the same; what grows is the run queue.
//! So the queue counts too. What does not count: a process that has more than one turn's worth of other
//! messages before the timer. Called by the shard ([`Waiting`]) and by its thread ([`Histogram`]); under the
//! virtual clock nothing is ever late.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts from 0 to 999 ms, and one for all that is later: a timer that is a second late is a node that
/// cannot keep up, and it does not matter by how much.
const BUCKETS: usize = 1_001;

/// Where a batch stands whose timers are just being delivered.
const UNPLACED: u64 = u64::MAX;

/// Timers of one millisecond that fired in one turn.
struct Batch {
    due_ms: u64,
    timers: u64,
    /// Once so many processes have left the run queue, since the shard began, all of the batch are handled.
    behind: u64,
}

/// Timers that have fired and wait for their processes' turn. There are at most as many as processes in the
/// run queue.
#[derive(Default)]
pub(crate) struct Waiting {
    batches: VecDeque<Batch>,
}

impl Waiting {
    /// A timer fires.
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

    /// All that fired are in mailboxes now, their processes among those that leave the run queue until so many
    /// have left it.
    pub(crate) fn placed(&mut self, behind: u64) {
        let fresh = self.batches.iter_mut().rev();
        for batch in fresh.take_while(|batch| batch.behind == UNPLACED) {
            batch.behind = behind;
        }
    }

    /// So many processes have left the run queue: hands over how many timers that settles, with when they
    /// were due.
    pub(crate) fn settle(&mut self, left: u64, mut note: impl FnMut(u64, u64)) {
        while let Some(batch) = self.batches.front().filter(|batch| batch.behind <= left) {
            note(batch.due_ms, batch.timers);
            self.batches.pop_front();
        }
    }
}

/// Counts by one shard's thread, read by anybody.
pub(crate) struct Histogram {
    counts: Box<[AtomicU64]>,
    max_ms: AtomicU64,
}

impl Default for Histogram {
    fn default() -> Histogram {
        Histogram {
            counts: (0..BUCKETS).map(|_| AtomicU64::new(0)).collect(),
            max_ms: AtomicU64::new(0),
        }
    }
}

impl Histogram {
    /// So many timers were handled so late.
    pub(crate) fn note(&self, late_ms: u64, timers: u64) {
        let bucket = usize::try_from(late_ms).map_or(BUCKETS - 1, |ms| ms.min(BUCKETS - 1));
        self.counts[bucket].fetch_add(timers, Ordering::Relaxed);
        self.max_ms.fetch_max(late_ms, Ordering::Relaxed);
    }

    /// Adds what was noted since it was last taken.
    pub(crate) fn take_into(&self, sum: &mut Lateness) {
        for (all, count) in sum.counts.iter_mut().zip(&self.counts) {
            *all += count.swap(0, Ordering::Relaxed);
        }
        sum.max_ms = sum.max_ms.max(self.max_ms.swap(0, Ordering::Relaxed));
    }
}

/// How late the timers of a while were handled.
#[derive(Clone, Debug)]
pub struct Lateness {
    counts: Vec<u64>,
    max_ms: u64,
}

impl Default for Lateness {
    fn default() -> Lateness {
        Lateness {
            counts: vec![0; BUCKETS],
            max_ms: 0,
        }
    }
}

impl Lateness {
    /// How many timers were handled.
    pub fn timers(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The latest, in milliseconds.
    pub fn max_ms(&self) -> u64 {
        self.max_ms
    }

    /// So many percent of the timers were at most so many milliseconds late; 1 000 stands for all above.
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
        histogram.take_into(&mut lateness);
        let percentiles = [0, 50, 90, 91, 99, 100].map(|percent| lateness.percentile_ms(percent));
        assert_eq!(percentiles, [0, 0, 0, 7, 7, 1_000]);
        assert_eq!((lateness.timers(), lateness.max_ms()), (100, 30_000));
    }

    #[test]
    fn what_was_taken_is_not_taken_again() {
        let histogram = Histogram::default();
        histogram.note(3, 2);
        histogram.take_into(&mut Lateness::default());
        let mut lateness = Lateness::default();
        histogram.take_into(&mut lateness);
        assert_eq!(
            (
                lateness.timers(),
                lateness.max_ms(),
                lateness.percentile_ms(99)
            ),
            (0, 0, 0)
        );
    }
}
