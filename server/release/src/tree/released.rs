//! Protects released files: which files a new build may replace in a tree.
//!
//! A node runs from the files of releases that `RELEASES` lists, and boots from them again. Different bytes need another
//! version, unless the author explicitly replaces them.

use std::fmt::{self, Display};
use std::path::{Path, PathBuf};

use pq_code::{LIBRARY_BYTES_MAX, manifest_of};

use super::Files;
use crate::app::App;
use crate::file_error::FileError;
use crate::layout;
use crate::rel::Rel;
use crate::releases::{Lib, Releases};
use crate::same_vsn::SameVsn;
use crate::summed::{Compared, SETTINGS, Summed};

/// The files of listed releases that may be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overwrite {
    /// Only a `relup` may be replaced.
    Nothing,
    /// All files except edited settings.
    Code,
    /// All files, including edited settings.
    All,
}

/// A released file that would change. Displays as a fragment that continues "failed to …".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "replace {}: RELEASES lists {whose}, and the new file differs{changed}; raise the version of {what}, or --force replaces it", .file.display()
)]
pub struct Replaced {
    /// The path of the released file.
    pub file: PathBuf,
    /// The application and the release, or the release.
    whose: String,
    /// The application or release that needs another version.
    what: String,
    /// The modules with different code, where they are known.
    changed: Changed,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Changed(SameVsn);

impl Display for Changed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 == SameVsn::default() {
            true => Ok(()),
            false => write!(f, " ({})", self.0),
        }
    }
}

/// The treatment of the settings in the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Settings {
    /// The settings are those of the release and are replaced.
    Replace,
    /// The settings were edited and stay.
    Keep,
}

/// The released files of a tree.
pub(super) struct Released {
    releases: Releases,
    overwrite: Overwrite,
}

impl Released {
    pub(super) fn of(root: &Path, overwrite: Overwrite) -> Result<Released, FileError> {
        let releases = match Releases::read(&layout::releases_file(root)) {
            Err(error) if error.is_absence() => Releases::default(),
            found => found?,
        };
        Ok(Released {
            releases,
            overwrite,
        })
    }

    /// Checks that these files may replace those of the application.
    pub(super) fn may_write_app(
        &self,
        root: &Path,
        app: &App,
        files: &Files<'_>,
    ) -> Result<(), Replaced> {
        let is_it = |lib: &Lib| lib.name == app.name && lib.vsn == app.vsn;
        let mut releases = self.releases.0.iter();
        let listed = releases.find(|release| release.libs.iter().any(is_it));
        let Some(release) = listed.filter(|_| self.overwrite == Overwrite::Nothing) else {
            return Ok(());
        };
        let folder = layout::lib(root, app.name.as_str(), &app.vsn);
        for (path, bytes) in files {
            if let Some(changed) = differs(&folder.join(path), bytes) {
                let (name, vsn) = (app.name.as_str(), &app.vsn);
                return Err(Replaced {
                    file: folder.join(path),
                    whose: format!("{name} {vsn} in release {}", release.vsn),
                    what: format!("`{name}`"),
                    changed,
                });
            }
        }
        Ok(())
    }

    /// Checks that this text may replace the `.rel` file of the release.
    pub(super) fn may_write_rel(
        &self,
        root: &Path,
        rel: &Rel,
        text: &[u8],
    ) -> Result<(), Replaced> {
        let listed = self.releases.find(&rel.vsn);
        let file = layout::rel_file(root, &rel.name, &rel.vsn);
        match listed.filter(|_| self.overwrite == Overwrite::Nothing) {
            Some(_) => match differs(&file, text) {
                None => Ok(()),
                Some(changed) => Err(Replaced {
                    file,
                    whose: format!("release {}", rel.vsn),
                    what: "the release".to_string(),
                    changed,
                }),
            },
            None => Ok(()),
        }
    }

    /// Decides whether the settings of the tree stay: an operator may have edited them.
    pub(super) fn settings(
        &self,
        root: &Path,
        rel: &Rel,
        text: Option<&str>,
    ) -> Result<Settings, FileError> {
        let is_listed = self.releases.find(&rel.vsn).is_some();
        if !is_listed || text.is_none() || self.overwrite == Overwrite::All {
            return Ok(Settings::Replace);
        }
        let summed = Summed::open(root, &layout::release(root, &rel.vsn))?;
        let stays = match summed.settings()? {
            Compared::Edited | Compared::Added => true,
            Compared::Unknown => layout::release(root, &rel.vsn).join(SETTINGS).exists(),
            Compared::Same => false,
        };
        Ok(match stays {
            true => Settings::Keep,
            false => Settings::Replace,
        })
    }
}

/// Compares a file with these bytes, and finds the changed modules when both are libraries. A missing file is no difference.
fn differs(file: &Path, bytes: &[u8]) -> Option<Changed> {
    let found = match pq_files::read(file, LIBRARY_BYTES_MAX) {
        Ok(found) if found == bytes => return None,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        found => found.unwrap_or_default(),
    };
    let same = match (manifest_of(&found), manifest_of(bytes)) {
        (Ok(found), Ok(new)) => SameVsn::of(&found, &new),
        _ => SameVsn::default(),
    };
    Some(Changed(same))
}
