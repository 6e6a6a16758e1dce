//! Parses telnet commands in the bytes of a client (RFC 854, RFC 855).
//!
//! ```text
//!           IAC             WILL WONT DO DONT            option
//!   Data ────────► Iac ─────────────────────► Verb ─────────────► Data   Negotiation
//!                   │ IAC ► Data   a data byte 255
//!                   │ SB ─► Sub    … bytes … IAC SE ► Data   Subnegotiation
//!                   └ any other ► Data   Command
//! ```
//!
//! A byte 255 inside a subnegotiation must be sent twice (RFC 855). Existing clients send it once, above all in the size
//! of a window. Inside `Sub`, `IAC` therefore ends or breaks off the subnegotiation only before `SE`, `SB` and the four
//! verbs; before any other byte it is a 255 that was not doubled. Two guesses remain, and either may be wrong: that a
//! verb means a forgotten `SE`, and that `IAC SE` is an end. The parser reports both positions ([`Edge`]), so that the
//! bytes behind them can be taken back when a further `IAC SE` shows that they belonged to the subnegotiation.
//!
//! This module only reads and writes the bytes. `nvt` decides the answers, `line` interprets the data between the
//! commands. The caller that reads is `endpoint`.

use crate::wire::option::NAWS;

/// Interpret As Command: begins every command. A doubled `IAC` is the data byte 255.
pub const IAC: u8 = 255;
/// The sender will not perform an option, or asks the other side not to: see [`Verb`].
const DONT: u8 = 254;
const DO: u8 = 253;
const WONT: u8 = 252;
const WILL: u8 = 251;
/// Begin of a subnegotiation (RFC 854, "SB"): the option and its data follow.
pub const SB: u8 = 250;
/// Go Ahead: the sender has sent everything and waits for the other end.
pub const GA: u8 = 249;
/// Erase Line: the unfinished line is to be deleted.
pub const EL: u8 = 248;
/// Erase Character: the last character is to be deleted.
pub const EC: u8 = 247;
/// Are You There (RFC 854): asks for a visible answer.
pub const AYT: u8 = 246;
/// Data Mark: the place of an urgent notification in the stream.
pub const DM: u8 = 242;
/// No Operation (RFC 854): has no effect; keeps a connection alive.
pub const NOP: u8 = 241;
/// End of a subnegotiation (RFC 854, "SE").
pub const SE: u8 = 240;
/// End Of Record (RFC 885).
pub const EOR: u8 = 239;

/// The maximum length of a subnegotiation, in bytes without its option; a longer one is dropped as a whole.
/// The longest that clients send are lists of GMCP packages, and the answer to a message of ours would have at most a
/// screen of JSON.
pub const SUBNEGOTIATION_MAX: usize = 8 * 1024;

/// The data length of an option whose subnegotiation has only one possible length. When the data has that length only
/// if 255 is read as not doubled, then it was not doubled.
const fn length_of(option: u8) -> Option<usize> {
    match option {
        NAWS => Some(4),
        _ => None,
    }
}

/// The maximum number of bytes searched ahead for plain data. The search runs once per line: without a bound, each search
/// in an input of many short lines would cover the whole rest of the input.
const LOOK_AHEAD: usize = 128;

/// The four verbs of option negotiation (RFC 854, "WILL, WONT, DO, DONT").
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[repr(u8)]
pub enum Verb {
    /// The sender offers to perform the option, or says that it does.
    Will = WILL,
    /// The sender refuses to perform the option, or no longer performs it.
    Wont = WONT,
    /// The sender asks the other side to perform the option.
    Do = DO,
    /// The sender asks the other side not to perform the option.
    Dont = DONT,
}

impl Verb {
    fn of(byte: u8) -> Option<Verb> {
        match byte {
            WILL => Some(Verb::Will),
            WONT => Some(Verb::Wont),
            DO => Some(Verb::Do),
            DONT => Some(Verb::Dont),
            _ => None,
        }
    }
}

