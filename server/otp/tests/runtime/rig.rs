//! A simulated node with the library of the tests and its journal, and short methods for the steps of tests.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use pq_abi::raw::LibraryTable;
use pq_abi::spec::{ChildSpec, ChildType, Modules as ChildModules, Start};
use pq_otp::sys::SysMessage;
use pq_otp::{
    Ask, Config, Envelope, Module, Modules, Payload, Pid, Reason, RequestError, Signal, Sim, Term,
};
use pq_sdk::{Restart, Shutdown, Strategy, SupFlags, SupSpec};
use serde::Serialize;

use crate::actor::Do;
use crate::fixture;
use crate::fixture_next;
use crate::journal::Journal;

/// The current version of every module.
pub(crate) struct Linked {
    current: Mutex<HashMap<&'static str, Module>>,
    epoch: AtomicU64,
}

impl Linked {
    /// The current modules with those of another version of the library, as in the preparation of an upgrade.
    pub(crate) fn preview(&self, library: &'static LibraryTable) -> Linked {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let preview = Linked {
            current: Mutex::new(current.clone()),
            ..Linked::new()
        };
        preview.load(library);
        preview
    }

    fn new() -> Linked {
        // Functions of a library remember the epoch at which they were current: the epochs of two nodes of this program
        // must differ.
        static NODES: AtomicU64 = AtomicU64::new(1);
        let epoch = AtomicU64::new(NODES.fetch_add(1, Ordering::Relaxed) << 32);
        let linked = Linked {
            current: Mutex::default(),
            epoch,
        };
        linked.load(&fixture::LIBRARY);
        linked
    }

    pub(crate) fn load(&self, library: &'static LibraryTable) {
        let modules = pq_abi::host::linked_library(library).unwrap();
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        current.extend(modules.into_iter().map(|module| (module.name(), module)));
        self.epoch.fetch_add(1, Ordering::Release);
    }

    /// Makes the next version of the library current.
    pub(crate) fn upgrade(&self) {
        self.load(&fixture_next::LIBRARY);
    }

    /// Makes the first version current again.
    pub(crate) fn downgrade(&self) {
        self.load(&fixture::LIBRARY);
    }
}

impl Modules for Linked {
    fn current(&self, name: &str) -> Option<Module> {
        self.current
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(name)
            .copied()
    }

    fn epoch(&self) -> &AtomicU64 {
        &self.epoch
    }

    fn at(&self, address: u64) -> Option<Module> {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let mut modules = current.values().copied();
        modules.find(|module| module.address() == address)
    }
}

/// The configuration of a node for these tests.
pub(crate) fn config() -> (Config, Journal, Arc<Linked>) {
    let (modules, journal) = (Arc::new(Linked::new()), Journal::default());
    let mut config = Config::new(modules.clone());
    config.services.insert("journal", Arc::new(journal.clone()));
    (config, journal, modules)
}

/// A simulated node with a journal and names for pids.
pub(crate) struct Rig {
    pub(crate) sim: Sim,
    pub(crate) modules: Arc<Linked>,
    journal: Journal,
    names: Vec<(Pid, String)>,
}

/// After every test, the counts of processes are those of the processes themselves.
impl Drop for Rig {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let mut living = BTreeMap::<(String, String), u64>::new();
        for process in self.sim.processes() {
            // Processes of the runtime itself count together.
            let is_own = process.kind == "native";
            let name = if is_own {
                "pq".to_string()
            } else {
                process.module
            };
            *living.entry((name, process.vsn)).or_default() += 1;
        }
        let counts = self.sim.node().counts().into_iter();
        let counted = counts.map(|(version, count)| (version, count.living));
        let counted: BTreeMap<_, _> = counted.filter(|(_, living)| *living > 0).collect();
        assert_eq!(counted, living);
    }
}

impl Rig {
    pub(crate) fn new() -> Rig {
        Rig::with(|_| ())
    }

    /// A rig whose configuration `change` has adapted.
    pub(crate) fn with(change: impl FnOnce(&mut Config)) -> Rig {
        let (mut config, journal, modules) = config();
        change(&mut config);
        Rig {
            sim: Sim::new(config),
            modules,
            journal,
            names: Vec::new(),
        }
    }

    /// Starts an actor, named `name` in the lines.
    pub(crate) fn actor(&mut self, name: &str, script: Vec<Do>) -> Pid {
        self.begin(name, "actor", &(script,)).unwrap()
    }

    /// Starts a process of any module.
    pub(crate) fn begin(
        &mut self,
        name: &str,
        module: &'static str,
        args: &impl Serialize,
    ) -> Result<Pid, RequestError> {
        let pid = self.sim.start(start(module, args))?;
        self.call_it(name, pid);
        Ok(pid)
    }

