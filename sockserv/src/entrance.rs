//! Entrances: where clients arrive, and the door that opens and closes them.
//!
//! | module | contents |
//! |---|---|
//! | [`door`] | what listens, and what operators do there |
//! | [`socket`], [`accept`] | what the kernel is asked for |
//! | [`tls`], [`web`] | the entrances for TLS and for browsers |
//! | `hall` | behind every entrance: a client is admitted and served, or told why not |

pub mod door;

pub mod accept;

pub mod socket;

pub mod tls;

pub mod web;

pub(crate) mod hall;
