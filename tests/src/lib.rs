//! Shared parts of the system tests and benches, which see the node from outside.
//!
//! - [`campaign`]: the length of long proofs;
//! - [`debian`]: a copy of this machine's system, on which packages are installed;
//! - [`guest`]: a virtual machine whose power a test can cut;
//! - [`house`]: a simulated node with the applications of a release linked in, for thousands of heroes and hours of
//!   game time in seconds;
//! - [`manager`]: a service manager, which a node notifies;
//! - [`needs`]: programs and rights that a machine may lack, and the result for the tests that need them;
//! - [`running`]: a real node, the `pq` program on a release tree of its own;
//! - [`scrape`]: requests to the port for metrics of a node, and the samples of an answer;
//! - [`story`]: a checker for the output of the game, line by line;
//! - [`systools`]: questions to systools, and the comparison of two answers.
//!
//! The tests are in `tests/tests`, the benches in `tests/benches`.

pub mod campaign;

pub mod debian;

pub mod guest;

pub mod house;

pub mod manager;

pub mod needs;

pub mod running;

pub mod scrape;

pub mod story;

pub mod systools;
