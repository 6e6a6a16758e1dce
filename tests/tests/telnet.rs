//! The whole node with real sockets: the `pq` program, its libraries, and clients that follow the protocol or break it.
//!
//! Each test starts a node on a release tree of its own. Single inputs and answers are tested beside the code; these
//! tests check that all parts work together.

mod client;
mod crawler;
mod dialogue;
mod harm;
mod log;
mod node;
mod programs;
mod script;
mod wire;
