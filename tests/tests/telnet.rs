//! The whole house over real sockets: the `pq` program, its libraries, and clients that behave or do not.
//!
//! Each test starts a node on a release tree of its own. Which bytes a client may send and what a session
//! answers to them is tested beside the code; here is that it all comes together.
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