/// The three bytes of a negotiation.
pub fn negotiation(verb: Verb, option: u8) -> [u8; 3] {
    [IAC, verb as u8, option]
}

/// Adds a byte of data; a byte 255 is doubled, because a single one begins a command (RFC 854).
pub fn push_data(wire: &mut Vec<u8>, byte: u8) {
    wire.push(byte);
    if byte == IAC {
        wire.push(IAC);
    }
}

/// The bytes of a subnegotiation (RFC 855), with each byte 255 in the data doubled.
pub fn subnegotiation(option: u8, bytes: &[u8]) -> Vec<u8> {
    let mut wire = vec![IAC, SB];
    for byte in [option].iter().chain(bytes) {
        push_data(&mut wire, *byte);
    }
    wire.extend_from_slice(&[IAC, SE]);
    wire
}

/// An item of the input that its last byte has completed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Piece {
    /// A byte of data; `IAC IAC` is the byte 255.
    Data(u8),
    /// A command of two bytes, as its second byte.
    Command(u8),
    /// A command of three bytes: a verb and an option.
    Negotiation(Verb, u8),
    /// A subnegotiation: its option, and its data with `IAC IAC` undone, unless the client does not double.
    Subnegotiation(u8, Vec<u8>),
}

/// A possibly wrong guess about a subnegotiation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Edge {
    /// `IAC SE` has come, which is taken for the end.
    Ended,
    /// A verb has come inside the subnegotiation: the client has probably forgotten the end.
    Torn,
}

/// The position in a command.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
enum State {
    #[default]
    Data,
    Iac,
    Verb(Verb),
    Sub(Sub),
    SubIac(Sub),
}

/// The received part of a subnegotiation.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Sub {
    /// The option and the raw bytes after it; empty before the option has come.
    Kept(Vec<u8>),
    /// The subnegotiation exceeded the maximum length: the bytes are dropped, and the parser waits for the end.
    TooLong,
}

impl Sub {
    fn push(&mut self, byte: u8) {
        match self {
            Sub::Kept(raw) if raw.len() <= SUBNEGOTIATION_MAX => raw.push(byte),
            _ => *self = Sub::TooLong,
        }
    }

    /// Whether an `SE` ends the subnegotiation now: the data has its only possible length, the last byte is a 255 that was
    /// not doubled, and an `IAC` follows. Read as doubled, the data would be too long.
    fn waits_for_end(&self) -> bool {
        let Sub::Kept(raw) = self else {
            return false;
        };
        let len = raw.first().and_then(|option| length_of(*option));
        len.is_some_and(|len| raw.len() == len + 2) && raw.ends_with(&[IAC, IAC])
    }

    /// The finished piece; `None` when the subnegotiation was too long or has no option.
    fn finish(self) -> Option<Piece> {
        let Sub::Kept(raw) = self else {
            return None;
        };
        let bytes = undoubled(&raw);
        let (option, rest) = bytes.split_first()?;
        let rest = match length_of(*option) {
            Some(len) if rest.len() != len && raw.len() == 1 + len => &raw[1..],
            _ => rest,
        };
        Some(Piece::Subnegotiation(*option, rest.to_vec()))
    }
}

/// The bytes with every `IAC IAC` replaced by one 255.
fn undoubled(raw: &[u8]) -> Vec<u8> {
    let (mut bytes, mut raw) = (Vec::with_capacity(raw.len()), raw.iter());
    while let Some(byte) = raw.next() {
        bytes.push(*byte);
        if *byte == IAC && raw.as_slice().first() == Some(&IAC) {
            raw.next();
        }
    }
    bytes
}

/// The parser. It holds at most one subnegotiation of [`SUBNEGOTIATION_MAX`] bytes.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Telnet {
    state: State,
    edge: Option<Edge>,
}

