//! Text to terms, as `file:consult/1` and `erl_parse` read `.app`, `.appup`, `.rel` and their like.
//!
//! `lexer` cuts the text into tokens, `escape` knows the characters behind a backslash, `error` says where and
//! what was expected; here tokens become terms. Files are opened by whoever owns the format, not here.

mod error;
mod escape;
mod lexer;

pub use error::ReadError;

use crate::{Atom, AtomError, Map, NESTING_MAX, Term};
use lexer::{Kind, Lexer, Span, Token};

const THE_DOT: &str = "`.` after the term";
const THE_END: &str = "the end of the text after one term";
const NO_TAIL: &str = "`,` or `]` (a list with a tail, [H|T], is not read)";

/// Reads one term closed by a dot, and nothing after it.
///
/// # Errors
/// With line and column, when the text is anything else.
pub fn read_one(text: &str) -> Result<Term, ReadError> {
    let mut reader = Reader::new(text);
    let term = reader.term()?;
    reader.expect(&Kind::Dot, THE_DOT)?;
    reader.expect(&Kind::End, THE_END)?;
    Ok(term)
}

/// Reads all terms of a file, each closed by a dot.
///
/// # Errors
/// With line and column, at the first thing that is not as it should be.
pub fn read_all(text: &str) -> Result<Vec<Term>, ReadError> {
    let located = read_all_located(text)?;
    Ok(located.into_iter().map(|(_, term)| term).collect())
}

/// As [`read_all`], each term with the line it begins on; the first line is 1.
///
/// # Errors
/// As [`read_all`].
pub fn read_all_located(text: &str) -> Result<Vec<(usize, Term)>, ReadError> {
    let mut reader = Reader::new(text);
    let mut terms = Vec::new();
    let (mut line, mut counted) = (1, 0);
    while reader.peek()?.kind != Kind::End {
        let start = reader.peek()?.span.start;
        line += newlines(&text[counted..start]);
        counted = start;
        terms.push((line, reader.term()?));
        reader.expect(&Kind::Dot, THE_DOT)?;
    }
    Ok(terms)
}

/// Reads one term without its closing dot, as given on a command line; a dot is no error.
///
/// # Errors
/// As [`read_one`].
pub fn read_term(text: &str) -> Result<Term, ReadError> {
    Reader::new(text).only_term()
}

/// [`read_term`] in a node, of what somebody outside has written: its atoms are known, or among the few that such text
/// may make ([`Atom::from_outside`]).
///
/// # Errors
/// As [`read_one`], and at an atom for which there is no room.
pub fn read_outside(text: &str) -> Result<Term, ReadError> {
    Reader {
        atom: Atom::from_outside,
        ..Reader::new(text)
    }
    .only_term()
}

/// The names that would become atoms if this text were read, as often as they stand there, without making any. They end
/// at the first thing that is no token: no reader gets further either.
pub fn new_names(text: &str) -> impl Iterator<Item = String> {
    let mut lexer = Lexer::new(text);
    let tokens = std::iter::from_fn(move || lexer.next().ok()).map(|token| token.kind);
    tokens
        .take_while(|kind| *kind != Kind::End)
        .filter_map(|kind| match kind {
            Kind::Atom(name) if Atom::known(name.as_bytes()).is_none() => Some(name),
            _ => None,
        })
}

/// [`read_all`] of bytes that may not be UTF-8.
///
/// # Errors
/// As [`read_all`] and [`checked_text`].
pub fn read_bytes(bytes: &[u8]) -> Result<Vec<Term>, ReadError> {
    read_all(checked_text(bytes)?)
}

/// The text of these bytes.
///
/// # Errors
/// With the line and column of the first byte that is not UTF-8.
pub fn checked_text(bytes: &[u8]) -> Result<&str, ReadError> {
    std::str::from_utf8(bytes).map_err(|error| {
        let valid = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
        let found = format!("the byte {}", bytes[error.valid_up_to()]);
        ReadError::at(&valid, valid.len(), found, "text in UTF-8")
    })
}

fn newlines(text: &str) -> usize {
    text.bytes().filter(|byte| *byte == b'\n').count()
}

