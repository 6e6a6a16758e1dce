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
//! | [`request`], [`answer`] | what is asked, what is answered |
//! | [`socket`], [`session`] | all connections, one connection |
//! | [`desk`] | what becomes of a request |
//! | [`look`], [`tree`], [`ask`] | the answers |
//! | [`door`], [`avatars`] | the seam to the players' door, and how avatars are ended |
//!
//! What does not live here: the language (`pq-protocol`), the commands and their tables (`client`), releases (`pq-release`).

pub(crate) mod answer;
pub(crate) mod request;

use pq_protocol::{exit, who};

use crate::clock;

mod session;
mod socket;

pub(crate) mod desk;

mod ask;
mod look;
mod tree;

mod avatars;
mod door;

pub(crate) use desk::Desk;
pub(crate) use request::ErrorAction;
pub(crate) use session::Wish;
pub(crate) use socket::Operator;
