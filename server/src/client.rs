//! The client side of all operators' commands: one request to a running node, and its answer as text or JSON.
//!
//! ```text
//!   pq status ─► commands ─► at ─► connection ─► the node (`operator`)
//!     stdout ◄── show  ◄─────┘ answer, or a failure with its exit code
//! ```
//!
//! | module | contents |
//! |---|---|
//! | [`at`] | the options of a command: which node, and the format of the answer |
//! | [`connection`] | one request to the node, and its answer |
//! | [`mod@follow`] | the lines of a view that goes on, across restarts of the node |
//! | [`frames`] | the lines of the feed as readings, and their news in words |
//! | [`progress`] | the progress of an operation of the node, and of this process |
//! | [`mod@show`], [`mod@table`] | answers as text and tables |
//! | [`mod@say`], [`mod@usage`] | writing to stdout and stderr, and usage errors |
//!
//! The modules know neither the single commands nor the way in which the node finds its answers.

mod at;
mod connection;
mod follow;
mod frames;
mod progress;
mod say;
mod show;
mod table;
mod usage;

pub(crate) use at::{At, read};
pub(crate) use follow::{GONE, Heard, follow};
pub(crate) use frames::{Frames, UNREADABLE};
pub(crate) use progress::metered;
pub(crate) use say::{aside, say, warn};
pub(crate) use show::{Row, Show};
pub(crate) use table::{counted, cut, lines, printable, table, terminal_width};
pub(crate) use usage::usage;