/// Looks one token ahead where it must, and counts the brackets that are open.
struct Reader<'a> {
    lexer: Lexer<'a>,
    peeked: Option<Token>,
    depth: usize,
    /// How a name becomes an atom, or does not.
    atom: fn(&str) -> Result<Atom, AtomError>,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Reader<'a> {
        Reader {
            lexer: Lexer::new(text),
            peeked: None,
            depth: 0,
            atom: Atom::new,
        }
    }

    /// One term and at most its dot.
    fn only_term(mut self) -> Result<Term, ReadError> {
        let term = self.term()?;
        self.accept(&Kind::Dot)?;
        self.expect(&Kind::End, THE_END)?;
        Ok(term)
    }

    /// What nests; the rest is `leaf`, so that the frames of deep terms stay small.
    fn term(&mut self) -> Result<Term, ReadError> {
        let token = self.next()?;
        match token.kind {
            Kind::Mark("{") => self.tuple(token.span),
            Kind::Mark("[") => self.list(token.span),
            Kind::Mark("#") => self.map(token.span),
            _ => self.leaf(token),
        }
    }

    /// One arm, one kind of term without parts.
    fn leaf(&mut self, Token { kind, span }: Token) -> Result<Term, ReadError> {
        match kind {
            Kind::Mark("<<") => self.binary(),
            Kind::Mark("-") => self.negative(),
            Kind::Mark("+") => self.number(),
            Kind::String(text) => Ok(Term::String(self.joined(text)?.into())),
            Kind::Atom(text) => self.atom(span, &text),
            Kind::Integer(value) => Ok(Term::from(value)),
            Kind::Float(value) => Ok(Term::Float(value)),
            Kind::Pid(pid) => Ok(Term::Pid(pid)),
            other => Err(self.wrong(span, expected_instead_of(&other))),
        }
    }

    fn atom(&self, span: Span, text: &str) -> Result<Term, ReadError> {
        match (self.atom)(text) {
            Ok(atom) => Ok(Term::Atom(atom)),
            Err(error) => Err(self.wrong(span, &format!("another atom: {error}"))),
        }
    }

    fn negative(&mut self) -> Result<Term, ReadError> {
        let Token { kind, span } = self.next()?;
        match kind {
            Kind::Integer(value) => Ok(Term::from(-value)),
            Kind::Float(value) => Ok(Term::Float(-value)),
            _ => Err(self.wrong(span, "a number after the sign")),
        }
    }

    fn number(&mut self) -> Result<Term, ReadError> {
        let Token { kind, span } = self.next()?;
        match kind {
            Kind::Integer(value) => Ok(Term::from(value)),
            Kind::Float(value) => Ok(Term::Float(value)),
            _ => Err(self.wrong(span, "a number after the sign")),
        }
    }

    /// String literals side by side are one string.
    fn joined(&mut self, mut text: String) -> Result<String, ReadError> {
        while let Kind::String(_) = self.peek()?.kind {
            if let Kind::String(more) = self.next()?.kind {
                text.push_str(&more);
            }
        }
        Ok(text)
    }

    fn tuple(&mut self, open: Span) -> Result<Term, ReadError> {
        let mut items = Vec::new();
        self.enter(open)?;
        self.until("}", "`,` or `}`", |reader| reader.item(&mut items))?;
        self.leave();
        Ok(Term::Tuple(items.into()))
    }

    fn list(&mut self, open: Span) -> Result<Term, ReadError> {
        let mut items = Vec::new();
        self.enter(open)?;
        self.until("]", "`,` or `]`", |reader| reader.item(&mut items))?;
        self.leave();
        Ok(Term::List(items.into()))
    }

    fn item(&mut self, items: &mut Vec<Term>) -> Result<(), ReadError> {
        items.push(self.term()?);
        Ok(())
    }

    fn map(&mut self, open: Span) -> Result<Term, ReadError> {
        let mut pairs = Vec::new();
        self.expect(&Kind::Mark("{"), "`{` after `#` (records are not read)")?;
        self.enter(open)?;
        self.until("}", "`,` or `}`", |reader| reader.pair(&mut pairs))?;
        self.leave();
        Ok(Term::Map(Map::from(pairs)))
    }

    fn pair(&mut self, pairs: &mut Vec<(Term, Term)>) -> Result<(), ReadError> {
        let key = self.term()?;
        self.expect(&Kind::Mark("=>"), "`=>` after the key")?;
        pairs.push((key, self.term()?));
        Ok(())
    }

    fn binary(&mut self) -> Result<Term, ReadError> {
        let mut bytes = Vec::new();
        self.until(">>", "`,` or `>>`", |reader| reader.segment(&mut bytes))?;
        Ok(Term::Binary(bytes.into()))
    }

    /// A byte, or the bytes of a string: one for each character up to 255, or its UTF-8.
    fn segment(&mut self, bytes: &mut Vec<u8>) -> Result<(), ReadError> {
        let Token { kind, span } = self.next()?;
        match kind {
            Kind::String(text) => {
                let text = self.joined(text)?;
                if self.utf8_follows()? {
                    bytes.extend_from_slice(text.as_bytes());
                    return Ok(());
                }
                let latin1 = text
                    .chars()
                    .map(u8::try_from)
                    .collect::<Result<Vec<_>, _>>();
                let expected = "characters up to 255, or `/utf8` after the string";
                bytes.extend(latin1.map_err(|_| self.wrong(span, expected))?);
                Ok(())
            }
            Kind::Integer(value) => {
                let byte = u8::try_from(value).map_err(|_| self.wrong(span, "a byte, 0 to 255"))?;
                bytes.push(byte);
                Ok(())
            }
            _ => Err(self.wrong(span, "a byte, a string or `>>`")),
        }
    }

    fn utf8_follows(&mut self) -> Result<bool, ReadError> {
        if !self.accept(&Kind::Mark("/"))? {
            return Ok(false);
        }
        self.expect(
            &Kind::Atom("utf8".into()),
            "`utf8`, the only type that is read",
        )?;
        Ok(true)
    }

    /// One level deeper; `open` is the bracket.
    fn enter(&mut self, open: Span) -> Result<(), ReadError> {
        if self.depth == NESTING_MAX {
            return Err(self.wrong(open, &format!("at most {NESTING_MAX} levels of nesting")));
        }
        self.depth += 1;
        Ok(())
    }

    fn leave(&mut self) {
        self.depth -= 1;
    }

    /// Things parted by commas up to `close`.
    fn until(
        &mut self,
        close: &'static str,
        expected: &str,
        mut one: impl FnMut(&mut Self) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        if self.accept(&Kind::Mark(close))? {
            return Ok(());
        }
        loop {
            one(self)?;
            if !self.comma_or(close, expected)? {
                return Ok(());
            }
        }
    }

    /// True after a comma, false after `close`.
    fn comma_or(&mut self, close: &'static str, expected: &str) -> Result<bool, ReadError> {
        let Token { kind, span } = self.next()?;
        match kind {
            Kind::Mark(",") => Ok(true),
            Kind::Mark(mark) if mark == close => Ok(false),
            Kind::Mark("|") if close == "]" => Err(self.wrong(span, NO_TAIL)),
            _ => Err(self.wrong(span, expected)),
        }
    }

    fn peek(&mut self) -> Result<&Token, ReadError> {
        let token = match self.peeked.take() {
            Some(token) => token,
            None => self.lexer.next()?,
        };
        Ok(self.peeked.insert(token))
    }

    fn next(&mut self) -> Result<Token, ReadError> {
        match self.peeked.take() {
            Some(token) => Ok(token),
            None => self.lexer.next(),
        }
    }

    /// Takes the next token if it is this one.
    fn accept(&mut self, kind: &Kind) -> Result<bool, ReadError> {
        let is_it = self.peek()?.kind == *kind;
        if is_it {
            self.peeked = None;
        }
        Ok(is_it)
    }

    fn expect(&mut self, kind: &Kind, expected: &str) -> Result<(), ReadError> {
        let token = self.next()?;
        match token.kind == *kind {
            true => Ok(()),
            false => Err(self.wrong(token.span, expected)),
        }
    }

    fn wrong(&self, span: Span, expected: &str) -> ReadError {
        self.lexer.wrong(span, expected)
    }
}

fn expected_instead_of(kind: &Kind) -> &'static str {
    match kind {
        Kind::Reserved => "a term (a reserved word is an atom only in single quotes)",
        Kind::Variable => "a term (an atom that begins so is written in single quotes)",
        _ => "a term",
    }
}

#[cfg(test)]
mod tests;
