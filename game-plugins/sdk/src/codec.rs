//! Messages: MessagePack with field names, so that two versions of a type can read each other.

use pq_abi::plugin::Refusal;
use pq_abi::{Callback, Reason};
use pq_term::Pid;
use serde::Serialize;
use serde::de::{Deserialize, DeserializeOwned};

use crate::ctx::{MonitorId, PortId, RequestId};

/// Messages up to this length are written on the stack. The most frequent one, a kill told to the
/// subscribers, takes 74 bytes.
const SHORT_BYTES: usize = 192;

/// Encodes a message with field names, and lends it to `send`.
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
        // Too long, or not to be written at all: the long way says which.
        Err(_) => send(&encode(value)),
    }
}

/// Encodes what is kept or handed over whole, with field names.
pub(crate) fn encode<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(SHORT_BYTES);
    let written = value.serialize(&mut rmp_serde::Serializer::new(&mut bytes).with_struct_map());
    if let Err(error) = written {
        panic!(
            "a {} cannot be written as MessagePack: {error}",
            std::any::type_name::<T>()
        );
    }
    bytes
}

/// Decodes; the sentence names the type that was expected.
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

/// A reason on its way out.
pub(crate) fn refusal(reason: Reason) -> Refusal {
    Refusal::Reason(reason.to_bytes())
}

/// A message whose type the receiver knows, or tries.
#[derive(Clone, Copy)]
pub struct Message<'a> {
    bytes: &'a [u8],
}

impl<'a> Message<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Message<'a> {
        Message { bytes }
    }

    /// The message as a `T`, or why it is none.
    pub fn decode<T: Deserialize<'a>>(self) -> Result<T, Reason> {
        rmp_serde::from_slice(self.bytes)
            .map_err(|error| Reason::tagged("badarg", &error.to_string()))
    }

    /// The message as a `T`, when it is one.
    pub fn is<T: DeserializeOwned>(self) -> Option<T> {
        rmp_serde::from_slice(self.bytes).ok()
    }

    /// As it came.
    pub fn bytes(self) -> &'a [u8] {
        self.bytes
    }
}

/// What `handle_info` gets: everything that is neither a call nor a cast nor an event.
pub enum Info<'a> {
    /// Sent with [`crate::Ctx::send`], or a timer's message.
    Message(Message<'a>),
    /// The answer to a request of this process (`gen_server:check_response`).
    Response {
        /// Which request.
        id: RequestId,
        /// What was answered, or why nothing was: `noproc`, `timeout`, or what the other ended with.
        result: Result<Message<'a>, Reason>,
    },
    /// A linked process ended; only when exits are trapped.
    Exit {
        /// Who.
        from: Pid,
        /// Why.
        reason: Reason,
    },
    /// A monitored process ended.
    Down {
        /// Who.
        pid: Pid,
        /// The monitor that tells it.
        monitor: MonitorId,
        /// Why.
        reason: Reason,
    },
    /// Input of a port of this process.
    PortData {
        /// Which port.
        port: PortId,
        /// What came; for a socket, one line without its end.
        data: &'a [u8],
    },
    /// A port of this process closed.
    PortClosed {
        /// Which port.
        port: PortId,
        /// Why.
        reason: &'a str,
    },
}

impl<'a> Info<'a> {
    /// From the operands of a callback; `None` for the callbacks that are not for `handle_info`.
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
