//! Things that are built once for all test programs of a run: the program, and trees with libraries.
//!
//! ```text
//!   cargo test ─┬► a test program ─► once("release") ─► target/run/NUMBER-START/release, made by the first that asks
//!               ├► another one    ─► once("release") ─┘
//!               └► …
//! ```
//! A run is one process of cargo, identified by its number and the time of its start. Cargo builds nothing between two
//! of its test programs, so neither do they. A test program that was not started by cargo is a run by itself.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process;

use super::Places;

/// Returns a directory that `make` fills at the first call in this run. Other callers wait meanwhile; nothing changes
/// the directory afterwards.
pub fn once(name: &str, make: impl FnOnce(&Path)) -> PathBuf {
    let run = folder().expect("the target folder can be written to");
    let made = run.join(name);
    let lock = File::create(run.join(format!("{name}.lock"))).expect("the folder is there");
    lock.lock().expect("files can be locked");
    if !made.exists() {
        let making = run.join(format!("{name}.new"));
        // Left by a test program that failed in `make`.
        let _ = fs::remove_dir_all(&making);
        fs::create_dir(&making).expect("there is room for a folder");
        make(&making);
        fs::rename(&making, &made).expect("it is not there yet");
    }
    made
}

/// The directory of this run. The directories of earlier runs are removed.
fn folder() -> io::Result<PathBuf> {
    let runs = Places::find().target.join("run");
    let folder = runs.join(this_run());
    if !folder.exists() {
        fs::create_dir_all(&folder)?;
        for other in fs::read_dir(&runs)?.flatten() {
            if !other.file_name().to_str().is_some_and(goes_on) {
                // Another run may remove the directory at the same time.
                let _ = fs::remove_dir_all(other.path());
            }
        }
    }
    Ok(folder)
}

fn this_run() -> String {
    let cargo = std::os::unix::process::parent_id();
    let name = fs::read_to_string(format!("/proc/{cargo}/comm"));
    let is_cargo = name.is_ok_and(|name| name.starts_with("cargo"));
    let process = if is_cargo { cargo } else { process::id() };
    let start = start_of(process).expect("it runs");
    format!("{process}-{start}")
}

/// Whether the run with this directory is still going on.
fn goes_on(folder: &str) -> bool {
    let known = folder.split_once('-').and_then(|(process, start)| {
        let process = process.parse().ok()?;
        Some((process, start))
    });
    known.is_some_and(|(process, start)| start_of(process).as_deref() == Some(start))
}

/// The start of a process in ticks since the boot of the machine: the 22nd field of `proc_pid_stat(5)`. The second
/// field is a name in parentheses, which may contain any character.
fn start_of(process: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, behind_name) = stat.rsplit_once(") ")?;
    behind_name.split(' ').nth(19).map(str::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_made_once_and_a_run_is_known_by_its_process() {
        let asks = || {
            once("of-a-test", |folder| {
                fs::write(folder.join("made"), "").unwrap();
            })
        };
        let first = asks();
        assert_eq!(once("of-a-test", |_| panic!("it is there already")), first);
        assert!(first.join("made").is_file());
        assert!(goes_on(&this_run()));
        let own = process::id();
        for ended in [format!("{own}-0"), format!("0-{own}"), "x".to_string()] {
            assert!(!goes_on(&ended), "{ended}");
        }
    }
}
