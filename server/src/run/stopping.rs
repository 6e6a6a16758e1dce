//! The stop of a node: one deadline for all of it, and whether everything stopped in its turn.
//!
//! What does not live here: what a stop consists of (`run`, `Booted::stop`).

use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use pq_abi::crash::watch_thread;

use crate::boot::{Booted, StopError};
use crate::operator::{Exit, Failure};

/// How long an orderly stop may take in all; `SIGKILL` of a service manager comes after 90 s by default.
const STOP_TIMEOUT: Duration = Duration::from_secs(60);

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
    pub(super) async fn stop_application(&mut self, booted: &Arc<Booted>, name: &'static str) {
        let booted = booted.clone();
        let stop = tokio::task::spawn_blocking(move || booted.stop_application(name));
        let stopped = match tokio::time::timeout_at(self.deadline.into(), stop).await {
            Ok(Ok(stopped)) => stopped,
            // A panic of that thread is in the log, and what it left undone is found in `finish`.
            Ok(Err(_)) => Ok(()),
            Err(_) => Err(StopError::TooLong(STOP_TIMEOUT)),
        };
        self.note(stopped);
    }

    /// Stops everything that is left, as far as the time allows.
    ///
    /// # Errors
    /// When something did not stop in its turn: the node is then ended as it is.
    pub(super) fn finish(mut self, booted: Arc<Booted>) -> Result<(), Failure> {
        let (done, finished) = sync_channel(1);
        std::thread::spawn(move || {
            watch_thread();
            // Nobody waits any more when it took too long.
            let _ = done.send(booted.stop());
        });
        let left = self.deadline.saturating_duration_since(Instant::now());
        let stopped = finished.recv_timeout(left);
        self.note(stopped.unwrap_or(Err(StopError::TooLong(STOP_TIMEOUT))));
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
