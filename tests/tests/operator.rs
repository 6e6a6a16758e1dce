//! The operator's side of a node: the `pq` program with real nodes, used by a person and by a script.
//!
//! Each test starts a node on a release tree of its own. The answers are tested beside the code; these tests check the
//! cooperation of commands, socket, node and exit codes.
#![allow(clippy::unwrap_used)]

#[path = "operator/again.rs"]
mod again;
#[path = "operator/asking.rs"]
mod asking;
#[path = "operator/door.rs"]
mod door;
#[path = "operator/ending.rs"]
mod ending;
#[path = "operator/flood.rs"]
mod flood;
#[path = "operator/install.rs"]
mod install;
#[path = "operator/lives.rs"]
mod lives;
#[path = "operator/looking.rs"]
mod looking;
#[path = "operator/player.rs"]
mod player;
#[path = "operator/releases.rs"]
mod releases;
#[path = "operator/schema.rs"]
mod schema;
#[path = "operator/socket.rs"]
mod socket;
#[path = "operator/streams.rs"]
mod streams;
#[path = "operator/typed.rs"]
mod typed;
#[path = "operator/unread.rs"]
mod unread;
#[path = "operator/usage.rs"]
mod usage;
#[path = "operator/wire.rs"]
mod wire;
