//! Durations in buckets whose bounds double: 250 ns, 500 ns, 1 us, … 34 s, and one bucket without a bound.
//!
//! All histograms of a node have the same bounds, so they can be added, and a program that reads two of them needs one scale.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The upper bound of the first bucket in nanoseconds.
const FIRST_BOUND_NS: u64 = 250;

/// The number of buckets; the last one has no bound.
pub const BUCKETS: usize = 29;

const NS_PER_US: u64 = 1_000;

/// The numbers of durations by their length.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Histogram {
    /// The number of durations in each bucket; empty buckets at the end are left out.
    counts: Vec<u64>,
    /// The sum of all durations in nanoseconds.
    sum_ns: u64,
}

impl Histogram {
    /// A histogram of counts that were taken with [`bucket`].
    pub fn of_counts(counts: &[u64; BUCKETS], sum_ns: u64) -> Histogram {
        let mut histogram = Histogram {
            counts: Vec::new(),
            sum_ns,
        };
        for (bucket, count) in counts.iter().enumerate() {
            histogram.add_to(bucket, *count);
        }
        histogram
    }

    /// A histogram of durations in microseconds.
    pub fn of_us(durations_us: &[u32]) -> Histogram {
        let mut histogram = Histogram::default();
        for us in durations_us {
            histogram.add(u64::from(*us) * NS_PER_US, 1);
        }
        histogram
    }

    /// Adds this many durations of one length.
    pub fn add(&mut self, ns: u64, count: u64) {
        self.add_to(bucket(ns), count);
        self.sum_ns += ns * count;
    }

    /// Adds all durations of another histogram.
    pub fn merge(&mut self, other: &Histogram) {
        for (bucket, count) in other.counts.iter().enumerate() {
            self.add_to(bucket.min(BUCKETS - 1), *count);
        }
        self.sum_ns += other.sum_ns;
    }

    /// The number of all durations.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The sum of all durations in seconds.
    pub fn sum_s(&self) -> f64 {
        self.sum_ns as f64 / 1e9
    }

    /// The upper bound of each bucket in seconds with the number of durations in it; the last bound is infinite.
    pub fn buckets(&self) -> impl Iterator<Item = (f64, u64)> {
        (0..BUCKETS).map(|bucket| {
            let bound = match bucket {
                last if last == BUCKETS - 1 => f64::INFINITY,
                other => (FIRST_BOUND_NS << other) as f64 / 1e9,
            };
            (bound, self.counts.get(bucket).copied().unwrap_or(0))
        })
    }

    fn add_to(&mut self, bucket: usize, count: u64) {
        if count > 0 && self.counts.len() <= bucket {
            self.counts.resize(bucket + 1, 0);
        }
        if let Some(own) = self.counts.get_mut(bucket) {
            *own += count;
        }
    }
}

/// The first bucket whose bound this duration does not exceed, for a counter with an array of its own.
pub fn bucket(ns: u64) -> usize {
    let doublings = u64::BITS - (ns.saturating_sub(1) / FIRST_BOUND_NS).leading_zeros();
    (doublings as usize).min(BUCKETS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_counts_in_the_first_bucket_that_it_does_not_exceed() {
        let mut histogram = Histogram::of_us(&[1, 1, 2]);
        histogram.add(0, 4);
        histogram.add(u64::MAX / 2, 1);
        let filled: Vec<(f64, u64)> = histogram
            .buckets()
            .filter(|(_, count)| *count > 0)
            .collect();
        assert_eq!(
            filled,
            [(250e-9, 4), (1e-6, 2), (2e-6, 1), (f64::INFINITY, 1)]
        );
        assert_eq!(histogram.count(), 8);
        for at in 0..BUCKETS - 1 {
            let bound = FIRST_BOUND_NS << at;
            assert_eq!((bucket(bound), bucket(bound + 1)), (at, at + 1));
        }
        assert_eq!((bucket(0), bucket(u64::MAX)), (0, BUCKETS - 1));
    }

    #[test]
    fn sums_of_histograms_are_the_histogram_of_all() {
        let (some, others) = (Histogram::of_us(&[3, 900]), Histogram::of_us(&[70_000, 3]));
        let mut all = some.clone();
        all.merge(&others);
        assert_eq!(all, Histogram::of_us(&[3, 900, 70_000, 3]));
        let counts: Vec<u64> = all.buckets().map(|(_, count)| count).collect();
        let counts = counts.try_into().unwrap();
        assert_eq!(Histogram::of_counts(&counts, all.sum_ns), all);
        assert!((all.sum_s() - 0.070906).abs() < 1e-9);
        let text = serde_json::to_string(&Histogram::default()).unwrap();
        assert_eq!(text, r#"{"counts":[],"sum_ns":0}"#);
    }
}
