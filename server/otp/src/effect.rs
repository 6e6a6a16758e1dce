//! The effects of a callback: recorded while it runs, done after it has returned without a failure.

use pq_abi::Reason;
use pq_term::Pid;

use crate::message::{Caller, Envelope, Payload};
use crate::wheel::TimerKey;

/// A request from one process to another.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) to: Pid,
    pub(crate) id: u64,
    /// After this many milliseconds without an answer the request fails.
    pub(crate) timeout_ms: u64,
    pub(crate) data: Payload,
}

/// One effect of a callback.
#[derive(Debug)]
pub(crate) enum Effect {
    /// Put this envelope into a mailbox.
    Send(Pid, Envelope),
    /// Send a request to a process.
    Request(Request),
    /// Answer a request of a caller.
    Reply(Caller, Payload),
    /// A timer was started: it belongs to the process, or is cancelled if the callback fails.
    TimerStarted(TimerKey),
    /// Cancel a timer of this process.
    CancelTimer(TimerKey),
    /// Monitor a process, under this monitor number.
    Monitor(Pid, u64),
    /// End the monitor with this number.
    Demonitor(u64),
    /// Link to this process.
    Link(Pid),
    /// Remove the link to this process.
    Unlink(Pid),
    /// Send an exit signal with this reason.
    Exit(Pid, Reason),
    /// Turn exit signals into messages, or stop doing so.
    TrapExit(bool),
    /// Write to a port.
    PortCommand(u64, Payload),
    /// Close a port after its output.
    PortClose(u64),
    /// Start a linked process: module, arguments, request.
    StartLink(String, Vec<u8>, u64),
    /// Continue in `handle_continue` with this term.
    Continue(Payload),
    /// Continue in `handle_timeout` when the process takes no message for this many milliseconds.
    TimeOut(u64),
}

impl Effect {
    /// Whether the effect delivers something to this process.
    pub(crate) fn is_for(&self, pid: Pid) -> bool {
        match self {
            Effect::Send(to, _) => *to == pid,
            Effect::Request(request) => request.to == pid,
            _ => false,
        }
    }
}
