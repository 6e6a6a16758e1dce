//! The registry: the releases of a running node (`release_handler(3)`, the part that manages files).
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
//! | status | in memory | in `RELEASES` | ends by |
//! |---|---|---|---|
//! | unpacked | its files are in the tree | the same | `installed`, `remove`, `set_removed` |
//! | current | it runs, another boots next time | unpacked | `make_permanent`; another `installed`; end of the node |
//! | tmp_current | it runs after the pending restart | the same | next `open`: current if it runs then, else unpacked |
//! | permanent | it boots next time | the same | another release made permanent |
//! | old | it ran or was permanent before | the same | `installed`, `reboot_old`, `remove`, `set_removed` |
//!
//! `start_erl.data` decides which release boots. It is written first, and [`ReleaseRegistry::open`] makes `RELEASES` agree with
//! it: when a crash prevents the write of either file, the booting release is still the permanent one. Work of more than one
//! step is noted in a journal first (`work_folder`), and a crash leaves it done or undone.
//!
//! All functions block on the disk, and one thread calls them: that of the release handler. The release handler installs
//! releases: the registry returns the way to a release, and is told when the release is installed. No second program may change
//! the tree meanwhile; the caller has to prevent this.

use std::path::Path;

use crate::boot::ReleaseTree;
use crate::layout;
use crate::releases::{Release, Releases, Status};
use crate::start_erl::StartErl;
use pq_files::durable::WriteError;

mod composed;
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
pub use unpack::Unpacked;
pub use way::Planned;

use work_folder::WorkFolder;

/// The releases of a tree from which a node runs.
#[derive(Debug)]
pub struct ReleaseRegistry {
    tree: ReleaseTree,
    releases: Releases,
    /// INVARIANT: `releases` contains this version: a running release can be neither removed nor taken off the list
    /// (`what_runs_and_what_boots_next_time_stays`).
    running: String,
}

impl ReleaseRegistry {
    /// The tree with the releases.
    pub fn tree(&self) -> &ReleaseTree {
        &self.tree
    }

    /// All releases, newest first (`release_handler:which_releases/0`).
    pub fn which_releases(&self) -> &[Release] {
        &self.releases.0
    }

    /// The release that the node runs now.
    pub fn running(&self) -> &Release {
        self.releases
            .find(&self.running)
            .expect("what runs is listed when the registry opens and cannot be removed")
    }

    /// Records that a release was installed and runs now. The release that ran before becomes old, unless it is permanent.
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

    /// Makes the running release the one that boots next time (`release_handler:make_permanent/1`). A repetition has no effect.
    ///
    /// # Errors
    /// `{no_such_release,Vsn}`; `{bad_status,Status}` for a release that does not run; errors of the operating system.
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

    /// Makes an old release the one that boots next time; the caller then restarts the node
    /// (`release_handler:reboot_old_release/1`).
    ///
    /// # Errors
    /// As [`ReleaseRegistry::make_permanent`], with `{bad_status,Status}` for a release that is not old.
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

    /// Records that a release runs once after the pending restart (`restart_emulator` and `restart_new_emulator`, `appup(4)`).
    /// The permanent release still boots next time.
    ///
    /// # Errors
    /// `{no_such_release,Vsn}`; errors of the operating system.
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

    /// Checks that all files of a release exist and are unchanged, before it becomes the one that boots: the next boot is too
    /// late.
    fn can_boot(&self, vsn: &str) -> Result<(), RegistryError> {
        self.tree.boot_vsn(vsn)?;
        Ok(())
    }

    /// Both files are written to the disk before either moves to its place, so that a full disk changes neither.
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

    /// Makes these the releases, on the disk and then in memory. Called within [`Self::atomically`].
    fn keep(&mut self, releases: Releases) -> Result<(), RegistryError> {
        let file = layout::releases_file(self.root());
        self.work_folder()
            .prepare(&file, &releases.to_text())?
            .put()?;
        self.releases = releases;
        Ok(())
    }

    /// Runs work without leftovers of earlier work, and removes its own leftovers after success and failure.
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

    /// Finishes or undoes interrupted work. `RELEASES` on the disk decides which.
    fn recover(&self) -> Result<(), RegistryError> {
        match self.work_folder().is_absent() {
            true => Ok(()),
            false => {
                let releases = self.tree.releases()?;
                let vsns = releases.0.iter().map(|release| &release.vsn);
                let converters: Vec<_> = vsns.flat_map(|vsn| self.tree.converters(vsn)).collect();
                Ok(self.work_folder().clear(&releases, &converters)?)
            }
        }
    }

    /// The same when nothing depends on it yet: leftovers are tried again before the next work.
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
