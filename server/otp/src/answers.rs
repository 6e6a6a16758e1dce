//! Operations that every host of callbacks answers alike: of a process (`callback`), of a conversion (`upgrade::convert`), of a
//! question to a module (`inquiry`).

use pq_abi::Answer;
use pq_term::Term;
use pq_term::msgpack::to_msgpack;

/// How deep calls between modules may nest within one callback: a module that calls itself for ever would
/// otherwise end the whole node by its stack. Each level takes some 1 KiB of the shard's 8 MiB.
pub(crate) const CALL_DEPTH_MAX: u32 = 100;

/// [`pq_abi::OpCode::Out`]: what the callback writes, behind what it wrote before or in its place.
#[inline]
pub(crate) fn write_out(out: &mut Vec<u8>, replace: bool, data: &[u8]) -> u64 {
    if replace {
        out.clear();
    }
    out.extend_from_slice(data);
    0
}

/// What stands before and behind the colon in a name operand: module and function, application and key.
pub(crate) fn halves(name: &str) -> (&str, &str) {
    name.split_once(':').unwrap_or((name, ""))
}

/// [`pq_abi::OpCode::Env`]: the answer, which lies in `result`.
pub(crate) fn env<'a>(setting: Option<&Term>, result: &'a mut Vec<u8>) -> Answer<'a> {
    match setting {
        Some(term) => {
            *result = to_msgpack(term);
            Answer {
                value: 1,
                bytes: result,
            }
        }
        None => Answer::value(0),
    }
}
