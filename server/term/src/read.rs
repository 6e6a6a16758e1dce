//! Text to terms, as `file:consult/1` and `erl_parse` read `.app`, `.appup`, `.rel` and their like.
//!
//! `coding` decodes bytes to text, `lexer` cuts the text into tokens, `escape` decodes escape sequences, and `error`
//! has the place and the expectation of an error. This module makes terms from tokens, and `binary` makes bytes from
//! segments. The crates that own the formats open the files.
//!
//! The reader accepts the same texts as OTP 25, with the same values, and refuses the same texts; the documentation of
//! the crate lists the values that terms do not have here. The reader also refuses strings in triple quotes, because
//! OTP 25 and OTP 27 read them in different ways.

mod binary;
mod coding;
mod error;
mod escape;
mod lexer;

pub use coding::checked_text;
pub use error::ReadError;

use crate::{Atom, AtomError, Map, NESTING_MAX, Term};
use lexer::{Kind, Lexer, Span, Token};

const THE_DOT: &str = "`.` after the term";
const THE_END: &str = "the end of the text after one term";
const NO_TAIL: &str = "a list behind the `|` (only lists with a proper end are read)";
const SIGNED: &str = "a number after the sign";

/// The source of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    /// A file, with the syntax of `file:consult/1`.
    File,
    /// Output of `Display`: pids and all characters are also allowed.
    Printed,
}

/// Reads one term that ends in a dot, with nothing behind the dot.
///
/// # Errors
/// Returns line and column when the text is anything else.
pub fn read_one(text: &str) -> Result<Term, ReadError> {
    let mut reader = Reader::new(text, Dialect::File);
    let term = reader.term()?;
    reader.expect(&Kind::Dot, THE_DOT)?;
    reader.expect(&Kind::End, THE_END)?;
    Ok(term)
}

/// Reads all terms of a file. Each of them ends in a dot.
///
/// # Errors
/// Returns line and column of the first mistake.
pub fn read_all(text: &str) -> Result<Vec<Term>, ReadError> {
    let located = read_all_located(text)?;
    Ok(located.into_iter().map(|(_, term)| term).collect())
}

