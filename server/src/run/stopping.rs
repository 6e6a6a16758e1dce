//! The stop of a node: one deadline for all of it, and whether everything stopped in its turn.
//!
//! A shard that stands still stops nothing any more: as soon as one does, each step has a few seconds, in which the others
//! stop what they have. The log says what is waited for.
//!
//! What does not live here: what a stop consists of (`run`, `Booted::stop`), and the end without one (`end_at_once`).

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use pq_abi::crash::watch_thread;
use pq_otp::Node;
use pq_protocol::{Exit, Failure};

use crate::boot::{Booted, StopError};

/// How long an orderly stop may take in all; `SIGKILL` of a service manager comes after 90 s by default.
const STOP_TIMEOUT: Duration = Duration::from_secs(60);

/// How long a step may take when a shard stands still: children that do not end are given up after five seconds, and most
/// end in milliseconds.
const STALLED_TIMEOUT: Duration = Duration::from_secs(3);

/// How often it is looked whether a shard stands still.
const LOOK: Duration = Duration::from_millis(50);

/// How often the log says what is waited for.
const SAY_EVERY: Duration = Duration::from_secs(5);

/// A stop that has begun.
pub(super) struct Stopping {
    deadline: Instant,
    /// The first thing that did not stop in its turn.
    in_order: Result<(), StopError>,
}

impl Stopping {
    /// From now on the time runs.
    pub(super) fn begin() -> Stopping {
        Stopping {
            deadline: Instant::now() + STOP_TIMEOUT,
            in_order: Ok(()),
        }
    }

    /// Stops one application before the others. What goes wrong is told at the end; the stop goes on.
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
        // A panic of that thread is in the log, and what it left undone is found in `finish`.
        let stopped = tokio::task::spawn_blocking(step).await.unwrap_or(Ok(()));
        self.note(stopped);
    }

    /// Stops everything that is left, as far as the time allows.
    ///
    /// # Errors
    /// When something did not stop in its turn: the node is then ended as it is.
    pub(super) fn finish(mut self, booted: Arc<Booted>) -> Result<(), Failure> {
        let node = booted.node().clone();
        let done = on_a_thread(move || booted.stop());
        let stopped = Step::new(self.deadline, "the applications").wait(&node, &done);
        self.note(stopped);
        self.in_order.map_err(|why| {
            let sentence = format!("failed to stop the node in order: {why}; it is ended as it is");
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
        // Who waits for it may have given up.
        drop(done.send(stop()));
    });
    finished
}

/// A step of a stop, and who waits for it.
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
                // Its thread has panicked: that is in the log.
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
                    "the node is still stopping; a second signal ends it as it is"
                );
            }
        }
    }
}
