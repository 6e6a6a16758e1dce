//! The receiving end of a connection: turns bytes into events, which do not depend on the segmentation of the bytes.
//!
//! The module neither reads nor writes. `connection` gives it bytes and asks for one event after another, so that
//! `connection` can pause between two events. `nvt` decides how an event is answered.

use crate::wire::line::{Cut, Lines};
use crate::wire::markup;
use crate::wire::telnet::{EC, EL, Piece, SE, Telnet, Verb};

/// Substitute replaces a character that cannot be shown. Sessions refuse it in names, as they refuse all controls.
const SUBSTITUTE: u8 = 0x1a;

/// An event in the input of a client.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// A line, without its end, without telnet commands, and without a character that begins a tag of `markup`.
    Line(Vec<u8>),
    /// A line was longer than allowed ([`Endpoint::set_line_max`]) and was dropped.
    LineTooLong,
    /// A telnet command of two bytes.
    Command(u8),
    /// The client offers, requests or refuses an option.
    Negotiation {
        /// One of `WILL`, `WONT`, `DO` and `DONT`.
        verb: Verb,
        /// The number of the option (IANA registry "Telnet Options").
        option: u8,
    },
    /// The data of an option (RFC 855).
    Subnegotiation {
        /// The number of the option (IANA registry "Telnet Options").
        option: u8,
        /// At most [`crate::wire::telnet::SUBNEGOTIATION_MAX`] bytes.
        bytes: Vec<u8>,
    },
}

/// The parser of one client's input. It holds less than two lines and a subnegotiation.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Endpoint {
    telnet: Telnet,
    lines: Lines,
    /// Bytes taken since the last call of [`Endpoint::taken`].
    taken: usize,
}

impl Endpoint {
    /// Sets the maximum length of a line, in bytes; [`crate::wire::line::LINE_MAX`] at first.
    pub fn set_line_max(&mut self, max: usize) {
        self.lines.set_max(max);
    }

    /// Takes bytes from the front of `input` until an event is complete; `None` means that all bytes are taken.
    ///
    /// INVARIANT: the events do not depend on the segmentation of the input
    /// (`any_segmentation_gives_the_same_events`).
    pub fn next(&mut self, input: &mut &[u8]) -> Option<Event> {
        let before = input.len();
        let event = self.find(input);
        self.taken += before - input.len();
        event
    }

    /// The line that the client is typing, without its end.
    pub fn unfinished(&self) -> &[u8] {
        self.lines.unfinished()
    }

    /// The number of bytes taken since the last call. Called after each event, it is the length of that event's input.
    pub fn taken(&mut self) -> usize {
        std::mem::take(&mut self.taken)
    }

    fn find(&mut self, input: &mut &[u8]) -> Option<Event> {
        while let Some(first) = input.first() {
            let event = match self.telnet.plain_len(input) {
                0 => {
                    *input = &input[1..];
                    self.command_byte(*first)
                }
                plain => self.plain(input, plain),
            };
            if event.is_some() {
                return event;
            }
        }
        None
    }

    /// Takes data bytes. When a line ends among them, the bytes behind it stay in `input`.
    fn plain(&mut self, input: &mut &[u8], len: usize) -> Option<Event> {
        let mut data = &input[..len];
        let cut = self.lines.next(&mut data);
        *input = &input[len - data.len()..];
        cut.map(Event::from)
    }

    fn command_byte(&mut self, byte: u8) -> Option<Event> {
        let piece = self.telnet.step(byte);
        if let Some(edge) = self.telnet.take_edge() {
            self.lines.doubt(edge);
        }
        piece.and_then(|piece| self.piece(piece))
    }

    fn piece(&mut self, piece: Piece) -> Option<Event> {
        match piece {
            Piece::Data(byte) => self.lines.next(&mut &[byte][..]).map(Event::from),
            Piece::Command(command) => Some(self.command(command)),
            Piece::Negotiation(verb, option) => Some(Event::Negotiation { verb, option }),
            Piece::Subnegotiation(option, bytes) => Some(Event::Subnegotiation { option, bytes }),
        }
    }

    /// Handles a command of two bytes. `EC` and `EL` correct the unfinished line (RFC 854), and an `SE` without `SB` takes
    /// back data that was no part of the line. So they are handled here, where the line is.
    fn command(&mut self, command: u8) -> Event {
        match command {
            EC => self.lines.erase_character(),
            EL => self.lines.erase_line(),
            SE => self.lines.take_back(),
            _ => {}
        }
        Event::Command(command)
    }
}

