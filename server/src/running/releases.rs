//! Releases: the seam between requests and the release handler of `pq-release`.
//!
//! The handler blocks and is asked by one thread at a time. What others want to know meanwhile is kept beside it: the
//! list of releases as it was after the last operation, and the handler's own watch.

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use parking_lot::Mutex;
use pq_otp::upgrade::Live;
use pq_otp::{Atom, Node};
use pq_protocol::Progress;
use pq_protocol::answer::Running;
use pq_protocol::{Exit, Failure};
use pq_release::app::App;
use pq_release::boot::ReleaseTree;
use pq_release::handler::{self, InstallError, InstallPhase, Installed, ReleaseHandler, Watch};
use pq_release::registry::{AppDir, RegistryError, ReleaseRegistry};
use pq_release::releases;

use crate::boot::{self, Booted};
use crate::clock::rfc3339;
use crate::door;
use crate::operator::answer::Release;
use crate::operator::request::{ErrorAction, InstallOptions, OnOverrun, ReleaseRequest};
use crate::restart::Restart;
use crate::stall;

use super::outcome::Outcome;

/// The releases of a node that runs.
pub(crate) struct Releases {
    node: Node,
    tree: ReleaseTree,
    handler: Mutex<ReleaseHandler>,
    watch: Arc<Watch>,
    listed: Mutex<Listed>,
}

/// What is known without asking the handler.
struct Listed {
    releases: Vec<Release>,
    running: Running,
}

impl Releases {
    /// Opens the registry of the tree that the node has booted from.
    pub(crate) fn open(booted: &Booted) -> anyhow::Result<Releases> {
        let tree = ReleaseTree::open(booted.root(), boot::runtime()?);
        let registry = ReleaseRegistry::open(tree.clone(), booted.release())
            .map_err(|error| anyhow::anyhow!("failed to {error}"))?;
        let mut handler = ReleaseHandler::new(registry, booted.code().clone());
        handler.judge_settings(|release| stall::judge(release).and_then(|()| door::judge(release)));
        Ok(Releases {
            node: booted.node().clone(),
            tree,
            watch: handler.watch(),
            listed: Mutex::new(Listed::of(handler.registry(), SystemTime::now())),
            handler: Mutex::new(handler),
        })
    }

    /// From now on `hear` is told whenever an install enters a phase; it must not wait.
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

    /// How far the install is that is under way.
    pub(crate) fn progress(&self) -> Option<Progress> {
        let status = self.watch.status();
        (status.phase != InstallPhase::Idle).then(|| progress(&status))
    }

    /// What became of the settings of the release that runs, if they are not those it came with: its file is looked at now.
    pub(crate) fn settings(&self) -> Option<String> {
        let remark = self.tree.settings_remark(&self.running().vsn);
        remark.unwrap_or_else(|error| Some(format!("failed to {error}")))
    }

    /// The release that runs.
    pub(crate) fn running(&self) -> Running {
        self.listed.lock().running.clone()
    }

    /// All releases, the newest first; or those of one status.
    pub(crate) fn which(&self, status: Option<&str>) -> Vec<Release> {
        let listed = self.listed.lock();
        let wanted = |release: &&Release| status.is_none_or(|word| release.status == word);
        listed.releases.iter().filter(wanted).cloned().collect()
    }

    /// Does what is asked; nobody else may be at it.
    pub(crate) fn carry_out(&self, request: &ReleaseRequest) -> Outcome {
        let mut handler = self.handler.lock();
        let mut driver = Live::new(self.node.clone());
        let outcome = carry_out(&mut handler, &mut driver, request);
        self.listed.lock().update(handler.registry());
        outcome
    }

    /// Forgets old code that nothing runs any more, unless the handler is at work.
    pub(crate) fn retry_purges(&self) {
        if let Some(mut handler) = self.handler.try_lock() {
            handler.retry_purges(&mut Live::new(self.node.clone()));
        }
    }
}

