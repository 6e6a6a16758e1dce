//! Compares two readers of the same bytes: the door's own, which gets them in arbitrary pieces, and a naive one written for
//! this test. Also checks that no byte of a subnegotiation gets into a line, however broken it is.
#![allow(clippy::unwrap_used)]

#[path = "second_reader/naive.rs"]
mod naive;

use proptest::collection::vec;
use proptest::prelude::*;
use sockserv::wire::line::LINE_MAX;
use sockserv::wire::telnet::{IAC, SB, SE, SUBNEGOTIATION_MAX};
use sockserv::{Endpoint, Event};

/// The events of the door's reader for the input in pieces of these sizes.
fn found(input: &[u8], sizes: &[usize]) -> Vec<Event> {
    let (mut endpoint, mut rest) = (Endpoint::default(), input);
    let (mut events, mut sizes) = (Vec::new(), sizes.iter().cycle());
    while !rest.is_empty() {
        let (mut piece, later) = rest.split_at(rest.len().min(*sizes.next().unwrap()));
        events.extend(std::iter::from_fn(|| endpoint.next(&mut piece)));
        rest = later;
    }
    events
}

fn lines(input: &[u8]) -> Vec<Event> {
    let is_line = |event: &Event| matches!(event, Event::Line(_) | Event::LineTooLong);
    found(input, &[1]).into_iter().filter(is_line).collect()
}

/// A byte with a meaning for telnet or for lines, or another byte.
fn byte() -> impl Strategy<Value = u8> {
    let telnet = prop_oneof![3 => Just(IAC), 1 => Just(SB), 1 => Just(SE), 2 => 236u8..=254];
    let option = prop_oneof![Just(24u8), Just(31), Just(201)];
    let key = prop_oneof![Just(8u8), Just(0x7f), Just(0x15), Just(0), Just(0x0e)];
    let end = prop_oneof![Just(b'\r'), Just(b'\n')];
    prop_oneof![5 => telnet, 2 => option, 2 => key, 1 => end, 4 => b'a'..=b'c', 1 => any::<u8>()]
}

/// Characters, and incomplete parts of characters.
const CHARACTERS: [&str; 10] = [
    "é",
    "e\u{301}",
    "👩‍👩‍👧",
    "🇩🇪",
    "🇫",
    "\u{200d}",
    "한",
    "\u{301}",
    "क्ष",
    "\u{600}",
];

/// A piece of input as people and clients send it in one go.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let text = proptest::sample::select(&CHARACTERS[..]).prop_map(|text| text.as_bytes().to_vec());
    let window = vec(prop_oneof![Just(IAC), Just(SE), Just(0), Just(24)], 0..6);
    let window = window.prop_map(|size| [&[IAC, SB, 31], &size[..], &[IAC, SE]].concat());
    let run = (
        byte(),
        prop_oneof![
            LINE_MAX - 2..LINE_MAX + 3,
            2 * LINE_MAX - 2..2 * LINE_MAX + 3,
            SUBNEGOTIATION_MAX - 2..SUBNEGOTIATION_MAX + 3
        ],
    );
    let run = run.prop_map(|(byte, len)| vec![byte; len]);
    prop_oneof![20 => vec(byte(), 1..12), 10 => text, 10 => window, 1 => run]
}

proptest! {
    #[test]
    fn a_naive_reader_finds_the_same(pieces in vec(piece(), 0..25), sizes in vec(1usize..40, 1..10)) {
        let input = pieces.concat();
        prop_assert_eq!(found(&input, &sizes), naive::read(&input));
    }

    #[test]
    fn no_byte_of_a_subnegotiation_gets_into_a_line(sub in broken()) {
        // Behind a single 255 the first pair is no end; where it is one, the second has no effect.
        let ends = [IAC, SE, IAC, SE];
        let input = [b"An", &[IAC, SB][..], &sub, &ends, b"n\r\n"].concat();
        prop_assert_eq!(lines(&input), [Event::Line(b"Ann".to_vec())]);
    }
}

/// The bytes between `IAC SB` and `IAC SE`, except for two cases that look like intended input. A line end behind a verb may
/// belong to a client that has forgotten the end of its subnegotiation. Behind an end the player may erase characters, and
/// another subnegotiation may begin.
fn broken() -> impl Strategy<Value = Vec<u8>> {
    let ends_no_line =
        || byte().prop_filter("the end of a line", |byte| !matches!(*byte, b'\r' | b'\n'));
    let sub = (
        prop_oneof![Just(31), ends_no_line()],
        vec(ends_no_line(), 0..40),
    );
    let sub = sub.prop_map(|(option, body)| [&[option], &body[..]].concat());
    sub.prop_filter("what may follow an end", |sub| {
        let has_end = sub.windows(2).any(|pair| pair == [IAC, SE]);
        let is_used = sub
            .iter()
            .any(|byte| matches!(*byte, 8 | 0x7f | 0x15 | 247 | 248 | SB));
        !(has_end && is_used)
    })
}

#[test]
fn the_naive_reader_can_read() {
    let said = [
        Event::Line(b"Ann".to_vec()),
        Event::Command(246),
        Event::Subnegotiation {
            option: 31,
            bytes: vec![0, 255, 0, 24],
        },
        Event::LineTooLong,
    ];
    let long = "x".repeat(LINE_MAX + 1);
    let input = [
        b"Am\x08nn\r\n\xff\xf6\xff\xfa\x1f\0\xff\0\x18\xff\xf0",
        long.as_bytes(),
        b"\n",
    ]
    .concat();
    assert_eq!(naive::read(&input), said);
}
