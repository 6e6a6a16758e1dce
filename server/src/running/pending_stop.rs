//! Operators' requests for a stop or restart of the node, and the answer to a stop.
//!
//! The answer to a stop is sent when everything has stopped and the tree is free for another node. The system closes
//! the connection at the end of the process, so the end of the connection is the end of the node.

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use pq_protocol::answer::Stopped;
use pq_protocol::history::Deed;
use pq_protocol::{Event, Failure, Who, frame};

use crate::history::History;
use crate::restart::Restart;

/// The limit for writing the answer: it is short, and the operator waits for it.
const WRITE_TIMEOUT: Duration = Duration::from_secs(2);

/// An operator's request for a stop or restart.
pub(crate) enum Wish {
    /// A request for a stop, with the operator's connection.
    Stop(PendingStop),
    /// A request for a restart.
    Restart(Restart),
}

/// A requested stop, and the connection of the operator who waits for the answer.
pub(crate) struct PendingStop {
    /// The connection for the answer; `None` for a planned shutdown.
    pub(crate) stream: Option<UnixStream>,
    /// The name of the operation in the history.
    pub(crate) operation: &'static str,
    /// The version of the running release.
    pub(crate) vsn: String,
    pub(crate) who: Who,
    pub(crate) message: Option<String>,
    pub(crate) asked: Instant,
}

impl PendingStop {
    /// Enters the stop into the history; the caller still holds the lock of the tree.
    pub(crate) fn note(&self, history: &History, outcome: &Result<(), Failure>) {
        let (exit, result) = Failure::ending(outcome.as_ref().err());
        let deed = Deed {
            from: Some(self.vsn.clone()),
            took_ms: self.took_ms(),
            message: self.message.clone(),
            ..Deed::of(self.operation, exit, result)
        };
        history.note(&self.who, deed);
    }

    /// Sends the answer, and leaves the connection open until the end of the process.
    pub(crate) fn say(self, outcome: Result<(), Failure>) {
        let took_ms = self.took_ms();
        let stopped = Stopped {
            vsn: Some(self.vsn),
            took_ms,
        };
        let events = match outcome {
            Ok(()) => {
                let text = serde_json::to_string(&stopped).unwrap_or_default();
                vec![Event::Part { text }, Event::Done]
            }
            Err(failure) => vec![Event::Failed(failure)],
        };
        let frames: Vec<u8> = events.iter().flat_map(frame::encode).collect();
        let Some(mut stream) = self.stream else {
            return;
        };
        // An operator who has disconnected needs no answer.
        let _ = stream
            .set_nonblocking(false)
            .and_then(|()| stream.set_write_timeout(Some(WRITE_TIMEOUT)))
            .and_then(|()| stream.write_all(&frames));
        std::mem::forget(stream);
    }

    fn took_ms(&self) -> u64 {
        self.asked.elapsed().as_millis() as u64
    }
}
