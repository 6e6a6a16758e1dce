//! Files of a tree that only the user of the node may read: saved avatars with the hashes of words, bans, and keys.
//!
//! The node makes them so. A copy, a backup that was put in place by hand, or an older node may have left them open, so a node closes
//! them at its start.

use std::path::{Path, PathBuf};

use crate::saves;

/// Closes the files for other users, and says so in the log. A file that cannot be closed is only named: it stays as it was.
///
/// `keys` is left out: a file of keys that others could have written is refused, and closing it would hide that.
pub(crate) fn close(root: &Path) {
    for file in files(root) {
        let shown = file.display();
        match pq_files::make_private(&file) {
            Ok(None) => (),
            Ok(Some(mode)) => {
                tracing::warn!(
                    "{shown} was open for other users (mode {mode:04o}) and is closed now"
                );
            }
            Err(error) => tracing::warn!("failed to close {shown} for other users: {error}"),
        }
    }
}

fn files(root: &Path) -> Vec<PathBuf> {
    let store = saves::file(root);
    let beside = |ending: &str| {
        let name = store.file_name().unwrap_or_default().to_string_lossy();
        store.with_file_name(format!("{name}{ending}"))
    };
    // SQLite keeps its log beside the store.
    let mut files = vec![
        root.join("releases/bans.json"),
        beside("-wal"),
        beside("-shm"),
        beside(""),
    ];
    let kept = std::fs::read_dir(saves::removed(root))
        .into_iter()
        .flatten()
        .flatten();
    files.extend(kept.map(|entry| entry.path()));
    files
}

#[cfg(test)]
mod tests {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_node_closes_what_a_copy_has_left_open() {
        let root = tempfile::tempdir().unwrap();
        for name in [
            "releases/bans.json",
            "data/saves.db",
            "data/saves.db-wal",
            "data/removed/1.json",
        ] {
            let file = root.path().join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(&file, "").unwrap();
            set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
        }
        close(root.path());
        for file in files(root.path()).iter().filter(|file| file.exists()) {
            let mode = file.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{}", file.display());
        }
        assert_eq!(
            files(root.path())
                .iter()
                .filter(|file| file.exists())
                .count(),
            4
        );
    }
}
