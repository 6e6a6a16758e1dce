//! A hidden directory for work of more than one step, and the journal of that work.
//!
//! The journal lists directories of the tree that may exist only if a release of `RELEASES` uses them. An unpack notes new
//! directories before it moves them to their places; a removal notes its directories before it writes `RELEASES`. After an
//! interruption, one rule finishes or undoes the work: directories in the journal that `RELEASES` does not use are removed. So
//! the write of `RELEASES` is the step that commits either kind of work.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::layout;
use crate::releases::{Lib, Releases};
use pq_files::durable::{self, Prepared, WriteError};

/// The work directory of a tree. It exists only while it has contents.
pub(super) struct WorkFolder<'a> {
    root: &'a Path,
}

impl<'a> WorkFolder<'a> {
    pub(super) fn of(root: &'a Path) -> WorkFolder<'a> {
        WorkFolder { root }
    }

    /// The directory in which a package is unpacked.
    pub(super) fn staging(&self) -> PathBuf {
        self.folder().join("staging")
    }

    /// Writes a file that moves to this place of the tree later.
    pub(super) fn prepare(&self, place: &Path, text: &str) -> Result<Prepared, WriteError> {
        durable::make_folder(&self.folder())?;
        let beside = self.folder().join(place.file_name().unwrap_or_default());
        Prepared::new(beside, place, text.as_bytes())
    }

    /// Notes directories (`lib/App-Vsn`, `releases/Vsn`) that may exist only if a release uses them.
    pub(super) fn note(&self, folders: &[String]) -> Result<(), WriteError> {
        let lines: String = folders.iter().map(|folder| format!("{folder}\n")).collect();
        durable::write(&self.journal(), lines.as_bytes())
    }

    /// True when the directory does not exist: no work was interrupted.
    pub(super) fn is_absent(&self) -> bool {
        fs::symlink_metadata(self.folder()).is_err()
    }

    /// Removes directories in the journal that no release uses, then the work directory. `converters` are the versions in between
    /// that the relups of the releases name.
    pub(super) fn clear(&self, releases: &Releases, converters: &[Lib]) -> Result<(), WriteError> {
        let is_converter = |folder: &String| {
            let mut folders = converters.iter().map(|lib| lib_folder(lib, self.root));
            folders.any(|it| it.as_ref() == Some(folder))
        };
        for folder in self.noted()? {
            if !is_used(&folder, releases, self.root) && !is_converter(&folder) {
                durable::remove(&self.root.join(&folder))?;
            }
        }
        durable::remove(&self.folder())
    }

    fn noted(&self) -> Result<Vec<String>, WriteError> {
        match pq_files::read(&self.journal(), pq_files::TEXT_BYTES_MAX) {
            Ok(text) => Ok(String::from_utf8_lossy(&text)
                .lines()
                .filter(|line| is_folder(line))
                .map(str::to_string)
                .collect()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(durable::failed("read", &self.journal())(error)),
        }
    }

    fn folder(&self) -> PathBuf {
        layout::work_folder(self.root)
    }

    fn journal(&self) -> PathBuf {
        self.folder().join("journal")
    }
}

/// Other lines of a journal are ignored: the file could have been edited.
fn is_folder(line: &str) -> bool {
    let parts = line.split_once('/');
    parts.is_some_and(|(above, name)| matches!(above, "lib" | "releases") && layout::is_plain(name))
}

fn is_used(folder: &str, releases: &Releases, root: &Path) -> bool {
    releases.0.iter().any(|release| {
        let is_lib = |lib: &Lib| lib_folder(lib, root).as_deref() == Some(folder);
        folder == layout::release_name(&release.vsn) || release.libs.iter().any(is_lib)
    })
}

/// The directory of an application as `lib/App-Vsn`; `None` when it is outside `lib`.
pub(super) fn lib_folder(lib: &Lib, root: &Path) -> Option<String> {
    let path = root.join(&lib.folder);
    let name = path.strip_prefix(root.join("lib")).ok()?.to_str()?;
    layout::is_plain(name).then(|| format!("lib/{name}"))
}
