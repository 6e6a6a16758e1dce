//! A session: one admitted client, from its first byte to its end.
//!
//! | module | contents |
//! |---|---|
//! | `sessions` | starts a process for each admitted client, and serves the client until it leaves |
//! | `starting` | the start of that process |
//! | `login` | finds the avatar of a client, and checks whether its name is banned |
//! | [`connection`] | the loop of a client's task, over every stream that reads and writes |
//! | [`port`] | the node's handle of a connection, for output and close |
//! | [`told`] | the output about an avatar, which waits until the avatar is on the disk |
//! | `foreign` | clients that speak another protocol |
//! | `ending` | the reason for the end of a connection |
//! | `crowd` | all admitted clients |
//! | `describe`, `sheet` | the messages about an avatar for the client's program |

pub(crate) mod sessions;

pub(crate) mod login;

pub(crate) mod starting;

pub mod connection;

pub mod port;

pub(crate) mod foreign;

pub(crate) mod ending;

pub mod told;

pub(crate) mod crowd;

pub(crate) mod describe;

mod sheet;

#[cfg(test)]
mod fairness;
