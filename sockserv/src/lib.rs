//! The door: what stands between a player's socket and the process that talks with the player.
//!
//! ```text
//!   entrance ─► admission ─► session ─► the client's process
//!                              │  ▲
//!                              ▼  │
//!                              wire          settings: what the node sets of all this
//! ```
//! | module | contents | uses |
//! |---|---|---|
//! | [`wire`] | the bytes of telnet become lines, and texts become bytes; without sockets | – |
//! | [`settings`] | what a release sets: limits, proxies, the game that is asked about players | `wire` |
//! | [`admission`] | which clients may come in, and how much each of them may make the node do | `settings` |
//! | [`session`] | one client that is in, from its first byte to its end | all above |
//! | [`entrance`] | what listens, and what operators do there | all above |
//!
//! What is said over the socket lives in the libraries `sockserv-*`, not here. What was agreed with a client
//! lives here and not there, so that an upgrade of them does not touch it.

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
pub use session::port::Port;
pub use settings::game::{Avatar, Game, Login, Noun, Sheet};
pub use settings::limits::{Limits, Rate};
pub use settings::{Opening, Settings};
pub use wire::endpoint::{Endpoint, Event};
pub use wire::gmcp::Message;
pub use wire::mssp::{Listing, Mssp};
pub use wire::nvt::Nvt;
pub use wire::outbox::{Outbox, Overflow};
pub use wire::peer::{Heard, Peer, Profile, Typing};
