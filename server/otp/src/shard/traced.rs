//! The steps of processes with a tracer ([`crate::trace`]) that only the shard knows: effects with their timers, durations of
//! callbacks, and changes of a state machine's state.

use std::sync::Arc;

use pq_abi::Kind;
use pq_term::{Pid, Term, msgpack};

use super::system::ok;
use super::{Due, Shard};
use crate::effect::Effect;
use crate::trace::{Step, Tracer, did, sent};
use crate::wheel::TimerKey;

impl Shard {
    /// Adds a tracer to a process.
    pub(super) fn install(&mut self, pid: Pid, tracer: Arc<dyn Tracer>) -> Term {
        let answer = self.debug(pid, |debug, _| {
            debug.tracers.add(tracer);
            ok()
        });
        let state = self.state_of_machine(pid);
        let process = self.slab.get_mut(pid);
        if let Some(tracers) = process.and_then(|process| process.tracers_mut()) {
            tracers.state = state;
        }
        answer
    }

    /// Passes the effects of a callback to the tracers.
    pub(super) fn trace_effects(&mut self, pid: Pid, effects: &[Effect]) {
        for effect in effects {
            let Some(process) = self.slab.get_mut(pid).filter(|process| process.is_traced()) else {
                return;
            };
            match (sent(effect), effect) {
                (Some(message), _) => process.trace(&Step::Sent(message)),
                (None, Effect::TimerStarted(key)) => self.trace_timer(pid, *key),
                (None, effect) => {
                    if let Some(step) = did(effect) {
                        process.trace(&step);
                    }
                }
            }
        }
    }

    fn trace_timer(&mut self, pid: Pid, key: TimerKey) {
        let wheel = &mut self.core.wheel;
        let due_ms = wheel.due_ms(key).unwrap_or_default();
        let ms = due_ms.saturating_sub(self.core.now_ms);
        let message = match wheel.what_mut(key) {
            Some(Due::Info(_, message) | Due::Event(_, message)) => &message[..],
            _ => &[],
        };
        if let Some(process) = self.slab.get_mut(pid) {
            process.trace(&Step::Timer { ms, message });
        }
    }

    /// Passes the end of a callback to the tracers, and the change of state that it has made.
    pub(super) fn trace_handled(&mut self, pid: Pid, took_ns: u64) {
        let Some(process) = self.slab.get_mut(pid) else {
            return;
        };
        let Some(tracers) = process.tracers() else {
            return;
        };
        let (callback, before) = (tracers.callback, tracers.state.clone());
        process.trace(&Step::Handled { callback, took_ns });
        let (Some(from), Some(to)) = (before, self.state_of_machine(pid)) else {
            return;
        };
        if from == to {
            return;
        }
        let Some(process) = self.slab.get_mut(pid) else {
            return;
        };
        process.trace(&Step::State {
            from: &from,
            to: &to,
        });
        if let Some(tracers) = process.tracers_mut() {
            tracers.state = Some(to);
        }
    }

    /// The current state of a traced state machine, without its data.
    fn state_of_machine(&mut self, pid: Pid) -> Option<Term> {
        let process = self.slab.get(pid).filter(|process| process.is_traced())?;
        process
            .module
            .filter(|module| module.kind() == Kind::GenFsm)?;
        let exported = self.exported(pid).ok()?;
        let machine = msgpack::from_msgpack(&exported).ok()?;
        let key = Term::atom("state");
        machine.as_map()?.get(&key).cloned()
    }
}
