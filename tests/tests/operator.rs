//! The operator's side of a node: the `pq` program with real nodes, used by a person and by a script.
//!
//! Each test starts a node on a release tree of its own. The answers are tested beside the code; these tests check the
//! cooperation of commands, socket, node and exit codes.

mod again;
mod asking;
mod door;
mod ending;
mod flood;
mod install;
mod lives;
mod looking;
mod player;
mod releases;
mod schema;
mod socket;
mod streams;
mod typed;
mod unread;
mod usage;
mod wire;