impl From<Cut> for Event {
    fn from(cut: Cut) -> Event {
        match cut {
            Cut::Line(mut line) => {
                let tags = line.iter_mut().filter(|byte| **byte == markup::BEGIN);
                tags.for_each(|byte| *byte = SUBSTITUTE);
                Event::Line(line)
            }
            Cut::TooLong => Event::LineTooLong,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::line::LINE_MAX;
    use crate::wire::telnet::{IAC, SB, SUBNEGOTIATION_MAX};

    fn events(endpoint: &mut Endpoint, mut input: &[u8]) -> Vec<Event> {
        std::iter::from_fn(|| endpoint.next(&mut input)).collect()
    }

    /// All events of the input, each with the number of its bytes.
    fn counted(endpoint: &mut Endpoint, mut input: &[u8]) -> Vec<(Event, usize)> {
        let next = || {
            let event = endpoint.next(&mut input)?;
            Some((event, endpoint.taken()))
        };
        std::iter::from_fn(next).collect()
    }

    /// Random bytes in which the bytes with a meaning are far more frequent than by chance.
    fn wire(len: usize) -> impl Strategy<Value = Vec<u8>> {
        let telnet = prop_oneof![
            Just(IAC),
            Just(SB),
            Just(SE),
            239u8..=255,
            Just(1u8),
            Just(24u8)
        ];
        let byte = prop_oneof![3 => telnet, 3 => Just(b'\r'), 3 => Just(b'\n'), 1 => Just(0u8), 4 => b'a'..=b'e', 2 => any::<u8>()];
        proptest::collection::vec(byte, 0..len)
    }

    /// Random bytes with long runs, so that both limits are reached.
    fn long_wire() -> impl Strategy<Value = Vec<u8>> {
        let run = (any::<u8>(), 0..SUBNEGOTIATION_MAX * 2).prop_map(|(byte, len)| vec![byte; len]);
        proptest::collection::vec(prop_oneof![4 => wire(20), 1 => run], 0..6)
            .prop_map(|parts| parts.concat())
    }

    proptest! {
        #[test]
        fn any_segmentation_gives_the_same_events(input in long_wire(), cuts in proptest::collection::vec(1usize..700, 1..40)) {
            let mut whole = Endpoint::default();
            let expected = counted(&mut whole, &input);
            let (mut cut, mut rest, mut sizes) = (Endpoint::default(), &input[..], cuts.iter().cycle());
            let mut found = Vec::new();
            while !rest.is_empty() {
                let (chunk, later) = rest.split_at(rest.len().min(*sizes.next().unwrap()));
                found.extend(counted(&mut cut, chunk));
                rest = later;
            }
            prop_assert_eq!(found, expected);
            prop_assert_eq!(cut, whole);
        }

        #[test]
        fn byte_by_byte_gives_the_same_events(input in wire(300)) {
            let (mut whole, mut single) = (Endpoint::default(), Endpoint::default());
            let found: Vec<Event> = input.iter().flat_map(|byte| events(&mut single, &[*byte])).collect();
            prop_assert_eq!(found, events(&mut whole, &input));
        }

        #[test]
        fn no_event_is_longer_than_its_limit_and_none_holds_a_line_end(input in long_wire()) {
            for event in events(&mut Endpoint::default(), &input) {
                match event {
                    Event::Line(line) => {
                        prop_assert!(line.len() <= LINE_MAX);
                        prop_assert!(!line.iter().any(|byte| matches!(*byte, b'\r' | b'\n' | 0 | markup::BEGIN)));
                    }
                    Event::Subnegotiation { bytes, .. } => prop_assert!(bytes.len() <= SUBNEGOTIATION_MAX),
                    _ => {}
                }
            }
        }

        #[test]
        fn plain_lines_come_through_as_they_were_sent(lines in proptest::collection::vec("[a-zé ]{0,30}", 0..20), end in prop_oneof![Just("\n"), Just("\r\n"), Just("\r\0")]) {
            let input: String = lines.iter().flat_map(|line| [line, end]).collect();
            let expected: Vec<Event> = lines.iter().map(|line| Event::Line(line.as_bytes().to_vec())).collect();
            prop_assert_eq!(events(&mut Endpoint::default(), input.as_bytes()), expected);
        }
    }

    #[test]
    fn a_command_in_the_middle_of_a_line_does_not_cut_it() {
        let input = [
            b"An",
            &[IAC, 241][..],
            b"n\r",
            &[IAC, Verb::Will as u8, 31],
            b"\n",
        ]
        .concat();
        let expected = [
            Event::Command(241),
            Event::Line(b"Ann".to_vec()),
            Event::Negotiation {
                verb: Verb::Will,
                option: 31,
            },
        ];
        assert_eq!(events(&mut Endpoint::default(), &input), expected);
    }

    #[test]
    fn what_was_taken_is_counted_from_event_to_event() {
        let mut endpoint = Endpoint::default();
        let counted = counted(&mut endpoint, b"Ann\r\n\xff\xf6rest");
        let lengths: Vec<usize> = counted.into_iter().map(|(_, len)| len).collect();
        assert_eq!((lengths, endpoint.taken()), (vec![4, 3], 4));
    }

    #[test]
    fn a_byte_of_255_is_part_of_a_line() {
        let input = [b"a", &[IAC, IAC][..], b"b\n"].concat();
        assert_eq!(
            events(&mut Endpoint::default(), &input),
            [Event::Line(b"a\xFFb".to_vec())]
        );
    }
}
