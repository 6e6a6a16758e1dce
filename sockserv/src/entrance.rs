//! Entrances: where clients arrive, and the door that opens and closes them.
//!
//! | module | contents |
//! |---|---|
//! | [`door`] | what listens, and what operators do there |
//! | [`socket`], [`accept`] | what the kernel is asked for |
//! | [`tls`], [`web`] | the entrances for TLS and for browsers |
//! | `reception` | behind every entrance: a client gets a session, or is told why not |

pub mod door;

pub mod accept;

pub mod socket;

pub mod tls;

pub mod web;

pub(crate) mod reception;
