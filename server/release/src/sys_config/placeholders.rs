//! `${NAME}` and `${NAME:-default}` in a text: replaced by environment variables, as relx does.
//!
//! The value replaces the placeholder literally, inside and outside quotes; placeholders in the value are not replaced. The
//! default applies when the variable is unset or empty. A placeholder has to be on one line; placeholders in comments are
//! ignored. Unlike in relx, an unset variable without a default is an error.

use std::ffi::OsString;
use std::path::Path;

use pq_term::Term;

use crate::file_error::FileError;
use crate::terms;

/// The treatment of an unset variable without a default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    Refused,
    /// A value that is valid everywhere replaces it: the text is only checked.
    StandIn,
}

/// Inside quotes this is a character, outside a number.
const STAND_IN: &str = "0";

/// A text whose placeholders are replaced.
pub(super) struct Filled {
    pub(super) text: String,
    /// For each line of the text, its line in the original.
    lines: Vec<usize>,
}

impl Filled {
    /// The line (from 1) of the original text that has become this line.
    pub(super) fn line(&self, line: usize) -> usize {
        let last = self.lines.last().copied().unwrap_or(1);
        self.lines.get(line - 1).copied().unwrap_or(last)
    }

    fn push(&mut self, text: &str, line: usize) {
        self.text.push_str(text);
        self.lines.extend(text.matches('\n').map(|_| line));
    }
}

/// Replaces the placeholders by the variables.
///
/// # Errors
/// With the line of the first placeholder without a name or value.
pub(super) fn fill(
    file: &Path,
    text: &str,
    environment: &dyn Fn(&str) -> Option<OsString>,
    missing: Missing,
) -> Result<Filled, FileError> {
    let mut filled = Filled {
        text: String::new(),
        lines: vec![1],
    };
    let mut scan = Scan::new(text);
    while let Some(piece) = scan.next() {
        match piece {
            Piece::Text(text, line) => filled.push(text, line),
            Piece::Placeholder(inside, line) => {
                let value = value(inside, environment, missing);
                let value = value.map_err(|(sentence, name)| FileError::Content {
                    file: file.to_path_buf(),
                    line,
                    sentence: format!("`${{{inside}}}`: {sentence}"),
                    term: terms::tagged("bad_variable", Term::string(name)),
                })?;
                filled.push(&value, line);
            }
        }
    }
    Ok(filled)
}

/// The value of the text between the braces. The error is a sentence and the variable.
fn value(
    inside: &str,
    environment: &dyn Fn(&str) -> Option<OsString>,
    missing: Missing,
) -> Result<String, (String, String)> {
    let (name, default) = match inside.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (inside, None),
    };
    let wrong = |sentence: String| Err((sentence, name.to_string()));
    if name.is_empty() || name.contains(['=', '\0']) {
        return wrong("the name of a variable would be right, such as `${PORT:-8080}`".to_string());
    }
    let found = match environment(name).map(OsString::into_string) {
        Some(Err(_)) => return wrong(format!("the value of {name} is not UTF-8")),
        Some(Ok(value)) => Some(value),
        None => None,
    };
    match (found, default) {
        (Some(value), None) => Ok(value),
        (Some(value), Some(_)) if !value.is_empty() => Ok(value),
        (_, Some(default)) => Ok(default.to_string()),
        (None, None) if missing == Missing::StandIn => Ok(STAND_IN.to_string()),
        (None, None) => wrong(format!(
            "{name} is not set; set it in the environment of the node, or write `${{{name}:-default}}`"
        )),
    }
}

/// A piece of the text, and the line on which it ends.
enum Piece<'a> {
    Text(&'a str, usize),
    Placeholder(&'a str, usize),
}

/// The lexical context of a character.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Plain,
    Comment,
    Quoted(u8),
}

/// Splits the text: characters one by one, placeholders whole.
struct Scan<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    state: State,
}

impl<'a> Scan<'a> {
    fn new(text: &'a str) -> Scan<'a> {
        Scan {
            text,
            at: 0,
            line: 1,
            state: State::Plain,
        }
    }

    fn next(&mut self) -> Option<Piece<'a>> {
        if self.state != State::Comment
            && let Some(inside) = self.placeholder()
        {
            return Some(Piece::Placeholder(inside, self.line));
        }
        let rest = &self.text[self.at..];
        let mut length = rest.chars().next()?.len_utf8();
        if self.is_pair(rest) {
            length += rest[length..].chars().next().map_or(0, char::len_utf8);
        } else {
            self.turn(rest.as_bytes()[0]);
        }
        let piece = &rest[..length];
        self.at += length;
        self.line += piece.matches('\n').count();
        Some(Piece::Text(piece, self.line))
    }

    /// The text between `${` and `}`, if both are here.
    fn placeholder(&mut self) -> Option<&'a str> {
        let rest = self.text[self.at..].strip_prefix("${")?;
        let end = rest.find(['}', '\n'])?;
        let is_closed = rest.as_bytes()[end] == b'}';
        is_closed.then(|| {
            self.at += "${".len() + end + 1;
            &rest[..end]
        })
    }

    /// True for `\"` in quotes and `$"` outside: there, the second character is no quote.
    fn is_pair(&self, rest: &str) -> bool {
        match self.state {
            State::Comment => false,
            State::Plain => rest.starts_with(['$', '\\']),
            State::Quoted(_) => rest.starts_with('\\') && !rest[1..].starts_with("${"),
        }
    }

    fn turn(&mut self, byte: u8) {
        self.state = match (self.state, byte) {
            (State::Plain, b'%') => State::Comment,
            (State::Plain, b'"' | b'\'') => State::Quoted(byte),
            (State::Comment, b'\n') => State::Plain,
            (State::Quoted(quote), byte) if byte == quote => State::Plain,
            (state, _) => state,
        };
    }
}
