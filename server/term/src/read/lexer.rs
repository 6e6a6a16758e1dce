//! Text to tokens, as `erl_scan` cuts them. The lexer drops blanks and comments.

use num_bigint::BigInt;

use super::error::shown;
use super::{Dialect, ReadError};
use crate::print::{is_atom_part, is_atom_start, is_reserved};
use crate::{BigInteger, Float, Pid};

/// Marks of several characters stand before their own prefixes.
const MARKS: [&str; 16] = [
    "<<", ">>", "=>", "{", "}", "[", "]", "(", ")", ",", "|", "/", "#", "-", "+", ":",
];

/// The largest number of digits that are read of an integer, in any base; base 2 needs the most. A number with more
/// than [`BigInteger::BITS_MAX`] bits is refused in any case.
const DIGITS_MAX: usize = BigInteger::BITS_MAX as usize;

/// The length of the longest pid, `<255.268435455.268435455>`, in bytes.
const PID_BYTES_MAX: usize = 25;

/// The place of a token as byte offsets.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
}

#[derive(Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) span: Span,
}

#[derive(Debug, PartialEq)]
pub(super) enum Kind {
    Mark(&'static str),
    Atom(String),
    Reserved,
    Fun,
    Variable,
    String(String),
    Integer(BigInt),
    Float(Float),
    Pid(Pid),
    /// A dot that closes a term: white space, a comment or the end of the text follows.
    Dot,
    End,
    /// A character with which no token begins.
    Unknown,
}

/// The lexer; `at` is always on the border of a character.
pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
    dialect: Dialect,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str, dialect: Dialect) -> Lexer<'a> {
        let at = 0;
        Lexer { text, at, dialect }
    }

    /// The next token; [`Kind::End`] at the end of the text, also when called again.
    pub(super) fn next(&mut self) -> Result<Token, ReadError> {
        self.skip_blanks();
        let start = self.at;
        let kind = self.kind(start)?;
        let end = self.at;
        Ok(Token {
            kind,
            span: Span { start, end },
        })
    }

    /// An error that shows the text at `span`.
    pub(super) fn wrong(&self, span: Span, expected: &str) -> ReadError {
        ReadError::at(
            self.text,
            span.start,
            shown(&self.text[span.start..span.end]),
            expected,
        )
    }

    fn kind(&mut self, start: usize) -> Result<Kind, ReadError> {
        match self.rest().chars().next() {
            None => Ok(Kind::End),
            Some('"') => self.string(start),
            Some('\'') => Ok(Kind::Atom(self.quoted(start, '\'')?)),
            Some('$') => self.character_code(start),
            Some('0'..='9') => self.number(start),
            Some('.') => self.dot(start),
            Some('<') if self.dialect == Dialect::Printed => {
                Ok(self.pid().unwrap_or_else(|| self.mark()))
            }
            Some(c) if is_atom_start(c) => Ok(self.word()),
            Some(c) if is_atom_part(c) => {
                self.take_while(is_atom_part);
                Ok(Kind::Variable)
            }
            Some(_) => Ok(self.mark()),
        }
    }

    fn skip_blanks(&mut self) {
        loop {
            self.take_while(is_blank);
            if !self.take_if('%') {
                return;
            }
            self.take_while(|c| c != '\n');
        }
    }

    fn mark(&mut self) -> Kind {
        let rest = self.rest();
        match MARKS.iter().find(|mark| rest.starts_with(**mark)) {
            Some(mark) => {
                self.at += mark.len();
                Kind::Mark(mark)
            }
            None => {
                self.bump();
                Kind::Unknown
            }
        }
    }

    fn word(&mut self) -> Kind {
        let word = self.take_while(is_atom_part);
        // `else` and `maybe` are reserved only when a feature is on; older files use them as atoms.
        match word {
            "fun" => Kind::Fun,
            "else" | "maybe" => Kind::Atom(word.into()),
            _ if is_reserved(word) => Kind::Reserved,
            _ => Kind::Atom(word.into()),
        }
    }

    fn dot(&mut self, start: usize) -> Result<Kind, ReadError> {
        self.bump();
        match self.rest().chars().next() {
            None | Some('%') => Ok(Kind::Dot),
            Some(c) if is_blank(c) => Ok(Kind::Dot),
            Some(c) => {
                let end = self.at + c.len_utf8();
                Err(self.wrong(
                    Span { start, end },
                    "white space after the dot that closes a term",
                ))
            }
        }
    }

    /// Reads a pid such as `<1.2.3>`, or takes nothing.
    fn pid(&mut self) -> Option<Kind> {
        let rest = self.rest();
        let close = rest
            .bytes()
            .take(PID_BYTES_MAX)
            .position(|byte| byte == b'>')?;
        let length = close + 1;
        let pid = rest[..length].parse().ok()?;
        self.at += length;
        Some(Kind::Pid(pid))
    }

    fn string(&mut self, start: usize) -> Result<Kind, ReadError> {
        if self.rest().starts_with("\"\"\"") {
            let span = Span {
                start,
                end: start + 3,
            };
            let expected = "`\"` (strings in triple quotes mean one thing to OTP 25 and another to OTP 27: they are not read)";
            return Err(self.wrong(span, expected));
        }
        Ok(Kind::String(self.quoted(start, '"')?))
    }

    /// Reads the text up to the closing quote.
    fn quoted(&mut self, start: usize, quote: char) -> Result<String, ReadError> {
        self.bump();
        let mut text = String::new();
        loop {
            text.push_str(self.take_while(|c| c != quote && c != '\\' && !is_no_character(c)));
            let at = self.at;
            match self.bump() {
                None => {
                    let span = Span {
                        start,
                        end: self.at,
                    };
                    let expected = format!("`{quote}` at its end");
                    return Err(self.wrong(span, &expected));
                }
                Some('\\') => text.push(self.escape(at)?),
                Some(c) if c != quote => text.push(self.checked(at, c)?),
                Some(_) => return Ok(text),
            }
        }
    }

    /// Reads `$c`, which is the code point of the character.
    fn character_code(&mut self, start: usize) -> Result<Kind, ReadError> {
        self.bump();
        let at = self.at;
        let c = match self.bump() {
            Some('\\') => self.escape(at)?,
            Some(c) => self.checked(at, c)?,
            None => {
                let span = Span {
                    start,
                    end: self.at,
                };
                return Err(self.wrong(span, "a character after `$`"));
            }
        };
        Ok(Kind::Integer(u32::from(c).into()))
    }

    /// Returns the character that stands at `start`, unless files may not contain it.
    pub(super) fn checked(&self, start: usize, c: char) -> Result<char, ReadError> {
        if self.dialect == Dialect::Printed || !is_no_character(c) {
            return Ok(c);
        }
        let end = self.at;
        Err(self.wrong(
            Span { start, end },
            "a character of Unicode (FFFE and FFFF are none)",
        ))
    }

    /// Reads a number such as `1_000`, `16#ff` or `1.0e-3`.
    fn number(&mut self, start: usize) -> Result<Kind, ReadError> {
        let digits = self.digits(10);
        if self.take_if('#') {
            return self.based(start, &digits);
        }
        if self.fraction_follows() {
            return self.float(start, digits);
        }
        self.integer(start, &digits, 10)
    }

    /// Reads digits of a base; a `_` may stand between two of them.
    fn digits(&mut self, base: u32) -> String {
        let mut digits = String::new();
        loop {
            digits.push_str(self.take_while(|c| c.is_digit(base)));
            let mut ahead = self.rest().chars();
            let is_parted =
                ahead.next() == Some('_') && ahead.next().is_some_and(|c| c.is_digit(base));
            if !is_parted || digits.is_empty() {
                return digits;
            }
            self.bump();
        }
    }

    fn based(&mut self, start: usize, base: &str) -> Result<Kind, ReadError> {
        let base = match base.parse() {
            Ok(base @ 2..=36) => base,
            _ => {
                let span = Span {
                    start,
                    end: self.at,
                };
                return Err(self.wrong(span, "a base from 2 to 36 before `#`"));
            }
        };
        let digits = self.digits(base);
        if digits.is_empty() {
            let span = Span {
                start,
                end: self.at,
            };
            return Err(self.wrong(span, &format!("digits of base {base} after `#`")));
        }
        self.integer(start, &digits, base)
    }

    fn integer(&self, start: usize, digits: &str, base: u32) -> Result<Kind, ReadError> {
        let value = match digits.len() <= DIGITS_MAX {
            true => BigInt::parse_bytes(digits.as_bytes(), base),
            false => None,
        };
        match value {
            Some(value) if value.bits() <= BigInteger::BITS_MAX => Ok(Kind::Integer(value)),
            _ => {
                let span = Span {
                    start,
                    end: self.at,
                };
                let expected = format!("an integer of at most {} bits", BigInteger::BITS_MAX);
                Err(self.wrong(span, &expected))
            }
        }
    }

    /// Whether a dot and a digit follow; a dot alone closes the term.
    fn fraction_follows(&self) -> bool {
        let mut ahead = self.rest().chars();
        ahead.next() == Some('.') && ahead.next().is_some_and(|c| c.is_ascii_digit())
    }

    fn float(&mut self, start: usize, mut digits: String) -> Result<Kind, ReadError> {
        self.bump();
        digits.push('.');
        digits.push_str(&self.digits(10));
        digits.push_str(&self.exponent());
        match digits.parse().ok().and_then(Float::new) {
            Some(float) => Ok(Kind::Float(float)),
            None => {
                let span = Span {
                    start,
                    end: self.at,
                };
                Err(self.wrong(span, "a float of at most 1.7976931348623157e308"))
            }
        }
    }

    /// Reads an exponent such as `e-3`, or takes nothing.
    fn exponent(&mut self) -> String {
        let start = self.at;
        if !self.take_if('e') && !self.take_if('E') {
            return String::new();
        }
        let sign = match self.take_if('-') {
            true => "-",
            false => {
                self.take_if('+');
                ""
            }
        };
        let digits = self.digits(10);
        if digits.is_empty() {
            self.seek(start);
            return digits;
        }
        format!("e{sign}{digits}")
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// The text from `start` to the current place.
    pub(super) fn text_from(&self, start: usize) -> &'a str {
        &self.text[start..self.at]
    }

    pub(super) fn seek(&mut self, at: usize) {
        self.at = at;
    }

    pub(super) fn bump(&mut self) -> Option<char> {
        let c = self.rest().chars().next()?;
        self.at += c.len_utf8();
        Some(c)
    }

    pub(super) fn take_if(&mut self, wanted: char) -> bool {
        let is_it = self.rest().starts_with(wanted);
        if is_it {
            self.at += wanted.len_utf8();
        }
        is_it
    }

    pub(super) fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        self.take_at_most(usize::MAX, wanted)
    }

    pub(super) fn take_at_most(&mut self, max: usize, wanted: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let taken = rest.chars().take(max).take_while(|c| wanted(*c));
        let length: usize = taken.map(char::len_utf8).sum();
        self.at += length;
        &rest[..length]
    }
}

/// Whether `erl_scan` takes the character for white space: all characters up to the blank, and their equivalents in the
/// upper half of Latin-1.
fn is_blank(c: char) -> bool {
    matches!(c, '\0'..=' ' | '\u{80}'..='\u{a0}')
}

/// The two code points below 10000 (hexadecimal) that `erl_scan` refuses, besides the surrogates.
fn is_no_character(c: char) -> bool {
    matches!(c, '\u{fffe}' | '\u{ffff}')
}
