//! The rules for the sources of a library, which the compiler does not know: no clock, thread, file or random source of one's own,
//! and every called function in `pq_sdk::calls!`.

use std::path::Path;

/// Checks all files below `src` of the package in this directory.
///
/// ```no_run
/// pq_testing::sources::check(env!("CARGO_MANIFEST_DIR"));
/// ```
///
/// # Panics
/// With all faults, and when a file cannot be read.
pub fn check(package: impl AsRef<Path>) {
    let faults = pq_lint::library_faults(package.as_ref());
    let faults =
        faults.unwrap_or_else(|(file, error)| panic!("failed to read {}: {error}", file.display()));
    let line = |(file, fault): &(std::path::PathBuf, pq_lint::Fault)| {
        format!("\n  {}:{}: {}", file.display(), fault.line, fault.sentence)
    };
    let lines: String = faults.iter().map(line).collect();
    assert!(
        faults.is_empty(),
        "the sources are not those of a library:{lines}"
    );
}
