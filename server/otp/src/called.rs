//! Texts of reasons for messages, cut to a bounded length.
//!
//! Elsewhere: the names of processes in messages (`node::names`), and the characters that a terminal may show
//! (`pq_term`).

use pq_abi::Reason;
use pq_term::shorten;

/// How many characters of a reason a message shows: three lines of a terminal. A reason may hold a state, or any term.
const REASON_CHARS_MAX: usize = 300;

/// The text of a reason, cut to [`REASON_CHARS_MAX`].
pub(crate) fn brief(reason: &Reason) -> String {
    brief_text(&reason.to_string())
}

/// A text that gives a reason, cut to [`REASON_CHARS_MAX`].
pub(crate) fn brief_text(text: &str) -> String {
    shorten(text, REASON_CHARS_MAX).into_owned()
}
