//! What a module is, and which of its callbacks is meant: the numbers both sides of the boundary use.

use serde::{Deserialize, Serialize};

/// What kind of module this is: how the runtime drives a process of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[repr(u32)]
pub enum Kind {
    /// Only functions that others call; no process.
    Functions = 0,
    /// `gen_server(3)`.
    GenServer = 1,
    /// The state machine of the book: states, self-sent events, timeouts (`gen_fsm(3)`).
    GenFsm = 2,
    /// A handler inside an event manager: the callback half of `gen_event(3)`.
    GenEvent = 3,
    /// An event manager: the process half of `gen_event(3)`; its module names it and speaks for it.
    EventManager = 4,
    /// `supervisor(3)`: `init` returns data, the runtime does the rest.
    Supervisor = 5,
    /// `application(3)`: `start` says which process is the top.
    Application = 6,
}

impl Kind {
    /// Every kind, in the order of its number.
    pub const ALL: [Kind; 7] = [
        Kind::Functions,
        Kind::GenServer,
        Kind::GenFsm,
        Kind::GenEvent,
        Kind::EventManager,
        Kind::Supervisor,
        Kind::Application,
    ];

    /// The word used in manifests, logs and listings.
    pub const fn word(self) -> &'static str {
        match self {
            Kind::Functions => "functions",
            Kind::GenServer => "gen_server",
            Kind::GenFsm => "gen_fsm",
            Kind::GenEvent => "gen_event",
            Kind::EventManager => "event_manager",
            Kind::Supervisor => "supervisor",
            Kind::Application => "application",
        }
    }

    /// The kind of this number; `None` for a number that no kind has.
    pub fn from_number(number: u32) -> Option<Kind> {
        Kind::ALL.get(number as usize).copied()
    }
}

/// Which callback of a process the runtime runs. `a`, `b` and `data` of the call are named per variant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Callback {
    /// A message by `send`; data = the message.
    Info = 0,
    /// `gen_server:cast`; data = the message.
    Cast = 1,
    /// `gen_server:call`; a = the caller, b = the tag of its request, data = the request.
    Call = 2,
    /// `{continue, _}` after init or another callback; data = the term to continue with.
    Continue = 3,
    /// An event of a state machine or of an event manager; data = the event.
    Event = 4,
    /// The answer to a request of this process; a = its id, b = 0 reply, 1 failed with a [`crate::Reason`].
    Response = 5,
    /// A trapped exit signal; a = who, data = the reason.
    Exit = 6,
    /// A monitored process is gone; a = who, b = the monitor, data = the reason.
    Down = 7,
    /// Input of a port that this process owns; a = the port, data = the input.
    PortData = 8,
    /// A port of this process closed; a = the port, data = why (UTF-8).
    PortClosed = 9,
    /// The process is about to end in order; data = the reason.
    Terminate = 10,
    /// Nothing came for as long as the process had asked for ([`crate::OpCode::TimeOut`]).
    TimeOut = 11,
}

impl Callback {
    const ALL: [Callback; 12] = [
        Callback::Info,
        Callback::Cast,
        Callback::Call,
        Callback::Continue,
        Callback::Event,
        Callback::Response,
        Callback::Exit,
        Callback::Down,
        Callback::PortData,
        Callback::PortClosed,
        Callback::Terminate,
        Callback::TimeOut,
    ];

    /// The function that an author has written for it, as OTP calls it.
    pub const fn function(self) -> &'static str {
        match self {
            Callback::Cast => "handle_cast",
            Callback::Call => "handle_call",
            Callback::Continue => "handle_continue",
            Callback::Event => "handle_event",
            Callback::Terminate => "terminate",
            Callback::TimeOut => "handle_timeout",
            Callback::Info
            | Callback::Response
            | Callback::Exit
            | Callback::Down
            | Callback::PortData
            | Callback::PortClosed => "handle_info",
        }
    }

    /// The callback of this number; `None` for a number that no callback has.
    pub fn from_number(number: u32) -> Option<Callback> {
        Callback::ALL.get(number as usize).copied()
    }
}

/// What of a module runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Entry<'a> {
    /// It makes the state of a new process.
    Init,
    /// A callback of a process.
    Callback(Callback),
    /// A function, by its name.
    Function(&'a str),
    /// It writes a state: for `sys`, or for an upgrade.
    Export,
    /// It reads a state.
    Import,
    /// It converts a state.
    CodeChange,
    /// It drops a state.
    Drop,
}

/// Which way a state is converted (`code_change`), an appup is read and a release is reached: the newer of two versions
/// owns both directions.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u32)]
pub enum Direction {
    /// From the state of an older version to this module's.
    Up = 0,
    /// From this module's state to that of an older version.
    Down = 1,
}

impl Direction {
    /// OTP's word for it, in `relup` and in texts for people.
    pub const fn word(self) -> &'static str {
        match self {
            Direction::Up => "up",
            Direction::Down => "down",
        }
    }
}

/// Between which versions a state is converted: that of the module which does it, and another one.
#[derive(Clone, Copy, Debug)]
pub struct Way<'a> {
    /// Which way.
    pub direction: Direction,
    /// The other version.
    pub vsn: &'a str,
}
