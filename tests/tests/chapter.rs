//! The book's chapter on a real node with real libraries: three commands of an operator, and players whose connections
//! stay open during an upgrade, a downgrade, and another upgrade.
//!
//! | module | content |
//! |---|---|
//! | `book` | the chapter itself: its commands, their lists, and the output to hakvroot |
//! | `midway` | players in the middle of an action |
//! | `wire`, `hidden` | the same below the lines: half a command, waiting output, hidden input |
//! | `leak` | the fault that sockserv 1.0.1 repairs |
//! | `boot` | the release that the next start boots |
//! | `soak` | repeated upgrades and downgrades while players come and go |
//!
//! Each line of output to a player is checked (`pq_tests::story`).
#![allow(clippy::unwrap_used)]

#[path = "chapter/book.rs"]
mod book;
#[path = "chapter/boot.rs"]
mod boot;
#[path = "chapter/hidden.rs"]
mod hidden;
#[path = "chapter/leak.rs"]
mod leak;
#[path = "chapter/midway.rs"]
mod midway;
#[path = "chapter/soak.rs"]
mod soak;
#[path = "chapter/wire.rs"]
mod wire;
