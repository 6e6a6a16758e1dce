//! Messages: MessagePack with field names, so that two versions of a type can read each other.

use pq_abi::plugin::Refusal;
use pq_abi::{Callback, Reason};
use pq_term::Pid;
use serde::Serialize;
use serde::de::{Deserialize, DeserializeOwned};

use crate::ctx::{MonitorId, PortId, RequestId};

/// The largest message in bytes that is encoded on the stack. The most frequent message, the report of a kill to
/// subscribers, takes 74 bytes.
const SHORT_BYTES: usize = 192;

/// The first capacity for an exported state. A hero has up to 800 bytes; they live until the node has copied them.
const STATE_BYTES: usize = 1_024;

/// Encodes a message with field names and passes the bytes to `send`.
pub(crate) fn with_message<T: Serialize + ?Sized, R>(
    value: &T,
    send: impl FnOnce(&[u8]) -> R,
) -> R {
    let mut short = [0; SHORT_BYTES];
    let mut room = &mut short[..];
    let written = value.serialize(&mut rmp_serde::Serializer::new(&mut room).with_struct_map());
    let left = room.len();
    match written {
        Ok(()) => send(&short[..SHORT_BYTES - left]),
        // The message is too long or cannot be encoded; `encode` handles both.
        Err(_) => send(&encode(value)),
    }
}

/// Encodes a value with field names into a new buffer.
pub(crate) fn encode<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    encode_into(Vec::with_capacity(SHORT_BYTES), value)
}

/// Encodes the state of a process with field names into a new buffer.
pub(crate) fn encode_state<T: Serialize>(state: &T) -> Vec<u8> {
    encode_into(Vec::with_capacity(STATE_BYTES), state)
}

fn encode_into<T: Serialize + ?Sized>(mut bytes: Vec<u8>, value: &T) -> Vec<u8> {
    let written = value.serialize(&mut rmp_serde::Serializer::new(&mut bytes).with_struct_map());
    if let Err(error) = written {
        panic!(
            "a {} cannot be written as MessagePack: {error}",
            std::any::type_name::<T>()
        );
    }
    bytes
}

/// Decodes a value; the error names the expected type.
pub(crate) fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Refusal> {
    rmp_serde::from_slice(bytes).map_err(|error| {
        let text = format!(
            "these {} bytes are no {}: {error}",
            bytes.len(),
            std::any::type_name::<T>()
        );
        refusal(Reason::tagged("badarg", &text))
    })
}

/// Converts a reason to the error of a callback.
pub(crate) fn refusal(reason: Reason) -> Refusal {
    Refusal::Reason(reason.to_bytes())
}

/// A message in encoded form, which the receiver decodes as the type that it expects.
#[derive(Clone, Copy)]
pub struct Message<'a> {
    bytes: &'a [u8],
}

impl<'a> Message<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Message<'a> {
        Message { bytes }
    }

    /// Decodes the message as a `T`; the error says why that failed.
    pub fn decode<T: Deserialize<'a>>(self) -> Result<T, Reason> {
        rmp_serde::from_slice(self.bytes)
            .map_err(|error| Reason::tagged("badarg", &error.to_string()))
    }

    /// Decodes the message as a `T`, or returns `None`.
    pub fn is<T: DeserializeOwned>(self) -> Option<T> {
        rmp_serde::from_slice(self.bytes).ok()
    }

    /// The encoded bytes of the message.
    pub fn bytes(self) -> &'a [u8] {
        self.bytes
    }
}

/// Input of `handle_info`: everything except calls, casts and events.
pub enum Info<'a> {
    /// A message from [`crate::Ctx::send`], or the message of a timer.
    Message(Message<'a>),
    /// The answer to a request of this process (`gen_server:check_response`).
    Response {
        /// The number of the request.
        id: RequestId,
        /// The answer, or the reason for its absence: `noproc`, `timeout`, or the exit reason of the other process.
        result: Result<Message<'a>, Reason>,
    },
    /// A linked process ended. Arrives only when this process traps exits.
    Exit {
        /// The process that ended.
        from: Pid,
        /// The reason of its end.
        reason: Reason,
    },
    /// A monitored process ended (`{'DOWN', …}` in Erlang).
    Down {
        /// The process that ended.
        pid: Pid,
        /// The monitor that [`crate::Ctx::monitor`] returned.
        monitor: MonitorId,
        /// The reason of its end.
        reason: Reason,
    },
    /// A port of this process has input.
    PortData {
        /// The port with the input.
        port: PortId,
        /// The input; for a socket, one line without its end.
        data: &'a [u8],
    },
    /// A port of this process was closed.
    PortClosed {
        /// The port that was closed.
        port: PortId,
        /// The reason of its end, for a log.
        reason: &'a str,
    },
}

impl<'a> Info<'a> {
    /// Makes the input from the operands of a callback; `None` for callbacks that do not belong to `handle_info`.
    pub(crate) fn from_callback(
        callback: Callback,
        call: pq_abi::plugin::CallbackData<'a>,
    ) -> Option<Info<'a>> {
        let message = Message::new(call.data);
        Some(match callback {
            Callback::Info => Info::Message(message),
            Callback::Response if call.b == 0 => Info::Response {
                id: RequestId(call.a),
                result: Ok(message),
            },
            Callback::Response => Info::Response {
                id: RequestId(call.a),
                result: Err(Reason::from_bytes(call.data)),
            },
            Callback::Exit => Info::Exit {
                from: Pid::from_raw(call.a),
                reason: Reason::from_bytes(call.data),
            },
            Callback::Down => Info::Down {
                pid: Pid::from_raw(call.a),
                monitor: MonitorId(call.b),
                reason: Reason::from_bytes(call.data),
            },
            Callback::PortData => Info::PortData {
                port: PortId(call.a),
                data: call.data,
            },
            Callback::PortClosed => Info::PortClosed {
                port: PortId(call.a),
                reason: std::str::from_utf8(call.data).unwrap_or("closed"),
            },
            _ => return None,
        })
    }
}
