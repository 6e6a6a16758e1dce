//! The operator's side of a running node: a socket, one request per connection, an answer with an exit code.
//!
//! ```text
//!   pq status ─► client ─► run/pq.sock ─► socket ─► session ─► desk ─┬► look    status, apps, tree, names
//!                                          32 at     one             ├► ask     sys, call
//!                                          once      request         ├► door    who, kick, wall, lock, bans, heroes
//!                                                                    └► release one at a time (`turn`)
//! ```
//!
//! | room | what lives there |
//! |---|---|
//! | [`request`], [`answer`] | what is asked, what is answered |
//! | [`socket`], [`session`] | all connections, one connection |
//! | [`desk`], [`turn`] | what becomes of a request |
//! | [`look`], [`tree`], [`ask`] | the answers |
//! | [`door`], [`bans`], [`heroes`] | the seam to the players' door, who may not come in, and how heroes are ended |
//! | [`release`], [`herald`] | the seam to the release handler, and what players' programs hear of it |
//! | [`lifetime`], [`crash`] | boots and ends, for the history |
//! | [`farewell`], [`shutdown`] | the answer to `stop`, and an end that players are told of |
//!
//! What does not live here: the language (`pq-protocol`), the commands and their tables (`client`), releases (`pq-release`).

pub(crate) mod answer;
pub(crate) mod request;

use pq_protocol::{exit, who};

use crate::clock;

mod session;
mod socket;

mod desk;
mod turn;

mod ask;
mod look;
mod tree;

mod bans;
mod door;
mod herald;
mod heroes;
mod release;

mod crash;
mod lifetime;

mod farewell;
mod shutdown;

pub(crate) use desk::Desk;
pub(crate) use farewell::Farewell;
pub(crate) use lifetime::Lifetime;
pub(crate) use release::Releases;
pub(crate) use request::ErrorAction;
pub(crate) use session::Wish;
pub(crate) use socket::Operator;
