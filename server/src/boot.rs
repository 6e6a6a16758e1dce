//! Boot: from a release tree to running applications, in the order of their dependencies.
//!
//! ```text
//!   tree ─► libraries verified and loaded ─► shards ─► application controller ─► load all ─► start all
//! ```

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use parking_lot::Mutex;
use pq_code::{CodeServer, Wanted};
use pq_otp::application::{AppReply, AppRequest, Controller, Settings};
use pq_otp::{Ask, Config, Counters, Lateness, Node, Reason, RequestError, StallHook, Threads};
use pq_protocol::{Exit, Failure};
use pq_release::boot::{BootApp, BootError, BootRelease, BuiltIn, Code, ReleaseTree, Runtime};
use pq_release::rel::RelStart;
use pq_term::{Term, shorten};
use regis_application::Names;
use tokio::sync::mpsc;

use crate::applications::{NODE_VSN, built_in};
use crate::door::Application;
use crate::options;

/// How long one application may take to start or stop: its supervisors have their own, shorter times.
const APPLICATION_TIMEOUT_MS: u64 = 60_000;

/// How much of a reason the last sentence of a node shows.
const REASON_CHARS_MAX: usize = 1_000;

/// How long the application controller may take to say what runs.
const WHICH_TIMEOUT_MS: u64 = 5_000;

/// Why a node did not stop in order; continues "failed to stop the node in order: ".
#[derive(Debug, thiserror::Error)]
pub(crate) enum StopError {
    /// Nobody knows what is to be stopped.
    #[error("the application controller does not say which applications run: {0}")]
    Unknown(String),
    /// One does not stop.
    #[error("application {name} does not stop: {why}")]
    Application {
        /// Which.
        name: String,
        /// What its stop ended with.
        why: RequestError,
    },
    /// A shard takes no part in it.
    #[error("{0}")]
    Stalled(String),
    /// The time for all of it is over.
    #[error("it is not done within {0:?}")]
    TooLong(Duration),
}

/// A node whose applications run.
pub(crate) struct Booted {
    node: Node,
    /// Until the node stops.
    threads: Mutex<Option<Threads>>,
    code: Arc<CodeServer>,
    names: Names,
    root: PathBuf,
    /// The version of the release it booted.
    release: String,
    /// The application behind its door.
    behind_door: Option<Application>,
}

/// What a node calls while it runs.
pub(crate) struct Hooks {
    /// Told why, when a permanent application ends.
    pub(crate) ended: mpsc::Sender<String>,
    /// Called when a callback does not end.
    pub(crate) on_stall: StallHook,
}

/// Boots a release.
pub(crate) fn boot(
    root: &Path,
    release: Option<&str>,
    options: &options::Node,
    hooks: Hooks,
) -> anyhow::Result<Booted> {
    let tree = ReleaseTree::open(root, runtime()?);
    let boot = match release {
        Some(vsn) => tree.boot_vsn(vsn),
        None => tree.boot(),
    };
    let boot = boot.map_err(refused)?;
    for remark in &boot.remarks {
        tracing::warn!("{remark}");
    }
    tracing::info!(release = boot.rel.name, vsn = boot.rel.vsn, root = %root.display(), "booting");
    let code = Arc::new(load_code(&boot)?);
    judge(&boot, &code);
    let behind_door = Application::of(&boot)?;
    let (config, names) = config(code.clone(), options, hooks.on_stall);
    let threads = Threads::start(config).context("failed to start the scheduler threads")?;
    let booted = Booted {
        node: threads.node().clone(),
        threads: Mutex::new(Some(threads)),
        code,
        names,
        root: root.to_path_buf(),
        release: boot.rel.vsn.clone(),
        behind_door,
    };
    let command_line = booted.command_line(options);
    start_controller(
        &booted.node,
        boot.settings.clone(),
        command_line,
        hooks.ended,
    )?;
    for app in &boot.applications {
        booted.start(app)?;
    }
    Ok(booted)
}

