//! Services of the operating system for a node: a lock on the release tree, and descriptors.

use std::fs::{File, Metadata, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The lock of a node on its tree, which ends with the process.
pub(crate) struct TreeLock {
    root: PathBuf,
    file: File,
}

impl TreeLock {
    /// Takes the lock, or fails with the pid of its holder. A restarted node already has the lock
    /// ([`TreeLock::hand_over`]).
    pub(crate) fn take(root: &Path) -> anyhow::Result<TreeLock> {
        ensure!(
            root.join("releases").is_dir(),
            "there is no release tree at {}: `pq demo --root DIR` creates one",
            root.display()
        );
        let path = lock_file(root);
        let mut file = match handed_over(&path) {
            Some(file) => file,
            None => open(&path).with_context(|| format!("failed to open {}", path.display()))?,
        };
        match file.try_lock() {
            Ok(()) => (),
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // The pid is only extra information for the error.
                let _ = file.read_to_string(&mut holder);
                bail!(
                    "a node is already running on {} (process {})",
                    root.display(),
                    holder.trim()
                );
            }
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("failed to lock {}", path.display()));
            }
        }
        write_holder(&mut file).with_context(|| format!("failed to write {}", path.display()))?;
        let root = root.to_path_buf();
        Ok(TreeLock { root, file })
    }

    /// The root directory of the tree.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Passes the lock to the next program of this process as its standard input: a lock of `flock(2)` belongs to the
    /// open file, so no other process can take the tree in between.
    ///
    /// # Errors
    /// Fails if the system cannot duplicate the descriptor.
    pub(crate) fn hand_over(self) -> std::io::Result<()> {
        Ok(rustix::stdio::dup2_stdin(&self.file)?)
    }

    /// Frees the lock before the process ends.
    pub(crate) fn release(self) {
        // If unlocking fails, the near end of the process frees the lock.
        let _ = self.file.unlock();
    }
}

/// Overwrites the previous pid and then cuts off the rest of a longer pid, so that the file always has a pid: a
/// restarting node has the lock all the time, and commands look for it meanwhile.
fn write_holder(file: &mut File) -> std::io::Result<()> {
    let line = format!("{}\n", std::process::id());
    file.rewind()?;
    file.write_all(line.as_bytes())?;
    file.set_len(line.len() as u64)
}

fn lock_file(root: &Path) -> PathBuf {
    root.join("pq.lock")
}

fn open(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    pq_files::open_as(path, &mut options)
}

/// The lock file from the previous program of this process, on standard input.
fn handed_over(path: &Path) -> Option<File> {
    let input = std::io::stdin().as_fd().try_clone_to_owned().ok()?;
    let (input, lock) = (File::from(input), std::fs::metadata(path).ok()?);
    is_same(&input.metadata().ok()?, &lock).then_some(input)
}

fn is_same(one: &Metadata, other: &Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// The process that holds the lock, as far as this user may see: the process whose pid is in the lock file and that
/// has the file open. Trying to take the lock instead could prevent the start of a node.
pub(crate) fn holder(root: &Path) -> Option<u32> {
    let path = lock_file(root);
    let text = pq_files::read(&path, pq_files::TEXT_BYTES_MAX).ok()?;
    // After the line, the rest of a longer earlier pid may follow (`write_holder`).
    let holder = str::from_utf8(&text).ok()?.lines().next()?.parse().ok()?;
    let lock = std::fs::metadata(&path).ok()?;
    // During a restart the file moves to another descriptor (`hand_over`), possibly to one that was already examined;
    // this happens once, so a second look finds the file.
    (has_open(holder, &lock) || has_open(holder, &lock)).then_some(holder)
}

fn has_open(process: u32, file: &Metadata) -> bool {
    let mut open = std::fs::read_dir(format!("/proc/{process}/fd"))
        .into_iter()
        .flatten()
        .flatten();
    open.any(|entry| std::fs::metadata(entry.path()).is_ok_and(|other| is_same(&other, file)))
}

/// Raises the limit of descriptors to the user's maximum: each client takes one.
pub(crate) fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, current = ?limit.current, "failed to raise the limit of open files");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_holds_a_tree_is_known_without_touching_the_lock() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(holder(root.path()), None);
        std::fs::create_dir(root.path().join("releases")).unwrap();
        let lock = TreeLock::take(root.path()).unwrap();
        assert_eq!(holder(root.path()), Some(std::process::id()));
        let Err(refused) = TreeLock::take(root.path()) else {
            panic!("two nodes on one tree");
        };
        let own = format!("(process {})", std::process::id());
        assert!(refused.to_string().ends_with(&own), "{refused}");
        lock.release();
        assert_eq!(holder(root.path()), None, "the number alone says nothing");
        TreeLock::take(root.path()).unwrap().release();
    }

    #[test]
    fn who_takes_a_tree_again_is_known_at_every_moment() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("releases")).unwrap();
        let mut lock = TreeLock::take(root.path()).unwrap();
        let own = Some(std::process::id());
        let ends = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                // Enough repetitions for a reader to look 100 times.
                while !ends.load(std::sync::atomic::Ordering::Relaxed) {
                    write_holder(&mut lock.file).unwrap();
                }
            });
            let holders: Vec<_> = (0..100).map(|_| holder(root.path())).collect();
            ends.store(true, std::sync::atomic::Ordering::Relaxed);
            assert_eq!(holders, [own; 100]);
        });
    }

    #[test]
    fn the_end_of_a_longer_number_is_no_part_of_the_holders() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("releases")).unwrap();
        let _lock = TreeLock::take(root.path()).unwrap();
        let text = format!("{}\n123456789\n", std::process::id());
        std::fs::write(lock_file(root.path()), text).unwrap();
        assert_eq!(holder(root.path()), Some(std::process::id()));
    }
}
