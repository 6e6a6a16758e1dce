//! The time in which the program could run.
//!
//! When the program (`SIGSTOP`, a debugger) or its machine was stopped, the clock has advanced meanwhile without any
//! work being done. A deadline that counted this time would give up unfinished work. So a watcher over a deadline reads
//! the clock often, and each interval between two readings counts at most [`GAP_MAX_MS`]. Used by the search for
//! callbacks that do not end (`stall`), by the coordinator of a transaction, and by threads that wait for an answer.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// The greatest interval that counts between two readings, which are about 10 ms apart. On a busy machine, a thread may
/// wait that long for its turn; with longer waits, no thread makes much progress.
const GAP_MAX_MS: u64 = 200;

/// How often a thread that waits for an answer reads the clock.
const LOOK: Duration = Duration::from_millis(50);

/// A clock that does not count gaps.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RunClock {
    seen_ms: u64,
    stopped_ms: u64,
}

impl RunClock {
    /// How long the program has run by now, in milliseconds; `now_ms` is a reading of a clock that never stops.
    pub(crate) fn look(&mut self, now_ms: u64) -> u64 {
        let gap_ms = now_ms.saturating_sub(self.seen_ms);
        self.seen_ms = self.seen_ms.max(now_ms);
        self.stopped_ms += gap_ms.saturating_sub(GAP_MAX_MS);
        self.seen_ms - self.stopped_ms
    }
}

/// A receiver for answers, with a limit on the program's running time.
pub(crate) struct Receiving<'a, T> {
    receiver: &'a Receiver<T>,
    timeout_ms: u64,
    began: Instant,
    clock: RunClock,
}

impl<'a, T> Receiving<'a, T> {
    pub(crate) fn new(receiver: &'a Receiver<T>, timeout_ms: u64) -> Receiving<'a, T> {
        Receiving {
            receiver,
            timeout_ms,
            began: Instant::now(),
            clock: RunClock::default(),
        }
    }

    /// The next answer, as long as waiting is worthwhile: the condition is tested at each reading.
    ///
    /// # Errors
    /// When no answer has come in time, or the sender is gone.
    pub(crate) fn next_while(
        &mut self,
        mut goes_on: impl FnMut() -> bool,
    ) -> Result<T, RecvTimeoutError> {
        loop {
            let ran_ms = self.clock.look(self.began.elapsed().as_millis() as u64);
            let left = Duration::from_millis(self.timeout_ms.saturating_sub(ran_ms));
            match self.receiver.recv_timeout(left.min(LOOK)) {
                Err(RecvTimeoutError::Timeout) if !left.is_zero() && goes_on() => (),
                done => return done,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::*;

    #[test]
    fn a_gap_counts_no_longer_than_a_turn_takes() {
        let mut clock = RunClock::default();
        for now_ms in [10, 20, 30] {
            assert_eq!(clock.look(now_ms), now_ms);
        }
        assert_eq!(clock.look(12_030), 30 + GAP_MAX_MS);
        assert_eq!(clock.look(12_040), 40 + GAP_MAX_MS);
        assert_eq!(clock.look(12_000), 40 + GAP_MAX_MS);
        assert_eq!(clock.stopped_ms, 12_000 - GAP_MAX_MS);
    }

    #[test]
    fn who_waits_gets_what_is_there_and_an_end_when_nothing_comes() {
        let (sender, receiver) = sync_channel(1);
        let next = |timeout_ms| Receiving::new(&receiver, timeout_ms).next_while(|| true);
        assert_eq!(next(60), Err(RecvTimeoutError::Timeout));
        sender.send(1).unwrap();
        assert_eq!(next(0), Ok(1));
        let mut hopeless = Receiving::new(&receiver, 60_000);
        assert_eq!(
            hopeless.next_while(|| false),
            Err(RecvTimeoutError::Timeout)
        );
        drop(sender);
        assert_eq!(next(60), Err(RecvTimeoutError::Disconnected));
    }
}