/// What this program is, for the release tree.
pub(crate) fn runtime() -> anyhow::Result<Runtime> {
    let built_in = built_in().into_iter().map(|text| {
        let app = pq_release::app::App::parse(Path::new("built-in"), &text)?;
        Ok(BuiltIn {
            name: app.name.as_str().to_string(),
            vsn: app.vsn.clone(),
            app_text: text,
        })
    });
    Ok(Runtime {
        erts_vsn: NODE_VSN.to_string(),
        built_in: built_in.collect::<anyhow::Result<_>>()?,
    })
}

fn load_code(boot: &BootRelease) -> anyhow::Result<CodeServer> {
    let code = CodeServer::new();
    let own = code
        .link_library(&regis_application::LIBRARY)
        .context("failed to link the registry")?;
    code.make_all_current(own).map_err(failed)?;
    for app in &boot.applications {
        if let Code::Library { path, sha256 } = &app.code {
            let wanted = Wanted {
                checksum: Some(sha256.parse().context("failed to read a checksum")?),
                owner: Some((app.app.name.as_str(), &app.app.vsn)),
            };
            let library = code.load_library(path, wanted).map_err(failed)?;
            code.make_all_current(library).map_err(failed)?;
        }
    }
    Ok(code)
}

/// A tree that cannot boot; of a file that is not the one that was unpacked, the exit code says so too.
fn refused(error: BootError) -> anyhow::Error {
    match error.is_checksum() {
        true => Failure::new(Exit::Checksum, format!("failed to {error}")).into(),
        false => failed(error),
    }
}

/// What is wrong with a release that was installed once is said and keeps it from nothing: a node that lacks a function
/// serves more players than one that does not start, and what cannot start fails by itself.
fn judge(boot: &BootRelease, code: &CodeServer) {
    match pq_release::judge::author::release(boot, code) {
        Ok(findings) => findings
            .iter()
            .for_each(|finding| tracing::warn!("the release is wrong: {finding}")),
        Err(error) => tracing::warn!("failed to {error}"),
    }
}

/// The errors of the crates below are fragments that continue "failed to …".
fn failed(error: impl Display) -> anyhow::Error {
    anyhow::anyhow!("failed to {error}")
}

fn config(code: Arc<CodeServer>, options: &options::Node, on_stall: StallHook) -> (Config, Names) {
    let mut config = Config::new(code);
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    // One more for supervisors, who have little to do and are not to wait for anybody.
    config.shards = 1 + options.shards.map_or_else(cores, usize::from);
    config.supervisors_apart = true;
    config.on_stall = Some(on_stall);
    config.seed = options.seed.unwrap_or_else(seed_of_chance);
    let names = regis_application::install(&mut config);
    (config, names)
}

/// A seed from the system: the hasher's keys of this process, which std draws anew for each.
fn seed_of_chance() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(std::process::id())
}

fn start_controller(
    node: &Node,
    sys_config: Settings,
    command_line: Settings,
    ended: mpsc::Sender<String>,
) -> anyhow::Result<()> {
    let on_end = move |application: &str, reason: &Reason| {
        // The first reason is told; the node is ending already at any further one.
        let reason = reason.to_string();
        let reason = shorten(&reason, REASON_CHARS_MAX);
        let _ = ended.try_send(format!("application {application} has ended: {reason}"));
    };
    let controller = Controller::new(sys_config, command_line, Box::new(on_end));
    node.asking()
        .start_native(Box::new(controller), APPLICATION_TIMEOUT_MS)?;
    Ok(())
}

impl Booted {
    /// The running node.
    pub(crate) fn node(&self) -> &Node {
        &self.node
    }

    /// Its libraries and modules.
    pub(crate) fn code(&self) -> &Arc<CodeServer> {
        &self.code
    }

    /// Its registry.
    pub(crate) fn names(&self) -> &Names {
        &self.names
    }

    /// The root of its release tree.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The version of the release it booted.
    pub(crate) fn release(&self) -> &str {
        &self.release
    }

