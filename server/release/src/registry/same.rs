//! Compares directories: two applications of one version must have the same bytes.

use std::collections::BTreeMap;
use std::fs::{self, DirEntry};
use std::io;
use std::path::{Path, PathBuf};

use super::RegistryError;
use crate::checksums;
use crate::file_error::FileError;

/// The files of [`crate::layout::signed_name`], relative to the directory of a release.
const SIGNED_SUMS: &str = "signed/SHA256SUMS";
const SIGNATURE: &str = "signed/SHA256SUMS.minisig";

/// The first file that only one of two directories has, or whose bytes differ. Missing checksums and signatures are no difference:
/// a directory of a build has no signature, and one of an older build no checksums.
pub(super) fn difference(new: &Path, there: &Path) -> Result<Option<String>, RegistryError> {
    let (mut new_files, files) = (files(new)?, files(there)?);
    for name in [checksums::FILE_NAME, SIGNED_SUMS, SIGNATURE] {
        if !files.contains_key(name) {
            new_files.remove(name);
        }
    }
    let names = new_files.keys().chain(files.keys());
    for name in names {
        let is_same = match (new_files.get(name), files.get(name)) {
            (Some(new), Some(there)) => is_same(new, there)?,
            _ => false,
        };
        if !is_same {
            return Ok(Some(name.clone()));
        }
    }
    Ok(None)
}

/// The files below a directory, by relative path. Links are not followed; a link counts as a different file.
fn files(folder: &Path) -> Result<BTreeMap<String, PathBuf>, FileError> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        let entries = list(&next).map_err(|error| FileError::read(&next, &error))?;
        for entry in entries {
            let path = entry.path();
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            match is_folder {
                true => folders.push(path),
                false => {
                    let name = path.strip_prefix(folder).unwrap_or(&path);
                    files.insert(name.to_string_lossy().into_owned(), path);
                }
            }
        }
    }
    Ok(files)
}

fn list(folder: &Path) -> io::Result<Vec<DirEntry>> {
    fs::read_dir(folder)?.collect()
}

fn is_same(one: &Path, other: &Path) -> Result<bool, FileError> {
    let look = |path: &Path| -> Result<_, FileError> {
        fs::symlink_metadata(path).map_err(|error| FileError::read(path, &error))
    };
    let (found, there) = (look(one)?, look(other)?);
    if !found.is_file() || !there.is_file() || found.len() != there.len() {
        return Ok(false);
    }
    let read = |path: &Path| {
        let bytes = pq_files::read(path, found.len());
        bytes.map_err(|error| FileError::read(path, &error))
    };
    Ok(read(one)? == read(other)?)
}
