//! Code, applications and processes at one step of a script.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use parking_lot::Mutex;
use pq_code::{Change, CodeServer, ModuleEntry};
use pq_otp::application::{AppSpec, Settings};
use pq_otp::inquiry::{Answered, Inquiry};
use pq_otp::spec::{self, Restart, Strategy};
use pq_otp::{Kind, Module, Pid};
use pq_term::Term;

use super::side::Side;
use super::tree;
use crate::rel::RelStart;

/// A process of the world: its pid, or a number of its own while it is only expected.
pub(super) type ProcessId = u64;

/// The version of a module that is current. What is not known of it is `None`.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) module: Option<Module>,
    pub(super) entry: Option<ModuleEntry>,
}

/// A loaded application.
#[derive(Debug, Clone)]
pub(super) struct Loaded {
    pub(super) spec: AppSpec,
    pub(super) running: bool,
    pub(super) top: Option<ProcessId>,
}

/// A process.
#[derive(Debug, Clone)]
pub(super) struct Process {
    /// `None` while it is only expected.
    pub(super) pid: Option<Pid>,
    pub(super) name: Option<String>,
    pub(super) module: String,
    pub(super) parent: Option<ProcessId>,
    /// It answers nothing but system messages.
    pub(super) suspended: bool,
    /// What a supervisor has besides; `None` for any other process.
    pub(super) supervisor: Option<Supervisor>,
}

/// What a supervisor has besides.
#[derive(Debug, Clone, Default)]
pub(super) struct Supervisor {
    pub(super) strategy: Option<Strategy>,
    /// The arguments of its `init`, where they are known.
    pub(super) args: Option<Vec<u8>>,
    /// Its children, where they are known.
    pub(super) children: Option<Vec<Child>>,
}

/// A child of a supervisor.
#[derive(Debug, Clone)]
pub(super) struct Child {
    pub(super) id: Term,
    /// The module that it starts; `None` where that is not known.
    pub(super) module: Option<String>,
    pub(super) restart: Option<Restart>,
    /// Its process, while it has one.
    pub(super) process: Option<ProcessId>,
    /// It has been ended, and whether its supervisor keeps its specification then is not known: that of a temporary
    /// child is forgotten.
    pub(super) unsure: bool,
}

/// A function: its name and how many arguments it takes.
pub(super) type Functions = BTreeSet<(String, u32)>;

/// The world.
pub(crate) struct World<'a> {
    code: &'a CodeServer,
    /// Current versions by the name of the module.
    pub(super) held: BTreeMap<String, Held>,
    /// What leads from the code server's current versions to these.
    pub(super) changes: Vec<Change<'static>>,
    pub(super) applications: BTreeMap<String, Loaded>,
    /// Whether these are all.
    pub(super) knows_applications: bool,
    pub(super) processes: BTreeMap<ProcessId, Process>,
    pub(super) env: Settings,
    /// Modules of the node itself, some of which do more than their libraries say.
    pub(super) own: BTreeSet<String>,
    /// Modules of which only the names are known.
    pub(super) unknown: BTreeSet<String>,
    /// Modules that are compiled into the node, and what a script may call of each.
    pub(super) services: BTreeMap<String, Functions>,
    next: ProcessId,
}

