//! The node as a running callback sees it: reads are answered at once, all other operations are recorded.
//!
//! The library calls this module through `pq_abi`, in the middle of a callback. Operations on *other*
//! processes are recorded in the shard's list of [`Effect`]s; no code here touches a process.

use std::sync::atomic::AtomicU64;

use pq_abi::op::{Arrival, Call, Op, Wish};
use pq_abi::{Answer, Entry, Failure, Host, Module, Modules, OpCode, Reason, text};
use pq_term::Pid;
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::answers::{self, Calls, Reads, Written};
use crate::code_change::Converts;
use crate::effect::{Effect, Request};
use crate::message::{Caller, Envelope, OF_PORT, Payload};
use crate::node::{Node, ServiceCall};
use crate::process::Process;
use crate::residue::Beside;
use crate::shard::{Core, Due, Slab};
use crate::wheel::TimerKey;

/// The host of one running callback.
pub(crate) struct Callback<'a> {
    pub(crate) core: &'a mut Core,
    /// The processes of this shard, for reading only.
    slab: &'a Slab,
    pub(crate) me: Pid,
    pub(crate) parent: Pid,
    /// Whether the registry holds a name of this process.
    pub(crate) holds_name: bool,
    /// The residues beside the state, while `sys` converts the state.
    beside: Option<Box<Beside>>,
    written: Written,
}

impl<'a> Callback<'a> {
    pub(crate) fn new(core: &'a mut Core, slab: &'a Slab, me: Pid, parent: Pid) -> Callback<'a> {
        core.post.begin(me);
        Callback {
            core,
            slab,
            me,
            parent,
            holds_name: false,
            beside: None,
            written: Written::default(),
        }
    }

    /// Ends the callback. Returns whether the registry now holds a name of the callback's process.
    pub(crate) fn finish(self) -> bool {
        self.core.post.end();
        self.holds_name
    }

    /// Records an operation of the callback. Answers the number of its request, timer or monitor, if it has one.
    #[inline(always)]
    fn wish(&mut self, wish: Wish<'_>) -> u64 {
        let payload = Payload::from_slice;
        match wish {
            Wish::Send(to, data) => self.send(to, Envelope::Info(payload(data))),
            Wish::Cast(to, data) => self.send(to, Envelope::Cast(payload(data))),
            Wish::Notify(to, data) => self.send(to, Envelope::Event(payload(data))),
            Wish::Request(to, timeout_ms, data) => self.request(to, timeout_ms, data),
            Wish::Reply(pid, tag, data) => {
                self.record(Effect::Reply(Caller { pid, tag }, payload(data)))
            }
            Wish::StartTimer(ms, arrival, data) => self.start_timer(ms, arrival, payload(data)),
            Wish::CancelTimer(timer) => self.cancel_timer(timer),
            Wish::Monitor(pid) => self.monitor(pid),
            Wish::Demonitor(monitor) => self.record(Effect::Demonitor(monitor)),
            Wish::Link(pid) => self.record(Effect::Link(pid)),
            Wish::Unlink(pid) => self.record(Effect::Unlink(pid)),
            Wish::Exit(pid, reason) => self.record(Effect::Exit(pid, Reason::from_bytes(reason))),
            Wish::TrapExit(on) => self.record(Effect::TrapExit(on)),
            Wish::PortCommand(port, data) => self.record(Effect::PortCommand(port, payload(data))),
            Wish::PortClose(port) => self.record(Effect::PortClose(port)),
            Wish::StartLink(module, args) => self.start_link(module, args),
            Wish::TimeOut(ms) => self.record(Effect::TimeOut(ms)),
            Wish::Continue(data) => self.record(Effect::Continue(payload(data))),
        }
    }

    fn record(&mut self, effect: Effect) -> u64 {
        self.core.effects.push(effect);
        0
    }

    fn send(&mut self, to: Pid, envelope: Envelope) -> u64 {
        self.record(Effect::Send(to, envelope))
    }

    fn request(&mut self, to: Pid, timeout_ms: u64, data: &[u8]) -> u64 {
        let id = self.core.next_ref() | self.mark();
        self.record(Effect::Request(Request {
            to,
            id,
            timeout_ms,
            data: Payload::from_slice(data),
        }));
        id
    }

    /// The bit that this process's request numbers carry in addition: [`OF_PORT`](crate::message::OF_PORT) for a port's
    /// owner.
    fn mark(&self) -> u64 {
        let extras = self.slab.get(self.me).and_then(|me| me.extras.as_ref());
        let owns_port = extras.is_some_and(|extras| !extras.ports.is_empty());
        if owns_port { OF_PORT } else { 0 }
    }

    fn start_timer(&mut self, ms: u64, arrival: Arrival, data: Payload) -> u64 {
        let due = match arrival {
            Arrival::Event => Due::Event(self.me, data),
            Arrival::Message => Due::Info(self.me, data),
        };
        let due_ms = self.core.due_after(ms);
        let key = self.core.wheel.start(due_ms, due);
        self.record(Effect::TimerStarted(key));
        key.as_raw()
    }

    fn cancel_timer(&mut self, timer: u64) -> u64 {
        let key = TimerKey::from_raw(timer);
        let live = self.core.wheel.is_live(key);
        self.record(Effect::CancelTimer(key));
        u64::from(live)
    }

    fn monitor(&mut self, pid: Pid) -> u64 {
        let id = self.core.next_ref();
        self.record(Effect::Monitor(pid, id));
        id
    }

    fn start_link(&mut self, name: &[u8], data: &[u8]) -> u64 {
        let id = self.core.next_ref();
        self.record(Effect::StartLink(
            text(name).into_owned(),
            data.to_vec(),
            id,
        ));
        id
    }
}

