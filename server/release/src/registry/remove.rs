//! Releases that go.

use std::collections::BTreeSet;
use std::fs;

use super::work_folder::lib_folder;
use super::{RegistryError, ReleaseRegistry};
use crate::layout;
use crate::releases::{Lib, Release, Releases, Status};

impl ReleaseRegistry {
    /// Removes a release: its folder, and those of its applications in `lib` that no other release of the tree uses
    /// (`release_handler:remove_release/1`). Links are removed, not followed. What is gone already is no error, so a
    /// release with a damaged tree can be removed too.
    ///
    /// # Errors
    /// `{no_such_release,Vsn}`; `{permanent,Vsn}`, and unlike OTP also `{current,Vsn}` and `{tmp_current,Vsn}`: the files
    /// of what runs are needed; what the operating system refuses. Then the release is listed as before.
    pub fn remove(&mut self, vsn: &str) -> Result<(), RegistryError> {
        let folders = self.only_of(self.dispensable(vsn)?);
        self.atomically(|registry| {
            registry.work_folder().note(&folders)?;
            registry.keep(registry.without(vsn))
        })
    }

    /// Takes a release off the list and leaves its files (`release_handler:set_removed/1`).
    ///
    /// # Errors
    /// As [`ReleaseRegistry::remove`].
    pub fn set_removed(&mut self, vsn: &str) -> Result<(), RegistryError> {
        self.dispensable(vsn)?;
        self.atomically(|registry| registry.keep(registry.without(vsn)))
    }

    /// A release that neither runs nor is to boot.
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

    /// The folders of a release that no other one uses.
    fn only_of(&self, release: &Release) -> Vec<String> {
        let others = self.releases.0.iter().filter(|it| it.vsn != release.vsn);
        let mut used = BTreeSet::new();
        for other in others.chain(&self.others_in_the_tree(&release.vsn)) {
            used.extend(self.folders_of(&other.libs));
        }
        let mut folders = self.folders_of(&release.libs);
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

    /// The other releases that are in the tree, with the applications of their `.rel` files: somebody may have laid one
    /// out that is not listed yet, or listed one without its applications, as OTP does.
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
