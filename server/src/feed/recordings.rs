//! `releases/recordings`: the recordings of installs, one file each, under the number of the install's entry in the history.
//!
//! The 32 newest are kept. A recording has about 120 kB, and [`RECORDING_MAX`] at most, so the directory never has more than 256 MiB.
//! A recording that cannot be written is logged, and changes nothing else.

use std::path::{Path, PathBuf};

use pq_feed::recording::RECORDING_MAX;
use pq_files::durable;

/// The recordings that are kept.
const KEPT: usize = 32;

/// The ending of the files.
const ENDING: &str = "rec";

fn folder(root: &Path) -> PathBuf {
    root.join("releases/recordings")
}

fn file(root: &Path, id: u64) -> PathBuf {
    folder(root).join(format!("{id}.{ENDING}"))
}

/// Keeps the recording of the install with this entry in the history, and removes the oldest ones.
pub(crate) fn keep(root: &Path, id: u64, recording: &[u8]) {
    if recording.len() > RECORDING_MAX {
        tracing::warn!(
            id,
            bytes = recording.len(),
            "the recording of an install is too large and is not kept"
        );
        return;
    }
    if let Err(error) = durable::write(&file(root, id), recording) {
        tracing::warn!(id, %error, "failed to keep the recording of an install");
    }
    let ids = ids(root);
    for old in ids.iter().rev().skip(KEPT) {
        if let Err(error) = durable::remove(&file(root, *old)) {
            tracing::warn!(id = old, %error, "failed to remove the recording of an install");
        }
    }
}

/// The recording of this install; `None` if there is none.
pub(crate) fn read(root: &Path, id: u64) -> Option<Vec<u8>> {
    pq_files::read(&file(root, id), RECORDING_MAX as u64).ok()
}

/// The numbers of all recordings, the oldest first.
pub(crate) fn ids(root: &Path) -> Vec<u64> {
    let Ok(entries) = std::fs::read_dir(folder(root)) else {
        return Vec::new();
    };
    let names = entries
        .flatten()
        .map(|entry| PathBuf::from(entry.file_name()));
    let recordings = names.filter(|name| name.extension().is_some_and(|it| it == ENDING));
    let id = |name: PathBuf| name.file_stem()?.to_str()?.parse().ok();
    let mut ids: Vec<u64> = recordings.filter_map(id).collect();
    ids.sort_unstable();
    ids
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_recordings_are_kept() {
        let tree = tempfile::tempdir().unwrap();
        assert_eq!((ids(tree.path()), read(tree.path(), 1)), (Vec::new(), None));
        let last = KEPT as u64 + 12;
        for id in 1..=last {
            keep(tree.path(), id, &[id as u8; 8]);
        }
        assert_eq!(ids(tree.path()), (13..=last).collect::<Vec<u64>>());
        assert_eq!(read(tree.path(), last), Some(vec![last as u8; 8]));
        keep(tree.path(), last + 1, &vec![0; RECORDING_MAX + 1]);
        assert_eq!(read(tree.path(), last + 1), None);
    }
}
