//! The two most frequent messages of a supervisor, `StartChild` and `Started`, without `serde`.
//!
//! All starts of avatars pass through one process. The bytes are those that `serde` makes of the same types, and all
//! other messages are left to `serde`.

use pq_term::msgpack::{exact_pid, pid_to_msgpack};

use super::{SupReply, SupRequest};

/// A `SupRequest::StartChild` up to its arguments of less than 256 bytes; one more byte holds their number.
const START_CHILD: &[u8] = b"\x81\xaaStartChild\xc4";

/// A `SupReply::Started(Some(_))` up to the pid.
const STARTED: &[u8] = b"\x81\xa7Started";

/// Decodes a request to a supervisor. The arguments stay in the received block: another thread has allocated the block,
/// so freeing it is expensive, and the arguments are kept as long as the child lives.
///
/// # Errors
/// A text that names the part which did not fit.
pub fn decode_request(mut bytes: Vec<u8>) -> Result<SupRequest, String> {
    match start_child(&bytes).map(<[u8]>::len) {
        Some(length) => {
            bytes.drain(..bytes.len() - length);
            Ok(SupRequest::StartChild(bytes))
        }
        None => super::decode(&bytes),
    }
}

/// Encodes the answer of a supervisor.
pub fn encode_reply(reply: &SupReply) -> Vec<u8> {
    match reply {
        SupReply::Started(Some(pid)) => [STARTED, &pid_to_msgpack(*pid)].concat(),
        other => super::encode(other),
    }
}

/// Decodes the answer of a supervisor.
///
/// # Errors
/// A text that names the part which did not fit.
pub fn decode_reply(bytes: &[u8]) -> Result<SupReply, String> {
    match bytes.strip_prefix(STARTED).and_then(exact_pid) {
        Some(pid) => Ok(SupReply::Started(Some(pid))),
        None => super::decode(bytes),
    }
}

fn start_child(bytes: &[u8]) -> Option<&[u8]> {
    let (length, args) = bytes.strip_prefix(START_CHILD)?.split_first()?;
    (args.len() == usize::from(*length)).then_some(args)
}

#[cfg(test)]
mod tests {
    use pq_term::{Pid, Term};

    use super::*;
    use crate::spec::{decode, encode};

    /// All byte strings with the same beginning, and all that differ from them in one byte.
    fn neighbours(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
        let cut = (0..=bytes.len()).map(|length| bytes[..length].to_vec());
        let changed = (0..bytes.len()).flat_map(|at| {
            [0x00, 0x90, 0xc0, 0xc5, 0xff].map(|byte| {
                let mut changed = bytes.to_vec();
                changed[at] = byte;
                changed
            })
        });
        cut.chain(changed)
    }

    #[test]
    fn a_request_is_read_as_serde_reads_it() {
        for length in [0, 1, 40, 255, 256, 70_000] {
            let bytes = encode(&SupRequest::StartChild(vec![0xc1; length]));
            assert_eq!(start_child(&bytes).is_some(), length < 256);
            assert_eq!(decode_request(bytes.clone()), decode(&bytes));
        }
        let bytes = encode(&SupRequest::StartChild(b"\x91\xa5Nadia".to_vec()));
        for bytes in neighbours(&bytes).chain([encode(&SupRequest::CountChildren)]) {
            assert_eq!(decode_request(bytes.clone()), decode(&bytes), "{bytes:?}");
        }
    }

    #[test]
    fn a_reply_is_written_and_read_as_serde_does_it() {
        let started = SupReply::Started(Some(Pid::new(1, 70_000, 3)));
        let error = SupReply::Error(Term::atom("not_found"));
        for reply in [started, SupReply::Started(None), SupReply::Ok, error] {
            let bytes = encode_reply(&reply);
            assert_eq!(bytes, encode(&reply));
            assert_eq!(decode_reply(&bytes), Ok(reply));
            for bytes in neighbours(&bytes) {
                assert_eq!(decode_reply(&bytes), decode(&bytes), "{bytes:?}");
            }
        }
    }
}
