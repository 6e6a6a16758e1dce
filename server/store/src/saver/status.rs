//! The state of a saver for operators: counts, the sweep, the durations of commits, and trouble.

use std::time::Duration;

use parking_lot::Mutex;
use pq_histogram::Histogram;

use super::queue::{CommitNumber, Load};
use super::unix_ms;
use crate::row::Change;
use crate::store::{Stats, StoreError};

/// The number of commits over which durations are shown: 10 s when each 10 ms one is made.
const WINDOW: usize = 1024;

/// The answer to the question how the saves are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Rows by state, the length of the tail, bytes on the disk.
    pub stats: Stats,
    /// The round of the sweep that is under way, or the last one of this run.
    pub sweep: Option<Sweep>,
    /// The number of the last hand-over.
    pub accepted: CommitNumber,
    /// The last hand-over that is on the disk with all before it.
    pub durable: CommitNumber,
    /// Changes that are not on the disk.
    pub queued: usize,
    /// The memory of these changes in bytes.
    pub queued_bytes: usize,
    /// The age of the oldest of them; zero if there are none.
    pub lag: Duration,
    /// Durations of the last 1 024 commits.
    pub commits: Commits,
    /// Commits that failed, each attempt counted.
    pub errors: u64,
    /// Set while commits fail.
    pub trouble: Option<Trouble>,
}

/// A round of the sweep, as far as it is on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sweep {
    /// Its beginning in milliseconds since 1970.
    pub began_unix_ms: u64,
    /// Its end; `None` while it is under way.
    pub ended_unix_ms: Option<u64>,
    /// States that it has saved.
    pub rows: u64,
}

/// The store does not take changes. It is tried again without end, except after a panic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The first failure in milliseconds since 1970.
    pub since_unix_ms: u64,
    /// The operation and the reason of the last failure.
    pub sentence: String,
}

/// Durations of commits, fsync included.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Commits {
    /// All commits since the start.
    pub all: Histogram,
    /// Half of the last commits took at most this long.
    pub p50: Duration,
    /// 99 of 100 of them took at most this long.
    pub p99: Duration,
    /// The longest of the last commits.
    pub max: Duration,
}

/// The report to which the writer adds.
#[derive(Debug)]
pub(super) struct Report {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    stats: Stats,
    sweep: Option<Sweep>,
    durations: Vec<Duration>,
    all: Histogram,
    errors: u64,
    trouble: Option<Trouble>,
}

impl Report {
    pub(super) fn new(stats: Stats) -> Report {
        let inner = Inner {
            stats,
            sweep: None,
            durations: Vec::new(),
            all: Histogram::default(),
            errors: 0,
            trouble: None,
        };
        Report {
            inner: Mutex::new(inner),
        }
    }

    /// A commit with these changes took this long. Returns the trouble that is over now.
    pub(super) fn committed(
        &self,
        changes: &[Change],
        took: Duration,
        stats: Stats,
    ) -> Option<Trouble> {
        let mut inner = self.inner.lock();
        inner.stats = stats;
        let place = inner.all.count() as usize % WINDOW;
        match inner.durations.get_mut(place) {
            Some(oldest) => *oldest = took,
            None => inner.durations.push(took),
        }
        inner.all.add(took.as_nanos() as u64, 1);
        changes.iter().for_each(|change| inner.follow(change));
        inner.trouble.take()
    }

    /// A commit has failed. Returns the trouble if it begins with that.
    pub(super) fn failed(&self, error: &StoreError) -> Option<Trouble> {
        let mut inner = self.inner.lock();
        let is_first = inner.trouble.is_none();
        inner.errors += 1;
        inner.trouble(format!("failed to {error}"));
        inner.trouble.clone().filter(|_| is_first)
    }

    /// The writer ends by a mistake of its own; nothing is saved any more.
    pub(super) fn panicked(&self) {
        let sentence = "the writer of the saves has panicked, and nothing is saved any more";
        self.inner.lock().trouble(sentence.to_owned());
    }

    pub(super) fn status(&self, load: Load) -> Status {
        let inner = self.inner.lock();
        Status {
            stats: inner.stats,
            sweep: inner.sweep,
            accepted: load.accepted,
            durable: load.durable,
            queued: load.size.changes,
            queued_bytes: load.size.bytes,
            lag: load.lag,
            commits: inner.commits(),
            errors: inner.errors,
            trouble: inner.trouble.clone(),
        }
    }
}

impl Inner {
    fn trouble(&mut self, sentence: String) {
        let since = self.trouble.as_ref().map(|trouble| trouble.since_unix_ms);
        self.trouble = Some(Trouble {
            since_unix_ms: since.unwrap_or_else(unix_ms),
            sentence,
        });
    }

    fn follow(&mut self, change: &Change) {
        match (change, &mut self.sweep) {
            (Change::SweepBegins { .. }, sweep) => {
                *sweep = Some(Sweep {
                    began_unix_ms: unix_ms(),
                    ended_unix_ms: None,
                    rows: 0,
                });
            }
            (Change::Sweep(_), Some(sweep)) => sweep.rows += 1,
            (Change::SweepEnds { unix_ms }, Some(sweep)) => sweep.ended_unix_ms = Some(*unix_ms),
            _ => (),
        }
    }

    fn commits(&self) -> Commits {
        let mut sorted = self.durations.clone();
        sorted.sort_unstable();
        let part = |percent: usize| {
            let at = (sorted.len() * percent).div_ceil(100).max(1) - 1;
            sorted.get(at).copied().unwrap_or_default()
        };
        Commits {
            all: self.all.clone(),
            p50: part(50),
            p99: part(99),
            max: part(100),
        }
    }
}
