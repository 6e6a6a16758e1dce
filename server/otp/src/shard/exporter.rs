//! The exporter: states of processes for somebody outside of them, while everybody plays.
//!
//! ```text
//!   subscriber ─► Walk: so much of the slab in a slice ─┬─► wanted, and changed? ─► export ─► Subscriber::take
//!   callback ─► mark cleared ─► Shard::changed ─────────┘
//! ```
//! Between two callbacks every process is at rest, so a state can be written at any turn. Who wants states again and
//! again is a [`Subscriber`], and has a [`Mark`] of its own at each process, so that it gets only what has changed and several
//! do not disturb each other. It says how many it takes in a slice: the shard has other work.
//!
//! A transaction is one (`stage::copies`). `sys` asks for a single state.
//!
//! INVARIANT: the export that a subscriber has of a process with its mark shows the state of that process
//! (`tests/runtime/transaction.rs`, `what_happens_between_copy_and_hold_is_not_lost`).

use pq_abi::{Failure, Module, Reason, State};
use pq_term::Pid;
use smallvec::SmallVec;

use super::Shard;
use crate::export::{Export, Part, Refused, What};
use crate::process::{Body, Handler, Mark, Process};

/// Places of the slab that are looked at in one turn: most hold processes that are not wanted, which costs a few
/// nanoseconds each.
const LOOKS_MAX: u32 = 4_096;

/// A part of the shard that has states exported to it.
pub(super) trait Subscriber {
    /// Its mark at a process.
    const MARK: Mark;
    /// Whether this process is one of those it wants.
    fn wants(&mut self, process: &Process) -> bool;
    /// Whether it wants what such a process has of this version of a module. A process of which it wants nothing is
    /// exported without a part.
    fn wants_part(&mut self, from: Module) -> bool;
    /// A process is exported, and has not run since. Marks it, if what follows is wanted, too.
    fn note(&mut self, process: &mut Process);
    /// Takes a process.
    fn take(&mut self, export: Result<Export, Refused>);
}

/// How far the slab was walked through: the place to look at next.
#[derive(Clone, Copy, Default)]
pub(super) struct Walk(u32);

impl Walk {
    /// Whether it has come to the end.
    pub(super) fn is_over(self, shard: &Shard) -> bool {
        self.0 as usize >= shard.slab.places()
    }

    /// Looks at places until so many of them were work, or enough were looked at. Answers how far it has come.
    pub(super) fn go_on(
        self,
        shard: &mut Shard,
        budget: u32,
        mut look: impl FnMut(&mut Shard, u32) -> bool,
    ) -> Walk {
        let end = (shard.slab.places() as u32).min(self.0.saturating_add(LOOKS_MAX));
        let (mut at, mut work) = (self.0, 0);
        while at < end && work < budget {
            work += u32::from(look(shard, at));
            at += 1;
        }
        Walk(at)
    }
}

impl Shard {
    /// Exports the process at this place to a subscriber that wants it and does not have it as it is now. `true` when
    /// that was work.
    pub(super) fn export_to<S: Subscriber>(&mut self, subscriber: &mut S, place: u32) -> bool {
        let Some(process) = self.slab.at(place) else {
            return false;
        };
        let pid = process.pid;
        if process.exported.has(S::MARK) || !subscriber.wants(process) {
            return false;
        }
        let export = self.export(pid, &mut |from| subscriber.wants_part(from));
        if let Some(process) = self.slab.get_mut(pid) {
            subscriber.note(process);
        }
        subscriber.take(export);
        true
    }

    fn export(
        &mut self,
        pid: Pid,
        wants: &mut dyn FnMut(Module) -> bool,
    ) -> Result<Export, Refused> {
        let parts = match self.take_handlers(pid) {
            Some(handlers) => {
                let parts = self.parts_of_handlers(pid, &handlers, wants);
                self.put_handlers(pid, handlers);
                parts
            }
            None => self.part_of_process(pid, wants),
        };
        let process = self.slab.get(pid);
        Ok(Export {
            pid,
            parent: process.map_or(Pid::from_raw(0), |process| process.parent),
            now_ms: self.core.now_ms,
            number: 0,
            parts: parts?,
        })
    }

    fn parts_of_handlers(
        &mut self,
        pid: Pid,
        handlers: &[Handler],
        wants: &mut dyn FnMut(Module) -> bool,
    ) -> Result<SmallVec<[Part; 1]>, Refused> {
        let wanted = handlers.iter().enumerate();
        let wanted = wanted.filter(|(_, handler)| wants(handler.state.module()));
        let part = |(at, handler): (usize, &Handler)| {
            let from = handler.state.module();
            match self.exported_handler(pid, &handler.state) {
                Ok(bytes) => Ok(Part {
                    from,
                    what: What::Handler(at, bytes),
                    residues: handler.residues.clone(),
                }),
                Err(reason) => Err(self.refused(pid, from, reason)),
            }
        };
        wanted.map(part).collect()
    }

    fn part_of_process(
        &mut self,
        pid: Pid,
        wants: &mut dyn FnMut(Module) -> bool,
    ) -> Result<SmallVec<[Part; 1]>, Refused> {
        let process = self.slab.get(pid);
        let Some((from, process)) = process.and_then(|process| Some((process.module?, process)))
        else {
            return Ok(SmallVec::new());
        };
        let residues = process.residues().cloned().map(Box::new);
        let what = match &process.body {
            Body::Supervisor(body) if wants(from) => What::Supervisor(body.args.clone()),
            Body::Callback(_) if wants(from) => match self.exported(pid) {
                Ok(bytes) => What::State(bytes),
                Err(reason) => return Err(self.refused(pid, from, reason)),
            },
            _ => return Ok(SmallVec::new()),
        };
        Ok(SmallVec::from_iter([Part {
            from,
            what,
            residues,
        }]))
    }

    fn refused(&self, pid: Pid, from: Module, reason: Reason) -> Refused {
        Refused {
            pid,
            called: self.core.node.called(pid),
            from,
            reason,
        }
    }

    /// The exported state of a gen_server or gen_fsm.
    pub(super) fn exported(&mut self, pid: Pid) -> Result<Vec<u8>, Reason> {
        self.with_state(pid, |shard, state| {
            match shard.in_callback(pid, |host| state.export(host)) {
                Ok(bytes) => Ok((state, bytes)),
                Err(failure) => shard.keep(pid, state, failure.into_reason()),
            }
        })
    }

    /// That of a handler of this event manager.
    pub(super) fn exported_handler(&mut self, pid: Pid, state: &State) -> Result<Vec<u8>, Reason> {
        let bytes = self.in_callback(pid, |host| state.export(host));
        bytes.map_err(Failure::into_reason)
    }
}