impl Telnet {
    /// The number of bytes at the front that are certainly plain data, and need not go through [`Telnet::step`].
    pub fn plain_len(&self, input: &[u8]) -> usize {
        let input = &input[..input.len().min(LOOK_AHEAD)];
        match self.state {
            State::Data => input
                .iter()
                .position(|byte| *byte == IAC)
                .unwrap_or(input.len()),
            _ => 0,
        }
    }

    /// Takes one byte; returns an item when the byte completes one.
    pub fn step(&mut self, byte: u8) -> Option<Piece> {
        match std::mem::take(&mut self.state) {
            State::Data if byte == IAC => self.to(State::Iac),
            State::Data => Some(Piece::Data(byte)),
            State::Iac => self.command(byte),
            State::Verb(verb) => Some(Piece::Negotiation(verb, byte)),
            State::Sub(sub) if byte == IAC => self.to(State::SubIac(sub)),
            State::Sub(sub) => self.collect(sub, byte),
            State::SubIac(sub) => self.command_in_sub(sub, byte),
        }
    }

    fn to(&mut self, state: State) -> Option<Piece> {
        self.state = state;
        None
    }

    fn command(&mut self, byte: u8) -> Option<Piece> {
        match (byte, Verb::of(byte)) {
            (IAC, _) => Some(Piece::Data(IAC)),
            (SB, _) => self.to(State::Sub(Sub::Kept(Vec::new()))),
            (_, Some(verb)) => self.to(State::Verb(verb)),
            (command, None) => Some(Piece::Command(command)),
        }
    }

    fn collect(&mut self, mut sub: Sub, byte: u8) -> Option<Piece> {
        if byte == SE && sub.waits_for_end() {
            if let Sub::Kept(raw) = &mut sub {
                raw.pop();
            }
            return self.end_sub(sub);
        }
        sub.push(byte);
        self.to(State::Sub(sub))
    }

    /// The guess about a subnegotiation that the last byte has caused; returned once.
    pub fn take_edge(&mut self) -> Option<Edge> {
        self.edge.take()
    }

    fn end_sub(&mut self, sub: Sub) -> Option<Piece> {
        self.edge = Some(Edge::Ended);
        sub.finish()
    }

