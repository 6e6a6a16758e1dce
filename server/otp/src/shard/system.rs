//! The effects of system messages on a process; the table is in [`crate::sys`].

use pq_abi::{Direction, Failure, Module, Reason, State};
use pq_term::{Pid, Term};

use super::Shard;
use crate::code_change::CodeChange;
use crate::crowd::CrowdChange;
use crate::process::{Body, Flag, Handler};
use crate::residue::Residues;
use crate::supervisor::Input;
use crate::sys::{Debug, Replace, SysMessage, SysRequest};

mod debug;

/// A conversion: the module, the direction, the other version, the extra argument.
struct Change {
    module: String,
    direction: Direction,
    vsn: String,
    extra: Vec<u8>,
}

impl Shard {
    pub(super) fn system(&mut self, pid: Pid, request: SysRequest) {
        let from = request.from;
        let answer = match request.message {
            SysMessage::Suspend => self.suspend(pid),
            SysMessage::Resume => self.resume(pid),
            SysMessage::GetState => self.state_of(pid).unwrap_or_else(error),
            SysMessage::ReplaceState(replace) => {
                self.replace_state(pid, replace).unwrap_or_else(error)
            }
            SysMessage::GetStatus => self.status(pid),
            SysMessage::ChangeCode {
                module,
                direction,
                vsn,
                extra,
            } => self.change_code(
                pid,
                &Change {
                    module,
                    direction,
                    vsn,
                    extra,
                },
            ),
            SysMessage::Statistics(toggle) => self.statistics(pid, toggle),
            SysMessage::Log(toggle) => self.log(pid, toggle),
            SysMessage::Trace(on) => self.debug(pid, |debug, _| {
                debug.trace = on;
                ok()
            }),
            SysMessage::Install(tracer) => self.install(pid, tracer),
            SysMessage::Remove(tracer) => self.debug(pid, |debug, _| {
                debug.tracers.remove(&tracer);
                ok()
            }),
            SysMessage::NoDebug => self.debug(pid, |debug, _| {
                *debug = Debug::default();
                ok()
            }),
            SysMessage::Terminate(reason) => {
                self.reply(from, pq_term::msgpack::to_msgpack(&ok()));
                return self.terminate(pid, reason);
            }
        };
        self.reply(from, pq_term::msgpack::to_msgpack(&answer));
    }

    /// Ends a process in order, whatever its body is.
    pub(super) fn terminate(&mut self, pid: Pid, reason: Reason) {
        let Some(process) = self.slab.get_mut(pid) else {
            return;
        };
        process.flags.lower(Flag::Suspended);
        match &process.body {
            Body::Callback(_) => self.stop(pid, reason),
            Body::Manager(_) => self.stop_manager(pid, reason),
            Body::Supervisor(_) => {
                self.resume(pid);
                self.supervise(pid, Input::Stop(reason));
            }
            Body::Native(_) => self.run_native(pid, crate::native::NativeInput::Stop(reason)),
            Body::Empty => self.end(pid, reason),
        }
    }

    fn suspend(&mut self, pid: Pid) -> Term {
        if let Some(process) = self.slab.get_mut(pid) {
            process.flags.raise(Flag::Suspended);
        }
        ok()
    }

    fn resume(&mut self, pid: Pid) -> Term {
        if let Some(process) = self.slab.get_mut(pid) {
            process.flags.lower(Flag::Suspended);
        }
        self.wake(pid);
        ok()
    }

    /// The state as a term: the fields of a callback module, the handlers of a manager.
    fn state_of(&mut self, pid: Pid) -> Result<Term, Reason> {
        if let Some(handlers) = self.take_handlers(pid) {
            let states = handlers
                .iter()
                .map(|handler| self.handler_state(pid, &handler.state))
                .collect();
            self.put_handlers(pid, handlers);
            return states;
        }
        match self.slab.get(pid).map(|process| &process.body) {
            Some(Body::Native(native)) => Ok(native.state()),
            Some(Body::Supervisor(body)) => Ok(pids_term(&body.machine.pids())),
            _ => self.exported(pid).and_then(|bytes| term_of(&bytes)),
        }
    }

