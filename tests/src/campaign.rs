//! Long proofs. A sample of each runs with the other tests, and `.ci/full` runs all of it.
//!
//! A sample is only shorter; its assertions are the same. `PQ_FULL=1` in the environment requests all.

/// Returns the length of a long proof in this run: `sample`, or `all` under `PQ_FULL=1`.
pub fn length<T>(sample: T, all: T) -> T {
    match std::env::var_os("PQ_FULL").is_some_and(|full| full == "1") {
        true => all,
        false => sample,
    }
}