    fn command_in_sub(&mut self, mut sub: Sub, byte: u8) -> Option<Piece> {
        match byte {
            SE => self.end_sub(sub),
            // The client has forgotten the end of the subnegotiation before.
            SB => self.command(byte),
            _ if Verb::of(byte).is_some() => {
                self.edge = Some(Edge::Torn);
                self.command(byte)
            }
            _ => {
                sub.push(IAC);
                self.collect(sub, byte)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(input: &[u8]) -> Vec<Piece> {
        let mut telnet = Telnet::default();
        input.iter().filter_map(|byte| telnet.step(*byte)).collect()
    }

    #[test]
    fn a_doubled_iac_is_one_byte_of_data() {
        assert_eq!(
            pieces(&[b'a', IAC, IAC, b'b']),
            [Piece::Data(b'a'), Piece::Data(IAC), Piece::Data(b'b')]
        );
    }

    #[test]
    fn a_command_of_two_bytes_does_not_eat_the_next_byte() {
        for command in [AYT, 241, 243, 244, 249, 239, SE] {
            assert_eq!(
                pieces(&[IAC, command, b'h']),
                [Piece::Command(command), Piece::Data(b'h')]
            );
        }
    }

    #[test]
    fn each_verb_takes_its_option() {
        for verb in [Verb::Will, Verb::Wont, Verb::Do, Verb::Dont] {
            assert_eq!(
                pieces(&[IAC, verb as u8, IAC, b'x']),
                [Piece::Negotiation(verb, IAC), Piece::Data(b'x')]
            );
        }
    }

    #[test]
    fn a_subnegotiation_keeps_its_bytes_and_undoes_the_doubling() {
        let naws = [IAC, SB, 31, 0, IAC, IAC, 0, 24, IAC, SE, b'x'];
        assert_eq!(
            pieces(&naws),
            [
                Piece::Subnegotiation(31, vec![0, IAC, 0, 24]),
                Piece::Data(b'x')
            ]
        );
    }

    #[test]
    fn what_is_written_reads_as_it_was_meant() {
        for option in [0, 31, 201, IAC] {
            let bytes: Vec<u8> = (0..=255).chain([IAC, SE, IAC]).collect();
            assert_eq!(
                pieces(&subnegotiation(option, &bytes)),
                [Piece::Subnegotiation(option, bytes)]
            );
            assert_eq!(
                pieces(&negotiation(Verb::Dont, option)),
                [Piece::Negotiation(Verb::Dont, option)]
            );
        }
    }

    /// Sends window sizes as a client does, each followed by a byte of data.
    fn window(size: &[u8], doubles: bool) -> Vec<Piece> {
        let wire = match doubles {
            true => subnegotiation(NAWS, size),
            false => [&[IAC, SB, NAWS], size, &[IAC, SE]].concat(),
        };
        pieces(&[&wire[..], b"x"].concat())
    }

    #[test]
    fn a_window_with_the_byte_255_in_it_is_read_whether_its_client_doubles_that_or_not() {
        let widths = [80, 255, 256 + 255, 0x18ff, 0xff18, 0xffff].map(u16::to_be_bytes);
        let heights = [24, 255, 256 + 255, 0x18ff, 0xff18, 0xffff].map(u16::to_be_bytes);
        for size in widths
            .iter()
            .flat_map(|w| heights.map(|h| [*w, h].concat()))
        {
            for doubles in [true, false] {
                let expected = [Piece::Subnegotiation(NAWS, size.clone()), Piece::Data(b'x')];
                assert_eq!(window(&size, doubles), expected, "{size:?} {doubles}");
            }
        }
    }

    #[test]
    fn a_byte_255_that_was_not_doubled_is_one_of_the_subnegotiation() {
        for odd in (0..SE).chain(SE + 1..SB) {
            let expected = [
                Piece::Subnegotiation(24, vec![1, IAC, odd, b'a']),
                Piece::Data(b'x'),
            ];
            let wire = [IAC, SB, 24, 1, IAC, odd, b'a', IAC, SE, b'x'];
            assert_eq!(pieces(&wire), expected, "{odd}");
        }
    }

    #[test]
    fn a_subnegotiation_without_an_option_says_nothing() {
        assert_eq!(pieces(&[IAC, SB, IAC, SE, b'x']), [Piece::Data(b'x')]);
    }

    #[test]
    fn a_subnegotiation_without_its_end_is_left_out_at_the_next_command() {
        let broken = [IAC, SB, 24, 1, 2, IAC, Verb::Do as u8, 3, b'x'];
        assert_eq!(
            pieces(&broken),
            [Piece::Negotiation(Verb::Do, 3), Piece::Data(b'x')]
        );
        assert_eq!(
            pieces(&[IAC, SB, 1, IAC, SB, 2, 3, IAC, SE]),
            [Piece::Subnegotiation(2, vec![3])]
        );
    }

    #[test]
    fn a_subnegotiation_is_kept_up_to_its_limit_and_left_out_beyond() {
        let of = |len: usize| [&[IAC, SB, 201][..], &vec![b'j'; len], &[IAC, SE, b'x']].concat();
        let kept = Piece::Subnegotiation(201, vec![b'j'; SUBNEGOTIATION_MAX]);
        assert_eq!(pieces(&of(SUBNEGOTIATION_MAX)), [kept, Piece::Data(b'x')]);
        assert_eq!(pieces(&of(SUBNEGOTIATION_MAX + 1)), [Piece::Data(b'x')]);
    }

    #[test]
    fn an_endless_subnegotiation_keeps_nothing() {
        let mut telnet = Telnet::default();
        assert!(
            [IAC, SB]
                .iter()
                .chain(&[b'j'; 4 * SUBNEGOTIATION_MAX])
                .all(|byte| telnet.step(*byte).is_none())
        );
        assert_eq!(telnet.state, State::Sub(Sub::TooLong));
    }
}
