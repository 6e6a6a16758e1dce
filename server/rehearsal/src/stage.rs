//! A simulated node on a release tree, with the copies of avatars and a release handler that writes nothing.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use pq_code::{CodeServer, Wanted as WantedLibrary};
use pq_otp::application::{AppReply, AppRequest, Controller, Settings};
use pq_otp::moved::{Batch, Moving, Opens, PutIn, Subtree, Sweep, Under};
use pq_otp::{Ask, Busy, Config, Dice, Pid, Sim, StallHook};
use pq_release::boot::{BootApp, BootRelease, Code, ReleaseTree};
use pq_release::handler::{Options, ReleaseHandler};
use pq_release::registry::ReleaseRegistry;
use pq_release::rel::RelStart;
use pq_saves::{Opening, Versions};
use pq_term::msgpack::from_msgpack;

use crate::copies::Copies;
use crate::drive::Drive;
use crate::listener::{Avatar, Listener};
use crate::order::{Program, Said, Wanted};
use crate::report::LISTED_MAX;
use crate::side::Say;

/// The messages at one time of the clock: so many, and so many more for each avatar, all of which may act in the same millisecond. A
/// process without a pause handles a million in a second or two.
const MESSAGES_MAX: u64 = 1_000_000;
const MESSAGES_OF_AVATAR_MAX: u64 = 100;

/// The limit of an answer of the simulated node, in virtual milliseconds.
const ANSWER_MS: u64 = 60_000;

/// The copies in one slice of a sweep.
const SLICE: u32 = 512;

/// The reason why a side does not play. A fragment that continues "failed to ".
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Refused(pub(crate) String);

/// Makes a step's error a refusal.
fn refused(error: impl std::fmt::Display) -> Refused {
    Refused(error.to_string())
}

/// The node of a side.
pub(crate) struct Stage {
    pub(crate) sim: Sim,
    pub(crate) listener: Arc<Listener>,
    handler: ReleaseHandler,
    say: Say,
    code: Arc<CodeServer>,
    root: PathBuf,
    supervisor: String,
    /// The release that is rehearsed, and the options of its install.
    to: (String, Options),
    versions: fn(Arc<CodeServer>, &Path) -> Arc<dyn Versions>,
    /// The versions of the last copy: most copies have the same.
    opened: Option<Opened>,
}

/// Versions of modules, and the way to open their states.
struct Opened {
    versions: Vec<(String, String)>,
    opens: Arc<dyn Opens>,
}

impl Stage {
    /// Boots the running release.
    pub(crate) fn boot(
        program: Program,
        wanted: &Wanted,
        copies: Arc<Copies>,
        (on_stall, say): (StallHook, Say),
    ) -> Result<Stage, Refused> {
        let tree = ReleaseTree::open(&wanted.root, program.runtime);
        let boot = tree.boot_vsn(&wanted.from).map_err(refused)?;
        let code = Arc::new(load(&boot)?);
        let mut config = Config::new(code.clone());
        config.seed = wanted.seed;
        config.dice = Dice::OfProcesses;
        config.on_stall = Some(on_stall);
        config.services.extend(program.services);
        regis_application::install(&mut config);
        let mut sim = Sim::new(config);
        sim.set_messages_max(MESSAGES_MAX + MESSAGES_OF_AVATAR_MAX * copies.len() as u64);
        sim.watch_callbacks().map_err(refused)?;
        let listener = Arc::new(Listener::new(copies));
        sim.node().tell_children(listener.clone());
        start(&mut sim, &boot)?;
        let registry = ReleaseRegistry::read(tree, &wanted.from).map_err(refused)?;
        Ok(Stage {
            sim,
            listener,
            say,
            handler: ReleaseHandler::new(registry, code.clone()),
            code,
            root: wanted.root.clone(),
            supervisor: wanted.supervisor.clone(),
            to: (
                wanted.to.clone(),
                Options {
                    partial: wanted.partial,
                    lossy: wanted.lossy,
                    ..Options::default()
                },
            ),
            versions: program.versions,
            opened: None,
        })
    }

