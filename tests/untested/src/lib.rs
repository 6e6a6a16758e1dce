//! The list of tests that a run has skipped: each test program adds its lines, and the last one prints the list.
//!
//! ```text
//!   tests ─► pq_tests::needs ─► note ─► target/untested/RUN ─► take ─► tests/untested.rs, which cargo runs last
//! ```
//! All test programs of a run have cargo as their parent; the list is named by its process number.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;

/// Adds a line to the list of this run.
///
/// # Errors
/// Fails when the target directory cannot be written to.
pub fn note(line: &str) -> io::Result<()> {
    let list = list()?;
    list.parent().map_or(Ok(()), fs::create_dir_all)?;
    let mut list = OpenOptions::new().create(true).append(true).open(list)?;
    // A single write, because several programs may write at the same time.
    list.write_all(format!("{line}\n").as_bytes())
}

/// Removes the list of this run and returns its lines, each once and sorted.
///
/// # Errors
/// Fails when the list exists and cannot be read.
pub fn take() -> io::Result<BTreeSet<String>> {
    let list = list()?;
    let lines = match fs::read_to_string(&list) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        lines => lines?,
    };
    fs::remove_file(list)?;
    Ok(lines.lines().map(str::to_string).collect())
}

/// The file of the list, below the `target` directory; this program is `target/debug/deps/…`.
fn list() -> io::Result<PathBuf> {
    let program = std::env::current_exe()?;
    let target = program.ancestors().nth(3).ok_or(io::ErrorKind::NotFound)?;
    let run = std::os::unix::process::parent_id().to_string();
    Ok(target.join("untested").join(run))
}
