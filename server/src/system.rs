//! What the node needs of the operating system: a lock on its release tree, and enough descriptors.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::Path;

use anyhow::{Context, bail, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Holds the tree for this node; the lock goes with the process, however it ends.
pub(crate) struct TreeLock {
    _file: File,
}

impl TreeLock {
    /// Takes the tree, or says which process has it.
    pub(crate) fn take(root: &Path) -> anyhow::Result<TreeLock> {
        ensure!(
            root.join("releases").is_dir(),
            "there is no release tree at {}: `pq demo --root DIR` makes one",
            root.display()
        );
        let path = root.join("pq.lock");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .with_context(|| format!("failed to open {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => (),
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // Who it is only makes the sentence better.
                let _ = file.read_to_string(&mut holder);
                bail!(
                    "a node runs on {} already (process {})",
                    root.display(),
                    holder.trim()
                );
            }
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("failed to lock {}", path.display()));
            }
        }
        file.set_len(0)
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .with_context(|| format!("failed to write {}", path.display()))?;
        Ok(TreeLock { _file: file })
    }
}

/// Allows as many descriptors as the system gives this user: a client takes one.
pub(crate) fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, current = ?limit.current, "the number of open files stays limited");
    }
}
