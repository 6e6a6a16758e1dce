//! Admission: which clients are admitted, and how much work each of them may cause.
//!
//! | module | contents |
//! |---|---|
//! | `arrival` | a client that has arrived, and its transport |
//! | `gate` | the decision about one arrival: number of clients, address, rate of arrivals, bans |
//! | [`ban`] | the bans, an input of the decision |
//! | [`avatars`] | the number of played and of abandoned avatars, which the gate limits |
//! | [`refused`] | each reason for a refusal, its sentence, and its counter |
//! | [`budget`], `metered` | the lines, commands and bytes that one client may send |
//! | [`shares`] | the division of the file descriptors |
//! | `proxied` | the true address of a client behind a proxy |
//! | [`mod@seldom`] | log lines that a client can cause, at a bounded rate |
//! | [`calendar`] | times in text form |

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

#[cfg(test)]
pub(crate) mod flood;