    fn handler_state(&mut self, pid: Pid, handler: &State) -> Result<Term, Reason> {
        let bytes = self.exported_handler(pid, handler)?;
        let id = Term::atom("false");
        Ok(Term::tuple([
            Term::atom(handler.module().name()),
            id,
            term_of(&bytes)?,
        ]))
    }

    fn replace_state(&mut self, pid: Pid, mut replace: Replace) -> Result<Term, Reason> {
        if let Some(mut handlers) = self.take_handlers(pid) {
            for handler in &mut handlers {
                self.replace_handler(pid, &mut handler.state, &mut replace);
            }
            self.put_handlers(pid, handlers);
            return self.state_of(pid);
        }
        let before = self.exported(pid)?;
        let after = replace(before).map_err(|text| Reason::tagged("callback_failed", &text))?;
        self.with_state(pid, |shard, state| {
            let module = state.module();
            match shard.in_callback(pid, |host| module.import(host, &after)) {
                Ok(new) => Ok((new, ())),
                Err(failure) => shard.keep(pid, state, failure.into_reason()),
            }
        })?;
        term_of(&after)
    }

    /// The state of a handler after `replace`; unchanged when the new state is refused (`sys(3)`).
    fn replace_handler(&mut self, pid: Pid, handler: &mut State, replace: &mut Replace) {
        let module = handler.module();
        let Ok(state) = self.exported_handler(pid, handler) else {
            return;
        };
        let name = handler_name(module);
        let after = replace([&name[..], &state].concat()).unwrap_or_default();
        let Some(state) = after.strip_prefix(&name[..]) else {
            return;
        };
        if let Ok(new) = self.in_callback(pid, |host| module.import(host, state)) {
            *handler = new;
        }
    }

    /// Lends the state of a gen_server or gen_fsm to `use_it`, which returns this state or another one.
    pub(super) fn with_state<R>(
        &mut self,
        pid: Pid,
        use_it: impl FnOnce(&mut Shard, State) -> Result<(State, R), Reason>,
    ) -> Result<R, Reason> {
        let process = self.slab.get_mut(pid).ok_or(Reason::NoProc)?;
        let state = match std::mem::replace(&mut process.body, Body::Empty) {
            Body::Callback(state) => state,
            other => {
                process.body = other;
                return Err(Reason::tagged(
                    "not_supported",
                    "this process has no state of its own",
                ));
            }
        };
        let (state, result) = use_it(self, state)?;
        self.put_state(pid, state);
        Ok(result)
    }

    pub(super) fn keep<R>(
        &mut self,
        pid: Pid,
        state: State,
        reason: Reason,
    ) -> Result<(State, R), Reason> {
        self.put_state(pid, state);
        Err(reason)
    }

    fn put_state(&mut self, pid: Pid, state: State) {
        let Some(process) = self.slab.get_mut(pid) else {
            return;
        };
        let (node, was, is) = (&self.core.node, process.module, state.module());
        self.tallies.change(node, was, is);
        process.module = Some(is);
        process.body = Body::Callback(state);
        // A state that was only looked at is put back in its version.
        if was != Some(is) {
            self.tell_crowd(pid, CrowdChange::Runs);
        }
    }

    fn change_code(&mut self, pid: Pid, change: &Change) -> Term {
        let suspended = self
            .slab
            .get(pid)
            .is_some_and(|process| process.has(Flag::Suspended));
        if !suspended {
            let message = Term::tuple([
                Term::atom("change_code"),
                Term::string(change.module.as_str()),
            ]);
            return error(Reason::Other(Term::tuple([
                Term::atom("unknown_system_msg"),
                message,
            ])));
        }
        let changed = match self.slab.get(pid).map(|process| &process.body) {
            Some(Body::Supervisor(_)) => self.change_supervisor(pid),
            Some(Body::Manager(_)) => self.change_handlers(pid, change),
            Some(Body::Callback(_)) => self.change_callback(pid, change),
            _ => Err(Reason::tagged(
                "not_supported",
                "this process is part of the node",
            )),
        };
        changed.map_or_else(error, |()| ok())
    }

