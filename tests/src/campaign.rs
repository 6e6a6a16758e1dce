//! Long proofs: a sample of each runs with the other tests, all of it by `.ci/full`.
//!
//! A sample differs in how long it is, never in what is asserted of it. `PQ_FULL=1` in the environment asks for all.

/// How much of a long proof runs: so much with the other tests, or all of it.
pub fn length<T>(sample: T, all: T) -> T {
    match std::env::var_os("PQ_FULL").is_some_and(|full| full == "1") {
        true => all,
        false => sample,
    }
}
