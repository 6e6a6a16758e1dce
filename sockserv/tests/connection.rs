//! One client's connection, from outside: over pipes with a clock that the test moves, and over real sockets.
#![allow(clippy::unwrap_used)]

#[path = "connection/pipe.rs"]
mod pipe;
#[path = "connection/rig.rs"]
mod rig;
#[path = "connection/socket.rs"]
mod socket;
