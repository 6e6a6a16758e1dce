//! What a reader says when a text is not a term.

/// Where a text stopped being what it should be. The first line and the first column are 1; columns count
/// characters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: found {found}, expected {expected}")]
pub struct ReadError {
    /// The line.
    pub line: usize,
    /// The column of the first character that was found.
    pub column: usize,
    /// What stands there, in backticks where it is text of the file.
    pub found: String,
    /// What would have been right.
    pub expected: String,
}

/// How many characters of a token an error shows. A line of a terminal holds the rest of the sentence beside it.
const SHOWN_CHARS_MAX: usize = 30;

impl ReadError {
    /// The error at a byte offset, which is on the border of a character.
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

/// A piece of the text in backticks, on one line and cut where it is long.
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
