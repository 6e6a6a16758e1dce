//! The registry: what a node has of releases while it runs (`release_handler(3)`, the half of it that keeps files).
//!
//! ```text
//!                unpack, set_unpacked          installed              make_permanent
//!   (package) ──────────────────────► unpacked ────────────► current ────────────────► permanent
//!                                        ▲                   │  ▲  │                    │     ▲
//!                  the node starts again └───────────────────┘  │  └──────► old ◄───────┘     │
//!                                                     installed └──────────┘ │                │
//!                                                                reboot_old  └────────────────┘
//!   remove, set_removed: of a release that neither runs nor boots next time
//! ```
//!
//! | status | in memory | in `RELEASES` | leaves by |
//! |---|---|---|---|
//! | unpacked | its files are there | the same | `installed`, `remove`, `set_removed` |
//! | current | it runs, another one boots next time | unpacked | `make_permanent`; another one `installed`; the end of the node |
//! | tmp_current | it is to run after the restart that is under way | the same | the next [`ReleaseRegistry::open`]: current if it runs then, else unpacked |
//! | permanent | it boots next time | the same | another one made permanent |
//! | old | it ran or was permanent before | the same | `installed`, `reboot_old`, `remove`, `set_removed` |
//!
//! `start_erl.data` is the truth about what boots. It is written first, and [`ReleaseRegistry::open`] makes `RELEASES` agree with it:
//! whichever of the two a crash kept from being written, the release that boots is the permanent one.
//! Work that takes more than one step is noted beforehand (`work_folder`), and a crash leaves it done or undone.
//!
//! All of it blocks on the disk and is called by one thread, that of the release handler. Installing belongs there:
//! the registry says which way leads to a release, and is told when it has been gone. No second program
//! may change the tree meanwhile; that is the caller's to prevent.

use std::path::Path;

use crate::boot::ReleaseTree;
use crate::layout;
use crate::releases::{Release, Releases, Status};
use crate::start_erl::StartErl;
use pq_files::durable::WriteError;

mod error;
mod open;
mod register;
mod remove;
mod same;
mod status;
mod unpack;
mod way;
mod work_folder;

pub use error::RegistryError;
pub use register::{AppDir, create_releases};
pub use way::Planned;

use work_folder::WorkFolder;

/// The releases of a tree while a node runs from it.
#[derive(Debug)]
pub struct ReleaseRegistry {
    tree: ReleaseTree,
    releases: Releases,
    /// INVARIANT: it is in `releases`: what runs can be neither removed nor taken off the list
    /// (`what_runs_and_what_boots_next_time_stays`).
    running: String,
}

impl ReleaseRegistry {
    /// The tree whose releases these are.
    pub fn tree(&self) -> &ReleaseTree {
        &self.tree
    }

    /// All releases, the newest first (`release_handler:which_releases/0`).
    pub fn which_releases(&self) -> &[Release] {
        &self.releases.0
    }

    /// The release that runs.
    pub fn running(&self) -> &Release {
        self.releases
            .find(&self.running)
            .expect("what runs is listed when the registry opens and cannot be removed")
    }

    /// A release was installed: it runs now. What ran before is old, unless it is the permanent one.
    /// Nothing is written: if the node ends, the permanent release boots.
    ///
    /// # Errors
    /// `{no_such_release,Vsn}`.
    pub fn installed(&mut self, vsn: &str) -> Result<(), RegistryError> {
        self.find(vsn)?;
        status::set(&mut self.releases, vsn, Status::Current);
        self.running = vsn.to_string();
        Ok(())
    }

    /// The release that runs is the one to boot next time (`release_handler:make_permanent/1`). Doing it again
    /// changes nothing.
    ///
    /// # Errors
    /// `{no_such_release,Vsn}`; `{bad_status,Status}` of a release that does not run; what the operating system refuses.
    pub fn make_permanent(&mut self, vsn: &str) -> Result<(), RegistryError> {
        match self.find(vsn)?.status {
            Status::Current | Status::Permanent => {
                self.can_boot(vsn)?;
                self.boot_next_time(vsn)
            }
            status => Err(RegistryError::BadStatus {
                vsn: vsn.to_string(),
                status,
                wanted: "install it first",
            }),
        }
    }

