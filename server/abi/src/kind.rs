//! The kinds of modules and their callbacks: numbers that both sides of the boundary use.

use serde::{Deserialize, Serialize};

/// The kind of a module: how the runtime drives a process of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[repr(u32)]
pub enum Kind {
    /// Only functions that other modules call; no process.
    Functions = 0,
    /// `gen_server(3)`: a server with a state, and calls, casts and messages.
    GenServer = 1,
    /// The state machine of the book: states, self-sent events, timeouts (`gen_fsm(3)`).
    GenFsm = 2,
    /// A handler inside an event manager: the callback half of `gen_event(3)`.
    GenEvent = 3,
    /// An event manager: the process half of `gen_event(3)`. Its module gives the process its name.
    EventManager = 4,
    /// `supervisor(3)`: `init` returns the children, and the runtime supervises them.
    Supervisor = 5,
    /// `application(3)`: `start` returns the top process of the application.
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

/// The callback of a process that the runtime runs. Each variant names the operands `a`, `b` and `data` of the call.
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
    /// A trapped exit signal; a = the process that ended, data = the reason.
    Exit = 6,
    /// A monitored process is gone; a = its pid, b = the monitor, data = the reason.
    Down = 7,
    /// Input of a port that this process owns; a = the port, data = the input.
    PortData = 8,
    /// A port of this process closed; a = the port, data = the cause (UTF-8).
    PortClosed = 9,
    /// The process is about to end in order; data = the reason.
    Terminate = 10,
    /// No message came for as long as the process had asked for ([`crate::OpCode::TimeOut`]).
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

    /// The name of the function that an author writes for this callback, as OTP has it.
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

/// An entry of a module that runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Entry<'a> {
    /// The entry makes the state of a new process.
    Init,
    /// One callback of a process.
    Callback(Callback),
    /// An exported function, by its name.
    Function(&'a str),
    /// The entry writes a state: for `sys`, or for an upgrade.
    Export,
    /// The entry reads a state that `Export` wrote.
    Import,
    /// The entry converts a state between versions.
    CodeChange,
    /// The entry frees a state of a process.
    Drop,
}

/// The direction in which a state is converted (`code_change`), an appup is read and a release is reached: the newer of
/// two versions owns both directions.
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
    /// OTP's word for the direction, in `relup` and in messages.
    pub const fn word(self) -> &'static str {
        match self {
            Direction::Up => "up",
            Direction::Down => "down",
        }
    }
}

/// The other version of a conversion, with its direction: OTP's `OldVsn` of `code_change`, which is `Vsn` or `{down, Vsn}`.
#[derive(Clone, Copy, Debug)]
pub struct OldVsn<'a> {
    /// The direction of the conversion, seen from the converting module.
    pub direction: Direction,
    /// The version at the other end, as its module names it.
    pub vsn: &'a str,
}
