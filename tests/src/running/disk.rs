//! A disk so small that a test can fill it, and make room on it again.
//!
//! It is a file system in memory, and mounting one needs a right that not every place gives. Who cannot have one
//! takes what needs no right: a limit for the size of files (`tests/tests/broken/disk.rs`), or something in the way.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::needs;

/// A release tree takes two megabytes, its packages another two, and what is unpacked two more.
const SIZE: &str = "size=24m";

/// What a file takes on it at least.
const BLOCK: usize = 4_096;

/// A small disk. It is gone with its owner.
pub struct Disk {
    folder: TempDir,
}

impl Disk {
    /// An empty one; `None`, said loudly, where none can be mounted.
    #[track_caller]
    pub fn small() -> Option<Disk> {
        let folder = tempfile::tempdir().expect("there is room for a folder");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", SIZE, "tmpfs"]);
        let mounted = mount.arg(folder.path()).stderr(Stdio::null()).status();
        if mounted.is_ok_and(|status| status.success()) {
            return Some(Disk { folder });
        }
        // No need: there is another way for all that is asked with it.
        needs::skipped(
            &needs::test(),
            "no small disk can be mounted (mount -t tmpfs)",
        );
        None
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Fills it, but for so many blocks of four KiB.
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
        let length = ballast.metadata().expect("it is open").len() as usize / BLOCK;
        let rest = length.saturating_sub(blocks) * BLOCK;
        ballast
            .set_len(rest as u64)
            .expect("a file can become shorter on a full disk");
    }

    /// Makes room again.
    pub fn clear(&self) {
        match fs::remove_file(self.ballast()) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                panic!("the ballast cannot be thrown off: {error}")
            }
            _ => (),
        }
    }

    fn ballast(&self) -> PathBuf {
        self.folder().join("ballast")
    }
}

impl Drop for Disk {
    /// Lazily: whoever still has a file open there keeps it, and nobody else sees it.
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.folder()).status();
    }
}
