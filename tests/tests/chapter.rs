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

mod book;
mod boot;
mod hidden;
mod leak;
mod midway;
mod soak;
mod wire;
