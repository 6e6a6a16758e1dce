//! A view that goes on: lines of the node, one after another, until the command is told to end.
//!
//! ```text
//!   connect ─► request ─► lines … ─┬► Ctrl-C, SIGTERM, the time is over, stdout is closed ─► the end of the command
//!      ▲                           └► the node is gone ─► a sentence ─► connect again, for a minute at most
//!      └────────────────────────────────────────────────────────────────────┘
//! ```
//! One `poll(2)` waits for all of them ([`waiting`]), so each ends the command at once.

mod waiting;

use std::io::{Read, Write};
use std::ops::ControlFlow;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use pq_protocol::frame::{self, EVENT_MAX, PREFIX};
use pq_protocol::{Asked, Event, Exit, Failure, PROTOCOL, Request};

use super::connection::{SILENCE_MAX, knock, nobody_listens, unreachable};
use crate::system::holder;
use waiting::{Waiting, Wake};

/// The limit for the return of a node. A service manager starts it again within some seconds.
const RETURN_MAX: Duration = Duration::from_secs(60);

/// The interval between attempts to connect.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// The longest line in bytes: a snapshot has some ten thousand.
const LINE_MAX: usize = 16 << 20;

/// The bytes of one read.
const READ: usize = 64 << 10;

/// The sentence for a reader while the node is gone.
pub(crate) const GONE: &str = "the node is gone: waiting for its return";

/// A part of a view, for its reader.
pub(crate) enum Heard<'a> {
    /// A complete line of the node.
    Line(&'a str),
    /// The node is gone, and the view waits for its return.
    Gone,
}

/// The reason why the lines of one connection end.
enum End {
    /// The command is to end.
    Told,
    /// The node is gone.
    Gone,
}

/// Sends a request and passes each line of its answer to `hear`. The view ends after `time`, but not before its first line;
/// when `hear` breaks; and with the answer, if that has an end.
///
/// # Errors
/// [`Exit::Unreachable`] when there is no node, or none has come back; errors of the node.
pub(crate) fn follow(
    root: &Path,
    request: &Request,
    time: Option<Duration>,
    mut hear: impl FnMut(Heard<'_>) -> ControlFlow<()>,
) -> Result<(), Failure> {
    let mut waiting = Waiting::begin(time)?;
    loop {
        match knock(root) {
            Ok(stream) => match Lines::new(stream).pass_on(request, &mut waiting, &mut hear)? {
                End::Told => return Ok(()),
                End::Gone if waiting.is_connected() => {
                    if hear(Heard::Gone).is_break() {
                        return Ok(());
                    }
                    waiting.lose();
                }
                End::Gone => (),
            },
            Err(error) => {
                // Before the first line, only a process that has the tree may still be about to listen.
                let may_come = waiting.has_heard() || holder(root).is_some();
                if !(nobody_listens(&error) && may_come) {
                    return Err(unreachable(root, &error));
                }
            }
        }
        if waiting.lost_for() > RETURN_MAX {
            return Err(Failure::new(
                Exit::Unreachable,
                format!(
                    "failed to reach the node on {}: it has not come back",
                    root.display()
                ),
            ));
        }
        if waiting.sleep(LOOK_AGAIN) == Wake::Told {
            return Ok(());
        }
    }
}

/// The lines of one connection.
struct Lines {
    stream: UnixStream,
    /// Bytes that are no complete frame yet.
    bytes: Vec<u8>,
    /// Text that is no complete line yet.
    text: String,
}

impl Lines {
    fn new(stream: UnixStream) -> Lines {
        Lines {
            stream,
            bytes: Vec::new(),
            text: String::new(),
        }
    }

    fn pass_on(
        &mut self,
        request: &Request,
        waiting: &mut Waiting,
        hear: &mut impl FnMut(Heard<'_>) -> ControlFlow<()>,
    ) -> Result<End, Failure> {
        let asked = Asked {
            version: PROTOCOL,
            request,
        };
        let limited = self.stream.set_write_timeout(Some(SILENCE_MAX));
        // A node that refuses the connection has already sent the reason and closed its side.
        let _ = limited.and_then(|()| self.stream.write_all(&frame::encode(&asked)));
        let mut heard_at = Instant::now();
        loop {
            match waiting.wait(&self.stream, SILENCE_MAX) {
                Wake::Told => return Ok(End::Told),
                Wake::Nothing if heard_at.elapsed() >= SILENCE_MAX => return Ok(End::Gone),
                Wake::Nothing => continue,
                Wake::Ready => heard_at = Instant::now(),
            }
            if !self.read() {
                return Ok(End::Gone);
            }
            while let Some(event) = self.event()? {
                match event {
                    Event::Waiting | Event::Progress(_) => (),
                    Event::Part { text } => self.text.push_str(&text),
                    Event::Done => {
                        let _ = self.lines(waiting, hear);
                        return Ok(End::Told);
                    }
                    Event::Failed(failure) => return Err(failure),
                }
            }
            if self.lines(waiting, hear).is_break() {
                return Ok(End::Told);
            }
        }
    }

    /// Passes the complete lines on.
    fn lines(
        &mut self,
        waiting: &mut Waiting,
        hear: &mut impl FnMut(Heard<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        while let Some(end) = self.text.find('\n') {
            hear(Heard::Line(&self.text[..end]))?;
            waiting.hear();
            self.text.drain(..=end);
        }
        ControlFlow::Continue(())
    }

    /// Reads what is there; `false` at the end of the connection.
    fn read(&mut self) -> bool {
        let mut piece = vec![0; READ];
        match self.stream.read(&mut piece) {
            Ok(0) | Err(_) => false,
            Ok(read) => {
                self.bytes.extend_from_slice(&piece[..read]);
                true
            }
        }
    }

    /// The next complete event.
    fn event(&mut self) -> Result<Option<Event>, Failure> {
        let Some(prefix) = self.bytes.first_chunk::<PREFIX>() else {
            return Ok(None);
        };
        let length =
            frame::length(*prefix, EVENT_MAX).map_err(|error| unreadable(&error.to_string()))?;
        let Some(body) = self.bytes.get(PREFIX..PREFIX + length) else {
            return Ok(None);
        };
        let event = serde_json::from_slice(body).map_err(|error| unreadable(&error.to_string()))?;
        self.bytes.drain(..PREFIX + length);
        match self.text.len() > LINE_MAX {
            true => Err(unreadable("a line does not end")),
            false => Ok(Some(event)),
        }
    }
}

fn unreadable(why: &str) -> Failure {
    let sentence =
        format!("failed to read the node's answer: {why}; use the `pq` program that runs the node");
    Failure::new(Exit::Internal, sentence)
}