impl Listed {
    /// After an operation: what still runs has run since it did.
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

/// One arm, one function of the handler.
fn carry_out(handler: &mut ReleaseHandler, driver: &mut Live, request: &ReleaseRequest) -> Outcome {
    let registry = |done: Result<String, RegistryError>| Outcome::of_registry(request.word(), done);
    match request {
        ReleaseRequest::Unpack { package } => registry(handler.registry_mut().unpack(package)),
        ReleaseRequest::CheckInstall { vsn, options, .. } => {
            Outcome::of_check(handler.check_install(driver, vsn, &how(options)))
        }
        ReleaseRequest::Install { vsn, from, options } => {
            match still_runs(handler.registry(), vsn, from.as_deref()) {
                Ok(()) => {
                    let installed = handler.install(driver, vsn, &how(options));
                    Outcome::of_install(installed, options.error_action)
                }
                Err(failure) => Outcome::failed(failure),
            }
        }
        ReleaseRequest::MakePermanent { vsn } => {
            let done = handler.make_permanent(driver, vsn);
            registry(done.map(|()| vsn.clone()))
        }
        ReleaseRequest::Remove { vsn } => {
            registry(handler.registry_mut().remove(vsn).map(|()| vsn.clone()))
        }
        ReleaseRequest::RebootOld { vsn } => {
            let done = registry(handler.registry_mut().reboot_old(vsn).map(|()| vsn.clone()));
            match done.answer.is_ok() {
                true => done.then_restart(Restart::of_permanent(ErrorAction::Restart)),
                false => done,
            }
        }
        ReleaseRequest::SetUnpacked { rel_file, app_dirs } => {
            let app_dirs: Vec<AppDir> = app_dirs.iter().map(app_dir).collect();
            registry(handler.registry_mut().set_unpacked(rel_file, &app_dirs))
        }
        ReleaseRequest::SetRemoved { vsn } => registry(
            handler
                .registry_mut()
                .set_removed(vsn)
                .map(|()| vsn.clone()),
        ),
        ReleaseRequest::InstallFile { vsn, file } => {
            let installed = handler.registry_mut().install_file(vsn, file);
            Outcome::of_file(request.word(), vsn, installed)
        }
        ReleaseRequest::UpgradeApp { app, dir, options } => change_app(app, options, |app| {
            handler.upgrade_app(driver, app, dir, &how(options))
        }),
        ReleaseRequest::DowngradeApp {
            app,
            vsn,
            dir,
            options,
        } => match is_version(dir, app, vsn) {
            Ok(()) => change_app(app, options, |app| {
                handler.downgrade_app(driver, app, dir, &how(options))
            }),
            Err(failure) => Outcome::failed(failure),
        },
    }
}

/// What was shown to the operator is still what would be done.
fn still_runs(registry: &ReleaseRegistry, vsn: &str, from: Option<&str>) -> Result<(), Failure> {
    let running = &registry.running().vsn;
    match from.filter(|from| from != running) {
        None => Ok(()),
        Some(from) => {
            let sentence = format!(
                "failed to install {vsn}: the plan was for a node that runs release {from}, and meanwhile it runs \
                 {running}; `pq install {vsn}` makes another plan"
            );
            Err(Failure::new(Exit::Refused, sentence))
        }
    }
}

fn change_app(
    app: &str,
    options: &InstallOptions,
    change: impl FnOnce(Atom) -> Result<Installed, InstallError>,
) -> Outcome {
    match Atom::known(app.as_bytes()) {
        Some(app) => Outcome::of_install(change(app), options.error_action),
        None => {
            let sentence = format!(
                "failed to find application {app}: nothing has this name here; `pq apps` lists the applications"
            );
            Outcome::failed(Failure::new(Exit::Refused, sentence))
        }
    }
}

/// The folder holds this version of the application, and no other.
fn is_version(dir: &Path, app: &str, vsn: &str) -> Result<(), Failure> {
    let refuse = |why: String| Failure::new(Exit::Refused, format!("failed to {why}"));
    let file = dir.join(format!("ebin/{app}.app"));
    let found = App::read(&file).map_err(|error| refuse(error.to_string()))?;
    match found.vsn == vsn {
        true => Ok(()),
        false => Err(refuse(format!(
            "find {app}-{vsn} in {}: it holds version {}",
            dir.display(),
            found.vsn
        ))),
    }
}

fn how(options: &InstallOptions) -> handler::Options {
    handler::Options {
        suspend_timeout_ms: options.suspend_timeout_ms,
        code_change_timeout_ms: options.code_change_timeout_ms,
        on_overrun: match options.on_overrun {
            OnOverrun::Abort => pq_otp::upgrade::OnOverrun::Abort,
            OnOverrun::Kill => pq_otp::upgrade::OnOverrun::Kill,
        },
        partial: options.partial,
        ..handler::Options::default()
    }
}

fn app_dir((name, vsn, dir): &(String, String, std::path::PathBuf)) -> AppDir {
    AppDir {
        name: name.clone(),
        vsn: vsn.clone(),
        dir: dir.clone(),
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
    let step = match status.phase {
        InstallPhase::Idle => "idle",
        InstallPhase::Prepare => "prepare",
        InstallPhase::Copy => "copy",
        InstallPhase::Hold => "hold",
        InstallPhase::Commit => "commit",
        InstallPhase::Apply => "apply",
    };
    Progress {
        step: step.to_string(),
        total: status.total,
        converted: status.converted,
        held: status.held,
        swapped: status.swapped,
    }
}
