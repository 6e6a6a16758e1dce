//! The door: what stands between a player's socket and the process that talks with the player.
//!
//! ```text
//! socket bytes ─► Telnet ─► Lines ─► Event ─► Connection ─► Owner::on_line ─► the process
//!                                      └────► Nvt: what is agreed, what is answered
//! socket bytes ◄─ Connection ◄─ Outbox ◄─ Nvt: markup, marks ◄─ Port::write ◄─ the process
//! ```
//!
//! Rooms, from the pure to the worldly:
//! - [`telnet`], [`mod@line`] and [`endpoint`]: bytes to commands and lines, one [`Event`] after another;
//! - [`option`] and [`negotiation`]: which options there are, and who performs them;
//! - [`ttype`], [`naws`], [`charset`], [`mssp`] and [`gmcp`]: what five of them have to say;
//! - [`client`]: what is known of a client;
//! - [`markup`] and [`render`]: texts, and how they look there;
//! - [`echo`]: what a client is shown of its own typing;
//! - [`nvt`]: all of it together, for one client;
//! - [`peer`]: the same from the client's end;
//! - [`mccp`]: what is sent, in less;
//! - [`outbox`]: the bounded queue of what a client has still to read;
//! - [`port`]: the handle by which the node writes to a client and closes it;
//! - [`connection`]: the loop of one client's task, over anything that reads and writes;
//! - [`limits`], [`ban`] and [`refused`]: who may not, how much, and what is said about it;
//! - [`budget`] and `metered`: that one client's lines, commands and bytes leave the others their time;
//! - [`shares`] and [`mod@seldom`]: that its connections leave them descriptors, and its faults a log;
//! - [`heroes`]: which heroes clients have, and which have lost theirs;
//! - [`game`]: what is asked about players; `sheet` and `describe`: what their programs are told of the answer;
//! - [`socket`] and [`accept`]: what the kernel is asked for;
//! - `proxied`: for whom a proxy speaks;
//! - `ending`: why a connection ends;
//! - `gate` and `hall`: who comes in, and the process that each client gets;
//! - [`tls`]: the entrance for those who come by TLS;
//! - [`web`]: the one for browsers, and the page that they get;
//! - [`door`]: what listens, and what operators do there.
//!
//! What is said over the socket lives in the libraries `sockserv-*`, not here. What was agreed with a client
//! lives here and not there, so that an upgrade of them does not touch it.

pub mod telnet;

pub mod line;

pub mod endpoint;

pub mod option;

pub mod negotiation;

pub mod ttype;

pub mod naws;

pub mod charset;

pub mod mssp;

pub mod gmcp;

pub mod client;

pub mod markup;

pub mod render;

pub mod echo;

pub mod nvt;

pub mod peer;

pub mod mccp;

pub mod outbox;

pub mod settings;

pub mod port;

pub mod connection;

pub mod calendar;

pub mod limits;

pub mod budget;

mod metered;

pub mod shares;

pub mod seldom;

pub mod ban;

pub mod refused;

pub mod game;

pub mod socket;

pub mod accept;

mod proxied;

pub mod tls;

pub mod web;

pub mod door;

mod sheet;

mod describe;

mod ending;

mod crowd;

pub mod heroes;

mod foreign;

mod gate;

mod hall;

mod starting;

#[cfg(test)]
mod fairness;

pub use ban::{Ban, Whom};
pub use connection::{End, Owner};
pub use crowd::Guest;
pub use door::Door;
pub use endpoint::{Endpoint, Event};
pub use game::{Game, Hero, Login, Sheet};
pub use gmcp::Message;
pub use hall::Way;
pub use heroes::Heroes;
pub use limits::{Limits, Rate};
pub use mssp::{Listing, Mssp};
pub use nvt::Nvt;
pub use outbox::{Outbox, Overflow};
pub use peer::{Heard, Peer, Profile, Typing};
pub use port::Port;
pub use refused::Refusal;
pub use seldom::Seldom;
pub use settings::{Opening, Settings};
pub use shares::Shares;
pub use tls::{KeyError, Keys};
