//! The messages of a mailbox as values.

use pq_abi::Reason;
use pq_term::Pid;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::numbers::Numbers;
use crate::message::{Caller, Envelope, Payload};

/// A message that waits. Reasons are encoded, so that their pids are found like all others.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Letter {
    Info(ByteBuf),
    Cast(ByteBuf),
    Event(ByteBuf),
    Call(Pid, u64, ByteBuf),
    Answer(u64, ByteBuf),
    NoAnswer(u64, ByteBuf),
    Continue(ByteBuf),
    Exit(Pid, ByteBuf),
    Down(Pid, u64, ByteBuf),
    TimeOut(u32),
}

impl Letter {
    /// The value of a message; `None` for one that does not move.
    pub(super) fn of(envelope: &Envelope) -> Option<Letter> {
        let bytes = |data: &Payload| ByteBuf::from(&data[..]);
        let reason = |reason: &Reason| ByteBuf::from(reason.to_bytes());
        Some(match envelope {
            Envelope::Info(data) => Letter::Info(bytes(data)),
            Envelope::Cast(data) => Letter::Cast(bytes(data)),
            Envelope::Event(data) => Letter::Event(bytes(data)),
            Envelope::Call(Caller { pid, tag }, data) => Letter::Call(*pid, *tag, bytes(data)),
            Envelope::Response(id, Ok(data)) => Letter::Answer(*id, bytes(data)),
            Envelope::Response(id, Err(why)) => Letter::NoAnswer(*id, reason(why)),
            Envelope::Continue(data) => Letter::Continue(bytes(data)),
            Envelope::Exit(from, why) => Letter::Exit(*from, reason(why)),
            Envelope::Down(of, monitor, why) => Letter::Down(*of, *monitor, reason(why)),
            Envelope::Timer(number) => Letter::TimeOut(*number),
            Envelope::PortData(..)
            | Envelope::PortClosed(..)
            | Envelope::Started(..)
            | Envelope::PutIn(..)
            | Envelope::System(_) => return None,
        })
    }

    pub(super) fn into_envelope(self) -> Envelope {
        let data = |bytes: ByteBuf| Payload::from_slice(&bytes);
        let reason = |bytes: ByteBuf| Box::new(Reason::from_bytes(&bytes));
        match self {
            Letter::Info(bytes) => Envelope::Info(data(bytes)),
            Letter::Cast(bytes) => Envelope::Cast(data(bytes)),
            Letter::Event(bytes) => Envelope::Event(data(bytes)),
            Letter::Call(pid, tag, bytes) => Envelope::Call(Caller { pid, tag }, data(bytes)),
            Letter::Answer(id, bytes) => Envelope::Response(id, Ok(data(bytes))),
            Letter::NoAnswer(id, why) => Envelope::Response(id, Err(reason(why))),
            Letter::Continue(bytes) => Envelope::Continue(data(bytes)),
            Letter::Exit(from, why) => Envelope::Exit(from, reason(why)),
            Letter::Down(of, monitor, why) => Envelope::Down(of, monitor, reason(why)),
            Letter::TimeOut(number) => Envelope::Timer(number),
        }
    }

    /// Whether this is the answer to a request with this number, or the news that none came.
    pub(super) fn answers(&self, request: u64) -> bool {
        matches!(self, Letter::Answer(id, _) | Letter::NoAnswer(id, _) if *id == request)
    }

    pub(super) fn renumber(&mut self, numbers: &Numbers) {
        match self {
            Letter::Call(pid, _, bytes)
            | Letter::Exit(pid, bytes)
            | Letter::Down(pid, _, bytes) => {
                numbers.pid(pid);
                numbers.bytes(bytes);
            }
            Letter::Info(bytes)
            | Letter::Cast(bytes)
            | Letter::Event(bytes)
            | Letter::Answer(_, bytes)
            | Letter::NoAnswer(_, bytes)
            | Letter::Continue(bytes) => numbers.bytes(bytes),
            Letter::TimeOut(_) => (),
        }
    }
}
