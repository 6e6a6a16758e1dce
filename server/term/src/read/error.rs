//! The error of a reader for a text that is not a term.

/// The first mistake in a text, with its place. Lines and columns count from 1; columns count characters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: found {found}, expected {expected}")]
pub struct ReadError {
    /// The number of the line, from 1.
    pub line: usize,
    /// The column of the first wrong character, from 1.
    pub column: usize,
    /// The wrong piece of text, in backticks if it is a part of the file.
    pub found: String,
    /// A description of the correct text.
    pub expected: String,
}

/// The largest number of characters of a token in an error. A line of a terminal has room for the rest of the message,
/// too.
const SHOWN_CHARS_MAX: usize = 30;

impl ReadError {
    /// Makes the error at a byte offset, which is at the border of a character.
    pub(super) fn at(text: &str, offset: usize, found: String, expected: &str) -> ReadError {
        let before = &text[..offset];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        ReadError {
            line: super::newlines(before) + 1,
            column: before[line_start..].chars().count() + 1,
            found,
            expected: expected.into(),
        }
    }
}

/// A piece of the text in backticks, on one line and shortened.
pub(super) fn shown(piece: &str) -> String {
    if piece.is_empty() {
        return "the end of the text".into();
    }
    let mut chars = piece.chars();
    let mut shown: String = chars
        .by_ref()
        .take(SHOWN_CHARS_MAX)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if chars.next().is_some() {
        shown.push('…');
    }
    format!("`{shown}`")
}
