//! Releases that are broken, each in one way: every one is refused or rolled back while everybody plays on, and a good
//! one comes into force afterwards on the same node.
//!
//! | room | what is broken |
//! |---|---|
//! | `conversion` | a state does not convert, in each way in which that can be |
//! | `thousand` | the state of one hero in a thousand |
//! | `library` | the library: missing, damaged, or not one that may be loaded |
//! | `files` | relup, appup, sys.config |
//! | `package` | the archive |
//! | `disk` | the disk: it is full |
//! | `killed` | nothing but the node, in the middle of it |
//! | `stopped` | nothing but the time: the program is stopped in the middle of it |
//! | `stalled` | a callback: it does not end |
//! | `stage` | what they share: a node, its players, and what must hold after each attempt |
#![allow(clippy::unwrap_used)]

#[path = "broken/conversion.rs"]
mod conversion;
#[path = "broken/disk.rs"]
mod disk;
#[path = "broken/files.rs"]
mod files;
#[path = "broken/killed.rs"]
mod killed;
#[path = "broken/library.rs"]
mod library;
#[path = "broken/package.rs"]
mod package;
#[path = "broken/stage.rs"]
mod stage;
#[path = "broken/stalled.rs"]
mod stalled;
#[path = "broken/stopped.rs"]
mod stopped;
#[path = "broken/thousand.rs"]
mod thousand;
