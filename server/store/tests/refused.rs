//! A user without rights, and a directory that is for reading only. A child does the work, as another user if the tests
//! run as root, to whom no permission matters.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use pq_store::{Database, Snapshot, Store};

use crate::{all, row};

const FILE: &str = "PQ_STORE_OPENED";

/// The user `nobody` of most systems.
const NOBODY: u32 = 65534;

#[test]
fn the_file_that_the_environment_names_is_opened() {
    let Some(file) = std::env::var_os(FILE).map(PathBuf::from) else {
        return;
    };
    match Database::open(&file) {
        Ok(_) => println!("it opens"),
        Err(error) => println!("it says: failed to {error}"),
    }
    let rows = Snapshot::open(&file).map(|mut snapshot| all(&mut snapshot).len());
    println!("rows: {:?}", rows.ok());
}

/// The output of a child that opens the file as a user without rights.
fn opened_by_another(file: &Path) -> String {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("test");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    set_mode(folder.path(), 0o755);
    let mut command = Command::new(&program);
    if rustix::process::geteuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command.args([
        "--exact",
        "refused::the_file_that_the_environment_names_is_opened",
    ]);
    command
        .args(["--nocapture", "--test-threads=1"])
        .env(FILE, file)
        .current_dir("/");
    String::from_utf8(output(command).stdout).unwrap()
}

/// Another test may start a child while the program is copied; the copy is busy until that child runs its own program.
fn output(mut command: Command) -> Output {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        match command.output() {
            Err(error) if error.kind() == ErrorKind::ExecutableFileBusy && Instant::now() < end => {
                std::thread::yield_now();
            }
            result => return result.unwrap(),
        }
    }
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn store(folder: &Path) -> PathBuf {
    let file = folder.join("saves.db");
    let mut store = Database::open(&file).unwrap();
    store.commit(&[pq_store::Change::Tell(row(1, 1))]).unwrap();
    file
}

#[test]
fn a_user_who_may_not_read_a_store_learns_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = store(folder.path());
    set_mode(folder.path(), 0o755);
    let lock = folder.path().join("saves.db.lock");
    set_mode(&lock, 0);
    let said = opened_by_another(&file);
    let wanted = format!(
        "it says: failed to open {}: Permission denied (os error 13)",
        lock.display()
    );
    assert!(said.contains(&wanted), "{said}");
    set_mode(&lock, 0o666);
    set_mode(&file, 0);
    let said = opened_by_another(&file);
    let wanted = format!(
        "it says: failed to open the saves {}: unable to open database file",
        file.display()
    );
    assert!(said.contains(&wanted), "{said}");
}

#[test]
fn a_store_in_a_directory_for_reading_only_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let file = store(folder.path());
    let before = fs::read(&file).unwrap();
    set_mode(&folder.path().join("saves.db.lock"), 0o666);
    set_mode(&file, 0o444);
    set_mode(folder.path(), 0o555);
    let said = opened_by_another(&file);
    set_mode(folder.path(), 0o755);
    assert!(said.contains("it says: failed to open the saves"), "{said}");
    assert_eq!(fs::read(&file).unwrap(), before);
}
