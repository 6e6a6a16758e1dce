//! Properties of all terms and all inputs. proptest prints the smallest case that fails, and its seed.

use std::hash::BuildHasher;
use std::thread;

use foldhash::fast::FixedState;
use num_bigint::BigInt;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::msgpack::{from_msgpack, to_msgpack, to_plain_msgpack};
use crate::{Atom, Float, NESTING_MAX, Pid, Term};
use crate::{pretty, read_all, read_bytes, read_term, write_file_text};

/// Half of the default stack of a thread in Rust; the thread of a shard has more.
const SMALL_STACK_BYTES: usize = 1024 * 1024;

/// Numbers at the borders between kinds: small ones, around 2^53 and 2^63, and larger ones.
fn number() -> impl Strategy<Value = Term> {
    let edges = prop_oneof![
        Just(0_i128),
        Just(1 << 53),
        Just(1 << 63),
        Just(1 << 64),
        Just(i128::MAX)
    ];
    let near_edges = (edges, -3..=3_i128, any::<bool>()).prop_map(|(edge, offset, is_negative)| {
        let value = edge.saturating_add(offset);
        if is_negative { -value } else { value }
    });
    prop_oneof![
        any::<i64>().prop_map(Term::from),
        near_edges
            .clone()
            .prop_map(|value| Term::from(BigInt::from(value))),
        near_edges.prop_filter_map("finite", |value| Term::float(value as f64)),
        any::<f64>().prop_filter_map("finite", Term::float),
        prop_oneof![Just(0.0), Just(-0.0), Just(0.5), Just(97.0)]
            .prop_filter_map("finite", Term::float),
        vec(any::<u8>(), 9..40).prop_map(|bytes| Term::from(BigInt::from_signed_bytes_be(&bytes))),
    ]
}

/// Texts that contain quotes, escapes and control characters besides letters.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ab]{0,2}",
        any::<String>(),
        "[a-z'\"\\\\\n\t\u{0}\u{7f}\u{85}é\u{2028}λ🐉{}%$.]{0,8}",
        Just("end".to_string()),
    ]
}

fn leaf() -> impl Strategy<Value = Term> {
    prop_oneof![
        number(),
        text().prop_filter_map("short", |text| Atom::new(&text).ok().map(Term::Atom)),
        text().prop_map(Term::from),
        vec(any::<u8>(), 0..6).prop_map(Term::binary),
        text().prop_map(|text| Term::binary(text.as_bytes())),
        any::<u64>().prop_map(|raw| Term::Pid(Pid::from_raw(raw))),
        vec(prop_oneof![Just(97_i64), Just(98)], 0..3)
            .prop_map(|codes| codes.into_iter().map(Term::from).collect()),
    ]
}

pub(crate) fn term() -> impl Strategy<Value = Term> {
    leaf().prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Term::tuple),
            vec(inner.clone(), 0..6).prop_map(Term::list),
            vec((inner.clone(), inner), 0..5).prop_map(Term::map),
        ]
    })
}

/// Replaces the parts of a term that no file may contain: pids, and the two code points that are no characters.
fn of_a_file(term: &Term) -> Term {
    let text = |text: &str| text.replace(['\u{fffe}', '\u{ffff}'], "?");
    match term {
        Term::Pid(_) => Term::atom("pid"),
        Term::String(it) => Term::from(text(it)),
        Term::Atom(it) => Atom::new(&text(it.as_str())).map_or(term.clone(), Term::Atom),
        Term::Tuple(items) => Term::tuple(items.iter().map(of_a_file).collect::<Vec<_>>()),
        Term::List(items) => items.iter().map(of_a_file).collect(),
        Term::Map(map) => {
            let pairs = map.pairs().iter();
            Term::map(pairs.map(|(key, value)| (of_a_file(key), of_a_file(value))))
        }
        other => other.clone(),
    }
}

fn hash(term: &Term) -> u64 {
    FixedState::default().hash_one(term)
}

/// Pieces of the text form of terms.
const PIECES: &[&str] = &[
    "{", "}", "[", "]", "#{", "=>", "<<", ">>", ",", ".", " ", "\n", "\"", "'", "$", "\\x{", "\\",
    "a", "X", "1", "16#", "1.0e", "-", "<0.1.2>", "/utf8", "%", "|", "é", "_",
];

/// Text from [`PIECES`] in any order.
fn shards() -> impl Strategy<Value = String> {
    vec(proptest::sample::select(PIECES), 0..40).prop_map(|pieces| pieces.concat())
}

/// MessagePack's markers and lengths in any order, which are well-formed far more often than random bytes.
fn packed_shards() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![any::<u8>(), 0x80..=0x9f_u8, 0xc0..=0xdf_u8, 0..=6_u8];
    vec(byte, 0..60)
}

