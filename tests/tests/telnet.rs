//! The whole node with real sockets: the `pq` program, its libraries, and clients that follow the protocol or break it.
//!
//! Each test starts a node on a release tree of its own. Single inputs and answers are tested beside the code; these
//! tests check that all parts work together.
#![allow(clippy::unwrap_used)]

#[path = "telnet/client.rs"]
mod client;
#[path = "telnet/crawler.rs"]
mod crawler;
#[path = "telnet/dialogue.rs"]
mod dialogue;
#[path = "telnet/harm.rs"]
mod harm;
#[path = "telnet/log.rs"]
mod log;
#[path = "telnet/node.rs"]
mod node;
#[path = "clients/program.rs"]
mod program;
#[path = "telnet/programs.rs"]
mod programs;
#[path = "telnet/script.rs"]
mod script;
#[path = "telnet/wire.rs"]
mod wire;
