//! Prints the list of skipped tests at the end of a run, with the reasons.
//!
//! This program has no harness, because a harness hides the output of a test that passes.

fn main() {
    // `--list` asks for the names of the tests; this program has none.
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
