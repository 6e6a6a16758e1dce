//! The last answer of a node: to whoever asked it to stop.
//!
//! It is given when everything has stopped and the tree is free for another node, and its connection is closed
//! by the system with the process: so the end of the connection is the end of the node.

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pq_protocol::Event;
use pq_protocol::Who;
use pq_protocol::frame;
use pq_protocol::history::Deed;
use pq_protocol::{Exit, Failure};

use crate::operator::Desk;
use crate::operator::answer::Stopped;

/// How long the last answer may take to be written: it is short, and the operator waits for it.
const WRITE_TIMEOUT: Duration = Duration::from_secs(2);

/// A wish that the node stops, and whom to tell.
pub(crate) struct Farewell {
    /// Nobody waits for the answer to a plan.
    pub(crate) stream: Option<UnixStream>,
    /// How the history calls it.
    pub(crate) operation: &'static str,
    pub(crate) desk: Arc<Desk>,
    pub(crate) who: Who,
    pub(crate) message: Option<String>,
    pub(crate) asked: Instant,
}

impl Farewell {
    /// Enters the stop into the history; to be done while the tree is still ours.
    pub(crate) fn note(&self, outcome: &Result<(), Failure>) {
        let vsn = self.desk.releases.running().vsn;
        let deed = Deed {
            operation: self.operation.to_string(),
            from: Some(vsn),
            to: None,
            result: outcome
                .as_ref()
                .map_or_else(Failure::to_string, |()| "done".to_string()),
            exit: outcome
                .as_ref()
                .map_or_else(|failure| failure.exit, |()| Exit::Done),
            took_ms: self.took_ms(),
            pause_us: None,
            message: self.message.clone(),
        };
        self.desk.note(&self.who, deed);
    }

    /// Says how it went, and leaves the connection to the end of the process.
    pub(crate) fn say(self, outcome: Result<(), Failure>) {
        let stopped = Stopped {
            vsn: Some(self.desk.releases.running().vsn),
            took_ms: self.took_ms(),
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