    /// The application behind its door.
    pub(crate) fn behind_door(&self) -> Option<&Application> {
        self.behind_door.as_ref()
    }

    /// The settings that the command line sets.
    fn command_line(&self, options: &options::Node) -> Settings {
        let behind_door = self.behind_door.as_ref();
        let port = behind_door.zip(options.port).map(|(application, port)| {
            let setting = (application.name.clone(), "port".to_string());
            (setting, Term::from(i64::from(port)))
        });
        port.into_iter().collect()
    }

    /// What each shard has done; nothing once they have stopped.
    pub(crate) fn counters(&self) -> Vec<Counters> {
        self.threads
            .lock()
            .as_ref()
            .map_or_else(Vec::new, Threads::counters)
    }

    /// How late timers were handled since this was last asked.
    pub(crate) fn take_lateness(&self) -> Lateness {
        self.threads
            .lock()
            .as_ref()
            .map_or_else(Lateness::default, Threads::take_lateness)
    }

    fn start(&self, app: &BootApp) -> anyhow::Result<()> {
        let name = app.app.name.as_str();
        if app.start == RelStart::None {
            return Ok(());
        }
        self.ask(&AppRequest::Load(app.app.spec()))
            .with_context(|| format!("failed to load {name}"))?;
        if let RelStart::Start(start_type) = app.start {
            self.ask(&AppRequest::Start(name.to_string(), start_type))
                .with_context(|| format!("failed to start {name}"))?;
        }
        Ok(())
    }

    fn ask(&self, request: &AppRequest) -> anyhow::Result<()> {
        match self
            .node()
            .asking()
            .applications(request, APPLICATION_TIMEOUT_MS)?
        {
            AppReply::Error(reason) => bail!("{reason}"),
            AppReply::Ok | AppReply::Running(_) | AppReply::Data(..) => Ok(()),
        }
    }

    /// Stops one application; one that does not run is fine.
    ///
    /// # Errors
    /// As [`Booted::stop`].
    pub(crate) fn stop_application(&self, name: &str) -> Result<(), StopError> {
        // Who does not say what runs stops nothing either: that is found out in seconds, a stop may take a minute.
        let runs = self.running()?.iter().any(|running| running == name);
        match runs {
            true => self.end_application(name),
            false => Ok(()),
        }
    }

    /// Stops the applications, last started first, and then the threads. A second time does nothing.
    ///
    /// # Errors
    /// The first thing that did not stop in its turn; what can be stopped has been.
    pub(crate) fn stop(&self) -> Result<(), StopError> {
        let stopped = self.stop_applications();
        let threads = self.threads.lock().take();
        if let Some(threads) = threads {
            threads.stop();
        }
        stopped
    }

    fn stop_applications(&self) -> Result<(), StopError> {
        let running = self.running()?.into_iter();
        // All of them, before the first failure is looked at.
        let ends: Vec<_> = running.map(|name| self.end_application(&name)).collect();
        ends.into_iter().collect()
    }

    fn end_application(&self, name: &str) -> Result<(), StopError> {
        let request = AppRequest::Stop(name.to_string());
        let reply = self
            .node
            .asking_all()
            .applications(&request, APPLICATION_TIMEOUT_MS);
        match reply {
            Ok(AppReply::Error(reason)) => {
                tracing::debug!(application = name, %reason, "not stopped");
                Ok(())
            }
            Ok(_) => Ok(()),
            Err(why) => {
                let name = name.to_string();
                Err(StopError::Application { name, why })
            }
        }
    }

    /// The applications that run, last started first: an upgrade may have started and stopped some.
    fn running(&self) -> Result<Vec<String>, StopError> {
        match self
            .node
            .asking()
            .applications(&AppRequest::Which, WHICH_TIMEOUT_MS)
        {
            Ok(AppReply::Running(running)) => {
                Ok(running.into_iter().map(|(name, ..)| name).collect())
            }
            Ok(other) => Err(StopError::Unknown(format!("it says {other:?}"))),
            Err(error) => Err(StopError::Unknown(error.to_string())),
        }
    }
}
