//! Saves that outlive their node: rows in one SQLite file, written by one thread.
//!
//! A row is an encoded subtree of processes with a number, a name and a state. The store knows nothing of processes: a
//! body is bytes. Two ways lead into it:
//!
//! - **The sweep** goes round and round over all rows in the order of their ids and saves each. Writing in that order is
//!   cheap, and a row is at most one round old.
//! - **The tail** takes the states that somebody is told. They are appended, and committed together every 10 ms; a caller
//!   tells a fact when its [`CommitNumber`] is on the disk. The next round of the sweep overtakes them.
//!
//! A reader gets the newest of both. Everything that was on the disk when a number was reported is there after a crash,
//! in its order, and nothing of a commit is there without the rest.
//!
//! ```text
//! Saver ─► queue ─► writer thread ─► Store ─┬ Database (SQLite) ◄─ Snapshot, check, backup, restore
//!                                            └ Memory
//! ```
//!
//! # The states of a row
//!
//! | from | to | by |
//! |---|---|---|
//! | – | playing, resting | the first [`Change::Sweep`] or [`Change::Tell`] with its id |
//! | playing | resting, and back | a `Sweep` or `Tell` with that state, or a [`Change::Mark`] |
//! | playing, resting | set aside | a `Mark` with a reason; or a change by which its key becomes that of another row |
//! | set aside | playing, resting | a `Sweep`, `Tell` or `Mark`, if its key is free |
//! | any but ended | ended | a `Sweep`, `Tell` or `Mark`; nothing leads back |
//! | any | deleted | [`Change::Remove`]: at once for readers, in the file after the next round of the sweep |
//! | ended | deleted | a round of the sweep that begins when the row is older than [`Settings::keep_ended`] |
//!
//! Keys are unique among rows that play or rest. A told state leaves the tail behind the first round that has begun after
//! it, if the row itself is as new by then.
//!
//! A row may have the hash of a word ([`Change::Word`]), which goes when the row ends or is deleted.
//!
//! # Threads
//!
//! [`Database`] belongs to one thread: a node reads it, and then gives it to [`Saver::start`]. While the saver writes,
//! [`Snapshot`] reads. Nothing here has a runtime.

// The example of the README is a doctest.
#![cfg_attr(doctest, doc = include_str!("../README.md"))]

mod memory;
mod row;
mod saver;
mod sqlite;
mod store;

pub use memory::Memory;
pub use row::{Change, Mark, Row, State};
pub use saver::{
    Closed, CommitNumber, Commits, Limits, NotRead, Reason, Refused, Saver, Settings, Status,
    Sweep, Trouble,
};
pub use sqlite::backup::{backup, restore};
pub use sqlite::check::check;
pub use sqlite::snapshot::Snapshot;
pub use sqlite::{CHECKPOINT_PAGES, Database};
pub use store::{Need, Page, Read, Rows, Stats, Store, StoreError, Unusable, Upkeep};
