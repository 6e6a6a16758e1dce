//! The data that all shards share: names, ports, environment, code, and access from outside.
//!
//! A [`Node`] is a handle that is cheap to clone. Threads that are no shard use it to ask processes; shards use
//! it to reach each other.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, RwLock};

use pq_abi::{Module, Modules, Reason};
use pq_term::{Pid, Term};

use crate::alive::Alive;
use crate::calls::Calls;
use crate::crowd::Crowd;
use crate::dice::Dice;
use crate::message::{ExitCause, Signal};
use crate::port::Ports;
use crate::stall::{StallHook, Stalls};
use crate::tally::AllTallies;

mod asking;
mod births;
mod children;
mod counts;
mod crowd;
mod inbox;
mod kin;
mod listing;
mod names;
mod notices;
mod ports;
mod settings;
mod stalls;

use asking::Answers;
pub use asking::{Ask, Asking, Called, OnReply, Question};
pub(crate) use asking::{START_TIMEOUT_MS, pid_of};
pub(crate) use children::Answered;
pub use children::{Children, Comeback, EndOf, Restart};
pub use crowd::CrowdMember;
pub(crate) use inbox::Inbox;
pub use kin::Kin;
pub(crate) use kin::WATCHER;
pub(crate) use listing::runner;
pub use listing::{Census, Listing, Missing, Runner};
pub use names::{NameHook, NameRegistry};
pub use notices::{News, Notice, Notices};

/// A module that is compiled into the node and shared by all its threads, such as the registry.
pub trait Service: Send + Sync {
    /// Answers a call of `module:function(args)` in [`ServiceCall::answer`]; arguments and answer are MessagePack.
    fn call(&self, call: ServiceCall<'_>) -> Result<(), Reason>;

    /// The functions that the script of an upgrade may call, with the number of their arguments; empty by default.
    fn functions(&self) -> &'static [(&'static str, u32)] {
        &[]
    }
}

/// One call of a [`Service`].
pub struct ServiceCall<'a> {
    /// The node that the call happens on.
    pub node: &'a Node,
    /// The calling process; [`Pid`] 0 for a call from outside.
    pub caller: Pid,
    /// The name of the function, as bytes: names are compared without decoding.
    pub function: &'a [u8],
    /// The function's arguments, a MessagePack array.
    pub args: &'a [u8],
    /// The buffer for the answer, empty at first.
    pub answer: &'a mut Vec<u8>,
    /// Set by the service when the registry now holds a name of the caller.
    pub holds_name: &'a mut bool,
}

/// Called at the end of a process that held a name, before links and monitors report the end.
pub type ExitHook = Box<dyn Fn(Pid) + Send + Sync>;

/// The settings of a new node.
pub struct Config {
    /// The code server, or another source of modules.
    pub modules: Arc<dyn Modules>,
    /// The compiled-in modules, by name.
    pub services: BTreeMap<&'static str, Arc<dyn Service>>,
    /// Called at the end of processes that hold a name in the registry.
    pub exited: Option<ExitHook>,
    /// The registry, for processes that move with their names.
    pub registry: Option<Box<dyn NameRegistry>>,
    /// Returns the name that a process has in the registry, for messages.
    pub name_of: Option<NameHook>,
    /// The number of shards; one per core is best.
    pub shards: usize,
    /// Whether the last shard runs only supervisors and the runtime's own processes, whose callbacks are known to
    /// end: then births continue when callbacks of other processes do not end. The children live on the other shards.
    pub supervisors_apart: bool,
    /// Called when a callback does not end, and when it ends after all.
    pub on_stall: Option<StallHook>,
    /// The seed of all random generators.
    pub seed: u64,
    /// The owners of random generators.
    pub dice: Dice,
    /// How many messages may wait in one mailbox; further messages are dropped with a log line.
    pub mailbox_max: u32,
}

impl Config {
    /// A process with a fuller mailbox does not keep up. OTP has no bound, and there such a process ends
    /// the node by its memory. An avatar's manager receives one event per kill, a session one line per kill.
    const MAILBOX_MAX: u32 = 100_000;

    /// Settings for one shard with seed 0, without services.
    pub fn new(modules: Arc<dyn Modules>) -> Config {
        Config {
            modules,
            services: BTreeMap::new(),
            exited: None,
            registry: None,
            name_of: None,
            shards: 1,
            supervisors_apart: false,
            on_stall: None,
            seed: 0,
            dice: Dice::OfShards,
            mailbox_max: Config::MAILBOX_MAX,
        }
    }
}

/// The reason why a request from outside got no answer.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RequestError {
    /// No answer came in time; the request may still have an effect.
    #[error("no answer within {0} ms")]
    Timeout(u64),
    /// A shard is blocked by the callback that the text names. The request may still have an effect.
    #[error("{0}")]
    Stalled(String),
    /// The process does not exist, or ended before it answered.
    #[error("the process ended: {0}")]
    Exit(Reason),
    /// No process has this name.
    #[error("no process is registered as {0}")]
    NoName(String),
    /// The answer is not of the expected type.
    #[error("the answer cannot be read: {0}")]
    BadReply(String),
}

