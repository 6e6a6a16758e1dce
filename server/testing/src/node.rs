//! A node on a virtual clock, for tests of modules.

use std::sync::Arc;

use pq_abi::raw::LibraryTable;
use pq_abi::{Direction, Reason};
use pq_code::{Change, CodeServer, LibraryId, Manifest, ModuleEntry};
use pq_otp::spec::{Start, SupReply, SupRequest};
use pq_otp::sys::{self, SysMessage};
use pq_otp::upgrade::{Abort, Committed, Conversion, OnOverrun, Plan, Target, Transaction};
use pq_otp::{Ask, Atom, Config, Envelope, Payload, Pid, RequestError, Signal, Sim, Term};
use regis_application::Names;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The limit of a question, in virtual milliseconds.
const TIMEOUT_MS: u64 = 60_000;

/// The limits of an upgrade without progress, in milliseconds: those of an install.
const UPGRADE_TIMEOUT_MS: u64 = 5_000;

/// The extra argument of a conversion: `nil`, which stands for `[]`.
const EXTRA: [u8; 1] = [0xc0];

/// A node with the libraries that a test links. Time passes only in its methods, and a run with the same seed and the same calls
/// has the same results.
pub struct Node {
    /// The simulated node, for everything that has no method here.
    pub sim: Sim,
    /// The names that processes have registered in `regis`.
    pub names: Names,
    code: Arc<CodeServer>,
    libraries: Vec<(&'static LibraryTable, LibraryId)>,
}

impl Node {
    /// Makes a node with random numbers from this seed, and with the registry `regis`.
    pub fn new(seed: u64) -> Node {
        let code = Arc::new(CodeServer::new());
        let mut config = Config::new(code.clone());
        config.seed = seed;
        let names = regis_application::install(&mut config);
        let mut node = Node {
            sim: Sim::new(config),
            names,
            code,
            libraries: Vec::new(),
        };
        node.load(&regis_application::LIBRARY);
        node
    }

    /// Loads a library, whose modules become current.
    pub fn load(&mut self, library: &'static LibraryTable) {
        let id = self.link(library);
        let made = self.code.make_all_current(id);
        made.unwrap_or_else(|error| panic!("failed to {error}"));
    }

    fn link(&mut self, library: &'static LibraryTable) -> LibraryId {
        let known = self
            .libraries
            .iter()
            .find(|(known, _)| std::ptr::eq(*known, library));
        if let Some((_, id)) = known {
            return *id;
        }
        let id = self.code.link_library(library);
        let id = id.unwrap_or_else(|error| panic!("failed to {error}"));
        self.libraries.push((library, id));
        id
    }

    /// Starts a process, also a supervisor with its children, with the arguments of its `init`.
    ///
    /// # Panics
    /// When the process does not start.
    pub fn start(&mut self, module: &str, args: &impl Serialize) -> Pid {
        let started = self.try_start(module, args);
        started.unwrap_or_else(|error| panic!("{module} does not start: {error}"))
    }

    /// Does the same, and returns the reason of a failure.
    ///
    /// # Errors
    /// The reason why the process has not started.
    pub fn try_start(&mut self, module: &str, args: &impl Serialize) -> Result<Pid, RequestError> {
        let module = Atom::new(module).unwrap_or_else(|error| panic!("{module}: {error}"));
        self.sim.start(Start {
            module,
            args: encoded(args),
        })
    }

    /// Starts a child of a `simple_one_for_one` supervisor with these further arguments, a tuple.
    ///
    /// # Panics
    /// When the child does not start.
    pub fn start_child(&mut self, supervisor: Pid, args: &impl Serialize) -> Pid {
        match self.ask_supervisor(supervisor, &SupRequest::StartChild(encoded(args))) {
            SupReply::Started(Some(pid)) => pid,
            other => panic!("no child was started: {other:?}"),
        }
    }

    /// Sends a request to a supervisor.
    ///
    /// # Panics
    /// When the supervisor does not answer.
    pub fn ask_supervisor(&mut self, supervisor: Pid, request: &SupRequest) -> SupReply {
        let answer = self.sim.ask_supervisor(supervisor, request, TIMEOUT_MS);
        answer.unwrap_or_else(|error| panic!("{supervisor} does not answer: {error}"))
    }

