//! A second reader of what a client sends, written from the description and not from the first: it has the whole input
//! before it, goes through it byte by byte with an index, and counts characters from the front of a line. It is slow and
//! remembers nothing between two calls, so it cannot be wrong about how input was cut.
//!
//! Who calls: the test beside it, and the fuzz target `talk_telnet`. Both want `sockserv::Endpoint` to find the same.

use sockserv::Event;
use sockserv::wire::line::LINE_MAX;
use sockserv::wire::telnet::{SUBNEGOTIATION_MAX, Verb};
use unicode_segmentation::UnicodeSegmentation;

/// What the bytes are, before anybody asks for lines.
#[derive(Debug)]
enum Token {
    Typed(u8),
    Command(u8),
    Negotiation(Verb, u8),
    /// A subnegotiation that has ended, with all bytes between `IAC SB` and its end.
    Ended(Vec<u8>),
    /// One that was broken off by the verb that comes next.
    Torn,
}

/// Everything that the input says.
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

/// Reads one token, and returns how many bytes it has; none when it is not complete.
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

/// Reads what comes behind `IAC SB`; how many bytes that is.
fn subnegotiation(input: &[u8], tokens: &mut Vec<Token>) -> Option<usize> {
    let (mut from, mut at) = (0, 0);
    loop {
        let raw = &input[from..at];
        match (*input.get(at)?, input.get(at + 1)) {
            // Four bytes of a window's size, of which the last is a single 255, and `IAC SE`.
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

/// What an ended subnegotiation says.
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

/// The line that is being typed.
#[derive(Default)]
struct Screen {
    events: Vec<Event>,
    line: Vec<u8>,
    /// The line is too long, and was said to be.
    is_lost: bool,
    behind_cr: bool,
    /// Where a subnegotiation ended or was torn.
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

    /// Erases so many characters, or all; of what came before a torn subnegotiation none.
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

/// How many bytes each character of a line has, counted from its front.
fn character_lengths(line: &[u8]) -> Vec<usize> {
    let mut lengths = Vec::new();
    for chunk in line.utf8_chunks() {
        lengths.extend(chunk.valid().graphemes(true).map(str::len));
        lengths.extend(Some(chunk.invalid().len()).filter(|len| *len > 0));
    }
    lengths
}
