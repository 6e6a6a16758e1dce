//! The runtime's own processes: plain Rust instead of a module of a library.
//!
//! The application controller is one. Native processes live in the same slab, have mailboxes, and are linked, monitored
//! and killed like all others; they are compiled into the node, so an upgrade never changes them while the node runs.

use pq_abi::Reason;
use pq_abi::spec::Start;
use pq_term::Pid;

use crate::message::{Caller, Payload};
use crate::node::Node;
use crate::process::StartOutcome;

/// An input of a native process.
#[derive(Debug)]
pub enum NativeInput {
    /// The process has just been started.
    Init,
    /// A message of `Pid ! Message`.
    Info(Payload),
    /// A message of `gen_server:cast`.
    Cast(Payload),
    /// A request that needs an answer.
    Call(Caller, Payload),
    /// The answer to a request of this process.
    Response(u64, Result<Payload, Reason>),
    /// A start that this process requested has its result.
    Started(u32, StartOutcome),
    /// A process that this process started, or is linked to, has ended.
    Exit(Pid, Reason),
    /// A timer of this process is due.
    Timer(u32),
    /// The parent, or `sys:terminate`, tells the process to end.
    Stop(Reason),
}

/// An action of a native process; the shard carries actions out in their order.
#[derive(Debug)]
pub enum NativeAction {
    /// Start a process as a child of this one; the result comes as [`NativeInput::Started`] with this ticket.
    Start(u32, Start),
    /// Answer a request of a caller.
    Reply(Caller, Vec<u8>),
    /// Send a request; the answer comes as [`NativeInput::Response`] with this id. The last number is the timeout in
    /// ms.
    Request(Pid, u64, Vec<u8>, u64),
    /// Send an exit signal with this reason.
    Exit(Pid, Reason),
    /// Deliver [`NativeInput::Timer`] with the first number, after as many milliseconds as the second says.
    Timer(u32, u32),
    /// End this process with this reason.
    End(Reason),
}

/// Calls a function: module, function, arguments.
pub(crate) type CallModule<'a> = dyn FnMut(&str, &str, &[u8]) -> Result<Vec<u8>, Reason> + 'a;

/// The services that a native process may use while it runs.
pub struct NativeCtx<'a> {
    /// The node that the process belongs to.
    pub node: &'a Node,
    /// The pid of the process.
    pub pid: Pid,
    /// The node's clock, in milliseconds since its start.
    pub now_ms: u64,
    /// The actions of the process, in the order in which they are done.
    pub actions: Vec<NativeAction>,
    pub(crate) call: &'a mut CallModule<'a>,
}

impl NativeCtx<'_> {
    /// Calls a function of a module's current version.
    pub fn call(&mut self, module: &str, function: &str, args: &[u8]) -> Result<Vec<u8>, Reason> {
        (self.call)(module, function, args)
    }
}

/// A process of the runtime's own: a state machine with inputs and actions.
pub trait Native: Send {
    /// The name of the process in logs and listings.
    fn name(&self) -> &'static str;
    /// Handles one input; actions go to `ctx`.
    fn handle(&mut self, input: NativeInput, ctx: &mut NativeCtx<'_>);
    /// The state that `sys:get_state` shows.
    fn state(&self) -> pq_term::Term;
}
