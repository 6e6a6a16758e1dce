//! The arguments and answers of the node's services for libraries, in MessagePack.

use pq_otp::{Envelope, Node, Payload, Pid, Reason, Signal};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Reads the arguments of a call.
///
/// # Errors
/// `badarg` with what was expected.
pub(crate) fn read<T: DeserializeOwned>(args: &[u8]) -> Result<T, Reason> {
    rmp_serde::from_slice(args).map_err(|error| Reason::tagged("badarg", &error.to_string()))
}

/// Writes an answer or a message.
pub(crate) fn write<T: Serialize>(value: &T) -> Vec<u8> {
    rmp_serde::to_vec_named(value).expect("these types have a MessagePack form")
}

/// The reason for a call of a function that the service does not have.
pub(crate) fn undef(service: &str, function: &[u8]) -> Reason {
    let function = String::from_utf8_lossy(function);
    Reason::tagged("undef", &format!("{service}:{function}"))
}

/// Sends a message to a process, which gets it in `handle_info`.
pub(crate) fn send(node: &Node, to: Pid, message: &[u8]) {
    let envelope = Envelope::Info(Payload::from_slice(message));
    node.signal(Signal::Deliver(to, envelope));
}
