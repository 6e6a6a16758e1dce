//! A disk so small that a test can fill it, and make room on it again.
//!
//! The disk is a file system in memory. Mounting it needs a right that is missing in some places. Tests without that
//! right use a limit on the size of files (`tests/tests/broken/disk.rs`), or put an obstacle in the way.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::needs;

/// A release tree takes 2 MB, its packages another 2, and the unpacked packages 2 more.
const SIZE: &str = "size=24m";

/// The smallest size of a file on the disk in bytes.
const BLOCK: usize = 4_096;

/// The access that a disk permits.
#[derive(Clone, Copy, Debug)]
pub enum Access {
    /// Each write fails with `EROFS`.
    Reading,
    /// Files can be read and written, as after the mount.
    Writing,
}

/// A small disk, which is unmounted when the value is dropped.
pub struct Disk {
    folder: TempDir,
}

impl Disk {
    /// Mounts an empty disk; `None` where that is impossible, which is reported as skipped.
    #[track_caller]
    pub fn small() -> Option<Disk> {
        let folder = tempfile::tempdir().expect("a temporary directory can be made");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", SIZE, "tmpfs"]);
        let mounted = mount.arg(folder.path()).stderr(Stdio::null()).status();
        if mounted.is_ok_and(|status| status.success()) {
            return Some(Disk { folder });
        }
        // Not an entry in `needs`: each property tested with it has another test as well.
        needs::skipped(
            &needs::test(),
            "no small disk can be mounted (mount -t tmpfs)",
        );
        None
    }

    /// The directory at which the disk is mounted.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Fills the disk except for this number of blocks of 4 KiB.
    pub fn leave(&self, blocks: usize) {
        self.clear();
        let mut ballast =
            File::create(self.ballast()).expect("a file without bytes takes no block");
        let full = loop {
            if let Err(error) = ballast.write(&[0; 256 * BLOCK]) {
                break error;
            }
        };
        assert_eq!(full.kind(), ErrorKind::StorageFull, "{full}");
        let length = ballast.metadata().expect("the file is open").len() as usize / BLOCK;
        let rest = length.saturating_sub(blocks) * BLOCK;
        ballast
            .set_len(rest as u64)
            .expect("a file can become shorter on a full disk");
    }

    /// Frees the space again.
    pub fn clear(&self) {
        match fs::remove_file(self.ballast()) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                panic!("the ballast cannot be removed: {error}")
            }
            _ => (),
        }
    }

    /// Mounts the disk again, for reading only or for writing too. No file on it may be open for writing.
    pub fn permits(&self, access: Access) {
        let option = match access {
            Access::Reading => "remount,ro",
            Access::Writing => "remount,rw",
        };
        let mut mount = Command::new("mount");
        let mounted = mount.args(["-o", option]).arg(self.folder()).status();
        let is_done = mounted.is_ok_and(|status| status.success());
        assert!(is_done, "mount -o {option} fails");
    }

    fn ballast(&self) -> PathBuf {
        self.folder().join("ballast")
    }
}

impl Drop for Disk {
    /// Unmounts lazily: programs with an open file keep it, and the directory is empty at once.
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.folder()).status();
    }
}
