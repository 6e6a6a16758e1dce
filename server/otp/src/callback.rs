//! The node as a running callback sees it: reads at once, records the rest.
//!
//! Called by the library, in the middle of a callback, through `pq_abi`. What must be done to *other*
//! processes goes to the shard's list of [`Effect`]s; nothing here touches a process.

use std::sync::atomic::AtomicU64;

use pq_abi::raw::Status;
use pq_abi::{Answer, Callback as Number, Entry, Failure, Host, Module, OpCode, Reason, text};
use pq_term::{Pid, Term};
use rand::Rng;

use crate::answers::{self, CALL_DEPTH_MAX};
use crate::effect::Effect;
use crate::message::{Caller, Envelope, OF_PORT, Payload};
use crate::node::ServiceCall;
use crate::process::Process;
use crate::residue::Beside;
use crate::shard::{Core, Due, Slab};
use crate::wheel::TimerKey;

/// One callback that runs.
pub(crate) struct Callback<'a> {
    pub(crate) core: &'a mut Core,
    /// The processes of this shard, to be looked at only.
    slab: &'a Slab,
    pub(crate) me: Pid,
    pub(crate) parent: Pid,
    /// The registry holds a name of this process.
    pub(crate) holds_name: bool,
    /// What lies beside the state, while `sys` has it converted.
    pub(crate) beside: Option<Box<Beside>>,
    out: Vec<u8>,
    depth: u32,
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
            out: Vec::new(),
            depth: 0,
        }
    }

    /// The callback has returned. Says whether the registry now holds a name of its process.
    pub(crate) fn finish(self) -> bool {
        self.core.post.end();
        self.holds_name
    }

    fn record(&mut self, effect: Effect) -> u64 {
        self.core.effects.push(effect);
        0
    }

    fn send(&mut self, to: u64, envelope: Envelope) -> u64 {
        self.record(Effect::Send(Pid::from_raw(to), envelope))
    }

    fn request(&mut self, to: u64, timeout_ms: u64, data: &[u8]) -> u64 {
        let id = self.core.next_ref() | self.mark();
        self.record(Effect::Request {
            to: Pid::from_raw(to),
            id,
            timeout_ms,
            data: Payload::from_slice(data),
        });
        id
    }

    /// What the numbers of this process's requests have besides: whether it owns a port.
    fn mark(&self) -> u64 {
        let extras = self.slab.get(self.me).and_then(|me| me.extras.as_ref());
        let owns_port = extras.is_some_and(|extras| !extras.ports.is_empty());
        if owns_port { OF_PORT } else { 0 }
    }

    fn start_timer(&mut self, ms: u64, number: u64, data: &[u8]) -> u64 {
        let data = Payload::from_slice(data);
        let due = match number == Number::Event as u64 {
            true => Due::Event(self.me, data),
            false => Due::Info(self.me, data),
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

    fn monitor(&mut self, pid: u64) -> u64 {
        let id = self.core.next_ref();
        self.record(Effect::Monitor(Pid::from_raw(pid), id));
        id
    }

    /// Whether an event would reach anybody. What this callback has already sent there may change that.
    fn listens(&self, pid: Pid) -> bool {
        let silent = self.slab.get(pid).is_some_and(Process::hears_nothing);
        !silent || self.core.effects.iter().any(|effect| effect.is_for(pid))
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

    /// The answer takes the place of the one before.
    fn call_module(&mut self, name: &[u8], args: &[u8]) -> Answer<'_> {
        let mut answer = std::mem::take(&mut self.core.result);
        answer.clear();
        let colon = name.iter().position(|byte| *byte == b':');
        let (module, function) = colon.map_or((name, &[][..]), |at| (&name[..at], &name[at + 1..]));
        let result = match self.depth < CALL_DEPTH_MAX {
            true => self.dispatch(module, function, args, &mut answer),
            false => Err(Failure::Reason(Reason::tagged(
                "system_limit",
                "calls between modules nest too deep",
            ))),
        };
        let status = match result {
            Ok(()) => Status::Ok,
            Err(failure) => {
                answer = failure.into_reason().to_bytes();
                Status::Error
            }
        };
        self.core.result = answer;
        Answer {
            value: status as u64,
            bytes: &self.core.result,
        }
    }

    /// Calls a function of a service or of the current version of a module.
    pub(crate) fn dispatch(
        &mut self,
        module: &[u8],
        function: &[u8],
        args: &[u8],
        answer: &mut Vec<u8>,
    ) -> Result<(), Failure> {
        // Borrowed, not cloned: a count that all shards change is a cache line that none of them keeps.
        let node = &self.core.node;
        if let Some(service) = node.service(module) {
            let call = ServiceCall {
                node,
                caller: self.me,
                function,
                args,
                answer,
                holds_name: &mut self.holds_name,
            };
            return service.call(call).map_err(Failure::Reason);
        }
        let (module, function) = (text(module), text(function));
        let Some(code) = node.module(&module) else {
            return Err(Failure::Reason(undef(&module, &function)));
        };
        let (outer, caller) = (std::mem::take(&mut self.out), self.core.post.doing());
        self.depth += 1;
        let result = code.call(self, &function, args);
        self.depth -= 1;
        self.out = outer;
        self.core.post.resume(&caller);
        *answer = result?;
        Ok(())
    }

    fn env(&mut self, name: &[u8]) -> Answer<'_> {
        let name = text(name);
        let (application, key) = answers::halves(&name);
        let setting = self.core.node.env(application, key);
        answers::env(setting.as_ref(), &mut self.core.result)
    }

    fn log(&mut self, level: u64, data: &[u8]) -> u64 {
        let (pid, text) = (self.me, text(data));
        match level {
            0 => {
                tracing::error!(target: "module", %pid, name = self.core.node.name_of(pid), "{text}")
            }
            1 => {
                tracing::warn!(target: "module", %pid, name = self.core.node.name_of(pid), "{text}")
            }
            2 => {
                tracing::info!(target: "module", %pid, name = self.core.node.name_of(pid), "{text}")
            }
            3 => {
                tracing::debug!(target: "module", %pid, name = self.core.node.name_of(pid), "{text}")
            }
            _ => {
                tracing::trace!(target: "module", %pid, name = self.core.node.name_of(pid), "{text}")
            }
        }
        0
    }
}