impl Calls for Callback<'_> {
    fn written(&mut self) -> &mut Written {
        &mut self.written
    }

    fn result(&mut self) -> &mut Vec<u8> {
        &mut self.core.result
    }

    /// Calls a function of a service, or of the current version of a module.
    fn call(&mut self, call: Call<'_>, answer: &mut Vec<u8>) -> Result<(), Failure> {
        // Borrowed, not cloned: shards that all change one reference count fight for its cache line.
        let node = &self.core.node;
        if let Some(service) = node.service(call.module) {
            let call = ServiceCall {
                node,
                caller: self.me,
                function: call.function,
                args: call.args,
                answer,
                holds_name: &mut self.holds_name,
            };
            return service.call(call).map_err(Failure::Reason);
        }
        let module = node.module(&text(call.module));
        let module = module.ok_or_else(|| answers::undefined(call))?;
        let caller = self.core.post.doing();
        let result = answers::call_within(self, module, call);
        self.core.post.resume(&caller);
        *answer = result?;
        Ok(())
    }
}

impl Reads for Callback<'_> {
    fn node(&self) -> &Node {
        &self.core.node
    }

    fn modules(&self) -> &dyn Modules {
        &*self.core.node.config().modules
    }

    fn me(&self) -> Pid {
        self.me
    }

    fn parent(&self) -> Pid {
        self.parent
    }

    fn now_ms(&self) -> u64 {
        self.core.now_ms
    }

    fn dice(&mut self) -> &mut Xoshiro256PlusPlus {
        self.core.dice_of(self.me)
    }

    /// The callback's earlier messages to the process may still change the answer.
    fn listens(&self, pid: Pid) -> bool {
        let silent = self.slab.get(pid).is_some_and(Process::hears_nothing);
        !silent || self.core.effects.iter().any(|effect| effect.is_for(pid))
    }
}

impl Converts for Callback<'_> {
    fn beside(&mut self) -> &mut Option<Box<Beside>> {
        &mut self.beside
    }
}

impl Host for Callback<'_> {
    /// Inlined into its only caller, the node's end of the boundary: otherwise its operands go over the stack twice, in
    /// halves that a processor joins slowly.
    #[inline]
    fn op(&mut self, code: OpCode, operands: (u64, u64), name: &[u8], data: &[u8]) -> Answer<'_> {
        Answer::value(match Op::decode(code, operands, name, data) {
            Op::Out(out, bytes) => self.written.write(out, bytes),
            Op::Log(level, text) => answers::log(&self.core.node, self.me, level, text),
            Op::Read(read) => return answers::read(self, read),
            Op::Call(call) => return answers::call(self, call),
            Op::Residue(vsn, residue) => match &mut self.beside {
                Some(beside) => return beside.answer(vsn, residue),
                None => 0,
            },
            Op::Wish(wish) => self.wish(wish),
        })
    }

    fn epoch(&self) -> *const AtomicU64 {
        self.core.node.epoch()
    }

    fn process(&self) -> Option<u64> {
        Some(self.me.as_raw())
    }

    fn take_out(&mut self) -> Vec<u8> {
        self.written.take()
    }

    fn enters(&mut self, module: Module, entry: Entry<'_>) {
        self.core.post.enter(module, entry);
    }
}
