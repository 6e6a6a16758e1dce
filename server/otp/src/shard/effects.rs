//! Carrying out the effects of a callback.

use pq_abi::Reason;
use pq_abi::spec::Start;
use pq_term::{Atom, Pid};

use super::{Due, Shard};
use crate::answers::undef;
use crate::effect::{Effect, Request};
use crate::message::{Ack, Caller, Envelope, ExitCause, Payload, Signal, Spawn};
use crate::process::Flag;
use crate::wheel::TimerKey;

impl Shard {
    /// Carries out all effects of the last callback, in their order.
    pub(super) fn apply_effects(&mut self, pid: Pid) {
        if self.core.effects.is_empty() {
            return;
        }
        let mut effects = std::mem::replace(
            &mut self.core.effects,
            std::mem::take(&mut self.spare_effects),
        );
        self.note_out(pid, &effects);
        for effect in effects.drain(..) {
            self.apply(pid, effect);
        }
        self.spare_effects = effects;
    }

    /// Notes the effects for `sys` and for tracers.
    fn note_out(&mut self, pid: Pid, effects: &[Effect]) {
        let now_ms = self.core.now_ms;
        if let Some(process) = self
            .slab
            .get_mut(pid)
            .filter(|process| process.has(Flag::Debugged))
        {
            process.note_out(effects, now_ms);
            self.trace_effects(pid, effects);
        }
    }

    /// Drops the effects of a callback that failed.
    pub(super) fn forget_effects(&mut self) {
        let wheel = &mut self.core.wheel;
        for effect in self.core.effects.drain(..) {
            if let Effect::TimerStarted(key) = effect {
                wheel.cancel(key);
            }
        }
    }

    fn apply(&mut self, pid: Pid, effect: Effect) {
        match effect {
            // A state machine depends on its messages to itself: they are delivered even to a full mailbox.
            Effect::Send(to, envelope) if to == pid => self.push(to, envelope),
            Effect::Send(to, envelope) => self.send(to, envelope),
            Effect::Request(request) => self.request(pid, request),
            Effect::Reply(caller, data) => self.answer(pid, caller, data),
            Effect::TimerStarted(key) => self.own_timer(pid, key),
            Effect::CancelTimer(key) => drop(self.core.wheel.cancel_of(&mut self.slab, key)),
            Effect::Monitor(of, monitor) => self.monitor(pid, of, monitor),
            Effect::Demonitor(monitor) => self.demonitor(pid, monitor),
            Effect::Link(with) => self.link_both(pid, with),
            Effect::Unlink(with) => self.unlink_both(pid, with),
            Effect::Exit(to, reason) => self.exit_from(pid, to, reason),
            Effect::TrapExit(on) => self.set_flag(pid, Flag::TrapsExit, on),
            Effect::PortCommand(port, data) => self.core.node.ports().write(port, &data),
            Effect::PortClose(port) => self.core.node.ports().close(port),
            Effect::StartLink(module, args, id) => self.start_link(pid, &module, args, id),
            Effect::TimeOut(ms) => self.time_out_after(pid, ms),
            Effect::Continue(data) => self.push_front(pid, Envelope::Continue(data)),
        }
    }

    fn own_timer(&mut self, pid: Pid, key: TimerKey) {
        if let Some(process) = self.slab.get_mut(pid) {
            self.core.wheel.give(key, &mut process.timers);
        }
    }

    pub(super) fn request(&mut self, pid: Pid, request: Request) {
        let Request {
            to,
            id,
            timeout_ms,
            data,
        } = request;
        let key = self.core.wheel.start(
            self.core.due_after(timeout_ms),
            Due::RequestTimeout(pid, id),
        );
        if let Some(process) = self.slab.get_mut(pid) {
            process.extras().requests.insert(id, Some(key));
        }
        self.send(to, Envelope::Call(Caller { pid, tag: id }, data));
    }

    fn answer(&mut self, pid: Pid, caller: Caller, data: Payload) {
        self.unwatch(pid, caller);
        self.send(caller.pid, Envelope::Response(caller.tag, Ok(data)));
    }

    fn monitor(&mut self, pid: Pid, of: Pid, monitor: u64) {
        if let Some(process) = self.slab.get_mut(pid) {
            process.extras().monitors.insert(monitor, of);
        }
        self.signal(Signal::Monitor {
            of,
            watcher: Caller { pid, tag: monitor },
        });
    }

    fn demonitor(&mut self, pid: Pid, monitor: u64) {
        let watched = self
            .slab
            .get_mut(pid)
            .and_then(|process| process.with_extras(|extras| extras.monitors.remove(&monitor)));
        if let Some(Some(of)) = watched {
            self.signal(Signal::Demonitor {
                of,
                watcher: Caller { pid, tag: monitor },
            });
        }
    }

    fn link_both(&mut self, pid: Pid, with: Pid) {
        self.link(pid, with);
        self.signal(Signal::Link(with, pid));
    }

    fn unlink_both(&mut self, pid: Pid, with: Pid) {
        self.unlink(pid, with);
        self.signal(Signal::Unlink(with, pid));
    }

    fn exit_from(&mut self, from: Pid, to: Pid, reason: Reason) {
        self.signal(Signal::Exit {
            to,
            from,
            reason,
            cause: ExitCause::Explicit,
        });
    }

    fn set_flag(&mut self, pid: Pid, flag: Flag, on: bool) {
        if let Some(process) = self.slab.get_mut(pid) {
            process.flags.set(flag, on);
        }
    }

    fn push_front(&mut self, pid: Pid, envelope: Envelope) {
        let Some(process) = self.slab.get_mut(pid) else {
            return;
        };
        self.arena.push_front(&mut process.mailbox, envelope);
        Shard::enqueue(&mut self.run_queue, process);
    }

    /// The parent handles the child's end; the parent's end reaches the child through this link.
    fn start_link(&mut self, pid: Pid, module: &str, args: Vec<u8>, id: u64) {
        let caller = Caller { pid, tag: id };
        if let Some(process) = self.slab.get_mut(pid) {
            process.extras().requests.insert(id, None);
        }
        match self.name_of(module) {
            Some(module) => {
                let start = Start { module, args };
                self.signal(Signal::Spawn(Spawn {
                    start,
                    parent: pid,
                    ack: Ack::Request(caller),
                }));
            }
            None => self.fail_caller(caller, undef(module, "init")),
        }
    }

    /// The name of a module that runs here or is known to come. A library may request any text as a module, and such a
    /// text must not be kept for ever.
    fn name_of(&self, module: &str) -> Option<Atom> {
        let known = Atom::known(module.as_bytes());
        known.or_else(|| {
            let loaded = self.core.node.module(module)?;
            Atom::new(loaded.name()).ok()
        })
    }
}
