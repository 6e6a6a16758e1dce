//! The stop of a node: one limit for the whole stop, and a record whether each part stopped in order.
//!
//! A blocked shard stops no application. With a blocked shard, the limit of each step is 3 s, in which the other
//! shards stop their processes. The log names the step that is waited for.
//!
//! Related code: the steps of a stop are in `run` and `Booted::stop`, the end without a stop in `end_at_once`.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use pq_abi::crash::watch_thread;
use pq_otp::Node;
use pq_protocol::{Exit, Failure};

use crate::boot::{Booted, StopError};

/// The limit for an orderly stop; service managers send `SIGKILL` after 90 s by default.
const STOP_TIMEOUT: Duration = Duration::from_secs(60);

/// The limit for one step while a shard is blocked: supervisors kill children after 5 s, and most children end within
/// milliseconds.
const STALLED_TIMEOUT: Duration = Duration::from_secs(3);

/// The interval between checks for a blocked shard.
const LOOK: Duration = Duration::from_millis(50);

/// The interval between log lines that name the step that is waited for.
const SAY_EVERY: Duration = Duration::from_secs(5);

/// A stop in progress.
pub(super) struct Stopping {
    deadline: Instant,
    /// The first failure of the stop.
    in_order: Result<(), StopError>,
}

impl Stopping {
    /// Starts the limit of the stop.
    pub(super) fn begin() -> Stopping {
        Stopping {
            deadline: Instant::now() + STOP_TIMEOUT,
            in_order: Ok(()),
        }
    }

    /// Stops one application before the others. A failure is reported at the end, and the stop continues.
    pub(super) async fn stop_application(&mut self, booted: &Arc<Booted>, name: &str) {
        let (stopped, deadline) = (booted.clone(), self.deadline);
        let name = name.to_string();
        let step = move || {
            let what = format!("application {name}");
            let step = Step::new(deadline, &what);
            let node = stopped.node().clone();
            let done = on_a_thread(move || stopped.stop_application(&name));
            step.wait(&node, &done)
        };
        // A panic of that thread is in the log, and `finish` stops the applications that it has left running.
        let stopped = tokio::task::spawn_blocking(step).await.unwrap_or(Ok(()));
        self.note(stopped);
    }

    /// Stops all remaining applications within the limit.
    ///
    /// # Errors
    /// Fails if a part did not stop in order: the caller then ends the node without waiting.
    pub(super) fn finish(mut self, booted: Arc<Booted>) -> Result<(), Failure> {
        let node = booted.node().clone();
        let done = on_a_thread(move || booted.stop());
        let stopped = Step::new(self.deadline, "the applications").wait(&node, &done);
        self.note(stopped);
        self.in_order.map_err(|why| {
            let sentence = format!(
                "failed to stop the node in order: {why}; the node ends without an orderly stop"
            );
            tracing::error!("{sentence}");
            Failure::new(Exit::Degraded, sentence)
        })
    }

    fn note(&mut self, stopped: Result<(), StopError>) {
        if self.in_order.is_ok() {
            self.in_order = stopped;
        }
    }
}

type Stopped = Result<(), StopError>;

fn on_a_thread(stop: impl FnOnce() -> Stopped + Send + 'static) -> Receiver<Stopped> {
    let (done, finished) = sync_channel(1);
    std::thread::spawn(move || {
        watch_thread();
        // The receiver may have stopped waiting.
        drop(done.send(stop()));
    });
    finished
}

/// A step of a stop, with its limit and the time of its last log line.
struct Step<'a> {
    deadline: Instant,
    what: &'a str,
    began: Instant,
    said: Duration,
}

impl Step<'_> {
    fn new(deadline: Instant, what: &str) -> Step<'_> {
        Step {
            deadline,
            what,
            began: Instant::now(),
            said: Duration::ZERO,
        }
    }

    fn wait(mut self, node: &Node, done: &Receiver<Stopped>) -> Stopped {
        loop {
            match done.recv_timeout(LOOK) {
                Ok(stopped) => return stopped,
                // The thread has panicked, and the log has the panic.
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
                Err(RecvTimeoutError::Timeout) => (),
            }
            let stall = node.stalled();
            if Instant::now() >= self.deadline {
                return Err(StopError::TooLong(STOP_TIMEOUT));
            }
            if let Some(stall) = stall
                .as_ref()
                .filter(|_| self.began.elapsed() >= STALLED_TIMEOUT)
            {
                return Err(StopError::Stalled(stall.to_string()));
            }
            if self.began.elapsed() >= self.said + SAY_EVERY {
                self.said = self.began.elapsed();
                let why = stall.map(|stall| stall.to_string());
                tracing::warn!(
                    waits_for = self.what,
                    why,
                    "the node is still stopping; a second signal ends the node at once"
                );
            }
        }
    }
}
