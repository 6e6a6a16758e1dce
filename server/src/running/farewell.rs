//! What an operator wishes of the node as a whole; and the last answer of a node, to the operator that has stopped it.
//!
//! That is given when everything has stopped and the tree is free for another node, and its connection is closed
//! by the system with the process: so the end of the connection is the end of the node.

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use pq_protocol::answer::Stopped;
use pq_protocol::history::Deed;
use pq_protocol::{Event, Failure, Who, frame};

use crate::history::History;
use crate::restart::Restart;

/// How long the last answer may take to be written: it is short, and the operator waits for it.
const WRITE_TIMEOUT: Duration = Duration::from_secs(2);

/// What an operator wishes of the node as a whole.
pub(crate) enum Wish {
    /// That it stops, and says so.
    Stop(Farewell),
    /// That it starts again.
    Restart(Restart),
}

/// A wish that the node stops, and the operator who is told.
pub(crate) struct Farewell {
    /// Nobody waits for the answer to a plan.
    pub(crate) stream: Option<UnixStream>,
    /// How the history calls it.
    pub(crate) operation: &'static str,
    /// The release that runs.
    pub(crate) vsn: String,
    pub(crate) who: Who,
    pub(crate) message: Option<String>,
    pub(crate) asked: Instant,
}

impl Farewell {
    /// Enters the stop into the history; to be done while the tree is still ours.
    pub(crate) fn note(&self, history: &History, outcome: &Result<(), Failure>) {
        let (exit, result) = Failure::ending(outcome.as_ref().err());
        let deed = Deed {
            operation: self.operation.to_string(),
            from: Some(self.vsn.clone()),
            to: None,
            result,
            exit,
            took_ms: self.took_ms(),
            pause_us: None,
            message: self.message.clone(),
        };
        history.note(&self.who, deed);
    }

    /// Says how it went, and leaves the connection to the end of the process.
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
        // An operator who has gone needs no answer.
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
