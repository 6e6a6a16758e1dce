//! Reads names in encoded form, without building terms: for code that stores names or compares them.
//!
//! This module reads only the kinds that names consist of, in the form that [`to_msgpack`](super::to_msgpack) writes.
//! `decode` reads all kinds, and `short` writes short terms.

use super::{ext, marker};
use crate::Pid;

/// The largest nesting of tuples that is followed. A name is a text or a small tuple.
const DEPTH_MAX: u8 = 4;

/// The number of bytes of the first term, when it has the form that [`to_msgpack`](super::to_msgpack) writes and a kind
/// that occurs in names: a short text, an atom, a pid, a small integer, or a tuple of these.
///
/// `None` proves nothing: the bytes may be another term, another encoding of such a term, or no term.
pub fn exact_len(bytes: &[u8]) -> Option<usize> {
    behind_term(bytes, DEPTH_MAX).map(|rest| bytes.len() - rest.len())
}

/// The pid that all the bytes encode in the form of [`to_msgpack`](super::to_msgpack).
///
/// `None` proves nothing: the bytes may be another encoding of a pid.
pub fn exact_pid(bytes: &[u8]) -> Option<Pid> {
    let (head, raw) = bytes.split_first_chunk()?;
    let raw = raw.try_into().ok()?;
    (*head == [marker::FIX_EXT_8, ext::PID as u8]).then(|| Pid::from_raw(u64::from_be_bytes(raw)))
}

/// The short text that all the bytes encode in the form of [`to_msgpack`](super::to_msgpack).
///
/// `None` proves nothing: the bytes may be another encoding of a text.
pub fn exact_text(bytes: &[u8]) -> Option<&str> {
    let (text, length) = match *bytes {
        [head @ 0xa0..=0xbf, ref text @ ..] => (text, usize::from(head - marker::FIX_STR)),
        [marker::STR_8, length @ 0x20..=0xff, ref text @ ..] => (text, usize::from(length)),
        _ => return None,
    };
    (text.len() == length).then(|| std::str::from_utf8(text).ok())?
}

/// Splits a pair that begins with an atom, such as `{events, Name}`: the result is the text of the atom and the bytes
/// of the second element, which are equal to the bytes of `Name` alone. The input has to be a term in exact form.
pub fn exact_pair(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let pair = ext_of(bytes, ext::TUPLE).filter(|(_, rest)| rest.is_empty());
    let items = pair?.0.strip_prefix(&[marker::FIX_ARRAY | 2])?;
    ext_of(items, ext::ATOM)
}

/// The payload of an extension of the type `wanted`, and the bytes behind the extension.
fn ext_of(bytes: &[u8], wanted: i8) -> Option<(&[u8], &[u8])> {
    let (kind, payload, rest) = ext_at(bytes)?;
    (kind == wanted).then_some((payload, rest))
}

/// The type of a short extension, its payload, and the bytes behind it.
fn ext_at(bytes: &[u8]) -> Option<(i8, &[u8], &[u8])> {
    let (length, kind, rest) = match *bytes {
        [
            head @ marker::FIX_EXT_1..=marker::FIX_EXT_16,
            kind,
            ref rest @ ..,
        ] => (1 << (head - marker::FIX_EXT_1), kind, rest),
        // These lengths have a shorter head of their own, so `to_msgpack` does not write them in this way.
        [marker::EXT_8, length, kind, ref rest @ ..] if !matches!(length, 1 | 2 | 4 | 8 | 16) => {
            (length.into(), kind, rest)
        }
        _ => return None,
    };
    let (payload, rest) = rest.split_at_checked(length)?;
    Some((kind as i8, payload, rest))
}

/// The bytes behind the first term.
fn behind_term(bytes: &[u8], depth: u8) -> Option<&[u8]> {
    match *bytes {
        [0x00..=0x7f | 0xe0..=0xff, ref rest @ ..] => Some(rest),
        [head @ 0xa0..=0xbf, ref rest @ ..] => {
            let (text, rest) = rest.split_at_checked((head - marker::FIX_STR).into())?;
            is_text(text).then_some(rest)
        }
        _ => behind_ext(bytes, depth),
    }
}

/// The bytes behind an extension.
fn behind_ext(bytes: &[u8], depth: u8) -> Option<&[u8]> {
    let (kind, payload, rest) = ext_at(bytes)?;
    let is_exact = match kind {
        ext::ATOM => is_text(payload),
        ext::PID => payload.len() == size_of::<Pid>(),
        ext::TUPLE => is_array(payload, depth.checked_sub(1)?),
        _ => false,
    };
    is_exact.then_some(rest)
}

