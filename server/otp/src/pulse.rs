//! Which callback runs on which shard since when, so that one that takes too long has a name.
//!
//! A thread of its own keeps a coarse clock. A callback reads it at its beginning and at its end, which costs
//! two loads; a clock of the system would cost as much as half a callback. One that never ends is seen from
//! outside. In a simulation nobody keeps the clock, and no callback is ever late.

use std::sync::atomic::{AtomicU64, Ordering};

use pq_term::Pid;

/// How often the clock is set: late callbacks are known to within this.
pub(crate) const BEAT_MS: u64 = 20;

/// How long a callback may take before it is named in the log. The longest of the game takes some tens of
/// microseconds; at this length everybody else on the shard has noticed.
pub(crate) const CALLBACK_MAX_MS: u64 = 100;

/// The coarse clock, and what each shard does.
pub(crate) struct Pulse {
    now_ms: AtomicU64,
    shards: Box<[Running]>,
}

/// The callback that runs on a shard; on a cache line of its own, because each shard writes its own often.
#[derive(Default)]
#[repr(align(64))]
struct Running {
    pid: AtomicU64,
    since_ms: AtomicU64,
}

impl Pulse {
    pub(crate) fn new(shards: usize) -> Pulse {
        Pulse {
            now_ms: AtomicU64::new(0),
            shards: (0..shards).map(|_| Running::default()).collect(),
        }
    }

    /// Sets the clock.
    pub(crate) fn beat(&self, now_ms: u64) {
        self.now_ms.store(now_ms, Ordering::Relaxed);
    }

    /// A callback of this process begins.
    pub(crate) fn begin(&self, shard: u8, pid: Pid) {
        let running = &self.shards[usize::from(shard)];
        let now_ms = self.now_ms.load(Ordering::Relaxed);
        running.since_ms.store(now_ms, Ordering::Relaxed);
        running.pid.store(pid.as_raw(), Ordering::Release);
    }

    /// It has ended; how long it took when that was too long.
    pub(crate) fn end(&self, shard: u8) -> Option<u64> {
        let running = &self.shards[usize::from(shard)];
        running.pid.store(0, Ordering::Release);
        let took_ms = self.age_ms(running);
        (took_ms >= CALLBACK_MAX_MS).then_some(took_ms)
    }

    /// Callbacks that run for too long already: shard, process, milliseconds.
    pub(crate) fn late(&self) -> impl Iterator<Item = (usize, Pid, u64)> {
        let late = |(shard, running): (usize, &Running)| {
            let pid = running.pid.load(Ordering::Acquire);
            let age_ms = self.age_ms(running);
            (pid != 0 && age_ms >= CALLBACK_MAX_MS).then(|| (shard, Pid::from_raw(pid), age_ms))
        };
        self.shards.iter().enumerate().filter_map(late)
    }

    fn age_ms(&self, running: &Running) -> u64 {
        let since_ms = running.since_ms.load(Ordering::Relaxed);
        self.now_ms.load(Ordering::Relaxed).saturating_sub(since_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callback_that_takes_too_long_is_seen_while_it_runs_and_when_it_ends() {
        let pulse = Pulse::new(2);
        let pid = Pid::new(1, 7, 1);
        pulse.begin(1, pid);
        pulse.beat(CALLBACK_MAX_MS - 1);
        assert_eq!(pulse.late().count(), 0);
        pulse.beat(CALLBACK_MAX_MS);
        assert_eq!(pulse.late().next(), Some((1, pid, CALLBACK_MAX_MS)));
        assert_eq!(pulse.end(1), Some(CALLBACK_MAX_MS));
        assert_eq!(pulse.late().count(), 0);
    }

    #[test]
    fn a_short_callback_leaves_no_trace() {
        let pulse = Pulse::new(1);
        pulse.beat(5_000);
        pulse.begin(0, Pid::new(0, 1, 1));
        pulse.beat(5_000 + BEAT_MS);
        assert_eq!(pulse.end(0), None);
    }
}
