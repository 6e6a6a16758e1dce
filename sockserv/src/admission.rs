//! Admission: which clients may come in, and how much each of them may make the node do.
//!
//! | module | contents |
//! |---|---|
//! | `arrival` | a client that has arrived, and what carries its bytes |
//! | `gate` | the decision for one arrival: number of clients, address, rate of arrivals, bans |
//! | [`ban`] | the bans that the gate decides by |
//! | [`avatars`] | how many avatars play, and how many for nobody: the gate has a limit for them |
//! | [`refused`] | each reason for a refusal, its sentence, and how often it was given |
//! | [`budget`], `metered` | the lines, commands and bytes that one client may send |
//! | [`shares`] | how the file descriptors are divided |
//! | `proxied` | the true address of a client behind a proxy |
//! | [`mod@seldom`] | log lines that a client can cause, at a bounded rate |
//! | [`calendar`] | times as people read them |

pub mod arrival;

pub(crate) mod proxied;

pub(crate) mod gate;

pub mod ban;

pub mod avatars;

pub mod refused;

pub mod budget;

pub(crate) mod metered;

pub mod shares;

pub mod seldom;

pub mod calendar;
