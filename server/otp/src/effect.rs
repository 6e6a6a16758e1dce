//! What a callback wants done: recorded while it runs, done after it has returned well.

use pq_abi::Reason;
use pq_term::Pid;

use crate::message::{Caller, Envelope, Payload};
use crate::wheel::TimerKey;

/// A request of a process to another one.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) to: Pid,
    pub(crate) id: u64,
    /// It fails after so many milliseconds.
    pub(crate) timeout_ms: u64,
    pub(crate) data: Payload,
}

/// One wish of a callback.
#[derive(Debug)]
pub(crate) enum Effect {
    /// Put this into a mailbox.
    Send(Pid, Envelope),
    /// Ask a process.
    Request(Request),
    /// Answer a request.
    Reply(Caller, Payload),
    /// A timer was started: taken back if the callback fails.
    TimerStarted(TimerKey),
    /// Take a timer back.
    CancelTimer(TimerKey),
    /// Watch a process under this monitor.
    Monitor(Pid, u64),
    /// Stop watching.
    Demonitor(u64),
    /// Link with a process.
    Link(Pid),
    /// Unlink from a process.
    Unlink(Pid),
    /// Send an exit signal.
    Exit(Pid, Reason),
    /// Turn exit signals into messages, or not.
    TrapExit(bool),
    /// Write to a port.
    PortCommand(u64, Payload),
    /// Close a port.
    PortClose(u64),
    /// Start a linked process: module, arguments, request.
    StartLink(String, Vec<u8>, u64),
    /// Go on in `handle_continue`.
    Continue(Payload),
    /// Go on in `handle_timeout` when nothing else is taken for so many milliseconds.
    TimeOut(u64),
}

impl Effect {
    /// Something on its way to this process.
    pub(crate) fn is_for(&self, pid: Pid) -> bool {
        match self {
            Effect::Send(to, _) => *to == pid,
            Effect::Request(request) => request.to == pid,
            _ => false,
        }
    }
}
