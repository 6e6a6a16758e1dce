//! Saves: subtrees of processes that outlive their node.
//!
//! ```text
//!   boot:   store ─► Saves::open ─► put in, below their supervisors ─► the keeper begins
//!   play:   births, ends, watched children, the sweep ─► keeper (one thread) ─► copies ─► rows ─► store
//!   failure: a process is restarted ─► its row ─► the process as it was saved last; a child that fails again is set aside
//!   stop:   Saves::finish ─► all children leave the node ─► rows ─► store, closed
//! ```
//! A child of a durable supervisor ([`Durable`]), with all processes below it, is one row. The crate knows no game, no client
//! and no file of a release: the caller names the supervisors, says which children are watched ([`Saves::watch`]), and has the
//! versions of modules ([`Versions`]).
//!
//! | module | content |
//! |---|---|
//! | `settings` | the settings `durable` and `save` |
//! | `key` | the name of a child, from its start arguments |
//! | `roster` | the children that have rows, their births and ends |
//! | `rows` | copies become rows |
//! | `keeper`, `round` | the thread that asks for copies, and the pace of the sweep |
//! | `told` | output of clients that waits until the states that it tells of are on the disk |
//! | `boot`, `booting` | rows become children, while clients are admitted |
//! | `opening`, `needs` | states of other versions, and the rows that cannot be opened without a library |
//! | `restarts`, `failures` | processes that come back as they were saved last, and children that are set aside |
//! | `reserved` | the names of rows that are set aside |
//! | `finish` | the last save, in which the children leave the node |
//! | `words`, `comeback` | rows with words: they rest when their child ends, and their players come back |
//! | `finding` | rows by the name of the child |
//! | `export` | a row as a file, with its processes for people |
//! | `operations`, `stopped` | the work of operators on rows, of a node that saves and of one that does not run |
//! | `admission` | whether a child from a file may come in |

// The example of the README is a doctest.
#![cfg_attr(doctest, doc = include_str!("../README.md"))]

mod admission;
mod boot;
mod booting;
mod comeback;
mod export;
mod failures;
mod finding;
mod finish;
mod keeper;
mod key;
mod needs;
mod opening;
mod operations;
mod reserved;
mod restarts;
mod roster;
mod round;
mod rows;
mod saves;
mod settings;
mod stopped;
mod told;
mod wake;
mod words;

pub use admission::Keep;
pub use boot::{CameBack, OpenError, pairs};
pub use comeback::NotBack;
pub use export::{BadExport, EXPORT_BYTES_MAX, Exported, Readable, export, word};
pub use finding::find;
pub use finish::Finished;
pub use needs::missing;
pub use opening::{Extra, Opening, Version, Versions};
pub use operations::{Import, Imported, NotDone};
pub use saves::{OnEnd, Saves, Setup};
pub use settings::{BadSetting, Durable, Pace, Telling};
pub use stopped::{Stopped, remove};
pub use told::{Audience, Waiting};