    /// Makes the lines show `name` instead of this pid.
    pub(crate) fn call_it(&mut self, name: &str, pid: Pid) {
        self.names.push((pid, name.to_string()));
    }

    /// Casts a script from outside, and runs the node until it is idle.
    pub(crate) fn tell(&mut self, to: Pid, script: Vec<Do>) {
        self.post(to, script);
        self.sim.settle();
    }

    /// Casts a script from outside without running the node.
    pub(crate) fn post(&self, to: Pid, script: Vec<Do>) {
        self.deliver(to, Envelope::Cast(payload(&script)));
    }

    /// Puts an envelope into a mailbox without running the node.
    pub(crate) fn deliver(&self, to: Pid, envelope: Envelope) {
        self.sim.node().signal(Signal::Deliver(to, envelope));
    }

    /// Sends a request from outside; returns the answer or the error as text.
    pub(crate) fn ask(&mut self, to: Pid, request: &impl Serialize) -> String {
        match self.sim.call(to, &encode(request), 1_000) {
            Ok(reply) => pq_term::msgpack::from_msgpack(&reply).unwrap().to_string(),
            Err(RequestError::Exit(reason)) => reason.to_string(),
            Err(error) => error.to_string(),
        }
    }

    /// Takes the lines noted since the last call, with names in place of pids.
    pub(crate) fn lines(&mut self) -> Vec<String> {
        let lines = self.journal.take();
        lines
            .into_iter()
            .map(|(pid, line)| self.named(&format!("{pid} {line}")))
            .collect()
    }

    /// Replaces pids in a text by names.
    pub(crate) fn named(&self, text: &str) -> String {
        let replace =
            |text: String, (pid, name): &(Pid, String)| text.replace(&pid.to_string(), name);
        self.names.iter().fold(text.to_string(), replace)
    }

    pub(crate) fn is_alive(&self, pid: Pid) -> bool {
        self.sim.node().is_alive(pid)
    }

    /// Sends `exit(Pid, Reason)` from outside.
    pub(crate) fn exit(&mut self, to: Pid, reason: &'static str) {
        self.sim.exit(to, Reason::from_term(Term::atom(reason)));
    }
}

/// Encodes a value as a library does.
pub(crate) fn encode(value: &(impl Serialize + ?Sized)) -> Vec<u8> {
    rmp_serde::to_vec_named(value).unwrap()
}

pub(crate) fn payload(value: &(impl Serialize + ?Sized)) -> Payload {
    Payload::from_vec(encode(value))
}

/// The start of a process: module and arguments.
pub(crate) fn start(module: &'static str, args: &impl Serialize) -> Start {
    Start {
        module: pq_otp::Atom::from_static(module),
        args: encode(args),
    }
}

/// The step that notes this line.
pub(crate) fn say(line: &str) -> Do {
    Do::Note(line.to_string())
}

/// The spec of a permanent worker that is an actor.
pub(crate) fn child(id: &'static str, script: Vec<Do>) -> ChildSpec {
    worker(id, start("actor", &(script,)))
}

/// The spec of a permanent worker.
pub(crate) fn worker(id: &'static str, start: Start) -> ChildSpec {
    let modules = ChildModules::Of(vec![start.module]);
    ChildSpec {
        id: Term::atom(id),
        start,
        restart: Restart::Permanent,
        shutdown: Shutdown::Timeout(5_000),
        kind: ChildType::Worker,
        modules,
    }
}

/// The start of a supervisor with these children, which permits two restarts in five seconds.
pub(crate) fn tree(strategy: Strategy, children: Vec<ChildSpec>) -> Start {
    start("tree", &(sup_spec(strategy, children),))
}

pub(crate) fn sup_spec(strategy: Strategy, children: Vec<ChildSpec>) -> SupSpec {
    SupSpec {
        flags: SupFlags {
            strategy,
            intensity: 2,
            period_s: 5,
        },
        children,
    }
}

/// Sends system messages one after the other without waiting; the answers go to the list.
pub(crate) fn answers(
    rig: &Rig,
    to: Pid,
    messages: impl IntoIterator<Item = SysMessage>,
) -> Arc<Mutex<Vec<String>>> {
    let answers = Arc::new(Mutex::new(Vec::new()));
    for message in messages {
        let list = answers.clone();
        rig.sim.node().sys_request(to, message, move |answer| {
            let line = answer.map_or_else(|reason| reason.to_string(), |term| term.to_string());
            list.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(line);
        });
    }
    answers
}

impl Rig {
    /// Takes the lines noted since the last call, with their pids.
    pub(crate) fn lines_by_pid(&mut self) -> Vec<String> {
        self.journal
            .take()
            .into_iter()
            .map(|(pid, line)| format!("{pid} {line}"))
            .collect()
    }
}