    /// Sends a cast (`gen_server:cast/2`), and runs everything that follows at once.
    pub fn cast(&mut self, to: Pid, message: &impl Serialize) {
        self.deliver(to, Envelope::Cast(payload(message)));
    }

    /// Sends an event to a state machine or an event manager.
    pub fn event(&mut self, to: Pid, event: &impl Serialize) {
        self.deliver(to, Envelope::Event(payload(event)));
    }

    /// Sends a message (`Pid ! Message`).
    pub fn send(&mut self, to: Pid, message: &impl Serialize) {
        self.deliver(to, Envelope::Info(payload(message)));
    }

    fn deliver(&mut self, to: Pid, envelope: Envelope) {
        self.sim.node().signal(Signal::Deliver(to, envelope));
        self.sim.settle();
    }

    /// Asks a process (`gen_server:call/3`), and reads its answer.
    ///
    /// # Panics
    /// When the process does not answer, or its answer has another type.
    pub fn call<R: DeserializeOwned>(&mut self, to: Pid, request: &impl Serialize) -> R {
        let answer = self.sim.call(to, &encoded(request), TIMEOUT_MS);
        let answer = answer.unwrap_or_else(|error| panic!("{to} does not answer: {error}"));
        rmp_serde::from_slice(&answer).unwrap_or_else(|error| panic!("the answer of {to}: {error}"))
    }

    /// Calls a function of a module's current version with a tuple of arguments.
    ///
    /// # Errors
    /// The reason of its failure.
    pub fn apply<R: DeserializeOwned>(
        &mut self,
        module: &str,
        function: &str,
        args: &impl Serialize,
    ) -> Result<R, RequestError> {
        let answer = self
            .sim
            .call_function(module, function, &encoded(args), TIMEOUT_MS)?;
        Ok(rmp_serde::from_slice(&answer)
            .unwrap_or_else(|error| panic!("the result of {module}:{function}: {error}")))
    }

    /// The state of a process, in the type of its module.
    ///
    /// # Panics
    /// When the process has ended, or has a state of another type.
    pub fn state<T: DeserializeOwned>(&mut self, of: Pid) -> T {
        let bytes = pq_term::msgpack::to_plain_msgpack(&self.state_term(of));
        rmp_serde::from_slice(&bytes).unwrap_or_else(|error| panic!("the state of {of}: {error}"))
    }

    /// The state of a process as a term (`sys:get_state/1`).
    ///
    /// # Panics
    /// When the process has ended.
    pub fn state_term(&mut self, of: Pid) -> Term {
        let state = self.sim.sys(of, SysMessage::GetState, sys::TIMEOUT_MS);
        state.unwrap_or_else(|error| panic!("{of} shows no state: {error}"))
    }

    /// Lets virtual time pass; everything that falls due meanwhile happens.
    pub fn run_ms(&mut self, ms: u64) {
        self.sim.run_ms(ms);
    }

    /// Kills a process, as a fault in its code would end it.
    pub fn kill(&mut self, pid: Pid) {
        self.sim.exit(pid, Reason::Kill);
    }

    /// The process with this local name.
    pub fn whereis(&self, name: &str) -> Option<Pid> {
        self.sim.node().whereis(name)
    }

    /// The processes that run a module, with the version that each runs.
    pub fn running(&self, module: &str) -> Vec<(Pid, String)> {
        let processes = self.sim.processes().into_iter();
        let of_module = processes.filter(|process| process.module == module);
        of_module
            .map(|process| (process.pid, process.vsn))
            .collect()
    }

    /// Upgrades the application of this library to it, in one transaction: processes run on while their states are copied and
    /// converted, and all of them change at once, or none.
    ///
    /// # Errors
    /// When a state does not convert. Nothing has changed then.
    pub fn upgrade(&mut self, newer: &'static LibraryTable) -> Result<Committed, Abort> {
        self.exchange(Direction::Up, newer)
    }