    /// A release that ran before is the one to boot next time; the caller then starts the node again
    /// (`release_handler:reboot_old_release/1`).
    ///
    /// # Errors
    /// As [`ReleaseRegistry::make_permanent`], with `{bad_status,Status}` of a release that is not old.
    pub fn reboot_old(&mut self, vsn: &str) -> Result<(), RegistryError> {
        match self.find(vsn)?.status {
            Status::Old => {
                self.can_boot(vsn)?;
                self.boot_next_time(vsn)
            }
            status => Err(RegistryError::BadStatus {
                vsn: vsn.to_string(),
                status,
                wanted: "only a release that ran before can be started again this way",
            }),
        }
    }

    /// A release is to run once after the restart that is under way (`restart_emulator` and `restart_new_emulator`,
    /// `appup(4)`). What boots next time stays the permanent one.
    ///
    /// # Errors
    /// `{no_such_release,Vsn}`; what the operating system refuses.
    pub fn tmp_current(&mut self, vsn: &str) -> Result<(), RegistryError> {
        self.find(vsn)?;
        let mut releases = self.releases.clone();
        status::set(&mut releases, vsn, Status::Current);
        status::set(&mut releases, vsn, Status::TmpCurrent);
        self.atomically(|registry| registry.keep(releases))
    }

    fn find(&self, vsn: &str) -> Result<&Release, RegistryError> {
        self.releases
            .find(vsn)
            .ok_or_else(|| RegistryError::NoSuchRelease {
                vsn: vsn.to_string(),
                known: self.releases.0.iter().map(|it| it.vsn.clone()).collect(),
            })
    }

    /// A release that boots next time must be there, whole and unchanged: the next boot is too late to find out.
    fn can_boot(&self, vsn: &str) -> Result<(), RegistryError> {
        self.tree.boot_vsn(vsn)?;
        Ok(())
    }

    /// Both files are on the disk before either has its place, so that a full disk leaves both as they were.
    fn boot_next_time(&mut self, vsn: &str) -> Result<(), RegistryError> {
        let start = StartErl {
            erts_vsn: self.find(vsn)?.erts_vsn.clone(),
            vsn: vsn.to_string(),
        };
        let mut releases = self.releases.clone();
        status::set(&mut releases, vsn, Status::Permanent);
        self.atomically(|registry| {
            let (work_folder, root) = (registry.work_folder(), registry.root());
            let start = work_folder.prepare(&layout::start_erl(root), &start.to_text())?;
            let list = work_folder.prepare(&layout::releases_file(root), &releases.to_text())?;
            start.put()?;
            registry.releases = releases;
            Ok(list.put()?)
        })
    }

    /// Makes these the releases, on the disk and then here. Called within [`Self::atomically`].
    fn keep(&mut self, releases: Releases) -> Result<(), RegistryError> {
        let file = layout::releases_file(self.root());
        self.work_folder()
            .prepare(&file, &releases.to_text())?
            .put()?;
        self.releases = releases;
        Ok(())
    }

    /// Does work that begins without leftovers of earlier work and leaves none, done or refused.
    fn atomically<T>(
        &mut self,
        work: impl FnOnce(&mut ReleaseRegistry) -> Result<T, RegistryError>,
    ) -> Result<T, RegistryError> {
        self.recover()?;
        let done = work(self);
        self.try_recover();
        done
    }

    fn root(&self) -> &Path {
        self.tree.root()
    }

    fn work_folder(&self) -> WorkFolder<'_> {
        WorkFolder::of(self.tree.root())
    }

    /// Finishes or undoes what was interrupted. `RELEASES` on the disk decides which of the two.
    fn recover(&self) -> Result<(), RegistryError> {
        match self.work_folder().is_absent() {
            true => Ok(()),
            false => Ok(self.work_folder().clear(&self.tree.releases()?)?),
        }
    }

    /// The same where nothing depends on it yet: what stays is tried again before the next work.
    fn try_recover(&self) {
        if let Err(error) = self.recover() {
            tracing::warn!("failed to {error}");
        }
    }
}

impl From<WriteError> for RegistryError {
    fn from(error: WriteError) -> RegistryError {
        RegistryError::Write(error)
    }
}
