//! Opens the registry: makes the files on the disk agree with each other and with the running release.

use crate::boot::ReleaseTree;
use crate::file_error::FileError;
use crate::layout;
use crate::releases::{Release, Releases, Status};
use crate::start_erl::StartErl;

use super::{RegistryError, ReleaseRegistry, status};

impl ReleaseRegistry {
    /// Opens the registry of a tree from which a node runs release `running`. Interrupted work is finished or undone. When the
    /// files disagree, `start_erl.data` decides which release boots next time.
    ///
    /// Missing files are written: `RELEASES` from the running release and the booting one, each with its applications (the
    /// entry that OTP generates has none, so the removal of another release deletes shared applications); `start_erl.data` from
    /// `RELEASES`.
    ///
    /// # Errors
    /// When one of the two files exists and is unreadable; when the running or the booting release is neither listed nor in the
    /// tree; when the operating system fails.
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

    /// Reads the registry of a tree from which another node runs release `running`, for a rehearsal: nothing is written, and
    /// interrupted work is left to that node.
    ///
    /// # Errors
    /// When the list of releases is unreadable, or the running release is neither listed nor in the tree.
    pub fn read(tree: ReleaseTree, running: &str) -> Result<ReleaseRegistry, RegistryError> {
        let mut releases = present(tree.releases())?.unwrap_or_default();
        list(&mut releases, &tree, running)?;
        let mut registry = ReleaseRegistry {
            tree,
            releases,
            running: running.to_string(),
        };
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

    /// The running release is permanent or else current: the files on the disk have no current release.
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

/// Adds a release of the tree to the list, if it is missing there.
fn list(releases: &mut Releases, tree: &ReleaseTree, vsn: &str) -> Result<(), RegistryError> {
    if releases.find(vsn).is_none() {
        let rel = tree.rel(vsn)?;
        releases.0.push(Release::of(&rel, Status::Unpacked));
    }
    Ok(())
}
