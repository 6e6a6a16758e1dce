//! The exporter: exports states of processes to a subscriber while the processes run.
//!
//! ```text
//!   subscriber ─► Walk: a slice of the slab ────┬─► wanted, and changed? ─► export ─► Subscriber::take
//!   callback ─► mark cleared ─► Shard::changed ─┘
//! ```
//! Between two callbacks every process is at rest, so a state can be exported in any turn. A part of the shard that
//! needs states repeatedly is a [`Subscriber`]. Each subscriber has a [`Mark`] of its own at each process, so it gets
//! only changed states, and several subscribers do not disturb each other. The subscriber limits the exports of a
//! slice, because the shard has other work.
//!
//! A transaction is a subscriber (`stage::copies`). `sys` asks for a single state. The sweep of subtrees
//! (`moved::sweep`) uses the walk and has a mark of its own.
//!
//! INVARIANT: the export that a subscriber has of a process with its mark shows the state of that process
//! (`tests/runtime/transaction.rs`, `what_happens_between_copy_and_hold_is_not_lost`).

use pq_abi::{Failure, Module, Reason, State};
use pq_term::Pid;
use smallvec::SmallVec;

use super::Shard;
use crate::export::{Export, Part, Refused, What};
use crate::process::{Body, Handler, Mark, Process};

/// Places of the slab that a walk checks in one turn. Most have processes that are not wanted, at a few nanoseconds
/// each.
const LOOKS_MAX: u32 = 4_096;

/// A part of the shard that has states exported to it.
pub(super) trait Subscriber {
    /// The mark of this subscriber at a process.
    const MARK: Mark;
    /// Whether the subscriber wants this process.
    fn wants(&mut self, process: &Process) -> bool;
    /// Whether the subscriber wants the part of a process that belongs to this version of a module. A process without
    /// a wanted part is exported without parts.
    fn wants_part(&mut self, from: Module) -> bool;
    /// Notes that a process was exported and has not run since. Sets the mark if later changes are wanted, too.
    fn note(&mut self, process: &mut Process);
    /// Takes the export of a process, or the reason why there is none.
    fn take(&mut self, export: Result<Export, Refused>);
}

/// The progress of a walk through the slab: the next place.
#[derive(Clone, Copy, Default)]
pub(crate) struct Walk(u32);

impl Walk {
    /// A walk that begins at this place.
    pub(crate) fn at(place: u32) -> Walk {
        Walk(place)
    }

    /// The next place.
    pub(crate) fn place(self) -> u32 {
        self.0
    }

    /// Whether the walk has come to the end of the slab.
    pub(crate) fn is_over(self, shard: &Shard) -> bool {
        self.0 as usize >= shard.slab.places()
    }

    /// Looks at places until `look` has returned `true` for `budget` of them, or [`LOOKS_MAX`] were checked. Returns
    /// the progress.
    pub(crate) fn go_on(
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
    /// Exports the process at this place, if the subscriber wants it and does not have its current state. `true` when
    /// there was something to export.
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
    pub(crate) fn exported(&mut self, pid: Pid) -> Result<Vec<u8>, Reason> {
        self.with_state(pid, |shard, state| {
            match shard.in_callback(pid, |host| state.export(host)) {
                Ok(bytes) => Ok((state, bytes)),
                Err(failure) => shard.keep(pid, state, failure.into_reason()),
            }
        })
    }

    /// The exported state of a handler of this event manager.
    pub(crate) fn exported_handler(&mut self, pid: Pid, state: &State) -> Result<Vec<u8>, Reason> {
        let bytes = self.in_callback(pid, |host| state.export(host));
        bytes.map_err(Failure::into_reason)
    }
}
