//! What all shards share: names, ports, environment, code, and the way in from outside.
//!
//! A [`Node`] is a handle that clones freely. Threads that are no shard use it to ask processes; shards use
//! it to find each other.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, RwLock};

use pq_abi::spec::{SupReply, SupRequest};
use pq_abi::{Module, Modules, Reason, spec};
use pq_term::{Pid, Term};

use crate::alive::Alive;
use crate::calls::Calls;
use crate::message::{Ack, Caller, Envelope, ExitCause, Payload, Signal};
use crate::native::Native;
use crate::numbered::Numbered;
use crate::port::Ports;
use crate::run_clock::Receiving;
use crate::stall::{StallHook, Stalls};
use crate::unpoisoned::Unpoisoned;

mod births;
mod inbox;
mod kin;
mod listing;
mod names;
mod ports;
mod settings;
mod stalls;

pub(crate) use inbox::Inbox;
pub use kin::Kin;
pub(crate) use listing::runners;
pub use listing::{Called, Census, Listing, Missing, Runner};
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
    /// the node there by its memory. A hero's manager sees one event per kill, a session one line per kill.
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

/// Takes an answer; runs on a shard's thread and must not wait.
pub type OnReply = Box<dyn FnOnce(Result<Payload, Reason>) + Send>;

/// Whoever asks from outside takes a lock when it asks and a shard takes the same when it answers. With one lock for
/// all, a thread that orders heroes and a shard that starts them wait for each other.
const WAITING_ROOMS: usize = 16;

pub(crate) struct Shared {
    config: Config,
    names: RwLock<BTreeMap<String, Pid>>,
    env: RwLock<BTreeMap<(String, String), Term>>,
    pub(crate) ports: Ports,
    alive: Vec<Alive>,
    inboxes: Vec<Inbox>,
    waiting: [Mutex<Numbered<u64, OnReply>>; WAITING_ROOMS],
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
            waiting: Default::default(),
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

    /// Asks a process; `on_reply` runs on a shard's thread and must not wait.
    pub fn request(
        &self,
        to: Pid,
        data: &[u8],
        on_reply: impl FnOnce(Result<Payload, Reason>) + Send + 'static,
    ) -> u64 {
        self.send_call(to, data, Box::new(on_reply))
    }

    pub(crate) fn send_call(&self, to: Pid, data: &[u8], on_reply: OnReply) -> u64 {
        let caller = self.expect_answer(on_reply);
        self.signal(Signal::Deliver(
            to,
            Envelope::Call(caller, Payload::from_slice(data)),
        ));
        caller.tag
    }

    /// Makes a place for an answer from inside.
    pub(crate) fn expect_answer(&self, on_reply: OnReply) -> Caller {
        let tag = self.shared.next_tag.fetch_add(1, Ordering::Relaxed);
        self.waiting(tag).insert(tag, on_reply);
        Caller {
            pid: Pid::from_raw(0),
            tag,
        }
    }

    pub(crate) fn answer_outside(&self, tag: u64, result: Result<Payload, Reason>) {
        let on_reply = self.waiting(tag).remove(&tag);
        if let Some(on_reply) = on_reply {
            on_reply(result);
        }
    }

    pub(crate) fn forget_answer(&self, tag: u64) {
        self.waiting(tag).remove(&tag);
    }

    /// Where the answer with this tag is waited for.
    fn waiting(&self, tag: u64) -> MutexGuard<'_, Numbered<u64, OnReply>> {
        let room = &self.shared.waiting[tag as usize % WAITING_ROOMS];
        room.lock().unpoisoned()
    }

    /// Asks a process and waits, from a thread that is no shard (`gen_server:call/3`).
    pub fn call(&self, to: Pid, data: &[u8], timeout_ms: u64) -> Result<Payload, RequestError> {
        self.wait(timeout_ms, |on_reply| self.send_call(to, data, on_reply))
    }

    /// Waits for the answer to what `send` sends.
    pub(crate) fn wait(
        &self,
        timeout_ms: u64,
        send: impl FnOnce(OnReply) -> u64,
    ) -> Result<Payload, RequestError> {
        let answer = self.wait_while(timeout_ms, || true, send);
        answer.unwrap_or(Err(RequestError::Timeout(timeout_ms)))
    }

    /// The same for what needs all shards: it is waited for only while they answer.
    pub(crate) fn wait_while_answering(
        &self,
        timeout_ms: u64,
        send: impl FnOnce(OnReply) -> u64,
    ) -> Result<Payload, RequestError> {
        let answer = self.wait_while(timeout_ms, self.while_shards_answer(), send);
        answer.unwrap_or_else(|| Err(self.unanswered(timeout_ms)))
    }

    fn wait_while(
        &self,
        timeout_ms: u64,
        goes_on: impl FnMut() -> bool,
        send: impl FnOnce(OnReply) -> u64,
    ) -> Option<Result<Payload, RequestError>> {
        let (sender, receiver) = sync_channel(1);
        let tag = send(Box::new(move |result| drop(sender.send(result))));
        let answer = Receiving::new(&receiver, timeout_ms).next_while(goes_on);
        if answer.is_err() {
            self.forget_answer(tag);
        }
        Some(answer.ok()?.map_err(RequestError::Exit))
    }

    /// Asks a supervisor and waits.
    pub fn ask_supervisor(
        &self,
        to: Pid,
        request: &SupRequest,
        timeout_ms: u64,
    ) -> Result<SupReply, RequestError> {
        let reply = self.call(to, &spec::encode(request), timeout_ms)?;
        spec::decode_reply(&reply).map_err(RequestError::BadReply)
    }

    /// Starts a process of the runtime's own, where supervisors live.
    pub fn start_native(
        &self,
        native: Box<dyn Native>,
        timeout_ms: u64,
    ) -> Result<Pid, RequestError> {
        let reply = self.wait(timeout_ms, |on_reply| {
            let caller = self.expect_answer(on_reply);
            self.signal(Signal::SpawnNative(native, Ack::Request(caller)));
            caller.tag
        })?;
        rmp_pid(&reply)
    }
}

/// The pid in the answer to a start.
pub(crate) fn rmp_pid(reply: &[u8]) -> Result<Pid, RequestError> {
    let term = pq_term::msgpack::from_msgpack(reply)
        .map_err(|error| RequestError::BadReply(error.to_string()))?;
    term.as_pid()
        .ok_or_else(|| RequestError::BadReply(format!("{term} is no pid")))
}
