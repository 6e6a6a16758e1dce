//! Processes of the runtime's own: plain Rust instead of a module of a library.
//!
//! The application controller is one. They live in the same slab, have mailboxes, are linked, monitored and
//! killed like all others; they are compiled into the node and so are never upgraded while it runs.

use pq_abi::Reason;
use pq_abi::spec::Start;
use pq_term::Pid;

use crate::message::{Caller, Payload};
use crate::node::Node;
use crate::process::StartOutcome;

/// What a process of the runtime's own is told.
#[derive(Debug)]
pub enum NativeInput {
    /// It has just been started.
    Init,
    /// A message.
    Info(Payload),
    /// A cast.
    Cast(Payload),
    /// A request.
    Call(Caller, Payload),
    /// The answer to a request of its own.
    Response(u64, Result<Payload, Reason>),
    /// A start that it ordered has come out.
    Started(u32, StartOutcome),
    /// A process that it started, or is linked to, has ended.
    Exit(Pid, Reason),
    /// A timer of its own.
    Timer(u32),
    /// Its parent, or `sys:terminate`, says end.
    Stop(Reason),
}

/// What a process of the runtime's own wants done, in order.
#[derive(Debug)]
pub enum NativeAction {
    /// Start a process as a child of this one; the outcome comes as [`NativeInput::Started`].
    Start(u32, Start),
    /// Answer a request.
    Reply(Caller, Vec<u8>),
    /// Ask another process; the answer comes as [`NativeInput::Response`] with this id.
    Request(Pid, u64, Vec<u8>, u64),
    /// Send an exit signal.
    Exit(Pid, Reason),
    /// Hear [`NativeInput::Timer`] in so many milliseconds.
    Timer(u32, u32),
    /// End.
    End(Reason),
}

/// Calls module, function, arguments.
pub(crate) type CallModule<'a> = dyn FnMut(&str, &str, &[u8]) -> Result<Vec<u8>, Reason> + 'a;

/// What a process of the runtime's own may ask while it runs.
pub struct NativeCtx<'a> {
    /// The node.
    pub node: &'a Node,
    /// Its own pid.
    pub pid: Pid,
    /// The node's clock.
    pub now_ms: u64,
    /// What it wants done.
    pub actions: Vec<NativeAction>,
    pub(crate) call: &'a mut CallModule<'a>,
}

impl NativeCtx<'_> {
    /// Calls a function of a module's current version.
    pub fn call(&mut self, module: &str, function: &str, args: &[u8]) -> Result<Vec<u8>, Reason> {
        (self.call)(module, function, args)
    }
}

/// A process of the runtime's own.
pub trait Native: Send {
    /// What it is called in logs and listings.
    fn name(&self) -> &'static str;
    /// Takes one input.
    fn handle(&mut self, input: NativeInput, ctx: &mut NativeCtx<'_>);
    /// What `sys:get_state` shows.
    fn state(&self) -> pq_term::Term;
}
