//! The directory of the work: a release tree of its own below cargo's target directory, one for each workspace.

use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use pq_release::checksums::sha256;
use pq_release::layout;

use crate::libraries::Workspace;

/// The directory of all work below cargo's target directory.
const WORK: &str = "pq-release";

/// The directory of the work, which this program alone uses.
pub(super) struct Desk {
    root: PathBuf,
    _lock: File,
}

impl Desk {
    /// Takes the directory of a workspace. Several workspaces may have one target directory.
    ///
    /// # Errors
    /// Fails if another program has it, or the operating system refuses an operation.
    pub(super) fn take(workspace: &Workspace) -> anyhow::Result<Desk> {
        let name = sha256(workspace.root().as_os_str().as_encoded_bytes());
        let root = workspace.target().join(WORK).join(&name[..8]);
        std::fs::create_dir_all(&root)
            .with_context(|| format!("failed to make {}", root.display()))?;
        let file = root.join("lock");
        let lock =
            File::create(&file).with_context(|| format!("failed to open {}", file.display()))?;
        match lock.try_lock() {
            Ok(()) => Ok(Desk { root, _lock: lock }),
            Err(TryLockError::WouldBlock) => bail!(
                "failed to begin: another `pq release` of this workspace is at work, in {}; try again when it has ended",
                root.display()
            ),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("failed to lock {}", file.display()))
            }
        }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Removes the files of an earlier attempt to make this release.
    pub(super) fn clear(&self, vsn: &str) -> anyhow::Result<()> {
        let folder = layout::release(&self.root, vsn);
        match std::fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).with_context(|| format!("failed to remove {}", folder.display()))
            }
            _ => Ok(()),
        }
    }
}