proptest! {
    #[test]
    fn what_is_printed_reads_back(term in term()) {
        prop_assert_eq!(&read_term(&term.to_string()).unwrap(), &term);
        prop_assert_eq!(&read_term(&pretty(&term)).unwrap(), &term);
    }

    #[test]
    fn a_written_file_reads_back(terms in vec(term(), 0..4)) {
        let terms: Vec<_> = terms.iter().map(of_a_file).collect();
        prop_assert_eq!(read_all(&write_file_text(&terms)).unwrap(), terms);
    }

    #[test]
    fn packed_terms_unpack_the_same_directly_and_through_serde(term in term()) {
        let bytes = to_msgpack(&term);
        prop_assert_eq!(&from_msgpack(&bytes).unwrap(), &term);
        prop_assert_eq!(&rmp_serde::to_vec_named(&term).unwrap(), &bytes);
        prop_assert_eq!(&rmp_serde::from_slice::<Term>(&bytes).unwrap(), &term);
        prop_assert!(from_msgpack(&to_plain_msgpack(&term)).is_ok());
    }

    #[test]
    fn the_order_is_total_and_agrees_with_equality_and_hash(a in term(), b in term(), c in term()) {
        prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
        prop_assert_eq!(a == b, a.cmp(&b).is_eq());
        prop_assert_eq!(a.cmp(&a.clone()), std::cmp::Ordering::Equal);
        let mut sorted = [a, b, c];
        sorted.sort();
        prop_assert!(sorted[0] <= sorted[1] && sorted[1] <= sorted[2] && sorted[0] <= sorted[2]);
    }

    #[test]
    fn the_order_of_numbers_is_transitive(mut numbers in vec(number(), 3..8)) {
        numbers.sort();
        for (i, a) in numbers.iter().enumerate() {
            prop_assert!(numbers[i..].iter().all(|b| a <= b), "{:?}", numbers);
        }
    }

    #[test]
    fn equal_terms_have_equal_hashes(term in term()) {
        let again = read_term(&term.to_string()).unwrap();
        prop_assert_eq!(hash(&term), hash(&again));
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in prop_oneof![any::<String>(), shards()]) {
        for term in read_all(&text).into_iter().flatten() {
            prop_assert_eq!(read_term(&term.to_string()).unwrap(), term);
        }
    }

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in prop_oneof![vec(any::<u8>(), 0..60), packed_shards()]) {
        let _ = read_bytes(&bytes);
        let direct = from_msgpack(&bytes).ok();
        let through_serde = rmp_serde::from_slice::<Term>(&bytes).ok();
        if let Some(term) = direct {
            prop_assert_eq!(from_msgpack(&to_msgpack(&term)).unwrap(), term.clone());
            prop_assert_eq!(through_serde, Some(term));
        }
    }
}

/// A term with the largest allowed nesting, with all kinds in turn.
fn deepest() -> Term {
    let half = Term::Float(Float::new(0.5).expect("it is finite"));
    (0..NESTING_MAX).fold(half, |inner, level| match level % 3 {
        0 => Term::tuple([inner]),
        1 => Term::list([inner]),
        _ => Term::map([(Term::atom("key"), inner)]),
    })
}

/// Runs `work` on a small stack. An overflow ends the test program, so a return proves that the stack sufficed.
fn on_a_small_stack(work: impl FnOnce() + Send + 'static) {
    let thread = thread::Builder::new().stack_size(SMALL_STACK_BYTES);
    thread.spawn(work).unwrap().join().unwrap();
}

#[test]
fn the_deepest_term_reads_and_prints_on_a_small_stack() {
    on_a_small_stack(|| {
        let term = deepest();
        assert_eq!(read_term(&term.to_string()).unwrap(), term);
        assert_eq!(read_term(&pretty(&term)).unwrap(), term);
        let binaries =
            "<<(".repeat(NESTING_MAX / 2) + "<<7>>" + &")/binary>>".repeat(NESTING_MAX / 2);
        assert!(read_term(&binaries).is_err(), "one level too deep");
        let binaries = &binaries[3..binaries.len() - 10];
        assert_eq!(read_term(binaries).unwrap(), Term::binary([7]));
    });
}

#[test]
fn the_deepest_term_packs_and_unpacks_on_a_small_stack() {
    on_a_small_stack(|| {
        let term = deepest();
        let bytes = to_msgpack(&term);
        assert_eq!(from_msgpack(&bytes).unwrap(), term);
        assert_eq!(rmp_serde::to_vec_named(&term).unwrap(), bytes);
        assert_eq!(rmp_serde::from_slice::<Term>(&bytes).unwrap(), term);
    });
}

#[test]
fn the_deepest_term_compares_hashes_and_drops_on_a_small_stack() {
    on_a_small_stack(|| {
        let (term, again) = (deepest(), deepest());
        assert_eq!(hash(&term), hash(&again));
        assert!(term.cmp(&again).is_eq() && term == again);
    });
}