    /// Puts copies in below their supervisor. Returns how many were refused, and the first reasons.
    pub(crate) fn put_in(
        &mut self,
        copies: &Copies,
        chosen: &[usize],
    ) -> Result<(u64, Vec<String>), Refused> {
        let supervisor = self.supervisor()?;
        let (mut count, mut reasons) = (0, Vec::new());
        for copy in chosen {
            let put = copies
                .subtree(*copy)
                .and_then(|subtree| self.put_one(subtree, *copy, supervisor));
            if let Err(why) = put {
                count += 1;
                if reasons.len() < LISTED_MAX {
                    reasons.push(why);
                }
            }
        }
        let opens = self.opens_now();
        self.listener.open_with(opens);
        Ok((count, reasons))
    }

    fn put_one(&mut self, subtree: Subtree, copy: usize, supervisor: Pid) -> Result<(), String> {
        let name = name_of(&subtree).unwrap_or_else(|| format!("copy {copy}"));
        let needed: Vec<(String, String)> = subtree
            .versions()
            .map(|(module, vsn)| (module.to_string(), vsn.to_string()))
            .collect();
        let put = PutIn {
            subtree,
            under: Some(Under {
                supervisor,
                id: None,
            }),
            opens: self.opens(needed),
        };
        let root = self.sim.put_in(put, ANSWER_MS);
        let root = root.map_err(|why| format!("{name}: {why}"))?;
        self.listener.enter(root, Avatar { name, copy });
        Ok(())
    }

    fn supervisor(&self) -> Result<Pid, Refused> {
        let found = self.sim.node().whereis(&self.supervisor);
        found.ok_or_else(|| {
            let name = &self.supervisor;
            Refused(format!(
                "find the supervisor {name}: the release does not start it"
            ))
        })
    }

    /// Opens states of these versions.
    fn opens(&mut self, needed: Vec<(String, String)>) -> Arc<dyn Opens> {
        if let Some(last) = self.opened.as_ref().filter(|it| it.versions == needed) {
            return last.opens.clone();
        }
        let is_current = |(module, vsn): &(String, String)| {
            self.code
                .current(module)
                .is_some_and(|module| module.vsn() == vsn)
        };
        let versions = match needed.iter().all(is_current) {
            true => Vec::new(),
            false => (self.versions)(self.code.clone(), &self.root).versions(&needed),
        };
        let opens: Arc<dyn Opens> = Arc::new(Opening::new(versions));
        self.opened = Some(Opened {
            versions: needed,
            opens: opens.clone(),
        });
        opens
    }

    /// Opens states of all versions that are loaded.
    fn opens_now(&self) -> Arc<dyn Opens> {
        let versions = (self.versions)(self.code.clone(), &self.root);
        Arc::new(Opening::new(versions.versions(&[])))
    }

    /// Installs a release as the node would.
    pub(crate) fn install(&mut self, vsn: &str) -> Result<(), String> {
        let installed = self.handle(
            |handler, drive, options| handler.install(drive, vsn, options),
            vsn,
        );
        let opens = self.opens_now();
        self.listener.open_with(opens);
        match installed {
            Ok(record) if record.restart => Err(format!(
                "release {vsn} restarts the node, which cannot be rehearsed"
            )),
            Ok(_) => Ok(()),
            Err(why) => Err(why.to_string()),
        }
    }

    /// Converts copies of all states to a release and back, without any change.
    pub(crate) fn convert(&mut self, vsn: &str) -> Result<(), String> {
        let checked = self.handle(
            |handler, drive, options| handler.check_install(drive, vsn, options),
            vsn,
        );
        checked.map(|_| ()).map_err(|why| why.to_string())
    }

