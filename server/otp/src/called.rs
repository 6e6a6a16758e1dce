//! How messages for people tell reasons: within bounds.
//!
//! Elsewhere: how they call processes (`node::names`), and what a terminal may be shown (`pq_term`).

use pq_abi::Reason;
use pq_term::shorten;

/// How much of a reason a message shows: three lines of a terminal. It may hold a state, or whatever a module put into it.
const REASON_CHARS_MAX: usize = 300;

/// A reason, or its beginning.
pub(crate) fn brief(reason: &Reason) -> String {
    brief_text(&reason.to_string())
}

/// A text that says why, or its beginning.
pub(crate) fn brief_text(text: &str) -> String {
    shorten(text, REASON_CHARS_MAX).into_owned()
}
