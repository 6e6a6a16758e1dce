//! The release handler of `pq-release` behind a lock, and the state that is known without the handler.
//!
//! The handler blocks, so one thread at a time uses it. Other threads read copies: the list of releases after the
//! last operation, and the handler's own watch of an install.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;
use pq_otp::Node;
use pq_otp::application::Settings;
use pq_otp::upgrade::Live;
use pq_protocol::Progress;
use pq_protocol::answer::{Release, Running};
use pq_protocol::record::{InstallPhase, InstallRecord};
use pq_release::FileError;
use pq_release::boot::ReleaseTree;
use pq_release::handler::{self, Judge, ReleaseHandler, Watch};
use pq_release::registry::ReleaseRegistry;
use pq_release::releases;

use super::outcome::Outcome;
use crate::boot::{self, Booted};
use crate::clock::rfc3339;

/// The limit for waiting until an operation has ended: most installs take less than 1 s.
const BETWEEN_TIMEOUT: Duration = Duration::from_secs(10);

/// The releases of a running node.
pub(crate) struct Releases {
    node: Node,
    tree: ReleaseTree,
    handler: Mutex<ReleaseHandler>,
    watch: Arc<Watch>,
    listed: Mutex<Listed>,
}

/// The state that is known without the handler.
struct Listed {
    releases: Vec<Release>,
    running: Running,
}

impl Releases {
    /// Opens the release registers of the tree; `judge_settings` checks the settings of a release before its install.
    pub(crate) fn open(booted: &Booted, judge_settings: Judge) -> anyhow::Result<Releases> {
        let tree = ReleaseTree::open(booted.root(), boot::runtime()?);
        let registry = ReleaseRegistry::open(tree.clone(), booted.release())
            .map_err(|error| anyhow::anyhow!("failed to {error}"))?;
        let mut handler = ReleaseHandler::new(registry, booted.code().clone());
        handler.judge_settings(judge_settings);
        Ok(Releases {
            node: booted.node().clone(),
            tree,
            watch: handler.watch(),
            listed: Mutex::new(Listed::of(handler.registry(), SystemTime::now())),
            handler: Mutex::new(handler),
        })
    }

    /// Registers `hear`, which is called when an install enters a phase; `hear` must not block.
    pub(crate) fn listen(
        &self,
        hear: impl Fn(&handler::InstallStatus, Progress) + Send + Sync + 'static,
    ) {
        self.watch.listen(move |status| {
            if status.phase != InstallPhase::Idle {
                hear(status, progress(status));
            }
        });
    }

    /// The progress of the install in progress.
    pub(crate) fn progress(&self) -> Option<Progress> {
        let status = self.watch.status();
        (status.phase != InstallPhase::Idle).then(|| progress(&status))
    }

    /// The install in progress with its record as far as it goes.
    pub(crate) fn install(&self) -> Option<(handler::InstallStatus, InstallRecord)> {
        let record = self.watch.record()?;
        Some((self.watch.status(), record))
    }

    /// A remark if the settings file of the running release differs from the installed file. Each call reads the
    /// file.
    pub(crate) fn settings(&self) -> Option<String> {
        let remark = self.tree.settings_remark(&self.running().vsn);
        remark.unwrap_or_else(|error| Some(format!("failed to {error}")))
    }

    /// The settings in the files of the running release, as they are now.
    ///
    /// # Errors
    /// With the file and line at fault; also if the release came with settings and has none any more.
    pub(crate) fn read_settings(&self) -> Result<Settings, FileError> {
        self.tree
            .settings(&self.running().vsn)
            .map(|(settings, _)| settings)
    }

    /// Runs `work` while no operation uses the release handler; `None` if an operation does not end within the limit.
    pub(crate) fn between_operations<T>(&self, work: impl FnOnce() -> T) -> Option<T> {
        let _handler = self.handler.try_lock_for(BETWEEN_TIMEOUT)?;
        Some(work())
    }

    /// The running release and its status.
    pub(crate) fn running(&self) -> Running {
        self.listed.lock().running.clone()
    }

    /// All releases, the newest first; with `status`, only those with this status.
    pub(crate) fn which(&self, status: Option<&str>) -> Vec<Release> {
        let listed = self.listed.lock();
        let wanted = |release: &&Release| status.is_none_or(|word| release.status == word);
        listed.releases.iter().filter(wanted).cloned().collect()
    }

    /// Runs an operation with the release handler; the caller excludes other operations.
    pub(crate) fn carry_out(
        &self,
        work: impl FnOnce(&mut ReleaseHandler, &mut Live) -> Outcome,
    ) -> Outcome {
        let mut handler = self.handler.lock();
        let mut driver = Live::new(self.node.clone());
        let outcome = work(&mut handler, &mut driver);
        self.listed.lock().update(handler.registry());
        outcome
    }

    /// Purges old code that no process runs any more, unless an operation holds the handler.
    pub(crate) fn retry_purges(&self) {
        if let Some(mut handler) = self.handler.try_lock() {
            handler.retry_purges(&mut Live::new(self.node.clone()));
        }
    }
}

impl Listed {
    /// Updates the list after an operation: a release that still runs keeps its start time.
    fn update(&mut self, registry: &ReleaseRegistry) {
        let before = self.running.clone();
        *self = Listed::of(registry, SystemTime::now());
        if self.running.vsn == before.vsn {
            self.running.since = before.since;
        }
    }

    fn of(registry: &ReleaseRegistry, since: SystemTime) -> Listed {
        let running = registry.running();
        Listed {
            releases: registry.which_releases().iter().map(listed).collect(),
            running: Running {
                name: running.name.clone(),
                vsn: running.vsn.clone(),
                status: running.status.word().to_string(),
                since: rfc3339(since),
            },
        }
    }
}

fn listed(release: &releases::Release) -> Release {
    let application = |lib: &releases::Lib| format!("{}-{}", lib.name.as_str(), lib.vsn);
    Release {
        name: release.name.clone(),
        vsn: release.vsn.clone(),
        status: release.status.word().to_string(),
        erts_vsn: release.erts_vsn.clone(),
        applications: release.libs.iter().map(application).collect(),
    }
}

fn progress(status: &handler::InstallStatus) -> Progress {
    Progress {
        step: status.phase.word().to_string(),
        total: status.total,
        converted: status.converted,
        held: status.held,
        swapped: status.swapped,
    }
}
