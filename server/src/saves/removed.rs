//! Files with saved avatars: exports, and the directory of those that were removed.
//!
//! `data/removed` has the last 1 000 removed rows, one file each, with the time and the number of the row as its name. A node
//! leaves the readable part out; `import` brings each back.

use std::cell::RefCell;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use pq_files::durable;
use pq_saves::{Readable, export};
use pq_store::Row;

use crate::clock::rfc3339;

/// The files that are kept; the oldest go. A typo in a loop over names is noticed before that.
const KEPT_MAX: usize = 1_000;

/// The rows that an operation removes from the store of a tree, each kept in a file.
pub(crate) struct Removed {
    folder: PathBuf,
    files: RefCell<Vec<PathBuf>>,
}

impl Removed {
    pub(crate) fn of(root: &Path) -> Removed {
        Removed {
            folder: super::removed(root),
            files: RefCell::default(),
        }
    }

    /// Writes a row to a new file.
    ///
    /// # Errors
    /// A sentence; then the row is to stay.
    pub(crate) fn keep(&self, row: &Row) -> Result<(), String> {
        let time = rfc3339(SystemTime::now()).replace(':', "-");
        let file = self.folder.join(format!("{time}-row-{}.json", row.id));
        durable::make_folder(&self.folder).map_err(|error| error.to_string())?;
        write_new(&file, export(row, Readable::No).as_bytes())?;
        self.files.borrow_mut().push(file);
        self.trim();
        Ok(())
    }

    /// The files that were written.
    pub(crate) fn files(self) -> Vec<PathBuf> {
        self.files.into_inner()
    }

    /// Removes the oldest files. A file that stays is removed with the next row.
    fn trim(&self) {
        let entries = std::fs::read_dir(&self.folder).into_iter().flatten();
        let files = entries.flatten().map(|entry| entry.path());
        let mut files: Vec<PathBuf> = files
            .filter(|file| file.extension().is_some_and(|it| it == "json"))
            .collect();
        files.sort();
        let spare = files.len().saturating_sub(KEPT_MAX);
        for file in &files[..spare] {
            let _ = durable::remove(file);
        }
    }
}

/// Writes a file that must not exist, for its owner only, and syncs it.
///
/// # Errors
/// A sentence; then there is no such file.
pub(crate) fn write_new(file: &Path, bytes: &[u8]) -> Result<(), String> {
    let shown = file.display();
    if file.symlink_metadata().is_ok() {
        return Err(format!("{shown} exists already, and nothing is replaced"));
    }
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let beside = file.with_file_name(format!(".{name}.{}.new", std::process::id()));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let written = pq_files::open_as(&beside, &mut options)
        .and_then(|mut new| new.write_all(bytes))
        .map_err(|error| format!("{}: {error}", beside.display()))
        .and_then(|()| {
            durable::put_new(&beside, file).map_err(|error| match error.source.kind() {
                ErrorKind::AlreadyExists => format!("{shown} exists already"),
                _ => error.to_string(),
            })
        });
    if written.is_err() {
        let _ = durable::remove(&beside);
    }
    written
}
