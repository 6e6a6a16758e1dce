//! A copy of this machine's system, on which a test installs packages: an overlay of its files, which is gone afterwards.
//!
//! Mounting it needs a right that is missing in some places, as for [`Disk`](crate::running::Disk).

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::needs;
use crate::running::{BUILD_PATIENCE, Running};

/// The exit code of the script below without the right to mount.
const NO_RIGHT: i32 = 77;

/// Runs `$2` in the copy, where the directory `$1` is `/given`.
const SCRIPT: &str = r#"
set -eu
mount -t tmpfs tmpfs "$0" 2>/dev/null || exit 77
mkdir "$0/upper" "$0/work" "$0/copy"
mount -t overlay overlay -o "lowerdir=/,upperdir=$0/upper,workdir=$0/work" "$0/copy" 2>/dev/null || exit 77
mkdir -p "$0/copy/given"
mount --bind "$1" "$0/copy/given"
chroot "$0/copy" /bin/sh -euxc "$2"
"#;

/// Runs a script of the shell as root on a copy of the system, where `given` is the directory `/given`. `None`, and a note in the
/// list of the run, without the right to do so.
#[track_caller]
pub fn on_a_copy(given: &Path, script: &str) -> Option<()> {
    let folder: TempDir = tempfile::tempdir().expect("there is room for a folder");
    let mut right = Running::start(Command::new("unshare").args(["--mount", "true"]));
    if !right.end().success() {
        needs::skipped(&needs::test(), "nothing can be mounted here");
        return None;
    }
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "sh", "-c", SCRIPT])
        .arg(folder.path())
        .arg(given)
        .arg(script);
    let mut running = Running::start(&mut command);
    let code = running.ends_within(BUILD_PATIENCE).code();
    if code == Some(NO_RIGHT) {
        needs::skipped(&needs::test(), "an overlay cannot be mounted here");
        return None;
    }
    assert_eq!(code, Some(0), "{}{}", running.out(), running.log());
    Some(())
}
