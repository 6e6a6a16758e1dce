//! Data that supervisors, applications and event managers exchange with the runtime.
//!
//! These travel in the positional form of MessagePack: both ends are compiled with one [`crate::ABI_STAMP`].

use pq_term::{Atom, Pid, Term};
use serde::{Deserialize, Serialize};

mod flat;
mod frequent;
mod reader;
mod writer;

pub use frequent::{decode_reply, decode_request, encode_reply};
pub use reader::{ChildView, SpecReader};
pub use writer::encode_supervisor;

/// How a supervisor reacts to the end of a child (`supervisor(3)`, `strategy()`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(into = "u8", try_from = "u8")]
pub enum Strategy {
    /// Only that child is restarted.
    OneForOne,
    /// All are.
    OneForAll,
    /// That child and those started after it are.
    RestForOne,
    /// All children are of one kind and added while running.
    SimpleOneForOne,
}

/// `supervisor:sup_flags()`: more than `intensity` restarts within `period_s` seconds end the supervisor.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SupFlags {
    /// What to do when a child ends.
    pub strategy: Strategy,
    /// How many restarts are borne.
    pub intensity: u32,
    /// Within how many seconds.
    pub period_s: u32,
}

/// When a child is restarted (`supervisor:restart()`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(into = "u8", try_from = "u8")]
pub enum Restart {
    /// Always.
    Permanent,
    /// Unless it ended in order.
    Transient,
    /// Never.
    Temporary,
}

/// How a child is told to end (`supervisor:shutdown()`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(into = "i64", try_from = "i64")]
pub enum Shutdown {
    /// `exit(Child, kill)` at once.
    BrutalKill,
    /// `exit(Child, shutdown)`, and `kill` after so many milliseconds.
    Timeout(u32),
    /// `exit(Child, shutdown)` and as long as it takes; for supervisors.
    Infinity,
}

/// What the child is (`supervisor:worker()`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(into = "u8", try_from = "u8")]
pub enum ChildType {
    /// A process that works.
    Worker,
    /// A process that supervises.
    Supervisor,
}

/// Which modules a child runs, for the release handler (`supervisor:modules()`).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(into = "flat::Names", from = "flat::Names")]
pub enum Modules {
    /// An event manager: its handlers are asked.
    Dynamic,
    /// Just these.
    Of(Vec<Atom>),
}

/// Which process to start: one of `module`'s kind, with these encoded arguments.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Start {
    /// Its module; the current version is taken at every start.
    #[serde(with = "flat::atom")]
    pub module: Atom,
    /// The arguments of `init`, a MessagePack array.
    #[serde(with = "serde_bytes")]
    pub args: Vec<u8>,
}

/// `supervisor:child_spec()`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ChildSpec {
    /// Names the child among its siblings.
    #[serde(with = "flat::term")]
    pub id: Term,
    /// How it starts. Under `SimpleOneForOne` the arguments of `start_child` are appended.
    pub start: Start,
    /// When it is restarted.
    pub restart: Restart,
    /// How it is ended.
    pub shutdown: Shutdown,
    /// What it is.
    pub kind: ChildType,
    /// Which modules it runs.
    pub modules: Modules,
}

/// What a supervisor's `init` returns.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SupSpec {
    /// Strategy and restart limit.
    pub flags: SupFlags,
    /// The children, in the order of their start.
    pub children: Vec<ChildSpec>,
}

/// A request to a supervisor. Its answer is a [`SupReply`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum SupRequest {
    /// `start_child/2` under `SimpleOneForOne`: the arguments to append, a MessagePack array.
    StartChild(#[serde(with = "serde_bytes")] Vec<u8>),
    /// `start_child/2` under any other strategy.
    StartSpec(ChildSpec),
    /// `terminate_child/2` by id.
    TerminateId(Term),
    /// `terminate_child/2` by pid.
    TerminatePid(Pid),
    /// `restart_child/2`.
    RestartChild(Term),
    /// `delete_child/2`.
    DeleteChild(Term),
    /// `which_children/1`. Answered only between restarts: what it lists is settled.
    WhichChildren,
    /// `count_children/1`.
    CountChildren,
}

/// What a supervisor answers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum SupReply {
    /// Done.
    Ok,
    /// Done; the child runs as this process (`None`: its start said `ignore`).
    Started(Option<Pid>),
    /// Refused, with OTP's reason: `already_present`, `{already_started, Pid}`, `not_found`, `running`, `simple_one_for_one`, …
    Error(Term),
    /// `which_children`: last started first.
    Children(Vec<ChildInfo>),
    /// `count_children`.
    Count(ChildCount),
}

/// One line of `which_children`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ChildInfo {
    /// Its id; `undefined` under `SimpleOneForOne`.
    pub id: Term,
    /// Its process; `None` while there is none.
    pub pid: Option<Pid>,
    /// What it is.
    pub kind: ChildType,
    /// Which modules it runs.
    pub modules: Modules,
}

/// `count_children`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ChildCount {
    /// Child specs.
    pub specs: u64,
    /// Children that run.
    pub active: u64,
    /// Of all children, supervisors.
    pub supervisors: u64,
    /// Of all children, workers.
    pub workers: u64,
}

/// A request to an event manager. Its answer is a [`ManagerReply`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum ManagerRequest {
    /// `gen_event:add_handler/3`: a module of kind `gen_event` and its encoded arguments.
    AddHandler(Atom, #[serde(with = "serde_bytes")] Vec<u8>),
    /// `gen_event:delete_handler/3`.
    DeleteHandler(Atom),
    /// `gen_event:which_handlers/1`.
    WhichHandlers,
    /// `gen_event:call/3`: the handler and the encoded request. The handler answers in its own words; a
    /// handler that is not there fails the request with `bad_module`.
    Call(Atom, #[serde(with = "serde_bytes")] Vec<u8>),
}

/// What an event manager answers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum ManagerReply {
    /// Done.
    Ok,
    /// Refused, with OTP's reason: `module_not_found`, `bad_module`, `already_present`, or the handler's own.
    Error(Term),
    /// `which_handlers`.
    Handlers(Vec<Atom>),
}

/// What an application's `start` returns: the top of its supervision tree.
pub type TopSupervisor = Start;

/// Room from the start: nearly all of these are the order to start an avatar, which takes some 50 bytes.
const SHORT_BYTES: usize = 64;

/// Encodes one of these; a supervisor's spec and answers are written faster by [`encode_supervisor`] and
/// [`encode_reply`].
pub fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(SHORT_BYTES);
    let written = value.serialize(&mut rmp_serde::Serializer::new(&mut bytes));
    written.expect("these types have a MessagePack form, and a Vec takes all bytes");
    bytes
}

/// Decodes one of these; the error says what did not fit.
pub fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, String> {
    rmp_serde::from_slice(bytes).map_err(|error| error.to_string())
}
