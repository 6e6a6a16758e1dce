//! Removes releases from the tree and from the list.

use std::collections::BTreeSet;
use std::fs;

use super::work_folder::lib_folder;
use super::{RegistryError, ReleaseRegistry};
use crate::layout;
use crate::releases::{Lib, Release, Releases, Status};

impl ReleaseRegistry {
    /// Removes a release: its directory, and those of its applications, and of the versions in between that its relup names, in
    /// `lib` that no other release of the tree uses (`release_handler:remove_release/1`). Links are removed, not followed. Missing files are no error, so that a release
    /// with a damaged tree can be removed, too.
    ///
    /// # Errors
    /// `{no_such_release,Vsn}`; `{permanent,Vsn}`, and unlike in OTP also `{current,Vsn}` and `{tmp_current,Vsn}`, because a
    /// running release needs its files; errors of the operating system, after which the release is listed as before.
    pub fn remove(&mut self, vsn: &str) -> Result<(), RegistryError> {
        let folders = self.only_of(self.dispensable(vsn)?);
        self.atomically(|registry| {
            registry.work_folder().note(&folders)?;
            registry.keep(registry.without(vsn))
        })
    }

    /// The applications whose directories in `lib` go with this release.
    ///
    /// # Errors
    /// As [`ReleaseRegistry::remove`].
    pub fn goes_with(&self, vsn: &str) -> Result<Vec<Lib>, RegistryError> {
        let release = self.dispensable(vsn)?;
        let folders = self.only_of(release);
        let goes = |lib: &&Lib| {
            let folder = lib_folder(lib, self.root());
            folder.is_some_and(|folder| folders.contains(&folder))
        };
        let converters = self.tree.converters(vsn);
        let libs = release.libs.iter().chain(&converters);
        Ok(libs.filter(goes).cloned().collect())
    }

    /// Takes a release off the list and keeps its files (`release_handler:set_removed/1`).
    ///
    /// # Errors
    /// As [`ReleaseRegistry::remove`].
    pub fn set_removed(&mut self, vsn: &str) -> Result<(), RegistryError> {
        self.dispensable(vsn)?;
        self.atomically(|registry| registry.keep(registry.without(vsn)))
    }

    /// Finds a release that neither runs nor boots next time.
    fn dispensable(&self, vsn: &str) -> Result<&Release, RegistryError> {
        let release = self.find(vsn)?;
        let needed = match release.status {
            Status::Permanent | Status::Current | Status::TmpCurrent => Some(release.status),
            _ if vsn == self.running => Some(Status::Current),
            _ => None,
        };
        match needed {
            None => Ok(release),
            Some(status) => Err(RegistryError::Needed {
                vsn: vsn.to_string(),
                status,
            }),
        }
    }

    fn without(&self, vsn: &str) -> Releases {
        let others = self.releases.0.iter().filter(|release| release.vsn != vsn);
        Releases(others.cloned().collect())
    }

    /// The directories of a release that no other release uses.
    fn only_of(&self, release: &Release) -> Vec<String> {
        let others = self.releases.0.iter().filter(|it| it.vsn != release.vsn);
        let mut used = BTreeSet::new();
        for other in others.chain(&self.others_in_the_tree(&release.vsn)) {
            used.extend(self.folders_of(&other.libs));
            used.extend(self.folders_of(&self.tree.converters(&other.vsn)));
        }
        let mut folders = self.folders_of(&release.libs);
        folders.extend(self.folders_of(&self.tree.converters(&release.vsn)));
        folders.retain(|folder| !used.contains(folder));
        if layout::is_plain(&release.vsn) {
            folders.push(layout::release_name(&release.vsn));
        }
        folders
    }

    fn folders_of(&self, libs: &[Lib]) -> Vec<String> {
        let folder = |lib| lib_folder(lib, self.root());
        libs.iter().filter_map(folder).collect()
    }

    /// The other releases in the tree, with the applications of their `.rel` files. An author may have written a release that
    /// is not listed yet, or it may be listed without its applications, as OTP does.
    fn others_in_the_tree(&self, vsn: &str) -> Vec<Release> {
        let Ok(entries) = fs::read_dir(layout::releases(self.root())) else {
            return Vec::new();
        };
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let others = names.filter(|name| name != vsn);
        let release = |name: String| {
            let rel = self.tree.rel(&name).ok()?;
            Some(Release::of(&rel, Status::Unpacked))
        };
        others.filter_map(release).collect()
    }
}
