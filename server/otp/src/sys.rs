//! `sys(3)`: suspending, inspecting and changing the code of a process, between two of its callbacks.
//!
//! | message | running | suspended |
//! |---|---|---|
//! | suspend, resume | `ok` | `ok` (no counter) |
//! | get_state, replace_state, get_status, statistics, log, trace, terminate | answered | answered |
//! | change_code | `{error, {unknown_system_msg, _}}` | `ok` or `{error, Reason}`; on error nothing changed |
//!
//! A running process takes system messages in the order of its mailbox; a suspended one takes them at once,
//! and nothing else but the end that its parent orders. The answers are terms, as OTP writes them.
//!
//! Lives here: the messages and what is kept for debugging. What they do to a process: `shard::system`.

use std::collections::VecDeque;
use std::fmt;

use pq_abi::{Direction, Reason};
use pq_term::{Pid, Term};

use crate::message::{Caller, Envelope, Payload, Signal};
use crate::node::{Node, OnReply, RequestError};
use crate::process::Process;

/// How long `sys` waits by default (`sys(3)`).
pub const TIMEOUT_MS: u64 = 5_000;

/// Entries that `log` keeps unless told otherwise (`sys:log/2`).
pub const LOG_DEFAULT: usize = 10;

/// Turns an exported state into another one, or says why not.
pub type Replace = Box<dyn FnOnce(Vec<u8>) -> Result<Vec<u8>, String> + Send>;

/// A message of the protocol.
pub enum SysMessage {
    /// Receive only system messages from now on.
    Suspend,
    /// Go on.
    Resume,
    /// The state as a term.
    GetState,
    /// Another state: MessagePack with field names in, and out.
    ReplaceState(Replace),
    /// `{status, Pid, {module, M}, [Dictionary, running | suspended, Parent, Debug, Misc]}`.
    GetStatus,
    /// Convert the state from (up) or to (down) this version of the module, and run its current version.
    ChangeCode {
        /// Which module; a manager converts all handlers of it.
        module: String,
        /// Which way.
        direction: Direction,
        /// The other version.
        vsn: String,
        /// What the appup says besides, encoded.
        extra: Vec<u8>,
    },
    /// Count messages.
    Statistics(Toggle),
    /// Keep the last messages.
    Log(Toggle),
    /// Write each message to the log.
    Trace(bool),
    /// Neither count, keep nor write.
    NoDebug,
    /// End in order.
    Terminate(Reason),
}

/// On, off, or what was gathered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Toggle {
    /// Begin; for `log`, with room for so many entries.
    On(usize),
    /// Stop, and forget.
    Off,
    /// Show.
    Get,
}

impl SysMessage {
    /// Its name in the protocol.
    pub fn word(&self) -> &'static str {
        match self {
            SysMessage::Suspend => "suspend",
            SysMessage::Resume => "resume",
            SysMessage::GetState => "get_state",
            SysMessage::ReplaceState(_) => "replace_state",
            SysMessage::GetStatus => "get_status",
            SysMessage::ChangeCode { .. } => "change_code",
            SysMessage::Statistics(_) => "statistics",
            SysMessage::Log(_) => "log",
            SysMessage::Trace(_) => "trace",
            SysMessage::NoDebug => "no_debug",
            SysMessage::Terminate(_) => "terminate",
        }
    }
}

/// A message and who wants the answer.
pub struct SysRequest {
    /// Who asked.
    pub from: Caller,
    /// What.
    pub message: SysMessage,
}

impl fmt::Debug for SysRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} from {}", self.message.word(), self.from.pid)
    }
}

/// What `sys` gathers about one process.
#[derive(Debug, Default)]
pub(crate) struct Debug {
    pub(crate) statistics: Option<Statistics>,
    pub(crate) log: Option<(usize, VecDeque<String>)>,
    pub(crate) trace: bool,
}

impl Debug {
    pub(crate) fn is_off(&self) -> bool {
        self.statistics.is_none() && self.log.is_none() && !self.trace
    }
}

