//! The release handler: another release comes into force in a running node (`release_handler(3)`).
//!
//! ```text
//!   way_to ───► script ─► prepare ───► preflight ─► point of no return ─► steps ─► config_change ─► installed
//!   (registry)  checked   libraries    later steps                        exchange: one transaction (pq_otp::upgrade)
//!                         verified     on copies                          barrier:  apply, stop, start: reaches the world
//! ```
//! What fails before the first exchange is committed or the first barrier reached has changed nothing: the node plays
//! on as it was, and needs no restart. What fails behind that is answered as OTP answers it, with a restart on the
//! permanent release; [`InstallError::touched`] says which of the two it is.
//!
//! Everything here blocks and is called by one thread. What others may ask meanwhile is [`Watch`].
//! The releases of the tree are listed by [`crate::registry`]; sockets and restarts belong to the node (`server`).

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
mod drift;
mod error;
mod exchange;
mod memory;
mod modules;
mod report;
mod watch;

pub use crate::script::ScriptError;
pub use error::{FailedStep, InstallError};
pub use report::CheckReport;
pub use watch::{InstallStatus, Watch};

/// How an install is done (`release_handler:install_release/2`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Options {
    /// How long processes may be held until the decision; above what the relup says. 5 000 ms when neither says.
    pub suspend_timeout_ms: Option<u64>,
    /// How long one conversion may take; 5 000 ms by default.
    pub code_change_timeout_ms: Option<u64>,
    /// What becomes of a process whose conversion takes longer.
    pub on_overrun: OnOverrun,
    /// Code of the release that runs may stay in force where the relup leaves it.
    pub partial: bool,
    /// How many processes a shard looks after before it does its other work again ([`Plan::SLICE`] by default).
    pub slice: Option<u32>,
}

/// Says as a sentence what is wrong with the settings of a release that is to run. What they mean is known to those
/// parts of the node that no release brings.
pub type Judge = fn(&BootRelease) -> Result<(), String>;

/// Old code that processes still run, and what is to become of them.
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
    /// What all libraries took when a release was installed last.
    mapped_bytes: u64,
    /// Applications that were changed by themselves, and where they came from.
    app_folders: Vec<crate::releases::Lib>,
}

impl ReleaseHandler {
    /// For the node whose releases the registry keeps and whose code this is.
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

    /// From now on a release is refused whose settings `judge` refuses, before anything of it has happened.
    pub fn judge_settings(&mut self, judge: Judge) {
        self.judge = judge;
    }

    /// The releases of the tree.
    pub fn registry(&self) -> &ReleaseRegistry {
        &self.registry
    }

    /// The same, for unpacking and removing.
    pub fn registry_mut(&mut self) -> &mut ReleaseRegistry {
        &mut self.registry
    }

    /// What may be asked while an install is under way, from any thread.
    pub fn watch(&self) -> Arc<Watch> {
        self.watch.clone()
    }

    /// Old code that processes still run: `Module-Vsn`.
    pub fn unpurged(&self) -> Vec<String> {
        let line = |unpurged: &Unpurged| format!("{:?}", unpurged.module);
        self.unpurged.iter().map(line).collect()
    }

    /// The release that runs boots next time, and what the relups wanted killed in old code is
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
            tracing::warn!("processes in old code stay until the next `make-permanent`: {stall}");
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

    /// Forgets old code that nothing runs any more. To be called now and then; OTP does it every ten seconds.
    pub fn retry_purges(&mut self, driver: &mut dyn Driver) {
        for unpurged in std::mem::take(&mut self.unpurged) {
            match driver.who_runs(unpurged.module, ASK_TIMEOUT_MS) {
                Ok(runners) if runners.is_empty() => self.forget(unpurged.module),
                // Who cannot be asked now is asked the next time.
                _ => self.unpurged.push(unpurged),
            }
        }
    }

    /// What libraries take that were loaded since this was last asked: for a check, or for the install itself.
    fn loaded_since(&mut self) -> u64 {
        let now = mapped_bytes(&self.code);
        now - std::mem::replace(&mut self.mapped_bytes, now)
    }

    /// Kills what runs this version, and forgets it. An event manager only loses its handler.
    fn purge_brutally(&mut self, driver: &mut dyn Driver, module: pq_otp::Module) {
        match driver.who_runs(module, ASK_TIMEOUT_MS) {
            Ok(runners) if runners.is_empty() => (),
            Ok(runners) => {
                end_all(driver, module, runners);
                // A shard answers after it has done what it was told before: now they have ended, and count.
                let _ = driver.who_runs(module, ASK_TIMEOUT_MS);
            }
            Err(error) => tracing::error!(?module, %error, "processes in old code stay"),
        }
        self.forget(module);
    }

    /// The version is neither current nor old any more.
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

/// What all libraries of a code server take.
fn mapped_bytes(code: &CodeServer) -> u64 {
    let libraries = code.libraries().into_iter();
    libraries.map(|library| library.mapped_bytes).sum()
}
