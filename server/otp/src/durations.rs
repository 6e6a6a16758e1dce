//! A histogram of durations that one thread writes and any thread reads.

use std::sync::atomic::{AtomicU64, Ordering};

use pq_histogram::{BUCKETS, Histogram, bucket};

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

    /// The durations so far.
    pub(crate) fn read(&self) -> Histogram {
        let counts = self
            .counts
            .each_ref()
            .map(|count| count.load(Ordering::Relaxed));
        Histogram::of_counts(&counts, self.sum_ns.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recorder_counts_what_a_histogram_does() {
        let (recorder, mut histogram) = (Recorder::default(), Histogram::default());
        for ns in [300, 400, 9_000_000] {
            recorder.note(ns);
            histogram.add(ns, 1);
        }
        assert_eq!(recorder.read(), histogram);
    }
}
