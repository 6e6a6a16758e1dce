//! `sys(3)`: suspending, inspecting and changing the code of a process, between two of its callbacks.
//!
//! | message | running | suspended |
//! |---|---|---|
//! | suspend, resume | `ok` | `ok` (no counter) |
//! | get_state, replace_state, get_status, statistics, log, trace, no_debug, terminate | answered | answered |
//! | change_code | `{error, {unknown_system_msg, _}}` | `ok` or `{error, Reason}`; on error nothing changed |
//!
//! A running process takes system messages in the order of its mailbox; a suspended one takes them at once,
//! and nothing else but the end that its parent orders. The answers are terms, as OTP writes them, but for this:
//!
//! | message | difference from `sys(3)` |
//! |---|---|
//! | replace_state | of a gen_event manager each handler's `{Module, false, State}`, as in OTP; of a supervisor refused with `{error, {not_supported, _}}`: its state is which children run, and another one would not be true. Its specifications change with change_code |
//! | get_status | `{module, M}` is the callback module (OTP: the behaviour's); Debug lists `{statistics, {StartTime, In, Out}}`, `{log, {Max, Entries}}`, `{trace, true}`, those that are on |
//! | statistics | `start_time` and `current_time` are milliseconds of the node's clock (OTP: local dates), which a simulation shares; no `reductions`, because nothing is counted by them here |
//! | log | entries are lines of text: `in` for what is taken, `out` for what a callback sends. There is no `noreply`, and what the runtime answers in the name of a supervisor or a manager is not among them |
//! | trace | goes to the log of the node: at INFO kind, peer and size of each message, at DEBUG the message. What players write is in some of them |
//!
//! Lives here: the messages. What they do to a process: `shard::system`. What is kept for debugging: `debug`.

use std::fmt;

use pq_abi::{Direction, Reason};

use crate::message::Caller;

mod debug;

pub(crate) use debug::{Debug, Statistics};

/// How long `sys` waits by default (`sys(3)`).
pub const TIMEOUT_MS: u64 = 5_000;

/// Entries that `log` keeps unless told otherwise (`sys:log/2`).
pub const LOG_DEFAULT: usize = 10;

/// Turns an exported state into another one, or says why not. Of an event manager it is asked once per handler, the
/// newest first, with an array of the handler's module (an atom), `false` and its state; one that it refuses, or to
/// which it gives another module, keeps its state.
pub type Replace = Box<dyn FnMut(Vec<u8>) -> Result<Vec<u8>, String> + Send>;

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
