//! Entrances: the listeners for clients, and the door that opens and closes them.
//!
//! | module | contents |
//! |---|---|
//! | [`door`] | the listeners, and the functions for operators |
//! | [`socket`], [`accept`] | socket options, and the loop that accepts connections |
//! | [`tls`], [`web`] | the entrances for TLS and for browsers |
//! | [`packed`] | files for browsers, compressed once |
//! | `reception` | the common path behind all entrances: a client gets a session, or a refusal |

pub mod door;

pub mod accept;

pub mod packed;

pub mod socket;

pub mod tls;

pub mod web;

pub(crate) mod reception;
