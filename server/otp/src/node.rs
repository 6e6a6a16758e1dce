//! What all shards share: names, ports, environment, code, and the way in from outside.
//!
//! A [`Node`] is a handle that clones freely. Threads that are no shard use it to ask processes; shards use
//! it to find each other.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, RwLock};

use pq_abi::{Module, Modules, Reason};
use pq_term::{Pid, Term};

use crate::alive::Alive;
use crate::calls::Calls;
use crate::message::{ExitCause, Signal};
use crate::port::Ports;
use crate::stall::{StallHook, Stalls};

mod asking;
mod births;
mod inbox;
mod kin;
mod listing;
mod names;
mod ports;
mod settings;
mod stalls;

use asking::Answers;
pub(crate) use asking::pid_of;
pub use asking::{Ask, Asking, Called, OnReply, Question};
pub(crate) use inbox::Inbox;
pub use kin::Kin;
pub(crate) use listing::runner;
pub use listing::{Census, Listing, Missing, Runner};
pub use names::NameHook;

/// A module that is compiled into the node and shared by all its threads, such as the registry.
pub trait Service: Send + Sync {
    /// Answers a call of `module:function(args)` in [`ServiceCall::answer`]; arguments and answer are MessagePack.
    fn call(&self, call: ServiceCall<'_>) -> Result<(), Reason>;

    /// The functions that the script of an upgrade may call, and how many arguments each takes; none unless a service says.
    fn functions(&self) -> &'static [(&'static str, u32)] {
        &[]
    }
}

/// One call of a [`Service`].
pub struct ServiceCall<'a> {
    /// The node.
    pub node: &'a Node,
    /// The process that calls; [`Pid`] 0 from outside.
    pub caller: Pid,
    /// Which function: a name is compared, and needs not be text for that.
    pub function: &'a [u8],
    /// Its arguments.
    pub args: &'a [u8],
    /// Where the answer goes; empty.
    pub answer: &'a mut Vec<u8>,
    /// To be set when the registry now holds a name of the caller.
    pub holds_name: &'a mut bool,
}

/// Told of the end of a process that held a name, before anybody else hears of it.
pub type ExitHook = Box<dyn Fn(Pid) + Send + Sync>;

/// How a node is made.
pub struct Config {
    /// Where modules come from.
    pub modules: Arc<dyn Modules>,
    /// The compiled-in modules, by name.
    pub services: BTreeMap<&'static str, Arc<dyn Service>>,
    /// Told of the end of processes that hold a name in the registry.
    pub exited: Option<ExitHook>,
    /// Says which name a process has in the registry, for people.
    pub name_of: Option<NameHook>,
    /// How many shards; one per core is best.
    pub shards: usize,
    /// The last of them is for supervisors and for processes of the runtime's own, whose callbacks decide and end: so births
    /// go on whatever the callbacks of other processes do. What they supervise lives on the others.
    pub supervisors_apart: bool,
    /// Told of callbacks that do not end.
    pub on_stall: Option<StallHook>,
    /// The seed of all dice.
    pub seed: u64,
    /// Messages that may wait in one mailbox; more are dropped with a log line.
    pub mailbox_max: u32,
}

impl Config {
    /// A mailbox beyond this is a process that does not keep up; OTP has no bound, and such a process ends
    /// the node there by its memory. An avatar's manager sees one event per kill, a session one line per kill.
    const MAILBOX_MAX: u32 = 100_000;

    /// One shard, seed 0.
    pub fn new(modules: Arc<dyn Modules>) -> Config {
        Config {
            modules,
            services: BTreeMap::new(),
            exited: None,
            name_of: None,
            shards: 1,
            supervisors_apart: false,
            on_stall: None,
            seed: 0,
            mailbox_max: Config::MAILBOX_MAX,
        }
    }
}

/// Why a request from outside got no answer.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RequestError {
    /// Nothing came in time; it may still have an effect.
    #[error("no answer within {0} ms")]
    Timeout(u64),
    /// A shard stands still, and the answer with it; says whose fault that is. What was asked may still have an effect.
    #[error("{0}")]
    Stalled(String),
    /// The process is not there, or ended before it answered.
    #[error("the process ended: {0}")]
    Exit(Reason),
    /// No process has this name.
    #[error("no process is registered as {0}")]
    NoName(String),
    /// The answer is not of the kind that was asked for.
    #[error("the answer cannot be read: {0}")]
    BadReply(String),
}

