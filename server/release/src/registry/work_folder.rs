//! A hidden folder for work that takes more than one step, and the journal of that work.
//!
//! The journal names folders of the tree that are there only if a release of `RELEASES` uses them. Before an unpack puts new
//! folders in their places it notes them; before a removal writes `RELEASES` it notes those that go. Whenever
//! work was interrupted, one rule then finishes or undoes it: what the journal names and `RELEASES` does not
//! use is removed. So writing `RELEASES` is the one step at which either work is done.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::layout;
use crate::releases::{Lib, Releases};
use pq_files::durable::{self, Prepared, WriteError};

/// The folder of a tree. It is there only while something is in it.
pub(super) struct WorkFolder<'a> {
    root: &'a Path,
}

impl<'a> WorkFolder<'a> {
    pub(super) fn of(root: &'a Path) -> WorkFolder<'a> {
        WorkFolder { root }
    }

    /// Where a package is taken apart.
    pub(super) fn staging(&self) -> PathBuf {
        self.folder().join("staging")
    }

    /// Writes a file that goes to this place of the tree.
    pub(super) fn prepare(&self, place: &Path, text: &str) -> Result<Prepared, WriteError> {
        durable::make_folder(&self.folder())?;
        let beside = self.folder().join(place.file_name().unwrap_or_default());
        Prepared::new(beside, place, text.as_bytes())
    }

    /// Notes folders (`lib/App-Vsn`, `releases/Vsn`) that are to be there only if a release uses them.
    pub(super) fn note(&self, folders: &[String]) -> Result<(), WriteError> {
        let lines: String = folders.iter().map(|folder| format!("{folder}\n")).collect();
        durable::write(&self.journal(), lines.as_bytes())
    }

    /// True when there is none: no work was interrupted.
    pub(super) fn is_absent(&self) -> bool {
        fs::symlink_metadata(self.folder()).is_err()
    }

    /// Removes what the journal names and no release uses, and then all that is in it.
    pub(super) fn clear(&self, releases: &Releases) -> Result<(), WriteError> {
        for folder in self.noted()? {
            if !is_used(&folder, releases, self.root) {
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

/// Of what else a journal may hold nothing is removed: it is a file, and files can be edited.
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

/// The folder of an application as `lib/App-Vsn`, unless it is elsewhere than in `lib`.
pub(super) fn lib_folder(lib: &Lib, root: &Path) -> Option<String> {
    let path = root.join(&lib.folder);
    let name = path.strip_prefix(root.join("lib")).ok()?.to_str()?;
    layout::is_plain(name).then(|| format!("lib/{name}"))
}
