//! A second reader of a client's input, written from the description and not from the first reader. It has the whole input,
//! goes through it byte by byte with an index, and counts characters from the front of a line. It is slow and keeps
//! no state between two calls, so it cannot depend on the segmentation of the input.
//!
//! Callers: the test beside it, and the fuzz target `talk_telnet`. Both compare it with `sockserv::Endpoint`.

use sockserv::Event;
use sockserv::wire::line::LINE_MAX;
use sockserv::wire::telnet::{SUBNEGOTIATION_MAX, Verb};
use unicode_segmentation::UnicodeSegmentation;

/// An item of the input, before it is divided into lines.
#[derive(Debug)]
enum Token {
    Typed(u8),
    Command(u8),
    Negotiation(Verb, u8),
    /// A complete subnegotiation, with all bytes between `IAC SB` and its end.
    Ended(Vec<u8>),
    /// A subnegotiation that the next verb has broken off.
    Torn,
}

/// All events in the input.
pub(crate) fn read(input: &[u8]) -> Vec<Event> {
    let mut screen = Screen::default();
    for token in tokens(input) {
        screen.take(token);
    }
    screen.events
}

fn verb(byte: u8) -> Option<Verb> {
    let verbs = [Verb::Will, Verb::Wont, Verb::Do, Verb::Dont];
    verbs.into_iter().find(|verb| *verb as u8 == byte)
}

fn tokens(input: &[u8]) -> Vec<Token> {
    let (mut tokens, mut at) = (Vec::new(), 0);
    while let Some(len) = token(&input[at..], &mut tokens) {
        at += len;
    }
    tokens
}

/// Reads one token, and returns the number of its bytes; `None` when it is not complete.
fn token(input: &[u8], tokens: &mut Vec<Token>) -> Option<usize> {
    match (*input.first()?, input.get(1), input.get(2)) {
        (255, None, _) => None,
        (255, Some(255), _) => {
            tokens.push(Token::Typed(255));
            Some(2)
        }
        (255, Some(250), _) => Some(2 + subnegotiation(&input[2..], tokens)?),
        (255, Some(second), third) => match (verb(*second), third) {
            (None, _) => {
                tokens.push(Token::Command(*second));
                Some(2)
            }
            (Some(_), None) => None,
            (Some(verb), Some(option)) => {
                tokens.push(Token::Negotiation(verb, *option));
                Some(3)
            }
        },
        (typed, _, _) => {
            tokens.push(Token::Typed(typed));
            Some(1)
        }
    }
}

/// Reads the bytes behind `IAC SB`, and returns their number.
fn subnegotiation(input: &[u8], tokens: &mut Vec<Token>) -> Option<usize> {
    let (mut from, mut at) = (0, 0);
    loop {
        let raw = &input[from..at];
        match (*input.get(at)?, input.get(at + 1)) {
            // The four bytes of a window's size, the last one a single 255, and `IAC SE`.
            (240, _) if matches!(raw, [31, _, _, _, 255, 255]) => {
                tokens.push(Token::Ended(raw[..5].to_vec()));
                return Some(at + 1);
            }
            (255, None) => return None,
            (255, Some(240)) => {
                tokens.push(Token::Ended(raw.to_vec()));
                return Some(at + 2);
            }
            (255, Some(250)) => {
                from = at + 2;
                at += 2;
            }
            (255, Some(second)) if verb(*second).is_some() => {
                tokens.push(Token::Torn);
                return Some(at);
            }
            (255, Some(_)) => at += 2,
            _ => at += 1,
        }
    }
}

/// The event of a complete subnegotiation.
fn meaning(raw: &[u8]) -> Option<Event> {
    if raw.len() > SUBNEGOTIATION_MAX + 1 {
        return None;
    }
    let (mut bytes, mut at) = (Vec::new(), 0);
    while at < raw.len() {
        bytes.push(raw[at]);
        at += if raw[at..].starts_with(&[255, 255]) {
            2
        } else {
            1
        };
    }
    let option = *bytes.first()?;
    let single = option == 31 && bytes.len() != 5 && raw.len() == 5;
    Some(Event::Subnegotiation {
        option,
        bytes: if single {
            raw[1..].to_vec()
        } else {
            bytes[1..].to_vec()
        },
    })
}

/// The unfinished line, as a list of bytes.
#[derive(Default)]
struct Screen {
    events: Vec<Event>,
    line: Vec<u8>,
    /// The line is too long, and the event for that was returned.
    is_lost: bool,
    behind_cr: bool,
    /// The position at which a subnegotiation ended or was broken off.
    doubt: Option<usize>,
    is_torn: bool,
}

impl Screen {
    fn take(&mut self, token: Token) {
        match token {
            Token::Typed(byte) => self.typed(byte),
            Token::Command(command) => {
                match (command, self.doubt) {
                    (247, _) => self.erase(1),
                    (248, _) => self.erase(usize::MAX),
                    (240, Some(doubt)) => self.line.truncate(doubt),
                    _ => {}
                }
                self.events.push(Event::Command(command));
            }
            Token::Negotiation(verb, option) => {
                self.events.push(Event::Negotiation { verb, option });
            }
            Token::Torn => self.doubts(true),
            Token::Ended(raw) => {
                self.doubts(false);
                self.events.extend(meaning(&raw));
            }
        }
    }

    fn doubts(&mut self, is_torn: bool) {
        if let (Some(doubt), true) = (self.doubt, self.is_torn) {
            self.line.truncate(doubt);
        }
        self.doubt = Some(self.line.len());
        self.is_torn = is_torn;
    }

    fn typed(&mut self, byte: u8) {
        let behind_cr = std::mem::take(&mut self.behind_cr);
        match byte {
            b'\n' | 0 if behind_cr => {}
            0 => {}
            b'\r' | b'\n' => {
                self.behind_cr = byte == b'\r';
                self.end();
            }
            8 | 127 => self.erase(1),
            21 => self.erase(usize::MAX),
            _ if self.is_lost => {}
            _ => {
                self.line.push(byte);
                if self.line.len() > 2 * LINE_MAX {
                    self.line.clear();
                    self.doubt = None;
                    self.is_lost = true;
                    self.events.push(Event::LineTooLong);
                }
            }
        }
    }

    fn end(&mut self) {
        self.doubt = None;
        let mut line = std::mem::take(&mut self.line);
        line.iter_mut()
            .filter(|byte| **byte == 0x0e)
            .for_each(|byte| *byte = 0x1a);
        if std::mem::take(&mut self.is_lost) {
            return;
        }
        self.events.push(match line.len() {
            0..=LINE_MAX => Event::Line(line),
            _ => Event::LineTooLong,
        });
    }

    /// Erases so many characters, or all; none of the characters before a broken subnegotiation.
    fn erase(&mut self, count: usize) {
        if count == usize::MAX {
            self.is_lost = false;
        }
        let lengths = character_lengths(&self.line);
        let kept = lengths.len().saturating_sub(count);
        let mut len = lengths[..kept].iter().sum();
        if let (Some(doubt), true) = (self.doubt, self.is_torn) {
            len = doubt.max(len);
        }
        self.line.truncate(len);
        self.doubt = self.doubt.map(|doubt| doubt.min(self.line.len()));
    }
}

/// The length in bytes of each character of a line, from its front.
fn character_lengths(line: &[u8]) -> Vec<usize> {
    let mut lengths = Vec::new();
    for chunk in line.utf8_chunks() {
        lengths.extend(chunk.valid().graphemes(true).map(str::len));
        lengths.extend(Some(chunk.invalid().len()).filter(|len| *len > 0));
    }
    lengths
}
