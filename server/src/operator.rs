//! The operator's side of a running node: a socket, one request per connection, an answer with an exit code.
//!
//! ```text
//!   pq status ─► client ─► run/pq.sock ─► socket ─► session ─► desk ─┬► look    status, apps, tree, names
//!                                          32 at     one             ├► ask     sys, call
//!                                          once      request         ├► door    who, kick, wall, lock, bans, avatars
//!                                                                    └► release one at a time (`turn`)
//! ```
//!
//! | room | what lives there |
//! |---|---|
//! | [`request`], [`answer`], [`exit`] | the language: what is asked, what is answered, how it ends |
//! | [`frame`], [`place`] | how it travels, and where the two meet |
//! | [`socket`], [`session`] | all connections, one connection |
//! | [`desk`], [`turn`] | what becomes of a request |
//! | [`look`], [`tree`], [`ask`] | the answers |
//! | [`door`], [`bans`], [`avatars`] | the seam to the players' door, who may not come in, and how avatars are ended |
//! | [`release`], [`herald`] | the seam to the release handler, and what players' programs hear of it |
//! | [`history`], [`lifetime`], [`crash`], [`who`], [`clock`] | what was done, boots and ends, by whom, when |
//! | [`farewell`], [`shutdown`] | the answer to `stop`, and an end that players are told of |
//!
//! What does not live here: the commands and their tables (`client`), releases (`pq-release`).

pub(crate) mod answer;
pub(crate) mod exit;
pub(crate) mod request;

pub(crate) mod frame;
pub(crate) mod place;

mod session;
mod socket;

mod desk;
mod turn;

mod ask;
mod look;
mod tree;

mod avatars;
mod bans;
mod door;
mod herald;
mod release;

pub(crate) mod clock;
mod crash;
pub(crate) mod history;
mod lifetime;
pub(crate) mod who;

mod farewell;
mod shutdown;

pub(crate) use desk::Desk;
pub(crate) use exit::{EXIT_CODES, Exit, Failure};
pub(crate) use farewell::Farewell;
pub(crate) use history::History;
pub(crate) use lifetime::Lifetime;
pub(crate) use release::Releases;
pub(crate) use request::{ErrorAction, Event};
pub(crate) use session::Wish;
pub(crate) use socket::Operator;
