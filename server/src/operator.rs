//! The operator's side of a running node: a socket, one request per connection, an answer with an exit code.
//!
//! ```text
//!   pq status ─► client ─► run/pq.sock ─► socket ─► session ─► commands ─► running
//!                                          32 at     one        answer,     the node, and what is
//!                                          once      request    do …        kept for operators
//! ```
//! Requests are defined in `pq-protocol`, the actions on requests in `commands`, and the data for answers in
//! `running`. `viewing` serves operators who view the feed, `following` those who follow one process: `stepping` its steps,
//! `watching` the story of an avatar.

mod following;
mod session;
mod socket;
mod stepping;
mod viewing;
mod watching;

pub(crate) use socket::OperatorSocket;
pub(crate) use watching::{Listener, Watch, parent_in, watch};
