//! A session: one client that is in, from its first byte to its end.
//!
//! | module | contents |
//! |---|---|
//! | `sessions` | each client that is admitted gets a process, and is served until it leaves |
//! | `starting` | that process |
//! | `login` | who plays for a client, and whether that name is banned |
//! | [`connection`] | the loop of a client's task, over anything that reads and writes |
//! | [`port`] | the handle by which the node writes to a client and closes it |
//! | `foreign` | clients that speak another protocol |
//! | `ending` | why a connection ended |
//! | `crowd` | all clients that are in |
//! | `describe`, `sheet` | what a client's program is told of its avatar |

pub(crate) mod sessions;

pub(crate) mod login;

pub(crate) mod starting;

pub mod connection;

pub mod port;

pub(crate) mod foreign;

pub(crate) mod ending;

pub(crate) mod crowd;

pub(crate) mod describe;

mod sheet;

#[cfg(test)]
pub(crate) mod fairness;
