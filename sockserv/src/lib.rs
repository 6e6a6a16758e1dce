//! The door: connects the sockets of players with the processes that talk with the players.
//!
//! ```text
//!   entrance ─► admission ─► session ─► the client's process
//!                              │  ▲
//!                              ▼  │
//!                              wire          settings: the values that the node sets for all of them
//! ```
//! | module | contents | uses |
//! |---|---|---|
//! | [`wire`] | turns the bytes of telnet into lines, and texts into bytes; without sockets | – |
//! | [`settings`] | the settings of a release: limits, proxies, the game that answers questions about players | `wire` |
//! | [`admission`] | which clients are admitted, and how much work each of them may cause | `settings` |
//! | [`session`] | one admitted client, from its first byte to its end | all above |
//! | [`entrance`] | the listeners, and the functions for operators | all above |
//!
//! The dialogue with the player is in the libraries `sockserv-*`, not here. The negotiated state of a client is here and
//! not there, so an upgrade of the libraries does not affect it.

// The example of the README is a doctest.
#![cfg_attr(doctest, doc = include_str!("../README.md"))]

pub mod wire;

pub mod settings;

pub mod admission;

pub mod session;

pub mod entrance;

pub use admission::arrival::Transport;
pub use admission::avatars::Avatars;
pub use admission::ban::{Ban, Whom};
pub use admission::refused::Refusal;
pub use admission::seldom::{Seldom, seldom};
pub use admission::shares::Shares;
pub use entrance::door::Door;
pub use entrance::tls::{KeyError, Keys};
pub use session::connection::{End, Owner};
pub use session::crowd::Guest;
pub use session::port::{Port, Sealed};
pub use session::told::{Told, Waiting};
pub use settings::game::{Avatar, Game, Login, Noun, Sheet};
pub use settings::limits::{Limits, Rate};
pub use settings::{Opening, Settings};
pub use wire::endpoint::{Endpoint, Event};
pub use wire::gmcp::Message;
pub use wire::mssp::{Listing, Mssp};
pub use wire::nvt::Nvt;
pub use wire::outbox::{Outbox, Overflow};
pub use wire::peer::{Heard, Peer, Profile, Typing};
