//! The report of one side: all lists are bounded, and the counts are of everything.

use std::collections::BTreeMap;

use pq_histogram::Histogram;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The entries of a list at most.
pub(crate) const LISTED_MAX: usize = 100;

/// Stands for a bucket without a bound.
const BOUND_MAX_S: f64 = 3_600.0;

const US_PER_S: f64 = 1e6;

/// The failure of a process of an avatar.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Crash {
    /// The name of the avatar.
    pub avatar: String,
    /// The process, by the ids of children from the avatar's root; empty for the root.
    pub process: String,
    /// The reason of its end.
    pub why: String,
    /// The phase in which the process failed: `install`, `play`, `back` or `again`.
    pub phase: String,
    /// The virtual time in that phase, in milliseconds.
    pub after_ms: u64,
    /// Whether the avatar has come back as it was copied; otherwise it has failed twice within a minute, and plays no more.
    pub came_back: bool,
}

/// A state that a conversion refuses.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Unconverted {
    /// The virtual time in the phase `play`, in milliseconds.
    pub at_ms: u64,
    /// The release to which the state was to be converted.
    pub to: String,
    /// The refusal, with the first process.
    pub why: String,
}

/// An avatar whose state the game's own check finds wrong.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Suspect {
    /// The name of the avatar.
    pub avatar: String,
    /// The answer of the check.
    pub why: String,
    /// The virtual time in the phase `play`, in milliseconds.
    pub at_ms: u64,
}

/// An install of the rehearsal.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Installed {
    /// The version of the release.
    pub to: String,
    /// The virtual time since the copies were put in, in milliseconds.
    pub at_ms: u64,
    /// The reason of its failure; `None` for an install that has succeeded.
    pub failed: Option<String>,
}

/// The measures of an avatar at the beginning and the end of play.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Measured {
    /// By the name of the measure: the value at the beginning of play and that at its end.
    pub values: BTreeMap<String, (Option<f64>, Option<f64>)>,
    /// The encoded bytes of its processes, at the beginning of play and at its end.
    pub bytes: (u64, u64),
}

/// Durations of callbacks in microseconds. They depend on the machine.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Durations {
    /// The number of callbacks that were timed: one in sixteen turns of the node.
    pub timed: u64,
    /// The mean of all that were timed.
    pub mean_us: f64,
    /// Half of them are at most this long.
    pub median_us: f64,
    /// 99 % of them are at most this long: the bound of a bucket.
    pub p99_us: f64,
}

/// The report of one side.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct SideReport {
    /// The number of avatars that have played.
    pub avatars: u64,
    /// The copies that could not be put in: their number, and the first reasons.
    pub not_put_in: (u64, Vec<String>),
    /// The installs of this side, in their order.
    pub installs: Vec<Installed>,
    /// The conversions of copies of all states, at moments of play, that have failed.
    pub unconverted: Vec<Unconverted>,
    /// The number of all crashes.
    pub crashes: u64,
    /// The number of avatars that have crashed.
    pub crashed: u64,
    /// The first hundred crashes, in their order.
    pub first_crashes: Vec<Crash>,
    /// The number of avatars that the game's own check finds wrong.
    pub suspects: u64,
    /// The first of them.
    pub first_suspects: Vec<Suspect>,
    /// The virtual time of play, in milliseconds.
    pub played_ms: u64,
    /// The messages, events and other envelopes that processes have handled in play.
    pub handled: u64,
    /// The measures by the name of the avatar; empty in the report of both sides.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub measured: BTreeMap<String, Measured>,
    /// The durations of callbacks in play.
    pub callbacks: Durations,
    /// The resident memory of the child at the beginning of play and at its end, in bytes.
    pub resident_bytes: (u64, u64),
    /// Why the child has ended early; `None` for one that has done all.
    pub ended: Option<String>,
}

impl Durations {
    /// The durations that one reading of a histogram has more than an earlier one.
    pub(crate) fn between(before: &Histogram, after: &Histogram) -> Durations {
        let counts = before.buckets().zip(after.buckets());
        let counts: Vec<(f64, u64)> = counts
            .map(|((bound, before), (_, after))| (bound, after - before))
            .collect();
        let timed: u64 = counts.iter().map(|(_, count)| count).sum();
        let bound = |part: f64| {
            let (mut sum, wanted) = (0, (timed as f64 * part).ceil() as u64);
            let mut buckets = counts.iter().filter(|(_, count)| *count > 0);
            let found = buckets.find(|(_, count)| {
                sum += count;
                sum >= wanted
            });
            found.map_or(0.0, |(bound, _)| bound.min(BOUND_MAX_S) * US_PER_S)
        };
        Durations {
            timed,
            mean_us: (after.sum_s() - before.sum_s()) * US_PER_S / timed.max(1) as f64,
            median_us: bound(0.5),
            p99_us: bound(0.99),
        }
    }
}

impl SideReport {
    /// Counts a crash, and keeps it if it is one of the first.
    pub(crate) fn note(&mut self, crash: Crash) {
        self.crashes += 1;
        if self.first_crashes.len() < LISTED_MAX {
            self.first_crashes.push(crash);
        }
    }

    /// Whether this side has done all, and nobody has failed.
    pub fn is_clean(&self) -> bool {
        self.ended.is_none()
            && self.crashes == 0
            && self.not_put_in.0 == 0
            && self.unconverted.is_empty()
            && self.installs.iter().all(|install| install.failed.is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_those_between_two_readings() {
        let mut before = Histogram::default();
        before.add(9_000_000, 50);
        let mut after = before.clone();
        after.add(1_000, 98);
        after.add(100_000, 2);
        let durations = Durations::between(&before, &after);
        assert_eq!(durations.timed, 100);
        assert!((durations.median_us - 1.0).abs() < 1e-6, "{durations:?}");
        assert!((durations.p99_us - 128.0).abs() < 1e-6, "{durations:?}");
        assert!((durations.mean_us - 2.98).abs() < 1e-6, "{durations:?}");
        assert_eq!(Durations::between(&after, &after).timed, 0);
    }
}
