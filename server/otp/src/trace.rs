//! The trace of one process for a viewer outside of the node (`sys:install/3`, `dbg(3)`): the messages that it takes, its
//! callbacks with their durations, their effects, the changes of its state, and its end.
//!
//! ```text
//!   SysMessage::Install ─► a tracer in the process's debug data
//!   taken ─► Received ─► callback ─► Sent, Timer, Did … ─► Handled ─► State ─► …  ─► Exit
//! ```
//! Processes without a tracer cost nothing: the steps lie behind the flag that `sys` has for its own functions. Callers:
//! `shard::traced`, `sys::debug`; the tracer of `pq trace` is in the package `pq`.

use std::fmt;
use std::sync::Arc;

use pq_abi::{Kind, Reason};
use pq_term::{Pid, Term, msgpack};

use crate::effect::Effect;
use crate::message::Envelope;

/// The receiver of the steps of a process.
pub trait Tracer: Send + Sync {
    /// Takes a step. The function runs on the thread of a shard, between two callbacks, and must not wait. `false` ends the
    /// trace, because nobody looks any more.
    fn take(&self, step: &Step<'_>) -> bool;
}

/// A step of a process.
#[derive(Debug)]
pub enum Step<'a> {
    /// The process has taken a message out of its mailbox.
    Received {
        /// The message.
        message: Message<'a>,
        /// The number of messages that wait behind it.
        waiting: u32,
    },
    /// A callback has sent a message. The effects of a callback that fails are not carried out, and no steps.
    Sent(Message<'a>),
    /// A callback has started a timer, or waits for the next message with a time-out.
    Timer {
        /// The time until the timer fires, in milliseconds.
        ms: u64,
        /// The message of the timer, MessagePack; empty for a time-out.
        message: &'a [u8],
    },
    /// A callback has had another effect, such as `monitor`.
    Did {
        /// The name of the effect.
        effect: &'static str,
        /// The process, port or module that it concerns.
        peer: Peer<'a>,
    },
    /// The callback for the last message has returned.
    Handled {
        /// The name of the callback in the manual of its behaviour.
        callback: &'static str,
        /// Its duration with that of its effects, in nanoseconds.
        took_ns: u64,
    },
    /// A state machine has gone from one state to another.
    State {
        /// The state before.
        from: &'a Term,
        /// The state now.
        to: &'a Term,
    },
    /// The process has ended.
    Exit(&'a Reason),
}

/// A message in a form for people.
#[derive(Debug)]
pub struct Message<'a> {
    /// The way of the message: `info`, `cast`, `call`, `event`, …
    pub kind: &'static str,
    /// The content of the message.
    pub content: Content<'a>,
    /// The sender or the receiver.
    pub peer: Peer<'a>,
}

/// The content of a message.
#[derive(Debug)]
pub enum Content<'a> {
    /// A term as MessagePack.
    Message(&'a [u8]),
    /// Bytes of a port, which may be the input of a player: shown by their size only.
    Input(&'a [u8]),
    /// The reason of an exit signal.
    Reason(&'a Reason),
    /// No content.
    Nothing,
}

/// The other end of a message or an effect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Peer<'a> {
    /// It is unknown.
    Unknown,
    /// A process.
    Process(Pid),
    /// A port, by its number.
    Port(u64),
    /// A request of the process, by its number.
    Request(u64),
    /// A start that the process has asked for, by its ticket.
    Start(u32),
    /// A module, by its name.
    Module(&'a str),
}

/// The tracers of a process.
#[derive(Default)]
pub(crate) struct Tracers {
    all: Vec<Arc<dyn Tracer>>,
    /// The callback for the message that the process has taken last.
    pub(crate) callback: &'static str,
    /// The last known state of a state machine.
    pub(crate) state: Option<Term>,
}

impl Tracers {
    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub(crate) fn add(&mut self, tracer: Arc<dyn Tracer>) {
        self.all.push(tracer);
    }

    pub(crate) fn remove(&mut self, tracer: &Arc<dyn Tracer>) {
        self.all.retain(|other| !Arc::ptr_eq(other, tracer));
    }

    /// Passes a step on, and removes the tracers that want no more.
    pub(crate) fn take(&mut self, step: &Step<'_>) {
        self.all.retain(|tracer| tracer.take(step));
    }
}

impl fmt::Debug for Tracers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} tracers", self.all.len())
    }
}

impl Content<'_> {
    /// The size in bytes.
    pub fn size(&self) -> usize {
        match self {
            Content::Message(bytes) | Content::Input(bytes) => bytes.len(),
            Content::Reason(_) | Content::Nothing => 0,
        }
    }
}

impl fmt::Display for Content<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Content::Message(bytes) => match msgpack::from_msgpack(bytes) {
                Ok(term) => write!(f, "{term}"),
                Err(_) => write!(f, "{} bytes", bytes.len()),
            },
            Content::Input(bytes) => write!(f, "{} bytes", bytes.len()),
            Content::Reason(reason) => write!(f, "{reason}"),
            Content::Nothing => Ok(()),
        }
    }
}