fn is_array(bytes: &[u8], depth: u8) -> bool {
    let [head @ 0x90..=0x9f, ref items @ ..] = *bytes else {
        return false;
    };
    let behind = (marker::FIX_ARRAY..head).try_fold(items, |rest, _| behind_term(rest, depth));
    behind.is_some_and(<[u8]>::is_empty)
}

/// Most names are ASCII, which can be checked for several bytes at once.
fn is_text(bytes: &[u8]) -> bool {
    bytes.is_ascii() || std::str::from_utf8(bytes).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::msgpack::{from_msgpack, to_msgpack};
    use crate::properties::term;
    use crate::{Pid, Term};
    use proptest::prelude::{ProptestConfig, any, proptest};

    #[test]
    fn what_names_are_made_of_is_measured() {
        let text = Term::string("Gandalf");
        for name in [
            text.clone(),
            Term::string(""),
            Term::atom("ok"),
            Term::atom("a_much_longer_atom"),
            Term::from(-3),
            Term::from(Pid::new(1, 2, 3)),
            Term::tuple([]),
            Term::tuple([Term::atom("events"), text.clone()]),
            Term::tuple([Term::tuple([text]), Term::from(7)]),
        ] {
            let mut bytes = to_msgpack(&name);
            let length = bytes.len();
            bytes.extend_from_slice(b"more");
            assert_eq!(exact_len(&bytes), Some(length), "{name}");
        }
    }

    #[test]
    fn other_words_for_the_same_are_not_taken_for_the_exact_form() {
        for bytes in [
            &b"\xd9\x01a"[..],
            b"\xcc\x07",
            b"\xc7\x02\x02ok",
            b"\xd4\x02",
            b"\xa2\xff\xff",
            b"\xd7\x01\0\0\0",
            b"\xd5\x03\x91",
            b"\xd5\x03\x90\x07",
            b"",
        ] {
            assert_eq!(exact_len(bytes), None, "{bytes:?}");
        }
    }

    #[test]
    fn a_text_is_found_in_its_exact_form_and_in_no_other() {
        for text in [
            "",
            "Gandalf",
            &"ö".repeat(15),
            &"x".repeat(32),
            &"x".repeat(255),
        ] {
            let bytes = to_msgpack(&Term::string(text));
            assert_eq!(exact_text(&bytes), Some(text));
            assert_eq!(exact_text(&[&bytes[..], b"more"].concat()), None);
            assert_eq!(exact_text(&bytes[..bytes.len() - 1]), None);
        }
        for other in [&b"\xd9\x01a"[..], b"\xa1\xff", b"\xc4\x01a", b"\x07"] {
            assert_eq!(exact_text(other), None, "{other:?}");
        }
    }

    #[test]
    fn a_pair_with_an_atom_is_the_atom_and_the_other() {
        for atom in ["", "a", "events", "exactly_sixteen_", "a_much_longer_atom"] {
            for other in [Term::string("Gandalf"), Term::from(70_000), Term::atom("b")] {
                let pair = to_msgpack(&Term::tuple([Term::atom(atom), other.clone()]));
                let wanted = (atom.as_bytes(), &to_msgpack(&other)[..]);
                assert_eq!(exact_pair(&pair), Some(wanted));
                for length in 0..pair.len() {
                    assert_eq!(exact_pair(&pair[..length]), None);
                }
            }
        }
        let text = Term::string("events");
        for other in [
            text.clone(),
            Term::tuple([text.clone(), text.clone()]),
            Term::tuple([Term::atom("events")]),
            Term::tuple([Term::atom("a"), text.clone(), text]),
        ] {
            assert_eq!(exact_pair(&to_msgpack(&other)), None, "{other}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_measured_is_that_term_in_its_only_exact_form(term in term()) {
            let bytes = to_msgpack(&term);
            assert!(exact_len(&bytes).is_none_or(|length| length == bytes.len()), "{term}");
        }

        #[test]
        fn of_any_bytes_what_is_measured_reads_and_writes_as_itself(bytes: Vec<u8>, start in any::<u8>()) {
            let bytes = [&[start | 0xc0][..], &bytes].concat();
            if let Some(length) = exact_len(&bytes) {
                let term = from_msgpack(&bytes[..length]).unwrap();
                assert_eq!(to_msgpack(&term), &bytes[..length]);
            }
        }
    }
}
