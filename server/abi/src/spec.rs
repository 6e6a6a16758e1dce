//! Data that supervisors, applications and event managers exchange with the runtime.
//!
//! The data travel in the positional form of MessagePack: both ends are compiled with one [`crate::ABI_STAMP`].

use pq_term::{Atom, Pid, Term};
use serde::{Deserialize, Serialize};

mod flat;
mod frequent;
mod reader;
mod writer;

pub use frequent::{decode_reply, decode_request, encode_reply};
pub use reader::{ChildView, SpecReader};
pub use writer::encode_supervisor;

/// The reaction of a supervisor to the end of a child (`supervisor(3)`, `strategy()`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(into = "u8", try_from = "u8")]
pub enum Strategy {
    /// Only the child that ended is restarted.
    OneForOne,
    /// All children are restarted.
    OneForAll,
    /// The child that ended and those started after it are restarted.
    RestForOne,
    /// All children are of one kind and added while running.
    SimpleOneForOne,
}

/// `supervisor:sup_flags()`: more than `intensity` restarts within `period_s` seconds end the supervisor.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SupFlags {
    /// Which children are restarted when a child ends.
    pub strategy: Strategy,
    /// How many restarts within the period the supervisor permits.
    pub intensity: u32,
    /// The length of the period, in seconds.
    pub period_s: u32,
}

/// When a child is restarted (`supervisor:restart()`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(into = "u8", try_from = "u8")]
pub enum Restart {
    /// The child is always restarted.
    Permanent,
    /// The child is restarted unless it ended in order ([`crate::Reason::is_orderly`]).
    Transient,
    /// The child is never restarted.
    Temporary,
}

/// How a supervisor ends a child (`supervisor:shutdown()`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(into = "i64", try_from = "i64")]
pub enum Shutdown {
    /// `exit(Child, kill)` at once.
    BrutalKill,
    /// `exit(Child, shutdown)`, and `kill` after this many milliseconds.
    Timeout(u32),
    /// `exit(Child, shutdown)` without a time limit; for supervisors.
    Infinity,
}

/// The type of a child (`supervisor:worker()`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(into = "u8", try_from = "u8")]
pub enum ChildType {
    /// The child is no supervisor.
    Worker,
    /// The child is a supervisor with children of its own.
    Supervisor,
}

/// The modules that a child runs, for the release handler (`supervisor:modules()`).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(into = "flat::Names", from = "flat::Names")]
pub enum Modules {
    /// An event manager: the release handler asks it for its handlers.
    Dynamic,
    /// A list of all modules that the child runs.
    Of(Vec<Atom>),
}

/// The process to start: its module, and the encoded arguments of `init`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Start {
    /// The module of the process; each start takes the module's current version.
    #[serde(with = "flat::atom")]
    pub module: Atom,
    /// The arguments of `init`, a MessagePack array.
    #[serde(with = "serde_bytes")]
    pub args: Vec<u8>,
}

/// How a supervisor starts, restarts and ends one child (`supervisor:child_spec()`).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ChildSpec {
    /// The child's id, unique among its siblings.
    #[serde(with = "flat::term")]
    pub id: Term,
    /// How it starts. Under `SimpleOneForOne` the arguments of `start_child` are appended.
    pub start: Start,
    /// When the supervisor restarts the child.
    pub restart: Restart,
    /// How the supervisor ends the child.
    pub shutdown: Shutdown,
    /// Whether the child is a supervisor or a worker.
    pub kind: ChildType,
    /// The modules that the child runs.
    pub modules: Modules,
}

/// The result of a supervisor's `init`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SupSpec {
    /// The strategy and the restart limit.
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
    /// `terminate_child/2` by the child's id.
    TerminateId(Term),
    /// `terminate_child/2` by the child's pid.
    TerminatePid(Pid),
    /// `restart_child/2`: the id of a child that has ended.
    RestartChild(Term),
    /// `delete_child/2`: the id of a child that has ended.
    DeleteChild(Term),
    /// `which_children/1`. It is answered only between restarts, when the list is settled.
    WhichChildren,
    /// `count_children/1`: the number of children by type and state.
    CountChildren,
}

/// The answer of a supervisor to a [`SupRequest`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum SupReply {
    /// The request was carried out.
    Ok,
    /// The child runs as this process (`None`: its start returned `ignore`).
    Started(Option<Pid>),
    /// Refused, with OTP's reason: `already_present`, `{already_started, Pid}`, `not_found`, `running`, `simple_one_for_one`, …
    Error(Term),
    /// `which_children`: last started first.
    Children(Vec<ChildInfo>),
    /// `count_children`: the numbers of children.
    Count(ChildCount),
}

/// One line of `which_children`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ChildInfo {
    /// The child's id; `undefined` under `SimpleOneForOne`.
    pub id: Term,
    /// The child's process; `None` while there is none.
    pub pid: Option<Pid>,
    /// Whether the child is a supervisor or a worker.
    pub kind: ChildType,
    /// The modules that the child runs.
    pub modules: Modules,
}

/// The result of `count_children/1` (`supervisor(3)`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ChildCount {
    /// The number of child specs.
    pub specs: u64,
    /// The number of running children.
    pub active: u64,
    /// The number of supervisors among all children, running or not.
    pub supervisors: u64,
    /// The number of workers among all children, running or not.
    pub workers: u64,
}

/// A request to an event manager. Its answer is a [`ManagerReply`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum ManagerRequest {
    /// `gen_event:add_handler/3`: a module of kind `gen_event` and its encoded arguments.
    AddHandler(Atom, #[serde(with = "serde_bytes")] Vec<u8>),
    /// `gen_event:delete_handler/3`: the module of the handler.
    DeleteHandler(Atom),
    /// `gen_event:which_handlers/1`: the modules of all handlers.
    WhichHandlers,
    /// `gen_event:call/3`: the handler and the encoded request. The handler encodes its own answer; a
    /// missing handler fails the request with `bad_module`.
    Call(Atom, #[serde(with = "serde_bytes")] Vec<u8>),
}

/// The answer of an event manager to a [`ManagerRequest`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum ManagerReply {
    /// The request was carried out.
    Ok,
    /// The request was refused, with OTP's reason: `module_not_found`, `bad_module`, `already_present`, or the
    /// handler's own.
    Error(Term),
    /// `which_handlers`: the modules of the handlers.
    Handlers(Vec<Atom>),
}

/// The result of an application's `start`: the top of its supervision tree.
pub type TopSupervisor = Start;

/// Capacity of a new buffer: nearly all of these are requests to start an avatar, which take about 50 bytes.
const SHORT_BYTES: usize = 64;

/// Encodes a type of this module. [`encode_supervisor`] and [`encode_reply`] are faster for a supervisor's spec and
/// answers.
pub fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(SHORT_BYTES);
    let written = value.serialize(&mut rmp_serde::Serializer::new(&mut bytes));
    written.expect("these types have a MessagePack form, and a Vec takes all bytes");
    bytes
}

/// Decodes a type of this module; the error names the part that did not fit.
pub fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, String> {
    rmp_serde::from_slice(bytes).map_err(|error| error.to_string())
}
