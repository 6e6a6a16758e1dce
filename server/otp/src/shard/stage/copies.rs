//! Copies: exports on their way to the converters, and converted states that wait for the decision.

use std::collections::VecDeque;
use std::sync::Arc;

use pq_abi::{Kind, Module};
use pq_term::Pid;

use super::kept::{Kept, List, Swept};
use crate::crowd::CrowdChange;
use crate::export::{Export, Refused};
use crate::process::{Body, Flag, Handler, Mark, Process};
use crate::shard::Shard;
use crate::shard::exporter::Subscriber;
use crate::upgrade::board::{Board, Chunk};
use crate::upgrade::convert::{Converted, NewPart, Outcome, Staged};
use crate::upgrade::{Conversion, Failed};

/// Exports of a shard that may be with the converters at most, a few megabytes. On a busy machine a thread waits tens of
/// milliseconds for a processor; even then this number is enough for 100 000 changes per second. More exports would be
/// outdated before their conversion.
const OUTSTANDING_MAX: usize = 8_192;

/// The effect of a transaction on a version of a module.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// The version stays in force.
    Stays,
    /// The given version replaces this one.
    Changes(Module),
    /// The module is removed, and its processes end.
    Goes,
}

/// The copies of a transaction's processes.
pub(super) struct Copies {
    board: Arc<Board>,
    /// The fates of the modules found so far: a node has about twenty.
    known: Vec<(Module, Fate)>,
    kept: List,
    /// The number of the last export.
    number: u32,
    /// Exports on their way to the converters.
    chunk: Vec<Export>,
    /// Results of conversions that have come back and are not examined yet.
    results: VecDeque<Converted>,
    /// The number of exports that went to the converters; `returned` counts those whose result was examined.
    sent: u64,
    returned: u64,
    /// Changed supervisors that are not settled: each is exported once it is settled, which takes one of its callbacks.
    unsettled: VecDeque<u32>,
    has_supervisors: bool,
    /// Processes whose conversion does not end: they continue to run, and a commit kills them.
    doomed: Vec<Pid>,
}

impl Copies {
    pub(super) fn new(board: Arc<Board>) -> Copies {
        Copies {
            board,
            known: Vec::new(),
            kept: List::default(),
            number: 0,
            chunk: Vec::new(),
            results: VecDeque::new(),
            sent: 0,
            returned: 0,
            unsettled: VecDeque::new(),
            has_supervisors: false,
            doomed: Vec::new(),
        }
    }

    /// The fate of this version of a module.
    pub(super) fn fate(&mut self, module: Module) -> Fate {
        if let Some((_, fate)) = self.known.iter().find(|(known, _)| *known == module) {
            return *fate;
        }
        let plan = &self.board.plan;
        let fate = match plan.target_of(module) {
            Some(target) => Fate::Changes(target.module),
            None if plan.removes(module.name()) => Fate::Goes,
            None => Fate::Stays,
        };
        self.known.push((module, fate));
        fate
    }

    /// The pairs of versions: the old version, and the version that replaces it.
    pub(super) fn coming(&self) -> Vec<(Module, Module)> {
        let known = self.known.iter();
        let coming = known.filter_map(|(module, fate)| match fate {
            Fate::Changes(to) => Some((*module, *to)),
            Fate::Stays | Fate::Goes => None,
        });
        coming.collect()
    }

    pub(super) fn is_concerned(&mut self, process: &Process) -> bool {
        let handlers: &[Handler] = match &process.body {
            Body::Manager(handlers) => handlers,
            _ => &[],
        };
        let handlers = handlers.iter().map(|handler| handler.state.module());
        let mut modules = process.module.into_iter().chain(handlers);
        modules.any(|module| self.fate(module) != Fate::Stays)
    }

    pub(super) fn is_doomed(&self, pid: Pid) -> bool {
        self.doomed.contains(&pid)
    }

    pub(super) fn doomed(&self) -> Vec<Pid> {
        self.doomed.clone()
    }

    /// Whether one of the processes concerned so far is a supervisor.
    pub(super) fn have_supervisors(&self) -> bool {
        self.has_supervisors
    }

    /// How many processes of this shard the transaction concerns.
    pub(super) fn len(&self) -> u64 {
        self.kept.len()
    }

