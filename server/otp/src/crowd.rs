//! Events of the processes of one module, for a view of all of them and for the recording of an install.
//!
//! ```text
//!   birth, end, copy, swap on a shard ─► is it wanted? ─► the log of the shard ─► Node::crowd_events
//! ```
//! While nobody wants events, each of them costs one load. The log of a shard is bounded: when it is full, events are dropped, and
//! the reader lists the processes anew ([`CrowdEvents::is_complete`]). An event says how a process is, not what has changed, so a
//! reader that lists processes first and takes the events since then has each process as it is last.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, RwLock};
use std::time::Instant;

use pq_abi::Module;
use pq_term::Pid;

use crate::process::Process;
use crate::unpoisoned::Unpoisoned;

/// The events that wait on one shard at most, 10 MB. A reader takes them every 100 ms.
const EVENTS_MAX: usize = 1 << 18;

/// The factor that spreads places over all 32-bit numbers: 2^32 divided by the golden ratio.
const SPREAD: u32 = 0x9e37_79b1;

/// The change of a process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CrowdChange {
    /// The process has started.
    Born,
    /// The process runs this version from now on.
    Runs,
    /// A transaction has converted a copy of its state.
    Copied,
    /// A transaction has dropped the converted copy.
    Dropped,
    /// The process has handled a message: a sample, for a view of who acts.
    Acted,
    /// The process has ended in order.
    Ended,
    /// The process has failed, or was killed.
    Failed,
}

/// An event of a process.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct CrowdEvent {
    /// The process that has changed.
    pub pid: Pid,
    /// The process that started it.
    pub parent: Pid,
    /// The version that the process runs after the event.
    pub module: Module,
    /// The change of the process.
    pub change: CrowdChange,
    /// The time on [`crate::Node::crowd_us`].
    pub at_us: u64,
}

/// The processes whose events are wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CrowdShare {
    /// No process, which is how a node starts.
    Nobody,
    /// A sample of about one in so many processes, the same ones each time, and only what installs change.
    OneIn(u32),
    /// All processes of the module.
    All,
}

impl CrowdShare {
    /// Whether the events of this process are wanted.
    pub fn takes(self, pid: Pid) -> bool {
        spread(pid) < limit(self)
    }
}

/// The events of all shards since the last call.
#[derive(Default, Debug)]
pub struct CrowdEvents {
    /// The events, in the order of their times.
    pub events: Vec<CrowdEvent>,
    /// The number of events that were dropped because a log was full.
    pub dropped: u64,
}

impl CrowdEvents {
    /// Whether no event is missing.
    pub fn is_complete(&self) -> bool {
        self.dropped == 0
    }
}

/// The logs of all shards.
pub(crate) struct Crowd {
    /// Processes are wanted whose spread place is below this number: 0 for nobody, the highest one for all.
    wanted: AtomicU32,
    module: RwLock<String>,
    logs: Box<[Log]>,
    clock: Instant,
}

#[derive(Default)]
struct Log {
    events: Mutex<Vec<CrowdEvent>>,
    dropped: AtomicU64,
}

impl Crowd {
    pub(crate) fn new(shards: usize) -> Crowd {
        Crowd {
            wanted: AtomicU32::new(0),
            module: RwLock::default(),
            logs: (0..shards).map(|_| Log::default()).collect(),
            clock: Instant::now(),
        }
    }

    /// Whether events of any process are wanted.
    pub(crate) fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::Relaxed) != 0
    }

    pub(crate) fn want(&self, module: &str, share: CrowdShare) {
        if *self.module.read().unpoisoned() != module {
            *self.module.write().unpoisoned() = module.to_string();
        }
        self.wanted.store(limit(share), Ordering::Relaxed);
    }

    pub(crate) fn now_us(&self) -> u64 {
        self.clock.elapsed().as_micros() as u64
    }

    /// Logs a change of the process if it is wanted.
    pub(crate) fn note(&self, process: &Process, change: CrowdChange) {
        let limit = self.wanted.load(Ordering::Relaxed);
        let (pid, Some(module)) = (process.pid, process.module) else {
            return;
        };
        let is_of_all = limit == u32::MAX;
        let is_of_install = matches!(
            change,
            CrowdChange::Copied | CrowdChange::Runs | CrowdChange::Dropped
        );
        let is_sampled = is_of_install && spread(pid) < limit;
        if !(is_of_all || is_sampled) || module.name() != *self.module.read().unpoisoned() {
            return;
        }
        self.log(CrowdEvent {
            pid,
            parent: process.parent,
            module,
            change,
            at_us: self.now_us(),
        });
    }

    fn log(&self, event: CrowdEvent) {
        let Some(log) = self.logs.get(usize::from(event.pid.shard())) else {
            return;
        };
        let mut events = log.events.lock().unpoisoned();
        match events.len() < EVENTS_MAX {
            true => events.push(event),
            false => drop(log.dropped.fetch_add(1, Ordering::Relaxed)),
        }
    }

    pub(crate) fn take(&self) -> CrowdEvents {
        let mut all = CrowdEvents::default();
        for log in &self.logs {
            let events = std::mem::take(&mut *log.events.lock().unpoisoned());
            all.events.extend(events);
            all.dropped += log.dropped.swap(0, Ordering::Relaxed);
        }
        // Stable: the events of one shard are in their order already.
        all.events.sort_by_key(|event| event.at_us);
        all
    }
}

/// A number that is the same each time for a place, and about evenly spread over all places.
fn spread(pid: Pid) -> u32 {
    pid.index().wrapping_mul(SPREAD)
}

/// The number below which the spread place of a wanted process is.
fn limit(share: CrowdShare) -> u32 {
    match share {
        CrowdShare::Nobody => 0,
        CrowdShare::OneIn(0 | 1) => u32::MAX - 1,
        CrowdShare::OneIn(count) => u32::MAX / count,
        CrowdShare::All => u32::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_about_the_share_that_was_asked_for_wherever_the_processes_lie() {
        for (count, stride) in [(7, 1), (7, 4), (100, 6)] {
            let share = CrowdShare::OneIn(count);
            let places = (0..1_000_000_u32).step_by(stride);
            let total = places.len() as f64;
            let sampled = places.filter(|place| share.takes(Pid::new(1, *place, 1)));
            let share = sampled.count() as f64 * f64::from(count) / total;
            assert!((0.9..1.1).contains(&share), "one in {count}: {share}");
        }
    }
}
