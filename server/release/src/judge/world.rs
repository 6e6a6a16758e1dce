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

/// A process of the world: its pid, or a generated number for a process that is only expected.
pub(super) type ProcessId = u64;

/// The current version of a module. Unknown properties are `None`.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) module: Option<Module>,
    pub(super) entry: Option<ModuleEntry>,
}

#[derive(Debug, Clone)]
pub(super) struct Loaded {
    pub(super) spec: AppSpec,
    pub(super) running: bool,
    pub(super) top: Option<ProcessId>,
}

/// A running or expected process.
#[derive(Debug, Clone)]
pub(super) struct Process {
    /// `None` for a process that is only expected.
    pub(super) pid: Option<Pid>,
    pub(super) name: Option<String>,
    pub(super) module: String,
    pub(super) parent: Option<ProcessId>,
    /// True when the process answers only system messages.
    pub(super) suspended: bool,
    /// The properties of a supervisor; `None` for other processes.
    pub(super) supervisor: Option<Supervisor>,
}

/// The properties of a supervisor process.
#[derive(Debug, Clone, Default)]
pub(super) struct Supervisor {
    pub(super) strategy: Option<Strategy>,
    /// The arguments of the supervisor's `init`, when they are known.
    pub(super) args: Option<Vec<u8>>,
    /// The children of the supervisor, when they are known.
    pub(super) children: Option<Vec<Child>>,
}

/// A child of a supervisor.
#[derive(Debug, Clone)]
pub(super) struct Child {
    pub(super) id: Term,
    /// The module that the child runs; `None` when it is unknown.
    pub(super) module: Option<String>,
    pub(super) restart: Option<Restart>,
    /// The process of the child, while it has one.
    pub(super) process: Option<ProcessId>,
    /// True when the child has ended and its specification may be gone: a supervisor forgets the specification of a temporary
    /// child.
    pub(super) unsure: bool,
}

/// Functions by name and number of arguments.
pub(super) type Functions = BTreeSet<(String, u32)>;

/// The code, applications and processes of a node at one step of a script.
pub(crate) struct World<'a> {
    code: &'a CodeServer,
    /// Current versions by the name of the module.
    pub(super) held: BTreeMap<String, Held>,
    /// The changes from the code server's current versions to these.
    pub(super) changes: Vec<Change<'static>>,
    pub(super) applications: BTreeMap<String, Loaded>,
    /// True when `applications` contains all applications.
    pub(super) knows_applications: bool,
    pub(super) processes: BTreeMap<ProcessId, Process>,
    pub(super) env: Settings,
    /// Modules of the node itself; some of them do more than their manifests say.
    pub(super) own: BTreeSet<String>,
    /// Modules of which only the names are known.
    pub(super) unknown: BTreeSet<String>,
    /// Modules that are compiled into the node, with the functions that a script may call.
    pub(super) services: BTreeMap<String, Functions>,
    next: ProcessId,
}

impl<'a> World<'a> {
    /// A world without modules, applications and processes.
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
            // Pids count up from 0 and never reach this number.
            next: u64::MAX,
        }
    }

    /// A booted release: all modules of its libraries are current, its applications are loaded and started.
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
                // The judgement of the release by itself reports these faults.
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

    /// The code server with the loaded libraries.
    pub(crate) fn code(&self) -> &'a CodeServer {
        self.code
    }

    /// The kind of a module; `None` when the module is missing or its kind is unknown.
    pub(super) fn kind(&self, module: &str) -> Option<Kind> {
        let held = self.held.get(module)?;
        let of_entry = held.entry.as_ref().map(|entry| entry.kind);
        of_entry.or(held.module.map(Module::kind))
    }

    /// True for a module that exists or may exist.
    pub(super) fn may_have(&self, module: &str) -> bool {
        self.held.contains_key(module) || self.unknown.contains(module)
    }

    /// The exports of a module; `None` when they are unknown.
    ///
    /// The exports of a version never change, and its function table is never unloaded, so each version is asked once.
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

    /// The modules that can be asked in this world.
    pub(super) fn inquiry(&self) -> Option<Inquiry> {
        let modules = self.code.preview(&self.changes).ok()?;
        Some(Inquiry::new(Arc::new(modules), self.env.clone()))
    }

    /// The process with a registered name.
    pub(super) fn named(&self, name: &str) -> Option<ProcessId> {
        let mut processes = self.processes.iter();
        let found = processes.find(|(_, process)| process.name.as_deref() == Some(name));
        found.map(|(id, _)| *id)
    }

    /// Adds an expected process.
    pub(super) fn expect(&mut self, process: Process) -> ProcessId {
        self.next -= 1;
        self.processes.insert(self.next, process);
        self.next
    }

    /// These processes and all their descendants.
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

    /// The entry of this process in its supervisor's list of children.
    pub(super) fn child_mut(&mut self, of: ProcessId) -> Option<&mut Child> {
        let parent = self.processes.get(&of)?.parent?;
        let supervisor = self.processes.get_mut(&parent)?.supervisor.as_mut()?;
        let children = supervisor.children.as_mut()?;
        children.iter_mut().find(|child| child.process == Some(of))
    }
}

impl Process {
    /// True for a child of a `simple_one_for_one` supervisor, as far as the supervisor is known.
    pub(super) fn is_simple(&self) -> bool {
        let strategy = self.supervisor.as_ref().and_then(|it| it.strategy);
        strategy == Some(Strategy::SimpleOneForOne)
    }
}

/// An empty MessagePack array.
pub(super) const NO_ARGS: &[u8] = &[0x90];
