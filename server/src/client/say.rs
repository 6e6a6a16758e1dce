//! How a command writes: data to stdout, all other text to stderr, and no terminal control sequences.

use pq_term::{printable, printable_lines};

use crate::streams;

/// Writes data to stdout.
pub(crate) fn say(text: &str) {
    streams::data(&(printable_lines(text) + "\n"));
}

/// Writes a warning or the progress of an operation to stderr.
pub(crate) fn warn(sentence: &str) {
    aside(&format!("pq: {}", printable(sentence)));
}

/// Writes text that is not data to stderr.
pub(crate) fn aside(text: &str) {
    streams::aside(&(printable_lines(text) + "\n"));
}
