//! What all operators' commands share: one request to a node that runs, and its answer for people or programs.
//!
//! ```text
//!   pq status ─► commands ─► at ─► connection ─► the node (`operator`)
//!     stdout ◄── show  ◄─────┘ answer, or a failure with its exit code
//! ```
//!
//! | module | contents |
//! |---|---|
//! | [`at`] | which node, and how its answer is written |
//! | [`connection`] | one request to the node, and its answer |
//! | [`progress`] | how far an operation is |
//! | [`show`], [`table`] | answers as people read them |
//! | [`say`], [`usage`] | what is written where, and what is no command |
//!
//! Nothing here knows a command, nor how a node finds its answers.

mod at;
mod connection;
mod progress;
mod say;
mod show;
mod table;
mod usage;

pub(crate) use at::{At, read};
pub(crate) use say::{aside, say, warn};
pub(crate) use show::{Row, Show};
pub(crate) use table::{cut, lines, printable, table, terminal_width};
pub(crate) use usage::usage;