    /// Exports whose outcome has not come back.
    pub(super) fn outstanding(&self) -> u64 {
        self.sent - self.returned
    }

    pub(super) fn sent(&self) -> u64 {
        self.sent
    }

    pub(super) fn returned(&self) -> u64 {
        self.returned
    }

    /// How many more processes may be exported now.
    pub(super) fn room(&self) -> u32 {
        let under_way = self.outstanding() as usize + self.chunk.len();
        OUTSTANDING_MAX.saturating_sub(under_way) as u32
    }

    /// Hands the exports of a slice to the converters.
    pub(super) fn send(&mut self, shard: u8) {
        if self.chunk.is_empty() {
            return;
        }
        let jobs = std::mem::take(&mut self.chunk);
        self.sent += jobs.len() as u64;
        self.board.offer(Chunk {
            shard,
            jobs: jobs.into(),
        });
    }

    /// Takes the results of conversions. They are examined in slices: to keep a state, the shard frees the one before.
    pub(super) fn converted(&mut self, converted: Vec<Converted>) {
        self.results.extend(converted);
    }

    pub(super) fn has_results(&self) -> bool {
        !self.results.is_empty()
    }

    /// Examines up to `budget` results.
    pub(super) fn examine(&mut self, shard: &Shard, budget: u32) {
        for _ in 0..budget {
            let Some(converted) = self.results.pop_front() else {
                return;
            };
            self.returned += 1;
            self.take_result(shard, converted);
        }
    }

    /// Frees up to `budget` results that nobody awaits any more.
    pub(super) fn drop_results(&mut self, budget: u32) {
        let count = self.results.len().min(budget as usize);
        self.results.drain(..count);
    }

    fn take_result(&mut self, shard: &Shard, converted: Converted) {
        let (pid, number) = (converted.pid, converted.number);
        match converted.outcome {
            Outcome::Staged(staged) if self.kept.is_awaited(pid, number) => {
                self.keep(shard, (pid, number), staged);
            }
            Outcome::Staged(_) | Outcome::Tried { .. } => (),
            Outcome::Failed(failed) => self.board.fail(failed),
            Outcome::Kill => {
                self.kept.take(pid);
                self.doomed.push(pid);
                self.board.note_doomed();
            }
        }
    }

    /// Keeps a converted state beside its process. A specification that its supervisor refuses makes the transaction fail.
    fn keep(&mut self, shard: &Shard, (pid, number): (Pid, u32), staged: Staged) {
        let checked = staged.parts.iter().try_for_each(|part| match part {
            NewPart::Supervisor(Some(spec)) => check_spec(shard, pid, spec),
            _ => Ok(()),
        });
        match checked {
            Ok(()) => {
                self.kept.keep(pid, number, Kept::from(staged));
                shard.tell_crowd(pid, CrowdChange::Copied);
            }
            Err(refused) => self.fail(refused),
        }
    }

    fn fail(&mut self, refused: Refused) {
        let Refused {
            pid,
            called,
            from,
            reason,
        } = refused;
        let to = match self.fate(from) {
            Fate::Changes(to) => to,
            Fate::Stays | Fate::Goes => from,
        };
        self.board.fail(Box::new(Failed {
            pid,
            called,
            from,
            to,
            step: None,
            reason,
            state: String::new(),
        }));
    }

    /// Takes the converted state that waits for this process.
    pub(super) fn take_kept(&mut self, pid: Pid) -> Kept {
        self.kept.take(pid)
    }

    /// Marks the process as concerned by the transaction, and expects a new export of it; earlier results are outdated.
    pub(super) fn concern(&mut self, process: &mut Process) {
        process.flags.raise(Flag::Concerned);
        // By the module: a process that is being born has no body yet.
        let mut modules = process.module.into_iter();
        self.has_supervisors |= modules.any(|module| module.kind() == Kind::Supervisor);
        self.number = self.kept.expect(process.pid);
    }

    /// The next listed process, from a place on ([`List::sweep`]).
    pub(super) fn sweep(&mut self, at: &mut usize, looks: usize) -> Swept {
        self.kept.sweep(at, looks)
    }

    /// Clears a place whose process has been released.
    pub(super) fn clear(&mut self, place: u32) {
        self.kept.clear(place);
    }