    fn change_callback(&mut self, pid: Pid, change: &Change) -> Result<(), Reason> {
        let process = self.slab.get(pid);
        let before = process.and_then(|process| process.residues().cloned());
        let residues = self.with_state(pid, |shard, state| {
            match shard.convert(pid, &state, before.as_ref(), change) {
                Ok(new) => Ok((new.state, new.residues)),
                Err(reason) => shard.keep(pid, state, reason),
            }
        })?;
        if let Some(process) = self.slab.get_mut(pid) {
            process.set_residues(residues);
        }
        Ok(())
    }

    /// Converts all handlers of the module, or none.
    fn change_handlers(&mut self, pid: Pid, change: &Change) -> Result<(), Reason> {
        let Some(mut handlers) = self.take_handlers(pid) else {
            return Ok(());
        };
        let concerned = |handler: &Handler| handler.state.module().name() == change.module;
        let converted: Result<Vec<_>, Reason> = handlers
            .iter()
            .map(|handler| {
                concerned(handler)
                    .then(|| {
                        let residues = handler.residues.as_deref();
                        self.convert(pid, &handler.state, residues, change)
                    })
                    .transpose()
            })
            .collect();
        let outcome = converted.map(|converted| {
            for (handler, new) in handlers.iter_mut().zip(converted) {
                if let Some(new) = new {
                    *handler = new;
                }
            }
        });
        self.put_handlers(pid, handlers);
        outcome
    }

    /// Converts a state to the current version. The newer module converts, in both directions.
    fn convert(
        &mut self,
        pid: Pid,
        state: &State,
        residues: Option<&Residues>,
        change: &Change,
    ) -> Result<Handler, Reason> {
        let target = self.current_of(state.module())?;
        let from = state.module();
        let way = CodeChange::between(from, target, change.direction, &change.extra);
        if way.older != change.vsn {
            let (newer, vsn) = (way.newer, &change.vsn);
            let older = if newer == target { from } else { target };
            let what = format!("between {newer:?} and {older:?}, not version {vsn}");
            return Err(Reason::tagged("bad_vsn", &what));
        }
        let converted = self.in_callback(pid, |host| {
            let old = state.export(host)?;
            let (state, residues) = way.state(host, &old, residues)?;
            Ok(Handler { state, residues })
        });
        converted.map_err(Failure::into_reason)
    }

    fn current_of(&self, module: Module) -> Result<Module, Reason> {
        self.core
            .node
            .module(module.name())
            .ok_or_else(|| crate::answers::undef(module.name(), "code_change"))
    }

    /// Asks the module again with the arguments of its start; the children stay.
    fn change_supervisor(&mut self, pid: Pid) -> Result<(), Reason> {
        let process = self.slab.get(pid).ok_or(Reason::NoProc)?;
        let (Some(module), Body::Supervisor(body)) = (process.module, &process.body) else {
            return Ok(());
        };
        let args = body.args.clone();
        let current = self.current_of(module)?;
        let spec = match self.in_callback(pid, |host| current.call(host, "init", &args)) {
            Ok(spec) => spec,
            Err(Failure::Ignore) => return Ok(()),
            Err(failure) => return Err(failure.into_reason()),
        };
        let process = self.slab.get_mut(pid).ok_or(Reason::NoProc)?;
        let (node, was) = (&self.core.node, process.module);
        self.tallies.change(node, was, current);
        process.module = Some(current);
        match &mut process.body {
            Body::Supervisor(body) => body.machine.replace_spec(&spec),
            _ => Ok(()),
        }
    }
}

pub(super) fn ok() -> Term {
    Term::atom("ok")
}

fn error(reason: Reason) -> Term {
    Term::tuple([Term::atom("error"), reason.to_term()])
}

/// The bytes before a handler's state: an array of three, the module's name, `false`.
fn handler_name(module: Module) -> Vec<u8> {
    let name = pq_term::msgpack::to_msgpack(&Term::atom(module.name()));
    [&[0x93], &name[..], &[0xc2]].concat()
}

fn term_of(bytes: &[u8]) -> Result<Term, Reason> {
    pq_term::msgpack::from_msgpack(bytes)
        .map_err(|error| Reason::tagged("bad_state", &error.to_string()))
}

fn pids_term(pids: &[Pid]) -> Term {
    Term::list(pids.iter().map(|pid| Term::from(*pid)).collect::<Vec<_>>())
}
