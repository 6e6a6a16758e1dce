//! What travels: envelopes into mailboxes, signals between shards.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use pq_abi::Reason;
use pq_abi::spec::Start;
use pq_term::Pid;
use smallvec::SmallVec;

use crate::effect::Effect;
use crate::process::{Seen, StartOutcome};
use crate::sys::SysRequest;
use crate::upgrade::Order;

/// The bytes of a message. Sixteen fit in place: every event that an avatar sends itself does.
pub type Payload = SmallVec<[u8; 16]>;

/// Who asked, and under which tag the answer is expected.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, PartialOrd, Ord)]
pub struct Caller {
    /// The process that asked; [`Pid`] 0 stands for the world outside the node.
    pub pid: Pid,
    /// Its request.
    pub tag: u64,
}

/// The bit in a tag that says that a port's owner asked. A shard would make a million requests a second for a thousand
/// years until its own numbers have it.
pub(crate) const OF_PORT: u64 = 1 << 55;

impl Caller {
    /// Whether the process that asked owned a port then; it may have ended.
    pub(crate) fn owned_port(self) -> bool {
        self.pid.as_raw() != 0 && self.tag & OF_PORT != 0
    }
}

/// One entry of a mailbox.
#[derive(Debug)]
pub enum Envelope {
    /// `Pid ! Message`, or a timer's message.
    Info(Payload),
    /// `gen_server:cast`.
    Cast(Payload),
    /// An event for a state machine or an event manager.
    Event(Payload),
    /// A request that wants an answer.
    Call(Caller, Payload),
    /// The answer to a request of this process.
    Response(u64, Result<Payload, Box<Reason>>),
    /// `{continue, _}`: always at the head of the mailbox.
    Continue(Payload),
    /// A trapped exit signal.
    Exit(Pid, Box<Reason>),
    /// A monitored process is gone: who, which monitor, why.
    Down(Pid, u64, Box<Reason>),
    /// Input of a port.
    PortData(u64, Payload),
    /// A port closed, and why.
    PortClosed(u64, Payload),
    /// A start that this process ordered has come out.
    Started(u32, StartOutcome),
    /// A timer that the runtime itself has set: of one of its own processes, or the time-out of a wait.
    Timer(u32),
    /// A message of the `sys` protocol.
    System(Box<SysRequest>),
}

/// What one shard tells another (or itself).
pub enum Signal {
    /// Put this into the mailbox of a process.
    Deliver(Pid, Envelope),
    /// An exit signal.
    Exit {
        /// To whom.
        to: Pid,
        /// From whom.
        from: Pid,
        /// Why.
        reason: Reason,
        /// Where it comes from.
        cause: ExitCause,
    },
    /// From now on the second tells the first of its end: a link's half.
    Link(Pid, Pid),
    /// No longer.
    Unlink(Pid, Pid),
    /// `watcher` wants to hear of the end of `of`.
    Monitor {
        /// The watched.
        of: Pid,
        /// The watcher and the monitor.
        watcher: Caller,
    },
    /// No longer.
    Demonitor {
        /// The watched.
        of: Pid,
        /// The monitor.
        watcher: Caller,
    },
    /// From now on this port closes when the process ends, and its input goes there.
    OwnPort(Pid, u64),
    /// Start a process here.
    Spawn(Spawn),
    /// Start a process of the runtime's own here.
    SpawnNative(Box<dyn crate::Native>, Ack),
    /// Call a function of a module in nobody's name.
    CallModule(Box<ModuleCall>),
    /// Do what a function wants done that was called from outside, and answer for it.
    #[allow(private_interfaces, reason = "only this crate calls functions")]
    Returned(Box<Returned>),
    /// Say which processes live here.
    List(OnList),
    /// A part of a transaction.
    #[allow(
        private_interfaces,
        reason = "only the coordinator makes one, and it is of this crate"
    )]
    Upgrade(Order),
    /// Finish what is running and end the shard.
    Quit,
}

/// Sees each process of one shard, some of them in each of its turns, and nothing at the end; runs on its thread and must
/// not wait.
pub type OnList = Box<dyn FnMut(Option<Seen<'_>>) + Send>;

/// A call of a function of a module from outside.
#[derive(Debug)]
pub struct ModuleCall {
    /// Which module.
    pub module: String,
    /// Which function.
    pub function: String,
    /// Its arguments, MessagePack.
    pub args: Vec<u8>,
    /// Who hears the result.
    pub from: Caller,
    /// Where the number of a request that it has made is no result, but the answer to that request is: to be set when that
    /// is the case.
    pub asks: Option<Arc<AtomicBool>>,
}

/// A function that has returned.
pub(crate) struct Returned {
    /// Who hears the result.
    pub(crate) from: Caller,
    /// What it wants done first.
    pub(crate) effects: Vec<Effect>,
    /// Its result, MessagePack; nothing where the answer to a request that it has made is its result.
    pub(crate) result: Option<Result<Payload, Reason>>,
}

/// Why an exit signal was sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExitCause {
    /// Somebody called `exit/2`.
    Explicit,
    /// A linked process ended.
    Link,
}

/// A process to be started.
#[derive(Debug)]
pub struct Spawn {
    /// What.
    pub start: Start,
    /// Whose child it is; [`Pid`] 0 for nobody's.
    pub parent: Pid,
    /// Who hears how it came out.
    pub ack: Ack,
}

/// Who hears how a start came out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ack {
    /// A supervisor or another process of the runtime, by ticket.
    Ticket(Pid, u32),
    /// A process that asked with `start_link`, by request.
    Request(Caller),
}

impl Signal {
    /// The process it is for; `None` when it is for the shard itself.
    pub fn target(&self) -> Option<Pid> {
        match self {
            Signal::Deliver(to, _) | Signal::Exit { to, .. } => Some(*to),
            Signal::Link(of, _) | Signal::Unlink(of, _) => Some(*of),
            Signal::Monitor { of, .. } | Signal::Demonitor { of, .. } => Some(*of),
            Signal::OwnPort(of, _) => Some(*of),
            Signal::Spawn(_)
            | Signal::SpawnNative(..)
            | Signal::CallModule(_)
            | Signal::Returned(_)
            | Signal::List(_)
            | Signal::Upgrade(_)
            | Signal::Quit => None,
        }
    }
}
