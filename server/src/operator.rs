//! The operator's side of a running node: a socket, one request per connection, an answer with an exit code.
//!
//! ```text
//!   pq status ─► client ─► run/pq.sock ─► socket ─► session ─► commands ─► running
//!                                          32 at     one        answer,     the node, and what is
//!                                          once      request    do …        kept for operators
//! ```
//! What a request is (`pq-protocol`), what becomes of it (`commands`) and what it is answered from (`running`) stand
//! elsewhere.

mod session;
mod socket;

pub(crate) use socket::OperatorSocket;
