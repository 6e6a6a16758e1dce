//! What a run of the tests has left out: each test program notes its part, and the last one shows the list.
//!
//! ```text
//!   tests ─► pq_tests::needs ─► note ─► target/untested/RUN ─► take ─► tests/untested.rs, which cargo runs last
//! ```
//! All test programs of a run have one parent, which is cargo: the list has its number.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;

/// Adds a line to the list of this run.
///
/// # Errors
/// When the target folder cannot be written to.
pub fn note(line: &str) -> io::Result<()> {
    let list = list()?;
    list.parent().map_or(Ok(()), fs::create_dir_all)?;
    let mut list = OpenOptions::new().create(true).append(true).open(list)?;
    // One write, because several programs may do so at once.
    list.write_all(format!("{line}\n").as_bytes())
}

/// Takes the list of this run away: its lines, each once and in order.
///
/// # Errors
/// When it is there and cannot be read.
pub fn take() -> io::Result<BTreeSet<String>> {
    let list = list()?;
    let lines = match fs::read_to_string(&list) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        lines => lines?,
    };
    fs::remove_file(list)?;
    Ok(lines.lines().map(str::to_string).collect())
}

/// In `target`, where `target/debug/deps/…` is this program.
fn list() -> io::Result<PathBuf> {
    let program = std::env::current_exe()?;
    let target = program.ancestors().nth(3).ok_or(io::ErrorKind::NotFound)?;
    let run = std::os::unix::process::parent_id().to_string();
    Ok(target.join("untested").join(run))
}
