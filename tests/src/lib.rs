//! The whole house, seen from outside: what system tests and benches share.
//!
//! - [`campaign`]: how much of a long proof runs;
//! - [`house`]: a simulated node with the applications of a release linked in, for thousands of heroes and
//!   hours of game time in seconds;
//! - [`needs`]: what a machine may not have: which test needs it, and what happens where it is missing;
//! - [`running`]: a real node, the `pq` program on a release tree of its own;
//! - [`story`]: what a player may read, line by line;
//! - [`systools`]: questions to systools, and what makes two answers one.
//!
//! The tests themselves stand in `tests/tests`, the benches in `tests/benches`.

pub mod campaign;

pub mod house;

pub mod needs;

pub mod running;

pub mod story;

pub mod systools;