pub(crate) struct Shared {
    /// Distinguishes the node from all others of this program.
    number: u64,
    config: Config,
    names: RwLock<BTreeMap<String, Pid>>,
    env: RwLock<BTreeMap<(String, String), Term>>,
    pub(crate) ports: Ports,
    alive: Vec<Alive>,
    inboxes: Vec<Inbox>,
    answers: Answers,
    next_tag: AtomicU64,
    pub(crate) next_shard: AtomicUsize,
    /// The number of running conversions whose transaction has given them up.
    given_up: AtomicU64,
    /// The seed of the random numbers of conversions.
    conversion_seed: AtomicU64,
    kin: OnceLock<Arc<dyn Kin>>,
    children: OnceLock<Arc<dyn Children>>,
    notices: OnceLock<Arc<dyn Notices>>,
    tallies: Mutex<AllTallies>,
    crowd: Crowd,
    stalls: Stalls,
    calls: Calls,
    /// The running applications, as their controller has listed them last.
    pub(crate) applications: Mutex<Vec<Running>>,
}

/// A running application: name, description, version.
pub(crate) type Running = (String, String, String);

/// A handle on a running node, usable on any thread.
#[derive(Clone)]
pub struct Node {
    pub(crate) shared: Arc<Shared>,
}

impl Node {
    pub(crate) fn new(config: Config) -> Node {
        let shards = config.shards.clamp(1, usize::from(u8::MAX) - 1);
        static NODES: AtomicU64 = AtomicU64::new(0);
        let shared = Shared {
            number: NODES.fetch_add(1, Ordering::Relaxed),
            names: RwLock::default(),
            env: RwLock::default(),
            ports: Ports::new(),
            alive: (0..shards).map(|_| Alive::new()).collect(),
            inboxes: (0..shards).map(|_| Inbox::new()).collect(),
            answers: Answers::default(),
            next_tag: AtomicU64::new(1),
            next_shard: AtomicUsize::new(0),
            given_up: AtomicU64::new(0),
            conversion_seed: AtomicU64::new(config.seed),
            kin: OnceLock::new(),
            children: OnceLock::new(),
            notices: OnceLock::new(),
            tallies: Mutex::default(),
            crowd: Crowd::new(shards),
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

    pub(crate) fn number(&self) -> u64 {
        self.shared.number
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

    /// The number of shards.
    pub fn shards(&self) -> usize {
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

    /// The current version of a module; `None` when it is not loaded.
    pub fn module(&self, name: &str) -> Option<Module> {
        self.shared.config.modules.current(name)
    }

    /// The services by their module names, with the functions that a script may call.
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

    /// Whether the process lives. Usable on any thread, without a lock.
    pub fn is_alive(&self, pid: Pid) -> bool {
        self.shared
            .alive
            .get(usize::from(pid.shard()))
            .is_some_and(|alive| alive.is_alive(pid))
    }

    /// The number of running conversions that their transaction has given up. Each uses only idle time of a core,
    /// until it ends, which may be never.
    pub fn conversions_given_up(&self) -> u64 {
        self.shared.given_up.load(Ordering::Relaxed)
    }

    /// Sets the seed of the random numbers of conversions, which is [`Config::seed`] at first. A node whose processes are saved
    /// keeps this seed with them, so each opening of a save converts it in the same way.
    pub fn set_conversion_seed(&self, seed: u64) {
        self.shared.conversion_seed.store(seed, Ordering::Relaxed);
    }

    /// The seed that [`Node::set_conversion_seed`] has set last.
    pub fn conversion_seed(&self) -> u64 {
        self.shared.conversion_seed.load(Ordering::Relaxed)
    }

    pub(crate) fn note_given_up(&self) {
        self.shared.given_up.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts that a conversion which was given up has ended.
    pub(crate) fn note_came_back(&self) {
        self.shared.given_up.fetch_sub(1, Ordering::Relaxed);
    }

    /// Sends a signal from outside the shards.
    pub fn signal(&self, signal: Signal) {
        let home = self.home();
        let shard = signal.target().map_or(home, Pid::shard);
        // A shard that does not exist has no processes: another shard answers, as for any dead pid.
        if let Some(inbox) = self.inbox(shard).or_else(|| self.inbox(home)) {
            inbox.push(signal);
        }
    }

    pub(crate) fn tell_shard(&self, shard: usize, signal: Signal) {
        if let Some(inbox) = self.inbox(shard as u8) {
            inbox.push(signal);
        }
    }

    /// Kills a process: `exit(Pid, kill)` from outside.
    pub fn kill(&self, pid: Pid) {
        self.signal(Signal::Exit {
            to: pid,
            from: Pid::from_raw(0),
            reason: Reason::Kill,
            cause: ExitCause::Explicit,
        });
    }
}
