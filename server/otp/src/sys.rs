//! `sys(3)`: suspending, inspecting and changing the code of a process, between two of its callbacks.
//!
//! | message | running | suspended |
//! |---|---|---|
//! | suspend, resume | `ok` | `ok` (no counter) |
//! | get_state, replace_state, get_status, statistics, log, trace, install, remove, no_debug, terminate | answered | answered |
//! | change_code | `{error, {unknown_system_msg, _}}` | `ok` or `{error, Reason}`; on error nothing changed |
//!
//! A running process takes system messages in the order of its mailbox; a suspended one takes them at once,
//! and otherwise only the end that its parent orders. The answers are terms, as in OTP, with these differences:
//!
//! | message | difference from `sys(3)` |
//! |---|---|
//! | replace_state | of a gen_event manager each handler's `{Module, false, State}`, as in OTP; of a supervisor refused with `{error, {not_supported, _}}`: its state is which children run, and another one would not be true. Its specifications change with change_code |
//! | get_status | `{module, M}` is the callback module (OTP: the behaviour's); Debug lists `{statistics, {StartTime, In, Out}}`, `{log, {Max, Entries}}`, `{trace, true}`, those that are on |
//! | statistics | `start_time` and `current_time` are milliseconds of the node's clock (OTP: local dates), which a simulation shares; no `reductions`, because nothing is counted by them here |
//! | log | entries are lines of text: `in` for messages that the process takes, `out` for messages that a callback sends. There is no `noreply`, and answers of the runtime for a supervisor or a manager are not included |
//! | trace | goes to the log of the node: at INFO kind, peer and size of each message, at DEBUG the message. Some of these contain the input of players |
//! | install, remove | the function is a [`Tracer`], which gets more than messages |
//!
//! In this module: the messages. Elsewhere: their effect on a process (`shard::system`), and the data for debugging
//! (`debug`).

use std::fmt;
use std::sync::Arc;

use pq_abi::{Direction, Reason};

use crate::message::Caller;
use crate::trace::Tracer;

mod debug;

pub(crate) use debug::{Debug, Statistics};

/// How long `sys` waits by default (`sys(3)`), in milliseconds.
pub const TIMEOUT_MS: u64 = 5_000;

/// How many entries `log` keeps by default (`sys:log/2`).
pub const LOG_DEFAULT: usize = 10;

/// Turns an exported state into another one, or returns an error. For an event manager it is called once per handler,
/// the newest first, with an array of the handler's module (an atom), `false` and its state. A handler keeps its state
/// when the call fails or changes the module.
pub type Replace = Box<dyn FnMut(Vec<u8>) -> Result<Vec<u8>, String> + Send>;

/// A message of the protocol.
pub enum SysMessage {
    /// The process receives only system messages from now on.
    Suspend,
    /// The process continues with its other messages.
    Resume,
    /// Answers the state of the process as a term.
    GetState,
    /// Replaces the state: the function gets and returns MessagePack with field names.
    ReplaceState(Replace),
    /// Answers `{status, Pid, {module, M}, [Dictionary, running | suspended, Parent, Debug, Misc]}`.
    GetStatus,
    /// Convert the state from (up) or to (down) this version of the module, and run its current version.
    ChangeCode {
        /// The module that changes; a manager converts all its handlers of this module.
        module: String,
        /// Whether the state is converted up or down.
        direction: Direction,
        /// The version at the other end of the conversion.
        vsn: String,
        /// The appup's extra argument, encoded.
        extra: Vec<u8>,
    },
    /// Counts the messages of the process.
    Statistics(Toggle),
    /// Keeps the last messages of the process.
    Log(Toggle),
    /// Writes each message of the process to the log.
    Trace(bool),
    /// Passes each step of the process to this tracer (`sys:install/2`).
    Install(Arc<dyn Tracer>),
    /// Passes no more steps to this tracer (`sys:remove/2`).
    Remove(Arc<dyn Tracer>),
    /// Ends counting, keeping, writing and tracing.
    NoDebug,
    /// Ends the process in order, for this reason.
    Terminate(Reason),
}

/// Switches a debug function on or off, or reads its data.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Toggle {
    /// Begin; for `log`, the number of entries to keep.
    On(usize),
    /// Stop, and delete the data.
    Off,
    /// Answer the data gathered so far.
    Get,
}

impl SysMessage {
    /// The name of the message in `sys(3)`.
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
            SysMessage::Install(_) => "install",
            SysMessage::Remove(_) => "remove",
            SysMessage::NoDebug => "no_debug",
            SysMessage::Terminate(_) => "terminate",
        }
    }
}

/// A system message, and the receiver of its answer.
pub struct SysRequest {
    /// The process that receives the answer.
    pub from: Caller,
    /// The message to the process.
    pub message: SysMessage,
}

impl fmt::Debug for SysRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} from {}", self.message.word(), self.from.pid)
    }
}