impl fmt::Display for Peer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Peer::Unknown => Ok(()),
            Peer::Process(pid) => write!(f, "{pid}"),
            Peer::Port(port) => write!(f, "port {port}"),
            Peer::Request(id) => write!(f, "request {id}"),
            Peer::Start(ticket) => write!(f, "start {ticket}"),
            Peer::Module(name) => f.write_str(name),
        }
    }
}

/// The message in an envelope that a process takes.
pub(crate) fn taken(envelope: &Envelope) -> Message<'_> {
    let (kind, content, peer) = match envelope {
        Envelope::Info(data) => ("info", Content::Message(data), Peer::Unknown),
        Envelope::Cast(data) => ("cast", Content::Message(data), Peer::Unknown),
        Envelope::Event(data) => ("event", Content::Message(data), Peer::Unknown),
        Envelope::Call(from, data) => ("call", Content::Message(data), Peer::Process(from.pid)),
        Envelope::Continue(data) => ("continue", Content::Message(data), Peer::Unknown),
        Envelope::PortData(port, data) => ("input", Content::Input(data), Peer::Port(*port)),
        Envelope::PortClosed(port, _) => ("end", Content::Nothing, Peer::Port(*port)),
        Envelope::Exit(from, reason) => ("exit", Content::Reason(reason), Peer::Process(*from)),
        Envelope::Down(of, _, reason) => ("down", Content::Reason(reason), Peer::Process(*of)),
        Envelope::Response(id, _) => ("response", Content::Nothing, Peer::Request(*id)),
        Envelope::Started(ticket, _) => ("outcome", Content::Nothing, Peer::Start(*ticket)),
        Envelope::Left(child) => ("left", Content::Nothing, Peer::Process(*child)),
        Envelope::PutIn(from, _) => ("put_in", Content::Nothing, Peer::Process(from.pid)),
        Envelope::Timer(_) => ("timeout", Content::Nothing, Peer::Unknown),
        Envelope::System(request) => (request.message.word(), Content::Nothing, Peer::Unknown),
    };
    Message {
        kind,
        content,
        peer,
    }
}

/// The message in an effect of a callback; `None` for effects that are no message.
pub(crate) fn sent(effect: &Effect) -> Option<Message<'_>> {
    let (kind, content, peer) = match effect {
        Effect::Send(to, envelope) => {
            let Message { kind, content, .. } = taken(envelope);
            (kind, content, Peer::Process(*to))
        }
        Effect::Request(request) => {
            let data = Content::Message(&request.data);
            ("call", data, Peer::Process(request.to))
        }
        Effect::Reply(to, data) => ("reply", Content::Message(data), Peer::Process(to.pid)),
        Effect::PortCommand(port, data) => ("output", Content::Input(data), Peer::Port(*port)),
        _ => return None,
    };
    Some(Message {
        kind,
        content,
        peer,
    })
}

/// The step of an effect that is neither a message nor the start of a timer.
pub(crate) fn did(effect: &Effect) -> Option<Step<'_>> {
    let did = |effect, peer| Some(Step::Did { effect, peer });
    match effect {
        Effect::CancelTimer(_) => did("cancel_timer", Peer::Unknown),
        Effect::Monitor(of, _) => did("monitor", Peer::Process(*of)),
        Effect::Demonitor(_) => did("demonitor", Peer::Unknown),
        Effect::Link(with) => did("link", Peer::Process(*with)),
        Effect::Unlink(with) => did("unlink", Peer::Process(*with)),
        Effect::TrapExit(_) => did("trap_exit", Peer::Unknown),
        Effect::PortClose(port) => did("port_close", Peer::Port(*port)),
        Effect::StartLink(module, ..) => did("start_link", Peer::Module(module)),
        Effect::Exit(to, reason) => Some(Step::Sent(Message {
            kind: "exit",
            content: Content::Reason(reason),
            peer: Peer::Process(*to),
        })),
        Effect::Continue(data) => Some(Step::Sent(Message {
            kind: "continue",
            content: Content::Message(data),
            peer: Peer::Unknown,
        })),
        Effect::TimeOut(ms) => Some(Step::Timer {
            ms: *ms,
            message: &[],
        }),
        Effect::Send(..)
        | Effect::Request(_)
        | Effect::Reply(..)
        | Effect::PortCommand(..)
        | Effect::TimerStarted(_) => None,
    }
}

/// The name of the callback that handles an envelope in a module of this kind; `None` stands for a process of the runtime.
pub(crate) fn callback(kind: Option<Kind>, envelope: &Envelope) -> &'static str {
    match (kind, envelope) {
        (None, _) => "handle",
        (_, Envelope::Call(..)) => "handle_call",
        (_, Envelope::Cast(_)) => "handle_cast",
        (_, Envelope::Event(_)) => "handle_event",
        (_, Envelope::Continue(_)) => "handle_continue",
        (_, Envelope::Timer(_)) => "handle_timeout",
        _ => "handle_info",
    }
}
