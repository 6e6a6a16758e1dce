//! Writes short terms on the stack: pids, the kinds that names consist of, and lists of these.
//!
//! The bytes are the same as those of `encode`, which writes all other terms. The start of an avatar uses this module
//! three times.

use super::{ext, list_to_msgpack, marker};
use crate::{Pid, Term};

/// Lists of at most this length are written on the stack. `{events, Name}` with the longest short text (31 bytes) and a
/// pid take 56 bytes.
const ROOM_BYTES: usize = 64;

/// The bytes that [`to_msgpack`](super::to_msgpack) writes for a pid.
pub fn pid_to_msgpack(pid: Pid) -> [u8; 10] {
    let mut bytes = [marker::FIX_EXT_8, ext::PID as u8, 0, 0, 0, 0, 0, 0, 0, 0];
    bytes[2..].copy_from_slice(&pid.as_raw().to_be_bytes());
    bytes
}

/// Calls `lend` with the bytes that [`list_to_msgpack`] writes for these terms.
pub fn with_list<R>(items: &[Term], lend: impl FnOnce(&[u8]) -> R) -> R {
    let mut room = [0; ROOM_BYTES];
    match write_array(&mut room, items) {
        Some(length) => lend(&room[..length]),
        None => lend(&list_to_msgpack(items)),
    }
}

/// Writes a term to the start of the buffer and returns its length; `None` when the term does not fit or is not short.
fn write(room: &mut [u8], term: &Term) -> Option<usize> {
    match term {
        Term::Atom(atom) => write_atom(room, atom.as_str()),
        Term::Integer(value @ -32..=127) => put(room, &[*value as u8], &[]),
        Term::String(text) => write_string(room, text),
        Term::Tuple(items) => write_tuple(room, items),
        Term::Pid(pid) => put(room, &pid_to_msgpack(*pid), &[]),
        _ => None,
    }
}

fn write_atom(room: &mut [u8], text: &str) -> Option<usize> {
    let kind = ext::ATOM as u8;
    match text.len() {
        length @ (1 | 2 | 4 | 8 | 16) => put(room, &[fix_ext(length), kind], text.as_bytes()),
        length @ ..256 => put(room, &[marker::EXT_8, length as u8, kind], text.as_bytes()),
        _ => None,
    }
}

fn write_string(room: &mut [u8], text: &str) -> Option<usize> {
    match text.len() {
        length @ ..32 => put(room, &[marker::FIX_STR | length as u8], text.as_bytes()),
        _ => None,
    }
}

fn write_array(room: &mut [u8], items: &[Term]) -> Option<usize> {
    let mut end = match items.len() {
        length @ ..16 => put(room, &[marker::FIX_ARRAY | length as u8], &[])?,
        _ => return None,
    };
    for item in items {
        end += write(room.get_mut(end..)?, item)?;
    }
    Some(end)
}

/// Writes the elements behind the usual head, and moves them when their length needs the shorter head.
fn write_tuple(room: &mut [u8], items: &[Term]) -> Option<usize> {
    let kind = ext::TUPLE as u8;
    match write_array(room.get_mut(3..)?, items)? {
        length @ (1 | 2 | 4 | 8 | 16) => {
            room.copy_within(3..3 + length, 2);
            put(room, &[fix_ext(length), kind], &[]).map(|head| head + length)
        }
        length => {
            let head = [marker::EXT_8, length.try_into().ok()?, kind];
            put(room, &head, &[]).map(|head| head + length)
        }
    }
}

fn put(room: &mut [u8], head: &[u8], text: &[u8]) -> Option<usize> {
    let length = head.len() + text.len();
    let (head_room, text_room) = room.get_mut(..length)?.split_at_mut(head.len());
    head_room.copy_from_slice(head);
    text_room.copy_from_slice(text);
    Some(length)
}

/// The marker of an extension whose length is a power of two.
fn fix_ext(length: usize) -> u8 {
    marker::FIX_EXT_1 + length.ilog2() as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Atom;
    use crate::msgpack::{exact_pid, from_msgpack, to_msgpack};
    use crate::properties::term;
    use proptest::collection::vec;
    use proptest::prelude::{ProptestConfig, Strategy, any, prop_oneof, proptest};

    /// Terms of the kinds that names consist of, and a few others.
    fn short_term() -> impl Strategy<Value = Term> {
        let leaf = prop_oneof![
            "[a-zé]{0,17}".prop_map(|text| Term::Atom(Atom::new(&text).unwrap())),
            "[a-zé]{0,33}".prop_map(Term::from),
            (-34..=130_i64).prop_map(Term::from),
            any::<u64>().prop_map(|raw| Term::Pid(Pid::from_raw(raw))),
        ];
        leaf.prop_recursive(3, 8, 3, |inner| vec(inner, 0..4).prop_map(Term::tuple))
    }

    fn is_on_the_stack(items: &[Term]) -> bool {
        write_array(&mut [0; ROOM_BYTES], items).is_some()
    }

    #[test]
    fn names_of_every_length_are_those_of_the_general_writer_and_fit_up_to_the_room() {
        for length in 0..70 {
            let text = Term::string("x".repeat(length));
            let pid = Term::from(Pid::new(1, 2, 3));
            let list = [Term::tuple([Term::atom("events"), text]), pid];
            with_list(&list, |bytes| {
                assert_eq!(bytes, list_to_msgpack(&list), "{length}")
            });
            assert_eq!(is_on_the_stack(&list), length < 32, "{length}");
        }
    }

    #[test]
    fn what_is_too_long_for_the_room_goes_through_memory() {
        let list = vec![Term::atom("sixteen_letters_"); 4];
        assert!(is_on_the_stack(&list[..3]) && !is_on_the_stack(&list));
        with_list(&list, |bytes| assert_eq!(bytes, list_to_msgpack(&list)));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_lent_is_what_the_general_writer_writes(list in vec(term(), 0..20), short in vec(short_term(), 0..4)) {
            with_list(&list, |bytes| assert_eq!(bytes, list_to_msgpack(&list)));
            with_list(&short, |bytes| assert_eq!(bytes, list_to_msgpack(&short)));
        }

        #[test]
        fn a_pid_is_written_and_read_as_the_term_of_it(raw in any::<u64>()) {
            let pid = Pid::from_raw(raw);
            let bytes = pid_to_msgpack(pid);
            assert_eq!(bytes.to_vec(), to_msgpack(&Term::from(pid)));
            assert_eq!(exact_pid(&bytes), Some(pid));
        }

        #[test]
        fn of_any_bytes_what_is_read_as_a_pid_is_that_pid_and_nothing_else(bytes in vec(any::<u8>(), 0..12), head in any::<bool>()) {
            let head: &[u8] = if head { &[marker::FIX_EXT_8, ext::PID as u8] } else { &[] };
            let bytes = [head, &bytes].concat();
            match exact_pid(&bytes) {
                Some(pid) => assert_eq!(from_msgpack(&bytes), Ok(Term::from(pid))),
                None => assert!(head.is_empty() || bytes.len() != 10),
            }
        }
    }
}