/// As [`read_all`], but each term comes with the number of its first line. Lines count from 1.
///
/// # Errors
/// See [`read_all`].
pub fn read_all_located(text: &str) -> Result<Vec<(usize, Term)>, ReadError> {
    let mut reader = Reader::new(text, Dialect::File);
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

/// Reads one term of a command line. The closing dot may be missing, and pids are read, other than in files.
///
/// # Errors
/// See [`read_one`].
pub fn read_term(text: &str) -> Result<Term, ReadError> {
    Reader::new(text, Dialect::Printed).only_term()
}

/// Does the same as [`read_term`] for text from outside the node: its atoms have to be known, or to fit in the budget
/// of such texts ([`Atom::from_outside`]).
///
/// # Errors
/// As [`read_one`]; also at an atom beyond the budget.
pub fn read_outside(text: &str) -> Result<Term, ReadError> {
    Reader {
        atom: Atom::from_outside,
        ..Reader::new(text, Dialect::Printed)
    }
    .only_term()
}

/// The names in this text that reading it would make new atoms, in their order and with repetitions. No atom is made.
/// The names end at the first invalid token, where each reader would stop, too.
pub fn new_names(text: &str) -> impl Iterator<Item = String> {
    let mut lexer = Lexer::new(text, Dialect::File);
    let tokens = std::iter::from_fn(move || lexer.next().ok()).map(|token| token.kind);
    tokens
        .take_while(|kind| *kind != Kind::End)
        .filter_map(|kind| match kind {
            Kind::Atom(name) if Atom::known(name.as_bytes()).is_none() => Some(name),
            _ => None,
        })
}

/// Reads all terms of a file from its bytes, as [`read_all`] does from its text.
///
/// # Errors
/// See [`read_all`] and [`checked_text`].
pub fn read_bytes(bytes: &[u8]) -> Result<Vec<Term>, ReadError> {
    read_all(&checked_text(bytes)?)
}

fn newlines(text: &str) -> usize {
    text.bytes().filter(|byte| *byte == b'\n').count()
}

/// The parser: it looks at most one token ahead, and counts open brackets.
struct Reader<'a> {
    lexer: Lexer<'a>,
    peeked: Option<Token>,
    depth: usize,
    /// Bits that the sizes in binaries have asked for so far.
    sized_bits: usize,
    /// Makes an atom from a name, or refuses the name.
    atom: fn(&str) -> Result<Atom, AtomError>,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str, dialect: Dialect) -> Reader<'a> {
        Reader {
            lexer: Lexer::new(text, dialect),
            peeked: None,
            depth: 0,
            sized_bits: 0,
            atom: Atom::new,
        }
    }

    /// Reads one term and at most its dot.
    fn only_term(mut self) -> Result<Term, ReadError> {
        let term = self.term()?;
        self.accept(&Kind::Dot)?;
        self.expect(&Kind::End, THE_END)?;
        Ok(term)
    }

    /// Reads kinds that nest. `leaf` reads the others, so that the stack frames of nested terms stay small.
    fn term(&mut self) -> Result<Term, ReadError> {
        let token = self.next()?;
        match token.kind {
            Kind::Mark("{") => self.tuple(token.span),
            Kind::Mark("[") => self.list(token.span),
            Kind::Mark("#") => self.map(token.span),
            Kind::Mark("(") => self.parenthesized(token.span),
            Kind::Mark("<<") => self.binary(token.span),
            Kind::Mark("-") => self.signed(true),
            Kind::Mark("+") => self.signed(false),
            _ => self.leaf(token),
        }
    }

    /// Reads a term without parts: one arm for each kind.
    fn leaf(&mut self, Token { kind, span }: Token) -> Result<Term, ReadError> {
        match kind {
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

    /// Reads a number behind a sign, with or without parentheses; a second sign is refused.
    fn signed(&mut self, is_negative: bool) -> Result<Term, ReadError> {
        let mut open = 0;
        while let (true, span) = (self.accept(&Kind::Mark("("))?, self.peek()?.span) {
            self.enter(span)?;
            open += 1;
        }
        let Token { kind, span } = self.next()?;
        let number = match kind {
            Kind::Integer(value) if is_negative => Term::from(-value),
            Kind::Integer(value) => Term::from(value),
            Kind::Float(value) if is_negative => Term::Float(-value),
            Kind::Float(value) => Term::Float(value),
            _ => return Err(self.wrong(span, SIGNED)),
        };
        for _ in 0..open {
            self.expect(&Kind::Mark(")"), "`)`")?;
            self.leave();
        }
        Ok(number)
    }

    /// Reads a term in parentheses, which do not change it.
    fn parenthesized(&mut self, open: Span) -> Result<Term, ReadError> {
        self.enter(open)?;
        let term = self.term()?;
        self.expect(&Kind::Mark(")"), "`)`")?;
        self.leave();
        Ok(term)
    }

    /// Joins adjacent string literals to one string.
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
        if !self.accept(&Kind::Mark("]"))? {
            self.items(&mut items)?;
        }
        self.leave();
        Ok(Term::List(items.into()))
    }

    /// Reads elements up to the `]`, including those of a list behind a `|`.
    fn items(&mut self, items: &mut Vec<Term>) -> Result<(), ReadError> {
        loop {
            items.push(self.term()?);
            let Token { kind, span } = self.next()?;
            match kind {
                Kind::Mark(",") => {}
                Kind::Mark("]") => return Ok(()),
                Kind::Mark("|") => {
                    self.tail(items)?;
                    return self.expect(&Kind::Mark("]"), "`]` after the tail of a list");
                }
                _ => return Err(self.wrong(span, "`,` or `]`")),
            }
        }
    }

    fn tail(&mut self, items: &mut Vec<Term>) -> Result<(), ReadError> {
        let span = self.peek()?.span;
        match self.term()? {
            Term::List(tail) => items.extend_from_slice(&tail),
            Term::String(text) => items.extend(text.chars().map(|c| Term::from(u32::from(c)))),
            _ => return Err(self.wrong(span, NO_TAIL)),
        }
        Ok(())
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

    /// Enters one more level; `open` is its bracket.
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

    /// Reads items separated by commas up to `close`.
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

    /// Returns true after a comma, false after `close`.
    fn comma_or(&mut self, close: &'static str, expected: &str) -> Result<bool, ReadError> {
        let Token { kind, span } = self.next()?;
        match kind {
            Kind::Mark(",") => Ok(true),
            Kind::Mark(mark) if mark == close => Ok(false),
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

    /// Takes the next token if it is this one, and says whether it was.
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
        Kind::Fun => "a term (a fun is not read)",
        Kind::Variable => "a term (an atom that begins so is written in single quotes)",
        _ => "a term",
    }
}

#[cfg(test)]
mod tests;
