//! The door: what stands between a player's socket and the process that talks with the player.
//!
//! ```text
//! socket bytes ─► Telnet ─► Lines ─► Event ─► Connection ─► Owner::on_line ─► the process
//! socket bytes ◄─ Connection ◄─ Outbox ◄─ encode ◄─ Port::write ◄──────────── the process
//! ```
//!
//! Rooms, from the pure to the worldly:
//! - [`telnet`] and [`mod@line`]: bytes to commands and lines, without any input or output of their own;
//! - [`endpoint`]: both together, one [`Event`] after another;
//! - [`option`] and [`negotiation`]: which options there are, and who performs them;
//! - [`ttype`], [`naws`] and [`charset`]: what three of them have to say; [`client`]: what is known because of it;
//! - [`mssp`] and [`gmcp`]: the status of the server, and messages for programs;
//! - [`markup`] and [`render`]: texts, and how they look at a client;
//! - [`answers`]: what the door itself replies to telnet;
//! - [`mod@encode`]: text to the bytes of the wire;
//! - [`outbox`]: the bounded queue of what a client has still to read;
//! - [`port`]: the handle by which the node writes to a client and closes it;
//! - [`connection`]: the loop of one client's task;
//! - [`door`]: the listener, and the process that each client gets.
//!
//! What is said over the socket lives in the libraries `sockserv-*`, not here.

pub mod telnet;

pub mod line;

pub mod endpoint;

pub mod option;

pub mod negotiation;

pub mod ttype;

pub mod naws;

pub mod charset;

pub mod client;

pub mod mssp;

pub mod gmcp;

pub mod markup;

pub mod render;

pub mod answers;

pub mod encode;

pub mod outbox;

pub mod port;

pub mod connection;

pub mod door;

mod starting;

pub use answers::Answers;
pub use connection::{End, Owner};
pub use door::Door;
pub use encode::encode;
pub use endpoint::{Endpoint, Event};
pub use outbox::{Outbox, Overflow};
pub use port::Port;
