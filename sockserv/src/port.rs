//! The handle of one client's connection, shared by its task and the node.
//!
//! The node writes, closes and gives back lines from any thread and never waits; the task of the client,
//! in `connection`, does the waiting. The last of both frees it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, Semaphore};

use crate::encode::encode;
use crate::outbox::{Outbox, Overflow};

/// How many lines of one client may be on their way to its process.
/// A dialogue needs one, a pasted or piped one (`printf 'Ann\ny\n' | nc`) a few. The rest waits in the
/// kernel and then at the client.
pub const LINES_MAX: usize = 8;

/// A client, as the node sees it.
#[derive(Debug)]
pub struct Port {
    state: Mutex<State>,
    changed: Notify,
    lines: Semaphore,
}

#[derive(Debug)]
struct State {
    outbox: Outbox,
    phase: Phase,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    Open,
    Closing,
    Overflown,
}

/// What the task of the client has to do next.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Output {
    /// Write these bytes.
    Bytes(Vec<u8>),
    /// All is written and no more will come.
    Closed,
    /// The client was too slow: write nothing more.
    Overflown,
}

impl Default for Port {
    fn default() -> Port {
        let state = State {
            outbox: Outbox::default(),
            phase: Phase::Open,
        };
        Port {
            state: Mutex::new(state),
            changed: Notify::new(),
            lines: Semaphore::new(LINES_MAX),
        }
    }
}

impl Port {
    /// Queues a text for the client; `\n` ends a line in it. After [`Port::close`] it is left out.
    ///
    /// # Errors
    /// [`Overflow`] when the client is too slow to read, once. Its connection is then dropped and logged by its
    /// own task, and the owner hears of it as of any other end: the caller has nothing to do.
    pub fn write(&self, text: &[u8]) -> Result<(), Overflow> {
        self.write_raw(&encode(text))
    }

    /// Queues bytes of the wire.
    pub(crate) fn write_raw(&self, wire: &[u8]) -> Result<(), Overflow> {
        let mut state = self.lock();
        if state.phase != Phase::Open {
            return Ok(());
        }
        let pushed = state.outbox.push(wire);
        if pushed.is_err() {
            state.phase = Phase::Overflown;
        }
        drop(state);
        self.changed.notify_one();
        pushed
    }

    /// Closes the connection after what was written before. Must be called when the owner has ended.
    pub fn close(&self) {
        let mut state = self.lock();
        if state.phase == Phase::Open {
            state.phase = Phase::Closing;
        }
        drop(state);
        self.changed.notify_one();
    }

    /// The owner has done with one line: another may come. To be called once for each line handed over.
    pub fn line_done(&self) {
        if self.lines.available_permits() < LINES_MAX {
            self.lines.add_permits(1);
        }
    }

    /// Waits until the owner may be handed one more line.
    pub(crate) async fn line_permit(&self) {
        // The semaphore is never closed, and the line that is handed over keeps the permit.
        if let Ok(permit) = self.lines.acquire().await {
            permit.forget();
        }
    }

    /// Waits until there is something to do for the one task that writes.
    pub(crate) async fn output(&self) -> Output {
        loop {
            if let Some(output) = self.output_now() {
                return output;
            }
            self.changed.notified().await;
        }
    }

    /// Waits until the client has been found too slow.
    pub(crate) async fn overflown(&self) {
        while self.lock().phase != Phase::Overflown {
            self.changed.notified().await;
        }
    }

    fn output_now(&self) -> Option<Output> {
        let mut state = self.lock();
        match state.phase {
            Phase::Overflown => Some(Output::Overflown),
            _ if !state.outbox.is_empty() => Some(Output::Bytes(state.outbox.take())),
            Phase::Closing => Some(Output::Closed),
            Phase::Open => None,
        }
    }

    /// Nothing that holds the lock can panic halfway, so a poisoned one is as good as any.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbox::OUTBOX_MAX;

    #[test]
    fn what_was_written_before_the_close_comes_before_the_end() {
        let port = Port::default();
        port.write(b"Bye.\n").unwrap();
        port.close();
        port.write(b"too late\n").unwrap();
        assert_eq!(port.output_now(), Some(Output::Bytes(b"Bye.\r\n".to_vec())));
        assert_eq!(port.output_now(), Some(Output::Closed));
    }

    #[test]
    fn an_overflow_is_told_once_and_ends_the_output() {
        let port = Port::default();
        port.write(&vec![b'x'; OUTBOX_MAX]).unwrap();
        assert_eq!(port.write(b"x"), Err(Overflow));
        assert_eq!(port.write(b"x"), Ok(()));
        port.close();
        assert_eq!(port.output_now(), Some(Output::Overflown));
    }

    #[test]
    fn lines_given_back_too_often_do_not_widen_the_window() {
        let port = Port::default();
        port.line_done();
        assert_eq!(port.lines.available_permits(), LINES_MAX);
    }
}
