//! Answers that all hosts of callbacks give alike: that of a process (`callback`), of a conversion (`upgrade::convert`), of a
//! question to a module (`inquiry`).
//!
//! ```text
//!   library ─► Op ─┬─ Out ──► Written      every host
//!                  ├─ Call ─► call         every host, in modules of its own
//!                  ├─ Read ─► read         hosts with a node
//!                  └─ Wish ─► the host: it records it, or refuses it
//! ```
//! A host says what it has ([`Calls`], [`Reads`]); the answers stand here.

use pq_abi::op::{Call, Out, Read};
use pq_abi::raw::Status;
use pq_abi::{Answer, Failure, Host, Level, Module, Modules, Reason, text};
use pq_term::msgpack::to_msgpack;
use pq_term::{Pid, Term};
use rand::Rng;
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::node::Node;

/// How deep calls between modules may nest within one callback: a module that calls itself for ever would
/// otherwise end the whole node by its stack. Each level takes some 1 KiB of the shard's 8 MiB.
const CALL_DEPTH_MAX: u32 = 100;

/// The output of the callback that runs, and how many calls between modules it is within.
#[derive(Default)]
pub(crate) struct Written {
    out: Vec<u8>,
    depth: u32,
}

impl Written {
    /// [`pq_abi::op::Op::Out`].
    #[inline]
    pub(crate) fn write(&mut self, out: Out, bytes: &[u8]) -> u64 {
        if out == Out::Replace {
            self.out.clear();
        }
        self.out.extend_from_slice(bytes);
        0
    }

    pub(crate) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }
}

/// A host whose callbacks call functions of other modules.
pub(crate) trait Calls: Host {
    fn written(&mut self) -> &mut Written;
    /// The bytes of an answer lie here until the next one.
    fn result(&mut self) -> &mut Vec<u8>;
    /// Calls a function; what it returns goes to `answer`, which is empty.
    fn call(&mut self, call: Call<'_>, answer: &mut Vec<u8>) -> Result<(), Failure>;
}

/// [`pq_abi::op::Op::Call`]. The answer takes the place of the one before.
pub(crate) fn call<'a, H: Calls>(host: &'a mut H, call: Call<'_>) -> Answer<'a> {
    let mut answer = std::mem::take(host.result());
    answer.clear();
    let called = match host.written().depth < CALL_DEPTH_MAX {
        true => host.call(call, &mut answer),
        false => Err(Failure::Reason(Reason::tagged(
            "system_limit",
            "calls between modules nest too deep",
        ))),
    };
    let status = match called {
        Ok(()) => Status::Ok,
        Err(failure) => {
            answer = failure.into_reason().to_bytes();
            Status::Error
        }
    };
    *host.result() = answer;
    Answer {
        value: status as u64,
        bytes: host.result(),
    }
}

/// Calls a function of a module in the middle of a callback.
pub(crate) fn call_within<H: Calls>(
    host: &mut H,
    module: Module,
    call: Call<'_>,
) -> Result<Vec<u8>, Failure> {
    let outer = host.written().take();
    host.written().depth += 1;
    let result = module.call(host, &text(call.function), call.args);
    host.written().depth -= 1;
    host.written().out = outer;
    result
}

/// A host in a node.
pub(crate) trait Reads: Calls {
    fn node(&self) -> &Node;
    /// The modules that its callbacks find.
    fn modules(&self) -> &dyn Modules;
    /// The process that the callback runs for.
    fn me(&self) -> Pid;
    /// The process that has started that.
    fn parent(&self) -> Pid;
    fn now_ms(&self) -> u64;
    fn dice(&mut self) -> &mut Xoshiro256PlusPlus;
    /// Whether an event would reach anybody there.
    fn listens(&self, pid: Pid) -> bool;
}

/// [`pq_abi::op::Op::Read`].
#[inline(always)]
pub(crate) fn read<'a, H: Reads>(host: &'a mut H, read: Read<'_>) -> Answer<'a> {
    Answer::value(match read {
        Read::Random => host.dice().next_u64(),
        Read::Now => host.now_ms(),
        Read::SelfPid => host.me().as_raw(),
        Read::Parent => host.parent().as_raw(),
        Read::Listens(pid) => u64::from(host.listens(pid)),
        Read::IsAlive(pid) => u64::from(host.node().is_alive(pid)),
        Read::Whereis(name) => host.node().whereis(&text(name)).map_or(0, Pid::as_raw),
        Read::Current(name) => current(host.modules(), name),
        Read::Env(application, key) => {
            let setting = host.node().env(&text(application), &text(key));
            return env(setting.as_ref(), host.result());
        }
    })
}

/// [`Read::Current`], among these modules.
pub(crate) fn current(modules: &dyn Modules, name: &[u8]) -> u64 {
    modules.current(&text(name)).map_or(0, Module::address)
}

/// [`Read::Env`]: the answer, which lies in `result`.
pub(crate) fn env<'a>(setting: Option<&Term>, result: &'a mut Vec<u8>) -> Answer<'a> {
    match setting {
        Some(term) => {
            *result = to_msgpack(term);
            Answer {
                value: 1,
                bytes: result,
            }
        }
        None => Answer::value(0),
    }
}

/// [`pq_abi::op::Op::Log`], in the name of a process.
pub(crate) fn log(node: &Node, pid: Pid, level: Level, bytes: &[u8]) -> u64 {
    let text = text(bytes);
    macro_rules! line {
        ($level:ident) => {
            tracing::$level!(target: "module", %pid, name = node.name_of(pid), "{text}")
        };
    }
    match level {
        Level::Error => line!(error),
        Level::Warn => line!(warn),
        Level::Info => line!(info),
        Level::Debug => line!(debug),
        Level::Trace => line!(trace),
    }
    0
}

/// `{undef, "module:function"}`.
pub(crate) fn undef(module: &str, function: &str) -> Reason {
    Reason::Other(Term::tuple([
        Term::atom("undef"),
        Term::string(format!("{module}:{function}")),
    ]))
}

/// The same of a call.
pub(crate) fn undefined(call: Call<'_>) -> Failure {
    Failure::Reason(undef(&text(call.module), &text(call.function)))
}
