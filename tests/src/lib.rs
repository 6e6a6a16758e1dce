//! The whole house, seen from outside: what system tests and benches share.
//!
//! - [`house`]: a simulated node with the applications of a release linked in, for thousands of heroes and
//!   hours of game time in seconds;
//! - [`running`]: a real node, the `pq` program on a release tree of its own;
//! - [`story`]: what a player may read, line by line;
//! - [`systools`]: questions to systools, and what makes two answers one.
//!
//! The tests themselves stand in `tests/tests`, the benches in `tests/benches`.

pub mod house;

pub mod running;

pub mod story;

pub mod systools;