    /// Exports supervisors that were not settled, and processes that have changed, at most `budget` of each.
    pub(super) fn follow(&mut self, shard: &mut Shard, budget: u32) {
        for _ in 0..self.unsettled.len().min(budget as usize) {
            if let Some(place) = self.unsettled.pop_front() {
                self.export(shard, place);
            }
        }
        for _ in 0..shard.changed.len().min(budget as usize) {
            if let Some(place) = shard.changed.take() {
                self.export(shard, place);
            }
        }
    }

    /// Whether all supervisors concerned are settled.
    pub(super) fn are_settled(&self, shard: &Shard) -> bool {
        self.unsettled.is_empty() && !shard.changed.has_supervisors()
    }

    /// Exports the process at this place, if it is concerned and has changed. `true` when there was something to do.
    pub(super) fn export(&mut self, shard: &mut Shard, place: u32) -> bool {
        match shard.slab.at(place).map(|process| &process.body) {
            Some(Body::Supervisor(body)) if self.is_followed() && !body.machine.is_settled() => {
                self.wait_for_supervisor(shard, place)
            }
            _ => {
                let is_exported = shard.export_to(self, place);
                if !is_exported {
                    self.forget_unconcerned(shard, place);
                }
                is_exported
            }
        }
    }

    /// Drops the converted handlers of an event manager that has none of the handlers concerned any more: a commit would
    /// put them in the places of other handlers.
    fn forget_unconcerned(&mut self, shard: &mut Shard, place: u32) {
        if let Some(process) = shard.slab.at(place)
            && process.has(Flag::Concerned)
            && !self.is_concerned(process)
        {
            process.flags.lower(Flag::Concerned);
            self.kept.expect(process.pid);
        }
    }

    /// Exports a new supervisor when it is settled, and keeps the gate from shutting until then.
    pub(super) fn wait_until_settled(&mut self, place: u32) {
        self.unsettled.push_back(place);
    }

    fn wait_for_supervisor(&mut self, shard: &mut Shard, place: u32) -> bool {
        let Some(process) = shard.slab.at(place) else {
            return false;
        };
        let is_new = !process.exported.has(Mark::Upgrade) && self.is_concerned(process);
        if is_new {
            self.concern(process);
            self.wait_until_settled(place);
        }
        is_new
    }

    /// Whether changed states are exported again. A trial wants each state only once.
    pub(super) fn is_followed(&self) -> bool {
        !self.board.plan.trial
    }
}

impl Subscriber for Copies {
    const MARK: Mark = Mark::Upgrade;

    fn wants(&mut self, process: &Process) -> bool {
        !self.is_doomed(process.pid) && self.is_concerned(process)
    }

    /// Only `code_change` calls a supervisor's `init` again, so a supervisor that is carried has no part to convert.
    fn wants_part(&mut self, from: Module) -> bool {
        let plan = &self.board.plan;
        let is_carried = from.kind() == Kind::Supervisor
            && plan
                .target_of(from)
                .is_some_and(|target| target.conversion == Conversion::Carry);
        !is_carried && matches!(self.fate(from), Fate::Changes(_))
    }

    fn note(&mut self, process: &mut Process) {
        if self.is_followed() {
            process.exported.set(Self::MARK);
            self.concern(process);
        }
    }

    /// Queues an export for the converters. An export without parts needs no conversion and is kept at once.
    fn take(&mut self, export: Result<Export, Refused>) {
        match export {
            Ok(export) if export.parts.is_empty() => {
                let nothing = Kept::Parts(Vec::new());
                self.kept.keep(export.pid, self.number, nothing);
            }
            Ok(export) => self.chunk.push(Export {
                number: self.number,
                ..export
            }),
            Err(refused) => self.fail(refused),
        }
    }
}

/// Whether a supervisor accepts a specification. A supervisor that is no longer settled has changed, and is checked
/// after its next export.
fn check_spec(shard: &Shard, pid: Pid, spec: &[u8]) -> Result<(), Refused> {
    let Some(process) = shard.slab.get(pid) else {
        return Ok(());
    };
    let (Some(from), Body::Supervisor(body)) = (process.module, &process.body) else {
        return Ok(());
    };
    if !body.machine.is_settled() {
        return Ok(());
    }
    let refused = |reason| Refused {
        pid,
        called: shard.core.node.called(pid),
        from,
        reason,
    };
    body.machine.check_spec(spec).map_err(refused)
}