/// `sys:statistics/2`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Statistics {
    pub(crate) since_ms: u64,
    pub(crate) messages_in: u64,
    pub(crate) messages_out: u64,
}

impl Process {
    /// Counts, keeps and writes a message that comes in, as `sys` was told to.
    pub(crate) fn note_in(&mut self, envelope: &Envelope, now_ms: u64) {
        let pid = self.pid;
        let Some(debug) = self
            .extras
            .as_mut()
            .and_then(|extras| extras.debug.as_mut())
        else {
            return;
        };
        if let Some(statistics) = &mut debug.statistics {
            statistics.messages_in += 1;
        }
        let line = describe(envelope);
        if debug.trace {
            tracing::info!(target: "sys", %pid, at_ms = now_ms, "got {line}");
        }
        if let Some((max, lines)) = &mut debug.log {
            if lines.len() >= *max {
                lines.pop_front();
            }
            lines.push_back(format!("{now_ms} ms: {line}"));
        }
    }

    /// Counts what goes out.
    pub(crate) fn note_out(&mut self, messages: u64) {
        if let Some(statistics) = self
            .extras
            .as_mut()
            .and_then(|extras| extras.debug.as_mut())
            .and_then(|debug| debug.statistics.as_mut())
        {
            statistics.messages_out += messages;
        }
    }
}

/// A message for people. Input of players is shown by its size only.
fn describe(envelope: &Envelope) -> String {
    let show = |data: &Payload| match pq_term::msgpack::from_msgpack(data) {
        Ok(term) => term.to_string(),
        Err(_) => format!("{} bytes", data.len()),
    };
    match envelope {
        Envelope::Info(data) => format!("info {}", show(data)),
        Envelope::Cast(data) => format!("cast {}", show(data)),
        Envelope::Event(data) => format!("event {}", show(data)),
        Envelope::Call(from, data) => format!("call {} from {}", show(data), from.pid),
        Envelope::Continue(data) => format!("continue {}", show(data)),
        Envelope::PortData(port, data) => format!("{} bytes from port {port}", data.len()),
        Envelope::PortClosed(port, _) => format!("end of port {port}"),
        Envelope::Exit(from, reason) => format!("exit of {from}: {reason}"),
        Envelope::Down(of, _, reason) => format!("down {of}: {reason}"),
        Envelope::Response(id, _) => format!("response to request {id}"),
        Envelope::Started(ticket, _) => format!("outcome of start {ticket}"),
        Envelope::Timer(id) => format!("time-out {id}"),
        Envelope::System(request) => format!("system {request:?}"),
    }
}

impl Node {
    /// Sends a system message and waits for the answer, from a thread that is no shard.
    pub fn sys(&self, to: Pid, message: SysMessage, timeout_ms: u64) -> Result<Term, RequestError> {
        let reply = self.wait(timeout_ms, |on_reply| self.send_sys(to, message, on_reply))?;
        pq_term::msgpack::from_msgpack(&reply)
            .map_err(|error| RequestError::BadReply(error.to_string()))
    }

    /// Sends a system message and goes on; `on_reply` runs on a shard's thread and must not wait. What is sent to
    /// one process is answered in the order of sending.
    pub fn sys_request(
        &self,
        to: Pid,
        message: SysMessage,
        on_reply: impl FnOnce(Result<Term, Reason>) + Send + 'static,
    ) {
        let on_reply = Box::new(move |result: Result<Payload, Reason>| {
            on_reply(result.and_then(|reply| {
                pq_term::msgpack::from_msgpack(&reply)
                    .map_err(|error| Reason::tagged("bad_reply", &error.to_string()))
            }));
        });
        self.send_sys(to, message, on_reply);
    }

    pub(crate) fn send_sys(&self, to: Pid, message: SysMessage, on_reply: OnReply) -> u64 {
        let from = self.expect_answer(on_reply);
        self.signal(Signal::Deliver(
            to,
            Envelope::System(Box::new(SysRequest { from, message })),
        ));
        from.tag
    }
}
