//! The release handler: another release comes into force in a running node (`release_handler(3)`).
//!
//! ```text
//!   way_to ───► script ─► prepare ───► preflight ─► point of no return ─► steps ─► config_change ─► installed
//!   (registry)  checked   libraries    later steps                        exchange: one transaction (pq_otp::upgrade)
//!                         verified     on copies                          barrier:  apply, stop, start: reaches the world
//! ```
//! A failure before the first exchange is committed or the first barrier is reached has changed nothing: the node runs on as
//! before and needs no restart. A failure after that is answered as in OTP, with a restart on the permanent release;
//! [`InstallError::touched`] tells the two apart.
//!
//! Everything here blocks, and one thread calls it. Other threads can ask [`Watch`] about a running install.
//! [`crate::registry`] lists the releases of the tree; sockets and restarts belong to the node (`server`).

use std::sync::Arc;

use pq_code::CodeServer;
use pq_otp::Runner;
#[cfg(doc)]
use pq_otp::upgrade::Plan;
use pq_otp::upgrade::{Driver, OnOverrun};

use crate::boot::BootRelease;
use crate::instruction::Purge;
use crate::judge::ASK_TIMEOUT_MS;
use crate::registry::ReleaseRegistry;

mod prepare;

mod preflight;

mod check;
mod install;

mod app;
mod apply;
mod children;
mod config;
mod converters;
mod drift;
mod error;
mod exchange;
mod losses;
mod memory;
mod modules;
mod report;
mod watch;

pub use crate::script::ScriptError;
pub use error::{FailedStep, InstallError};
pub use report::CheckReport;
pub use watch::{InstallStatus, Watch};

/// Options of an install (`release_handler:install_release/2`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Options {
    /// The longest time in milliseconds in which supervisors settle, and in which copying and holding make no progress. It
    /// takes precedence over the relup; 5 000 ms when neither sets a time.
    pub suspend_timeout_ms: Option<u64>,
    /// The longest time for which one conversion may compute or sleep, in milliseconds; 5 000 ms by default.
    pub code_change_timeout_ms: Option<u64>,
    /// The treatment of a process whose conversion takes longer.
    pub on_overrun: OnOverrun,
    /// Permits a relup after which code of the running release stays in force.
    pub partial: bool,
    /// Permits a way down that loses fields of states.
    pub lossy: bool,
    /// The number of processes that a shard handles before it returns to its other work ([`Plan::SLICE`] by default).
    pub slice: Option<u32>,
}

/// Checks the settings of a release before it runs, and returns a sentence about the first fault. The settings belong to parts
/// of the node that are not part of any release, so the node supplies this function.
pub type Judge = fn(&BootRelease) -> Result<(), String>;

/// Old code that processes still run, and the kind of purge for it.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Unpurged {
    module: pq_otp::Module,
    purge: Purge,
}

/// The release handler of a node.
pub struct ReleaseHandler {
    registry: ReleaseRegistry,
    code: Arc<CodeServer>,
    judge: Judge,
    watch: Arc<Watch>,
    unpurged: Vec<Unpurged>,
    /// The memory that all libraries took after the last install, in bytes.
    mapped_bytes: u64,
    /// Applications that `upgrade_app` or `downgrade_app` changed, with the directories of their versions.
    app_folders: Vec<crate::releases::Lib>,
}

impl ReleaseHandler {
    /// Makes the release handler of a node, from its registry and its code server.
    pub fn new(registry: ReleaseRegistry, code: Arc<CodeServer>) -> ReleaseHandler {
        ReleaseHandler {
            mapped_bytes: mapped_bytes(&code),
            registry,
            code,
            judge: |_| Ok(()),
            watch: Arc::default(),
            unpurged: Vec::new(),
            app_folders: Vec::new(),
        }
    }

    /// Sets the check for settings: a release whose settings `judge` refuses is refused before anything has changed.
    pub fn judge_settings(&mut self, judge: Judge) {
        self.judge = judge;
    }

