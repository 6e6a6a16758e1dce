//! The last that a run of the tests says: what it has left out, and why.
//!
//! It has no harness, because that would keep what it prints to itself.

fn main() {
    // A harness is asked for the names of its tests: there is none.
    if std::env::args().any(|arg| arg == "--list") {
        return;
    }
    let lines = untested::take().expect("the list of what was skipped can be read");
    if lines.is_empty() {
        return println!("\nnothing was skipped\n");
    }
    println!("\nskipped, altogether or in part:\n");
    lines.iter().for_each(|line| println!("  {line}"));
    println!("\nWith PQ_CI=1 each of them is an error.\n");
}