impl Host for Callback<'_> {
    /// In one piece with the boundary's end, its only caller: its operands would go over the stack twice, in halves
    /// that a processor joins slowly.
    #[inline]
    fn op(&mut self, code: OpCode, (a, b): (u64, u64), name: &[u8], data: &[u8]) -> Answer<'_> {
        Answer::value(match code {
            OpCode::Out => answers::write_out(&mut self.out, a == 1, data),
            OpCode::Log => self.log(a, data),
            OpCode::Random => self.core.dice.next_u64(),
            OpCode::Now => self.core.now_ms,
            OpCode::SelfPid => self.me.as_raw(),
            OpCode::Parent => self.parent.as_raw(),
            OpCode::Send => self.send(a, Envelope::Info(Payload::from_slice(data))),
            OpCode::Cast => self.send(a, Envelope::Cast(Payload::from_slice(data))),
            OpCode::Notify => self.send(a, Envelope::Event(Payload::from_slice(data))),
            OpCode::Listens => u64::from(self.listens(Pid::from_raw(a))),
            OpCode::Request => self.request(a, b, data),
            OpCode::Reply => self.record(Effect::Reply(
                Caller {
                    pid: Pid::from_raw(a),
                    tag: b,
                },
                Payload::from_slice(data),
            )),
            OpCode::StartTimer => self.start_timer(a, b, data),
            OpCode::CancelTimer => self.cancel_timer(a),
            OpCode::Monitor => self.monitor(a),
            OpCode::Demonitor => self.record(Effect::Demonitor(a)),
            OpCode::Link => self.record(Effect::Link(Pid::from_raw(a))),
            OpCode::Unlink => self.record(Effect::Unlink(Pid::from_raw(a))),
            OpCode::Exit => self.record(Effect::Exit(Pid::from_raw(a), Reason::from_bytes(data))),
            OpCode::TrapExit => self.record(Effect::TrapExit(a == 1)),
            OpCode::PortCommand => self.record(Effect::PortCommand(a, Payload::from_slice(data))),
            OpCode::PortClose => self.record(Effect::PortClose(a)),
            OpCode::CallModule => return self.call_module(name, data),
            OpCode::Whereis => self.core.node.whereis(&text(name)).map_or(0, Pid::as_raw),
            OpCode::Env => return self.env(name),
            OpCode::Current => self
                .core
                .node
                .module(&text(name))
                .map_or(0, |module| module.address()),
            OpCode::StartLink => self.start_link(name, data),
            OpCode::IsAlive => u64::from(self.core.node.is_alive(Pid::from_raw(a))),
            OpCode::Residue => match &mut self.beside {
                Some(beside) => return beside.op(a, name, data),
                None => 0,
            },
            OpCode::TimeOut => self.record(Effect::TimeOut(a)),
            OpCode::Continue => self.record(Effect::Continue(Payload::from_slice(data))),
        })
    }

    fn epoch(&self) -> *const AtomicU64 {
        self.core.node.epoch()
    }

    fn process(&self) -> Option<u64> {
        Some(self.me.as_raw())
    }

    fn take_out(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    fn enters(&mut self, module: Module, entry: Entry<'_>) {
        self.core.post.enter(module, entry);
    }
}

/// `{undef, "module:function"}`.
pub(crate) fn undef(module: &str, function: &str) -> Reason {
    Reason::Other(Term::tuple([
        Term::atom("undef"),
        Term::string(format!("{module}:{function}")),
    ]))
}