    /// Has the release handler work on the way to a release. The way back of a rehearsal may lose what it likes: copies take it.
    fn handle<R>(
        &mut self,
        work: impl FnOnce(&mut ReleaseHandler, &mut Drive<'_>, &Options) -> R,
        vsn: &str,
    ) -> R {
        let (to, options) = &self.to;
        let options = Options {
            lossy: options.lossy || vsn != to,
            ..*options
        };
        let (listener, say) = (&self.listener, &self.say);
        let on_busy = |sim: &Sim, busy: &Busy| end_busy(sim, listener, (busy, say));
        let mut drive = Drive::new(&mut self.sim, &on_busy);
        work(&mut self.handler, &mut drive, &options)
    }

    /// A sentence about processes that stay busy.
    pub(crate) fn sentence(&self, busy: &Busy) -> String {
        sentence(&self.sim, &self.listener, busy)
    }

    /// Calls `each` with the name and the processes of each avatar.
    pub(crate) fn each_avatar(
        &mut self,
        mut each: impl FnMut(&mut Sim, &Avatar, Subtree),
    ) -> Result<(), Refused> {
        let mut from = 0;
        loop {
            let sweep = Sweep {
                supervisor: self.supervisor.clone(),
                from,
                copies_max: SLICE,
                unchanged_too: true,
                leaves_marks: false,
            };
            let Batch { copies, next, .. } =
                self.sim.sweep(0, sweep, ANSWER_MS).map_err(refused)?;
            for (root, subtree) in copies {
                if let Some(avatar) = self.listener.avatar(root) {
                    each(&mut self.sim, &avatar, subtree);
                }
            }
            match next {
                Some(next) => from = next,
                None => return Ok(()),
            }
        }
    }
}

/// Ends the child in an install that cannot go on.
fn end_busy(sim: &Sim, listener: &Listener, (busy, say): (&Busy, &Say)) {
    say(&Said::Ends(sentence(sim, listener, busy)));
    pq_abi::crash::disarm();
    std::process::exit(1);
}

fn sentence(sim: &Sim, listener: &Listener, busy: &Busy) -> String {
    let owner = busy.pid.and_then(|pid| owner_of(sim, listener, pid));
    let owner = owner.map_or_else(String::new, |name| format!(", a process of {name}"));
    format!("{busy}{owner}")
}

/// The name of the avatar that a process belongs to.
fn owner_of(sim: &Sim, listener: &Listener, process: Pid) -> Option<String> {
    let processes = Sim::processes(sim);
    let mut at = Some(process);
    while let Some(pid) = at {
        if let Some(avatar) = listener.avatar(pid) {
            return Some(avatar.name);
        }
        let found = processes.iter().find(|it| it.pid == pid);
        at = found.and_then(|it| it.parent);
    }
    None
}

/// The name of an avatar: the first name of its processes that is a text.
pub(crate) fn name_of(subtree: &Subtree) -> Option<String> {
    subtree.names().find_map(|name| {
        let name = from_msgpack(name).ok()?;
        name.as_str().map(str::to_string)
    })
}

fn load(boot: &BootRelease) -> Result<CodeServer, Refused> {
    let code = CodeServer::new();
    let own = code
        .link_library(&regis_application::LIBRARY)
        .map_err(refused)?;
    code.make_all_current(own).map_err(refused)?;
    for app in &boot.applications {
        if let Code::Library { path, sha256 } = &app.code {
            let checksum = sha256.to_string().parse().map_err(refused)?;
            let wanted = WantedLibrary {
                checksum: Some(checksum),
                owner: Some((app.app.name.as_str(), &app.app.vsn)),
            };
            let library = code.load_library(path, wanted).map_err(refused)?;
            code.make_all_current(library).map_err(refused)?;
        }
    }
    Ok(code)
}

/// Starts the applications of a release in their order.
fn start(sim: &mut Sim, boot: &BootRelease) -> Result<(), Refused> {
    let on_end = Box::new(|_: &str, _: &pq_otp::Reason| ());
    let controller = Controller::new(boot.settings.clone(), Settings::new(), on_end);
    let started = sim.start_native(Box::new(controller), ANSWER_MS);
    started.map_err(refused)?;
    boot.applications
        .iter()
        .try_for_each(|app| start_one(sim, app))
}

fn start_one(sim: &mut Sim, app: &BootApp) -> Result<(), Refused> {
    let name = app.app.name.as_str();
    if app.start == RelStart::None {
        return Ok(());
    }
    ask(sim, &AppRequest::Load(app.app.spec()), name)?;
    match app.start {
        RelStart::Start(kind) => ask(sim, &AppRequest::Start(name.to_string(), kind), name),
        _ => Ok(()),
    }
}

fn ask(sim: &mut Sim, request: &AppRequest, name: &str) -> Result<(), Refused> {
    match sim.applications(request, ANSWER_MS) {
        Ok(AppReply::Error(why)) => Err(Refused(format!("start {name}: {why}"))),
        Ok(_) => Ok(()),
        Err(why) => Err(Refused(format!("start {name}: {why}"))),
    }
}
