//! Messages: envelopes for mailboxes, and signals between shards.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use pq_abi::spec::Start;
use pq_abi::{Module, Reason};
use pq_term::Pid;
use smallvec::SmallVec;

use crate::effect::Effect;
use crate::moved::{Arrival, PutIn, SweepOrder, TakeOut};
use crate::node::Answered;
use crate::process::{Seen, StartOutcome};
use crate::shard::Measure;
use crate::sys::SysRequest;
use crate::upgrade::Order;

/// The bytes of a message. 16 bytes fit in place, which holds every event that an avatar sends itself.
pub type Payload = SmallVec<[u8; 16]>;

/// The sender of a request, and the tag under which it expects the answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, PartialOrd, Ord)]
pub struct Caller {
    /// The process that sent the request; [`Pid`] 0 stands for a caller outside of the node.
    pub pid: Pid,
    /// The number of the request, unique among those of the process.
    pub tag: u64,
}

/// The bit of a tag that marks requests of a port's owner. A shard that makes a million requests per second would reach
/// this bit with its own numbers after 1 000 years.
pub(crate) const OF_PORT: u64 = 1 << 55;

impl Caller {
    /// Whether the process owned a port when it sent the request; it may have ended since.
    pub(crate) fn owned_port(self) -> bool {
        self.pid.as_raw() != 0 && self.tag & OF_PORT != 0
    }
}

/// One entry of a mailbox.
// The tag is a whole word: written in half a word and moved as a whole one, each move would wait for the write.
#[derive(Debug)]
#[repr(u64)]
pub enum Envelope {
    /// A message of `Pid ! Message`, or a timer's message.
    Info(Payload),
    /// A message of `gen_server:cast`.
    Cast(Payload),
    /// An event for a state machine or an event manager.
    Event(Payload),
    /// A request that needs an answer, and its sender.
    Call(Caller, Payload),
    /// The answer to a request of this process, by the request's number.
    Response(u64, Result<Payload, Box<Reason>>),
    /// The term of `{continue, _}`: always at the head of the mailbox.
    Continue(Payload),
    /// A trapped exit signal: the process that ended, and the reason.
    Exit(Pid, Box<Reason>),
    /// A monitored process is gone: its pid, the monitor, the reason.
    Down(Pid, u64, Box<Reason>),
    /// Input of a port that this process owns.
    PortData(u64, Payload),
    /// A port of this process closed, and the cause.
    PortClosed(u64, Payload),
    /// A start that this process requested has its result.
    Started(u32, StartOutcome),
    /// A child of this supervisor has left the node with its state. Its start lies before this in the mailbox.
    Left(Pid),
    /// A request to a supervisor to take a subtree below it, and the caller.
    PutIn(Caller, Box<PutIn>),
    /// A timer of the runtime itself: of one of its own processes, or the time-out of a wait.
    Timer(u32),
    /// A message of the `sys` protocol (`sys(3)`).
    System(Box<SysRequest>),
}

/// A message from one shard to another (or to itself).
pub enum Signal {
    /// Put this envelope into the mailbox of a process.
    Deliver(Pid, Envelope),
    /// An exit signal (`erlang:exit/2`).
    Exit {
        /// The receiver of the signal.
        to: Pid,
        /// The process that ended or sent the signal.
        from: Pid,
        /// The exit reason that the signal carries.
        reason: Reason,
        /// Whether a link or a call of `exit/2` caused the signal.
        cause: ExitCause,
    },
    /// One half of a link: the second process tells the first of its end.
    Link(Pid, Pid),
    /// Removes one half of a link.
    Unlink(Pid, Pid),
    /// `watcher` monitors the process `of`.
    Monitor {
        /// The process that is monitored.
        of: Pid,
        /// The monitoring process, and the number of the monitor.
        watcher: Caller,
    },
    /// Ends a monitor, if it still exists.
    Demonitor {
        /// The process that is monitored.
        of: Pid,
        /// The monitoring process, and the number of the monitor.
        watcher: Caller,
    },
    /// Gives the port to the process: the process receives the port's input, and its end closes the port.
    OwnPort(Pid, u64),
    /// Start a process on this shard.
    Spawn(Spawn),
    /// Put processes with their states in on this shard.
    #[allow(private_interfaces, reason = "only this crate moves processes")]
    Arrive(Box<Arrival>),
    /// Go on with the restart of a child whose state may be kept.
    #[allow(private_interfaces, reason = "only this crate restarts children")]
    Restarted(Box<Answered>),
    /// Make a subtree a value.
    #[allow(private_interfaces, reason = "only this crate moves processes")]
    TakeOut(Box<TakeOut>),
    /// The second process, a child of the first, has left the node with its state.
    Left(Pid, Pid),
    /// Copy the next subtrees of this shard.
    #[allow(private_interfaces, reason = "only this crate moves processes")]
    Sweep(Box<SweepOrder>),
    /// Start a process of the runtime's own on this shard.
    SpawnNative(Box<dyn crate::Native>, Ack),
    /// Call a function of a module outside of any process.
    CallModule(Box<ModuleCall>),
    /// Carry out the effects of a function that was called from outside, and send its answer.
    #[allow(private_interfaces, reason = "only this crate calls functions")]
    Returned(Box<Returned>),
    /// List the processes of this shard, with this figure of each.
    List(OnList, Measure),
    /// Show the first processes, up to this number.
    Sample(u32, OnSample),
    /// A step of a transaction.
    #[allow(
        private_interfaces,
        reason = "only the coordinator of this crate makes orders"
    )]
    Upgrade(Order),
    /// Finish the running work and end the shard.
    Quit,
}

