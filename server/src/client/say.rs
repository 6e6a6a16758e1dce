//! How a command writes: data to stdout, everything else to stderr, and nothing that a terminal obeys.

use pq_term::{printable, printable_lines};

use crate::streams;

/// Writes data.
pub(crate) fn say(text: &str) {
    streams::data(&(printable_lines(text) + "\n"));
}

/// Writes a complaint, or how far the node is.
pub(crate) fn warn(sentence: &str) {
    aside(&format!("pq: {}", printable(sentence)));
}

/// Writes what is no data.
pub(crate) fn aside(text: &str) {
    streams::aside(&(printable_lines(text) + "\n"));
}