impl<'a> World<'a> {
    /// A world in which nothing is.
    pub(super) fn empty(code: &'a CodeServer) -> World<'a> {
        World {
            code,
            held: BTreeMap::new(),
            changes: Vec::new(),
            applications: BTreeMap::new(),
            knows_applications: false,
            processes: BTreeMap::new(),
            env: Settings::new(),
            own: BTreeSet::new(),
            unknown: BTreeSet::new(),
            services: BTreeMap::new(),
            // No pid is so high: they count up from nothing.
            next: u64::MAX,
        }
    }

    /// A release as it boots: all modules of its libraries current, its applications loaded and started.
    pub(crate) fn booted(code: &'a CodeServer, side: &Side) -> World<'a> {
        let mut world = World::empty(code);
        world.knows_applications = true;
        world.env = side.settings.clone();
        for app in &side.applications {
            world.shelve(app);
            for (key, value) in &app.app.env {
                let key = (app.app.name.as_str().to_string(), key.as_str().to_string());
                world.env.entry(key).or_insert_with(|| value.clone());
            }
        }
        for app in &side.applications {
            if app.start == RelStart::None {
                continue;
            }
            let spec = app.app.spec();
            let loaded = Loaded {
                running: matches!(app.start, RelStart::Start(_)),
                top: None,
                spec,
            };
            let (name, starts) = (loaded.spec.name.clone(), loaded.running);
            world.applications.insert(name.clone(), loaded);
            if starts {
                // What is wrong with it is found by whoever judges the release by itself.
                let top = tree::top(&world, &world.applications[&name].spec)
                    .ok()
                    .flatten();
                let planted = top.and_then(|top| tree::plant(&mut world, &top, None).ok());
                if let Some(loaded) = world.applications.get_mut(&name) {
                    loaded.top = planted;
                }
            }
        }
        world
    }

    fn shelve(&mut self, app: &super::side::SideApp) {
        if !app.is_of_tree() {
            let names = app.app.modules.iter().map(|name| name.as_str().to_string());
            self.own.extend(names);
        }
        match app.known() {
            Some((library, entries)) => {
                for entry in entries {
                    let module = self.code.module(library, &entry.name).ok();
                    if let Some(module) = module {
                        self.changes
                            .push(Change::MakeCurrent(library, module.name()));
                    }
                    let entry = Some(entry.clone());
                    let name = entry
                        .as_ref()
                        .map_or(String::new(), |entry| entry.name.clone());
                    self.held.insert(name, Held { module, entry });
                }
            }
            None => {
                let names = app.app.modules.iter().map(|name| name.as_str().to_string());
                self.unknown.extend(names);
            }
        }
    }

    /// The libraries.
    pub(crate) fn code(&self) -> &'a CodeServer {
        self.code
    }

    /// What kind of module this is; `None` where there is none, or its kind is not known.
    pub(super) fn kind(&self, module: &str) -> Option<Kind> {
        let held = self.held.get(module)?;
        let of_entry = held.entry.as_ref().map(|entry| entry.kind);
        of_entry.or(held.module.map(Module::kind))
    }

    /// True for a module that is there, or may be.
    pub(super) fn may_have(&self, module: &str) -> bool {
        self.held.contains_key(module) || self.unknown.contains(module)
    }

    /// The functions that a module exports, as it says itself; `None` where that cannot be known.
    ///
    /// A module says the same for ever, and its table is never unloaded: it is asked once.
    pub(super) fn exports(&self, module: &str) -> Option<Arc<Functions>> {
        static KNOWN: Mutex<BTreeMap<u64, Arc<Functions>>> = Mutex::new(BTreeMap::new());
        let module = self.held.get(module)?.module?;
        let known = || KNOWN.lock();
        if let Some(functions) = known().get(&module.address()) {
            return Some(functions.clone());
        }
        let functions = Arc::new(self.ask_exports(module)?);
        known().insert(module.address(), functions.clone());
        Some(functions)
    }

    fn ask_exports(&self, module: Module) -> Option<Functions> {
        match self.inquiry()?.call(module, "module_info", NO_ARGS) {
            Answered::Result(bytes) => {
                let listing: Vec<(String, u32)> = spec::decode(&bytes).ok()?;
                Some(listing.into_iter().collect())
            }
            _ => None,
        }
    }

    /// What modules can be asked in this world.
    pub(super) fn inquiry(&self) -> Option<Inquiry> {
        let modules = self.code.preview(&self.changes).ok()?;
        Some(Inquiry::new(Arc::new(modules), self.env.clone()))
    }

    /// The process under a registered name.
    pub(super) fn named(&self, name: &str) -> Option<ProcessId> {
        let mut processes = self.processes.iter();
        let found = processes.find(|(_, process)| process.name.as_deref() == Some(name));
        found.map(|(id, _)| *id)
    }

    /// A process more, which is only expected.
    pub(super) fn expect(&mut self, process: Process) -> ProcessId {
        self.next -= 1;
        self.processes.insert(self.next, process);
        self.next
    }

    /// These processes and everything below them.
    pub(super) fn below(&self, tops: &[ProcessId]) -> Vec<ProcessId> {
        let mut children: BTreeMap<ProcessId, Vec<ProcessId>> = BTreeMap::new();
        for (id, process) in &self.processes {
            if let Some(parent) = process.parent {
                children.entry(parent).or_default().push(*id);
            }
        }
        let mut all = tops.to_vec();
        let mut at = 0;
        while let Some(one) = all.get(at).copied() {
            all.extend(children.remove(&one).unwrap_or_default());
            at += 1;
        }
        all
    }

    /// The child of a supervisor that this process is.
    pub(super) fn child_mut(&mut self, of: ProcessId) -> Option<&mut Child> {
        let parent = self.processes.get(&of)?.parent?;
        let supervisor = self.processes.get_mut(&parent)?.supervisor.as_mut()?;
        let children = supervisor.children.as_mut()?;
        children.iter_mut().find(|child| child.process == Some(of))
    }
}

impl Process {
    /// True for a child under `simple_one_for_one`, as far as its supervisor is known.
    pub(super) fn is_simple(&self) -> bool {
        let strategy = self.supervisor.as_ref().and_then(|it| it.strategy);
        strategy == Some(Strategy::SimpleOneForOne)
    }
}

/// An empty array of MessagePack.
pub(super) const NO_ARGS: &[u8] = &[0x90];
