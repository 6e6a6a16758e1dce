//! The words by which players come back: hashed on threads of their own, with limits on guesses.
//!
//! ```text
//!   a word ─► Secret (wiped when it is dropped) ─► Pool (a bounded queue) ─► hash, or verify against a Record
//!   a guess ─► Guesses::begin ─┬─ too many wrong ones ─► refused, without work
//!                              └─ Guess ─► right: forgiven │ wrong: it stays counted for a while
//! ```
//! The crate knows no players, no store and no node: names are texts, and the caller keeps the hashes.

mod guesses;
mod hash;
mod pool;
mod record;
mod secret;

pub use guesses::{Guess, Guesses};
pub use hash::{hash, hashes};
pub use pool::{Pool, QUEUE_MAX};
pub use record::{Issued, Proof, Record, TOKEN_LIFE_S, TOKENS_MAX, verify};
pub use secret::{LENGTH_MAX, LENGTH_MIN, Secret, Unfit};
