//! Tests of one client's connection from outside: over pipes with a virtual clock, and over real sockets.
#![allow(clippy::unwrap_used)]

#[path = "connection/pipe.rs"]
mod pipe;
#[path = "connection/rig.rs"]
mod rig;
#[path = "connection/socket.rs"]
mod socket;
