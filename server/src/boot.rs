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
use pq_histogram::Histogram;
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
use crate::players::Players;
use crate::words::Words;

/// The limit for the start or stop of one application in milliseconds; its supervisors have their own, shorter
/// limits.
const APPLICATION_TIMEOUT_MS: u64 = 60_000;

/// The length of a reason in a node's last error message, in characters.
const REASON_CHARS_MAX: usize = 1_000;

/// The limit for the application controller's list of running applications, in milliseconds.
const WHICH_TIMEOUT_MS: u64 = 5_000;

/// The reason for a failed orderly stop; continues "failed to stop the node in order: ".
#[derive(Debug, thiserror::Error)]
pub(crate) enum StopError {
    /// The list of applications to stop is unknown.
    #[error("the application controller does not list the running applications: {0}")]
    Unknown(String),
    /// An application did not stop.
    #[error("application {name} does not stop: {why}")]
    Application {
        /// The name of the application.
        name: String,
        /// The error of its stop.
        why: RequestError,
    },
    /// A blocked shard does not take part in the stop.
    #[error("{0}")]
    Stalled(String),
    /// The limit for the whole stop has passed.
    #[error("the stop has exceeded its limit of {0:?}")]
    TooLong(Duration),
}

/// A node with running applications.
pub(crate) struct Booted {
    node: Node,
    /// The threads of the node; `None` after the stop.
    threads: Mutex<Option<Threads>>,
    code: Arc<CodeServer>,
    names: Names,
    words: Arc<Words>,
    players: Arc<Players>,
    root: PathBuf,
    /// The version of the release that the node booted.
    release: String,
    /// The application that has the listeners of the node.
    behind_door: Option<Application>,
}

/// The receivers of events of a running node.
pub(crate) struct Hooks {
    /// Receives the reason when a permanent application ends.
    pub(crate) ended: mpsc::Sender<String>,
    /// Called when a callback exceeds its limit.
    pub(crate) on_stall: StallHook,
}

/// Boots a release of a tree and starts its applications.
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
    let words = Arc::new(Words::default());
    let (mut config, names) = config(code.clone(), options, hooks.on_stall);
    config.services.insert("words", words.clone());
    let players = Arc::new(Players::default());
    config.services.insert("players", players.clone());
    let threads = Threads::start(config).context("failed to start the scheduler threads")?;
    let booted = Booted {
        node: threads.node().clone(),
        threads: Mutex::new(Some(threads)),
        code,
        names,
        words,
        players,
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

/// The runtime that this program offers to releases.
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

/// The error of a tree that cannot boot; a file with a wrong checksum has its own exit code.
fn refused(error: BootError) -> anyhow::Error {
    match error.is_checksum() {
        true => Failure::new(Exit::Checksum, format!("failed to {error}")).into(),
        false => failed(error),
    }
}

/// Warns about errors in a release that is already installed, but does not refuse to boot it: a node without one
/// function serves more players than no node, and parts that cannot start fail by themselves.
fn judge(boot: &BootRelease, code: &CodeServer) {
    match pq_release::judge::author::release(boot, code) {
        Ok(findings) => findings
            .iter()
            .for_each(|finding| tracing::warn!("the release has an error: {finding}")),
        Err(error) => tracing::warn!("failed to {error}"),
    }
}

/// Prefixes an error of a lower crate, which is a fragment, with "failed to".
fn failed(error: impl Display) -> anyhow::Error {
    anyhow::anyhow!("failed to {error}")
}

fn config(code: Arc<CodeServer>, options: &options::Node, on_stall: StallHook) -> (Config, Names) {
    let mut config = Config::new(code);
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    // One more shard runs the supervisors, which have little work and must not wait for other processes.
    config.shards = 1 + options.shards.map_or_else(cores, usize::from);
    config.supervisors_apart = true;
    config.on_stall = Some(on_stall);
    config.seed = options.seed.unwrap_or_else(seed_of_chance);
    let names = regis_application::install(&mut config);
    (config, names)
}

/// A random seed: the keys of the standard library's hasher, which are random for each process.
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
        // The first reason is reported; a further reason comes when the node is already ending.
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
    /// The running node and its runtime.
    pub(crate) fn node(&self) -> &Node {
        &self.node
    }

    /// The libraries and modules of the node.
    pub(crate) fn code(&self) -> &Arc<CodeServer> {
        &self.code
    }

    /// The registry of names.
    pub(crate) fn names(&self) -> &Names {
        &self.names
    }

    /// The service for words of players.
    pub(crate) fn words(&self) -> &Arc<Words> {
        &self.words
    }

    /// The service for the players of a door.
    pub(crate) fn players(&self) -> &Players {
        &self.players
    }

    /// The root directory of the release tree.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The version of the release that the node booted.
    pub(crate) fn release(&self) -> &str {
        &self.release
    }

    /// The application that has the listeners of the node; `None` if the release has none.
    pub(crate) fn behind_door(&self) -> Option<&Application> {
        self.behind_door.as_ref()
    }

    /// The application settings that come from the command line.
    fn command_line(&self, options: &options::Node) -> Settings {
        let behind_door = self.behind_door.as_ref();
        let port = behind_door.zip(options.port).map(|(application, port)| {
            let setting = (application.name.clone(), "port".to_string());
            (setting, Term::from(i64::from(port)))
        });
        port.into_iter().collect()
    }

    /// The counters of each shard; empty after the stop.
    pub(crate) fn counters(&self) -> Vec<Counters> {
        self.threads
            .lock()
            .as_ref()
            .map_or_else(Vec::new, Threads::counters)
    }

    /// The lateness of timers since the start; without timers after the stop.
    pub(crate) fn lateness(&self) -> Lateness {
        self.threads
            .lock()
            .as_ref()
            .map_or_else(Lateness::default, Threads::lateness)
    }

    /// The durations of the callbacks that were timed; none after the stop.
    pub(crate) fn callbacks(&self) -> Histogram {
        self.threads
            .lock()
            .as_ref()
            .map_or_else(Histogram::default, Threads::callbacks)
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

    /// Stops one application; an application that does not run is no error.
    ///
    /// # Errors
    /// Fails like [`Booted::stop`].
    pub(crate) fn stop_application(&self, name: &str) -> Result<(), StopError> {
        // A controller that does not list its applications cannot stop one either. The list fails within seconds, a
        // stop after a minute.
        let runs = self.running()?.iter().any(|running| running == name);
        match runs {
            true => self.end_application(name),
            false => Ok(()),
        }
    }

    /// Stops all applications, the last started first, and then the threads. A second call does nothing.
    ///
    /// # Errors
    /// The first failure; all other applications and threads have been stopped.
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
        // All applications are stopped before the first failure is returned.
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

    /// The running applications, the last started first; an upgrade may have started and stopped applications since
    /// the boot.
    fn running(&self) -> Result<Vec<String>, StopError> {
        match self
            .node
            .asking()
            .applications(&AppRequest::Which, WHICH_TIMEOUT_MS)
        {
            Ok(AppReply::Running(running)) => {
                Ok(running.into_iter().map(|(name, ..)| name).collect())
            }
            Ok(other) => Err(StopError::Unknown(format!("its answer is {other:?}"))),
            Err(error) => Err(StopError::Unknown(error.to_string())),
        }
    }
}