    /// The registry, which lists the releases of the tree.
    pub fn registry(&self) -> &ReleaseRegistry {
        &self.registry
    }

    /// The registry, for unpacking and removing releases.
    pub fn registry_mut(&mut self) -> &mut ReleaseRegistry {
        &mut self.registry
    }

    /// A handle with which any thread can follow an install.
    pub fn watch(&self) -> Arc<Watch> {
        self.watch.clone()
    }

    /// The versions of modules that are old and still run, as `Module-Vsn`.
    pub fn unpurged(&self) -> Vec<String> {
        let line = |unpurged: &Unpurged| format!("{:?}", unpurged.module);
        self.unpurged.iter().map(line).collect()
    }

    /// Makes the running release the one that boots next time, and kills processes in old code whose relup says `brutal_purge`
    /// (`release_handler:make_permanent/1`).
    ///
    /// # Errors
    /// As [`ReleaseRegistry::make_permanent`].
    pub fn make_permanent(
        &mut self,
        driver: &mut dyn Driver,
        vsn: &str,
    ) -> Result<(), crate::registry::RegistryError> {
        self.registry.make_permanent(vsn)?;
        if let Some(stall) = driver.node().stalled() {
            tracing::warn!("processes run old code until the next `make-permanent`: {stall}");
            return Ok(());
        }
        for unpurged in std::mem::take(&mut self.unpurged) {
            match unpurged.purge {
                Purge::Brutal => self.purge_brutally(driver, unpurged.module),
                Purge::Soft => self.unpurged.push(unpurged),
            }
        }
        Ok(())
    }

    /// Forgets old code that no process runs any more. The node calls it regularly; OTP does so every ten seconds.
    pub fn retry_purges(&mut self, driver: &mut dyn Driver) {
        for unpurged in std::mem::take(&mut self.unpurged) {
            match driver.who_runs(unpurged.module, ASK_TIMEOUT_MS) {
                Ok(runners) if runners.is_empty() => self.forget(unpurged.module),
                // Code whose processes cannot be listed now is tried again the next time.
                _ => self.unpurged.push(unpurged),
            }
        }
    }

    /// The memory of the libraries that were loaded since the last call, in bytes: by a check, or by the install itself.
    fn loaded_since(&mut self) -> u64 {
        let now = mapped_bytes(&self.code);
        now - std::mem::replace(&mut self.mapped_bytes, now)
    }

    /// Kills the processes that run this version, and forgets the version. An event manager only loses its handler.
    fn purge_brutally(&mut self, driver: &mut dyn Driver, module: pq_otp::Module) {
        match driver.who_runs(module, ASK_TIMEOUT_MS) {
            Ok(runners) if runners.is_empty() => (),
            Ok(runners) => {
                end_all(driver, module, runners);
                // The shard answers after it has handled the earlier requests: then the killed processes have ended and are
                // counted.
                let _ = driver.who_runs(module, ASK_TIMEOUT_MS);
            }
            Err(error) => tracing::error!(?module, %error, "processes continue to run old code"),
        }
        self.forget(module);
    }

    /// Forgets a version that is neither current nor old any more.
    fn forget(&self, module: pq_otp::Module) {
        if self.code.old(module.name()) == Some(module) {
            self.code.purge(module.name());
        }
    }
}

fn end_all(driver: &mut dyn Driver, module: pq_otp::Module, runners: Vec<Runner>) {
    for runner in runners {
        match runner {
            Runner::Process(pid) => driver.node().kill(pid),
            Runner::Manager(pid) => children::delete_handler(driver, pid, module),
        }
    }
}

/// The memory of all libraries of a code server, in bytes.
fn mapped_bytes(code: &CodeServer) -> u64 {
    let libraries = code.libraries().into_iter();
    libraries.map(|library| library.mapped_bytes).sum()
}