    /// Goes back to an older library, by the conversions of the current one.
    ///
    /// # Errors
    /// As [`Node::upgrade`].
    pub fn downgrade(&mut self, older: &'static LibraryTable) -> Result<Committed, Abort> {
        self.exchange(Direction::Down, older)
    }

    fn exchange(
        &mut self,
        direction: Direction,
        library: &'static LibraryTable,
    ) -> Result<Committed, Abort> {
        let id = self.link(library);
        let to = manifest(library);
        let from = self.current_of(&to);
        let changed = to.modules.iter().filter(|module| {
            let before = from.iter().find(|before| before.name == module.name);
            before.is_none_or(|before| before.vsn != module.vsn)
        });
        let changed: Vec<&ModuleEntry> = changed.collect();
        let gone = from
            .iter()
            .filter(|before| !to.modules.iter().any(|module| module.name == before.name));
        let gone: Vec<&ModuleEntry> = gone.collect();
        let loads = changed
            .iter()
            .map(|module| Change::MakeCurrent(id, &module.name));
        let removes = gone
            .iter()
            .flat_map(|module| [Change::Delete(&module.name), Change::Purge(&module.name)]);
        let changes: Vec<Change<'_>> = loads.chain(removes).collect();
        let targets = changed
            .iter()
            .map(|module| self.target(direction, id, module, &from));
        let plan = Plan {
            targets: targets.collect(),
            modules: Arc::new(
                self.code
                    .preview(&changes)
                    .unwrap_or_else(|error| panic!("failed to {error}")),
            ),
            removed: gone.iter().map(|module| module.name.clone()).collect(),
            suspend_timeout_ms: UPGRADE_TIMEOUT_MS,
            code_change_timeout_ms: UPGRADE_TIMEOUT_MS,
            on_overrun: OnOverrun::Abort,
            slice: Plan::SLICE,
            trial: false,
        };
        let held = Transaction::begin(&mut self.sim, plan).hold()?;
        let code = self.code.clone();
        let committed = held.commit(|| {
            code.change(&changes)
                .unwrap_or_else(|error| panic!("failed to {error}"));
        });
        self.sim.settle();
        Ok(committed)
    }

    /// The current modules of an application.
    fn current_of(&self, application: &Manifest) -> Vec<ModuleEntry> {
        let libraries = self.libraries.iter().map(|(library, _)| manifest(library));
        let own = libraries.filter(|library| library.application == application.application);
        let is_current = |module: &ModuleEntry| {
            let current = self.code.current(&module.name);
            current.is_some_and(|current| current.vsn() == module.vsn)
        };
        let mut current: Vec<ModuleEntry> = Vec::new();
        for module in own.flat_map(|library| library.modules) {
            let is_known = current.iter().any(|known| known.name == module.name);
            if is_current(&module) && !is_known {
                current.push(module);
            }
        }
        current
    }

    /// The newer of two versions of a module says whether it converts the state of the older.
    fn target(
        &self,
        direction: Direction,
        id: LibraryId,
        to: &ModuleEntry,
        from: &[ModuleEntry],
    ) -> Target {
        let before = from.iter().find(|before| before.name == to.name);
        let converts = before.is_some_and(|before| {
            let (newer, older) = match direction {
                Direction::Up => (to, before),
                Direction::Down => (before, to),
            };
            let declared = newer.declared.as_ref();
            declared.is_some_and(|declared| declared.converts.contains(&older.vsn))
        });
        let module = self.code.module(id, &to.name);
        Target {
            module: module.unwrap_or_else(|error| panic!("failed to {error}")),
            conversion: match converts {
                true => Conversion::CodeChange {
                    direction,
                    extra: EXTRA.to_vec(),
                },
                false => Conversion::Carry,
            },
            through: Vec::new(),
        }
    }
}

fn manifest(library: &'static LibraryTable) -> Manifest {
    Manifest::read(library.manifest()).expect("the macro of the SDK has written it")
}

fn encoded(value: &impl Serialize) -> Vec<u8> {
    rmp_serde::to_vec_named(value).expect("writing to a Vec cannot fail")
}

fn payload(value: &impl Serialize) -> Payload {
    Payload::from_vec(encoded(value))
}