pub(crate) struct Shared {
    config: Config,
    names: RwLock<BTreeMap<String, Pid>>,
    env: RwLock<BTreeMap<(String, String), Term>>,
    pub(crate) ports: Ports,
    alive: Vec<Alive>,
    inboxes: Vec<Inbox>,
    answers: Answers,
    next_tag: AtomicU64,
    pub(crate) next_shard: AtomicUsize,
    /// Conversions that run on threads that were given up.
    given_up: AtomicU64,
    kin: OnceLock<Arc<dyn Kin>>,
    stalls: Stalls,
    calls: Calls,
    /// The applications that run, as their controller has said last.
    pub(crate) applications: Mutex<Vec<Running>>,
}

/// An application that runs: name, description, version.
pub(crate) type Running = (String, String, String);

/// A running node, from anywhere.
#[derive(Clone)]
pub struct Node {
    pub(crate) shared: Arc<Shared>,
}

impl Node {
    pub(crate) fn new(config: Config) -> Node {
        let shards = config.shards.clamp(1, usize::from(u8::MAX) - 1);
        let shared = Shared {
            names: RwLock::default(),
            env: RwLock::default(),
            ports: Ports::new(),
            alive: (0..shards).map(|_| Alive::new()).collect(),
            inboxes: (0..shards).map(|_| Inbox::new()).collect(),
            answers: Answers::default(),
            next_tag: AtomicU64::new(1),
            next_shard: AtomicUsize::new(0),
            given_up: AtomicU64::new(0),
            kin: OnceLock::new(),
            stalls: Stalls::of(shards),
            calls: Calls::default(),
            applications: Mutex::default(),
            config,
        };
        Node {
            shared: Arc::new(shared),
        }
    }

    pub(crate) fn config(&self) -> &Config {
        &self.shared.config
    }

    pub(crate) fn watched(&self) -> &Stalls {
        &self.shared.stalls
    }

    pub(crate) fn calls(&self) -> &Calls {
        &self.shared.calls
    }

    pub(crate) fn ports(&self) -> &Ports {
        &self.shared.ports
    }

    pub(crate) fn shards(&self) -> usize {
        self.shared.inboxes.len()
    }

    pub(crate) fn inbox(&self, shard: u8) -> Option<&Inbox> {
        self.shared.inboxes.get(usize::from(shard))
    }

    pub(crate) fn alive(&self, shard: u8) -> &Alive {
        &self.shared.alive[usize::from(shard)]
    }

    pub(crate) fn epoch(&self) -> &AtomicU64 {
        self.shared.config.modules.epoch()
    }

    /// The current version of a module.
    pub fn module(&self, name: &str) -> Option<Module> {
        self.shared.config.modules.current(name)
    }

    /// The services, by the names of their modules, and what a script may call of each.
    pub fn services(&self) -> impl Iterator<Item = (&str, &'static [(&'static str, u32)])> {
        let services = &self.shared.config.services;
        services
            .iter()
            .map(|(name, service)| (*name, service.functions()))
    }

    pub(crate) fn service(&self, name: &[u8]) -> Option<&dyn Service> {
        let services = &self.shared.config.services;
        let found = services
            .iter()
            .find(|(service, _)| service.as_bytes() == name);
        found.map(|(_, service)| &**service)
    }

    /// Whether the process lives; from any thread, without a lock.
    pub fn is_alive(&self, pid: Pid) -> bool {
        self.shared
            .alive
            .get(usize::from(pid.shard()))
            .is_some_and(|alive| alive.is_alive(pid))
    }

    /// How many conversions run whose transaction has given them up. Each uses what time of a core nobody else wants,
    /// until it ends, which may be never.
    pub fn conversions_given_up(&self) -> u64 {
        self.shared.given_up.load(Ordering::Relaxed)
    }

    pub(crate) fn note_given_up(&self) {
        self.shared.given_up.fetch_add(1, Ordering::Relaxed);
    }

    /// One of them has ended after all.
    pub(crate) fn note_came_back(&self) {
        self.shared.given_up.fetch_sub(1, Ordering::Relaxed);
    }

    /// Sends a signal from outside the shards.
    pub fn signal(&self, signal: Signal) {
        let home = self.home();
        let shard = signal.target().map_or(home, Pid::shard);
        // A shard that does not exist has no processes: another one answers, as for any dead pid.
        if let Some(inbox) = self.inbox(shard).or_else(|| self.inbox(home)) {
            inbox.push(signal);
        }
    }

    pub(crate) fn tell_shard(&self, shard: usize, signal: Signal) {
        if let Some(inbox) = self.inbox(shard as u8) {
            inbox.push(signal);
        }
    }

    /// `exit(Pid, kill)` from outside.
    pub fn kill(&self, pid: Pid) {
        self.signal(Signal::Exit {
            to: pid,
            from: Pid::from_raw(0),
            reason: Reason::Kill,
            cause: ExitCause::Explicit,
        });
    }
}
