//! Opening the registry: what the disk says, made to agree with itself and with what runs.

use crate::boot::ReleaseTree;
use crate::file_error::FileError;
use crate::layout;
use crate::releases::{Release, Releases, Status};
use crate::start_erl::StartErl;

use super::{RegistryError, ReleaseRegistry, status};

impl ReleaseRegistry {
    /// Opens the registry of a tree from which a node runs release `running`. What was interrupted is finished or undone,
    /// and where the files disagree, `start_erl.data` is right about what boots next time.
    ///
    /// What is missing is made: `RELEASES` from the release that runs and the one that boots, each with its applications
    /// (OTP's invented entry has none, and removing another release then deletes those they share); `start_erl.data`
    /// from `RELEASES`.
    ///
    /// # Errors
    /// When one of the two files is there and cannot be read; when what runs or boots is neither listed nor in the tree;
    /// when the operating system refuses.
    pub fn open(tree: ReleaseTree, running: &str) -> Result<ReleaseRegistry, RegistryError> {
        let on_disk = present(tree.releases())?;
        let start = present(tree.start_erl())?;
        let mut releases = on_disk.clone().unwrap_or_default();
        list(&mut releases, &tree, running)?;
        let permanent = match (&start, releases.permanent()) {
            (Some(start), _) => start.vsn.clone(),
            (None, Some(release)) => release.vsn.clone(),
            (None, None) => running.to_string(),
        };
        list(&mut releases, &tree, &permanent)?;
        status::settle(&mut releases, &permanent);
        let mut registry = ReleaseRegistry {
            tree,
            releases: Releases::default(),
            running: running.to_string(),
        };
        registry.agree(on_disk, releases)?;
        registry.name_what_boots(start, &permanent)?;
        registry.try_recover();
        registry.mark_what_runs();
        Ok(registry)
    }

    fn agree(&mut self, on_disk: Option<Releases>, wanted: Releases) -> Result<(), RegistryError> {
        match on_disk {
            Some(found) if found == wanted => {
                self.releases = wanted;
                Ok(())
            }
            _ => self.keep(wanted),
        }
    }

    fn name_what_boots(
        &self,
        found: Option<StartErl>,
        permanent: &str,
    ) -> Result<(), RegistryError> {
        if found.is_some() {
            return Ok(());
        }
        let start = StartErl {
            erts_vsn: self.find(permanent)?.erts_vsn.clone(),
            vsn: permanent.to_string(),
        };
        let file = layout::start_erl(self.root());
        Ok(self.work_folder().prepare(&file, &start.to_text())?.put()?)
    }

    /// What runs is the permanent release, or else current: on the disk there is no current one.
    fn mark_what_runs(&mut self) {
        let running = self.running.clone();
        status::set(&mut self.releases, &running, Status::Current);
    }
}

fn present<T>(read: Result<T, FileError>) -> Result<Option<T>, FileError> {
    match read {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.is_absence() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Lists a release of the tree that is not listed yet.
fn list(releases: &mut Releases, tree: &ReleaseTree, vsn: &str) -> Result<(), RegistryError> {
    if releases.find(vsn).is_none() {
        let rel = tree.rel(vsn)?;
        releases.0.push(Release::of(&rel, Status::Unpacked));
    }
    Ok(())
}