/// A callback that a shard calls once for each of its processes, up to 512 per turn, and with `None` at the end. The
/// callback runs on the shard's thread and must not wait.
pub type OnList = Box<dyn FnMut(Option<Seen<'_>>) + Send>;

/// A callback that a shard calls once with some of its processes. It runs on the shard's thread and must not wait.
pub type OnSample = Box<dyn FnOnce(Vec<(Pid, Option<Module>)>) + Send>;

/// A call of a function of a module from outside.
#[derive(Debug)]
pub struct ModuleCall {
    /// The name of the module.
    pub module: String,
    /// The name of the function.
    pub function: String,
    /// The function's arguments, a MessagePack array.
    pub args: Vec<u8>,
    /// The caller that receives the result.
    pub from: Caller,
    /// Set by the call when the function returns the number of a request that it has made: then the answer to that
    /// request is the result. `None` when the number itself is the result.
    pub asks: Option<Arc<AtomicBool>>,
}

/// A function that has returned, with its effects.
pub(crate) struct Returned {
    /// The caller that receives the result.
    pub(crate) from: Caller,
    /// The effects, which are done before the caller receives the result.
    pub(crate) effects: Vec<Effect>,
    /// The result, MessagePack; `None` when the answer to a request of the function is the result.
    pub(crate) result: Option<Result<Payload, Reason>>,
}

/// The cause of an exit signal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExitCause {
    /// A process called `exit/2`.
    Explicit,
    /// A linked process ended.
    Link,
}

/// The start of a process, as a shard carries it out.
#[derive(Debug)]
pub struct Spawn {
    /// Module and arguments of the process.
    pub start: Start,
    /// The process that starts this one; [`Pid`] 0 for none.
    pub parent: Pid,
    /// The receiver of the start's result.
    pub ack: Ack,
}

/// The receiver of the result of a start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ack {
    /// A supervisor or another process of the runtime, by the ticket of the start.
    Ticket(Pid, u32),
    /// A process that called `start_link`, by its request.
    Request(Caller),
}

impl Signal {
    /// The process that receives the signal; `None` for a signal to the shard itself.
    pub fn target(&self) -> Option<Pid> {
        match self {
            Signal::Deliver(to, _) | Signal::Exit { to, .. } => Some(*to),
            Signal::Link(of, _) | Signal::Unlink(of, _) => Some(*of),
            Signal::Monitor { of, .. } | Signal::Demonitor { of, .. } => Some(*of),
            Signal::OwnPort(of, _) | Signal::Left(of, _) => Some(*of),
            Signal::TakeOut(order) => Some(order.root),
            Signal::Restarted(answered) => Some(answered.supervisor),
            Signal::Spawn(_)
            | Signal::Arrive(_)
            | Signal::Sweep(_)
            | Signal::SpawnNative(..)
            | Signal::CallModule(_)
            | Signal::Returned(_)
            | Signal::List(..)
            | Signal::Sample(..)
            | Signal::Upgrade(_)
            | Signal::Quit => None,
        }
    }
}
