//! The book's chapter, replayed: a real node, real libraries, three lines that an operator types, and players whose
//! sockets stay open all the way up, down, and up again.
//!
//! | room | what lives there |
//! |---|---|
//! | `book` | the chapter itself: what is typed, what is listed, what hakvroot reads |
//! | `midway` | players who are in the middle of something |
//! | `wire`, `hidden` | the same below the lines: half a command, waiting output, hidden input |
//! | `leak` | what sockserv 1.0.1 cures |
//! | `boot` | what the next start brings |
//! | `soak` | up and down again and again while players come and go |
//!
//! Every line that anybody reads here is judged (`pq_tests::story`).
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
