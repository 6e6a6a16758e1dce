//! The journal: a service to which processes write lines in the middle of a callback.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use pq_otp::{Pid, Reason, Service, ServiceCall};

/// The lines with the pids of their writers. Clones share one journal.
#[derive(Clone, Default)]
pub(crate) struct Journal {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    lines: Mutex<Vec<(Pid, String)>>,
    written: Condvar,
}

impl Journal {
    /// Takes all lines noted so far.
    pub(crate) fn take(&self) -> Vec<(Pid, String)> {
        std::mem::take(
            &mut *self
                .inner
                .lines
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    /// Waits until the lines satisfy `enough`, and returns them; panics with the number of lines after the deadline.
    pub(crate) fn wait(&self, enough: impl Fn(&[(Pid, String)]) -> bool) -> Vec<(Pid, String)> {
        let end = Instant::now() + Duration::from_secs(60);
        let mut lines = self
            .inner
            .lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        while !enough(&lines) {
            let left = end.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero(),
                "timed out after {} lines, the last {:?}",
                lines.len(),
                lines.last()
            );
            lines = self
                .inner
                .written
                .wait_timeout(lines, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        std::mem::take(&mut *lines)
    }
}

impl Service for Journal {
    fn call(&self, call: ServiceCall<'_>) -> Result<(), Reason> {
        let (line,): (String,) = rmp_serde::from_slice(call.args)
            .map_err(|error| Reason::tagged("badarg", &error.to_string()))?;
        self.inner
            .lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((call.caller, line));
        self.inner.written.notify_all();
        // The encoding of `()` in MessagePack.
        call.answer.push(0xc0);
        Ok(())
    }
}
