//! How long a term is in its exact form, without making the term: for whoever keeps or compares names as bytes.

use rmp::Marker;

use super::ext;

/// How deep tuples are followed. A name is a text, or a tuple of a few.
const DEPTH_MAX: u8 = 4;

/// How many bytes the first term takes, when it is written as [`to_msgpack`](super::to_msgpack) writes it and is
/// what names are made of: a short text, an atom, a pid, a small integer, or a tuple of these.
///
/// `None` says nothing: the bytes may be another term, or the same one in other words, or none.
pub fn exact_len(bytes: &[u8]) -> Option<usize> {
    measure(bytes, DEPTH_MAX)
}

fn measure(bytes: &[u8], depth: u8) -> Option<usize> {
    let (marker, rest) = bytes.split_first()?;
    match Marker::from_u8(*marker) {
        Marker::FixPos(_) | Marker::FixNeg(_) => Some(1),
        Marker::FixStr(length) => Some(1 + text(rest.get(..length.into())?)?),
        Marker::FixExt1 => ext(rest, 1, depth).map(|payload| 2 + payload),
        Marker::FixExt2 => ext(rest, 2, depth).map(|payload| 2 + payload),
        Marker::FixExt4 => ext(rest, 4, depth).map(|payload| 2 + payload),
        Marker::FixExt8 => ext(rest, 8, depth).map(|payload| 2 + payload),
        Marker::FixExt16 => ext(rest, 16, depth).map(|payload| 2 + payload),
        Marker::Ext8 => {
            let (length, rest) = rest.split_first()?;
            // These have a head of their own, which is the shorter one.
            let is_fix = matches!(length, 1 | 2 | 4 | 8 | 16);
            (!is_fix).then_some(())?;
            ext(rest, (*length).into(), depth).map(|payload| 3 + payload)
        }
        _ => None,
    }
}

/// The length of an extension's payload, which follows its type.
fn ext(bytes: &[u8], length: usize, depth: u8) -> Option<usize> {
    let (kind, rest) = bytes.split_first()?;
    let payload = rest.get(..length)?;
    match i8::from_be_bytes([*kind]) {
        ext::ATOM => text(payload),
        ext::PID => (length == 8).then_some(length),
        ext::TUPLE => tuple(payload, depth.checked_sub(1)?),
        _ => None,
    }
}

fn tuple(payload: &[u8], depth: u8) -> Option<usize> {
    let (marker, mut rest) = payload.split_first()?;
    let Marker::FixArray(items) = Marker::from_u8(*marker) else {
        return None;
    };
    for _ in 0..items {
        rest = rest.get(measure(rest, depth)?..)?;
    }
    rest.is_empty().then_some(payload.len())
}

fn text(bytes: &[u8]) -> Option<usize> {
    std::str::from_utf8(bytes).ok().map(str::len)
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
