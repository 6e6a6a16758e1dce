//! Text to the bytes of the wire.
//!
//! A line ends with `\r\n` there, a return without a line feed is `\r\0`, and the byte 255 is doubled
//! (RFC 854, "The NVT printer and keyboard"). The caller is `port`, once for every text.

use crate::telnet::IAC;

/// The bytes of the wire for this text, in which `\n` ends a line. A `\r\n` that is there already stays one.
pub fn encode(text: &[u8]) -> Vec<u8> {
    let mut wire = Vec::with_capacity(text.len() + text.len() / 16 + 2);
    let mut before = None;
    for (at, byte) in text.iter().enumerate() {
        match byte {
            b'\n' if before != Some(b'\r') => wire.extend_from_slice(b"\r\n"),
            b'\r' if text.get(at + 1) != Some(&b'\n') => wire.extend_from_slice(b"\r\0"),
            &IAC => wire.extend_from_slice(&[IAC, IAC]),
            plain => wire.push(*plain),
        }
        before = Some(*byte);
    }
    wire
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::endpoint::{Endpoint, Event};

    #[test]
    fn a_line_feed_becomes_return_and_line_feed_exactly_once() {
        assert_eq!(encode(b"a\n\nb\n"), b"a\r\n\r\nb\r\n");
        assert_eq!(encode(b"a\r\n\r\n"), b"a\r\n\r\n");
        assert_eq!(encode(b"a\r\n"), encode(b"a\n"));
    }

    #[test]
    fn a_bare_return_is_marked_as_one() {
        assert_eq!(encode(b"a\rb\r"), b"a\r\0b\r\0");
    }

    #[test]
    fn the_byte_255_is_doubled() {
        assert_eq!(encode(&[1, IAC, 2]), [1, IAC, IAC, 2]);
    }

    #[test]
    fn letters_of_any_language_pass_unchanged() {
        assert_eq!(encode("Zoë 勇者".as_bytes()), "Zoë 勇者".as_bytes());
    }

    proptest! {
        #[test]
        fn the_other_end_reads_the_lines_that_were_written(lines in proptest::collection::vec(proptest::collection::vec(prop_oneof![1u8..10, 14u8..=255], 0..40), 0..10)) {
            let text: Vec<u8> = lines.iter().flat_map(|line| [line.as_slice(), b"\n"].concat()).collect();
            let wire = encode(&text);
            let (mut rest, mut other_end) = (&wire[..], Endpoint::default());
            let read: Vec<Event> = std::iter::from_fn(|| other_end.next(&mut rest)).collect();
            prop_assert_eq!(read, lines.into_iter().map(Event::Line).collect::<Vec<_>>());
        }
    }
}
