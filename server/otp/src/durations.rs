//! A histogram of durations that one thread writes and any thread reads: buckets whose bounds double.

use std::sync::atomic::{AtomicU64, Ordering};

/// The upper bound of the first bucket in nanoseconds; the bound of each further bucket is twice that of the one before.
/// Most callbacks take some microseconds.
pub const FIRST_BOUND_NS: u64 = 250;

/// The number of buckets. The last one has no bound; the one before ends at 34 s.
pub const BUCKETS: usize = 29;

/// The counts of a histogram.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Durations {
    /// The number of durations in each bucket.
    pub counts: [u64; BUCKETS],
    /// The sum of all durations in nanoseconds.
    pub sum_ns: u64,
}

impl Default for Durations {
    fn default() -> Durations {
        Durations {
            counts: [0; BUCKETS],
            sum_ns: 0,
        }
    }
}

/// The counts of one shard's thread.
#[derive(Default)]
pub(crate) struct Recorder {
    counts: [AtomicU64; BUCKETS],
    sum_ns: AtomicU64,
}

impl Recorder {
    /// Adds a duration; for one thread only.
    pub(crate) fn note(&self, ns: u64) {
        let add =
            |to: &AtomicU64, more| to.store(to.load(Ordering::Relaxed) + more, Ordering::Relaxed);
        add(&self.counts[bucket(ns)], 1);
        add(&self.sum_ns, ns);
    }

    /// Adds the counts to a sum.
    pub(crate) fn add_to(&self, sum: &mut Durations) {
        for (sum, own) in sum.counts.iter_mut().zip(&self.counts) {
            *sum += own.load(Ordering::Relaxed);
        }
        sum.sum_ns += self.sum_ns.load(Ordering::Relaxed);
    }
}

fn bucket(ns: u64) -> usize {
    let doublings = u64::BITS - (ns.saturating_sub(1) / FIRST_BOUND_NS).leading_zeros();
    (doublings as usize).min(BUCKETS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_counts_in_the_first_bucket_whose_bound_it_does_not_exceed() {
        for at in 0..BUCKETS - 1 {
            let bound = FIRST_BOUND_NS << at;
            assert_eq!((bucket(bound), bucket(bound + 1)), (at, at + 1));
        }
        assert_eq!((bucket(0), bucket(u64::MAX)), (0, BUCKETS - 1));
        let recorder = Recorder::default();
        recorder.note(300);
        recorder.note(400);
        let mut sum = Durations::default();
        recorder.add_to(&mut sum);
        assert_eq!((sum.counts[1], sum.sum_ns), (2, 700));
    }
}
