//! Copies: exports on their way to the converters, and converted states that wait for the decision.

use std::sync::Arc;

use foldhash::{HashMap, HashMapExt};
use pq_abi::{Kind, Module};
use pq_term::Pid;

use crate::export::{Export, Refused};
use crate::process::{Body, Flag, Handler, Mark, Process};
use crate::shard::Shard;
use crate::shard::exporter::Subscriber;
use crate::upgrade::board::{Board, Chunk};
use crate::upgrade::convert::{Converted, NewPart, Outcome, Staged};
use crate::upgrade::{Conversion, Failed};

/// The meaning of a transaction to a version of a module.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Nothing.
    Stays,
    /// This one takes its place.
    Changes(Module),
    /// It goes, and its processes with it.
    Goes,
}

/// The copies of a transaction's processes.
pub(super) struct Copies {
    board: Arc<Board>,
    /// The fates of the modules met so far: a node has some twenty.
    known: Vec<(Module, Fate)>,
    staged: HashMap<Pid, Staged>,
    /// Exports on their way to the converters.
    chunk: Vec<Export>,
    /// Exports whose outcome has not come back.
    outstanding: usize,
    /// Processes whose conversion does not end: they play on, and are killed if it comes to the decision.
    doomed: Vec<Pid>,
}

impl Copies {
    pub(super) fn new(board: Arc<Board>) -> Copies {
        Copies {
            board,
            known: Vec::new(),
            staged: HashMap::new(),
            chunk: Vec::new(),
            outstanding: 0,
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

    /// Everything that was exported is with the converters, or has come back.
    pub(super) fn are_sent(&self) -> bool {
        self.chunk.is_empty()
    }

    /// Nothing is with the converters.
    pub(super) fn are_back(&self) -> bool {
        self.outstanding == 0
    }

    /// Hands the exports of a slice to the converters. Where there is no room they wait, and nothing new is exported
    /// before they have gone.
    pub(super) fn send(&mut self, shard: u8) {
        if self.chunk.is_empty() {
            return;
        }
        let jobs = std::mem::take(&mut self.chunk);
        let count = jobs.len();
        let chunk = Chunk {
            shard,
            jobs: jobs.into(),
        };
        match self.board.offer(chunk) {
            Ok(()) => self.outstanding += count,
            Err(chunk) => self.chunk = chunk.jobs.into(),
        }
    }

    /// Exports that have not gone to the converters are not wanted any more.
    pub(super) fn withdraw(&mut self) {
        self.chunk.clear();
    }

    /// Conversions have come out.
    pub(super) fn converted(&mut self, shard: &Shard, converted: Vec<Converted>) {
        for Converted { pid, outcome } in converted {
            self.outstanding = self.outstanding.saturating_sub(1);
            match outcome {
                Outcome::Staged(staged) => self.keep(shard, pid, staged),
                Outcome::Failed(failed) => self.board.fail(failed),
                Outcome::Tried { .. } => (),
                Outcome::Kill => {
                    self.staged.remove(&pid);
                    self.doomed.push(pid);
                    self.board.note_doomed();
                }
            }
        }
    }

    /// Keeps a converted state beside the process, unless a supervisor cannot do what its new specification says.
    fn keep(&mut self, shard: &Shard, pid: Pid, staged: Staged) {
        let checked = staged.parts.iter().try_for_each(|part| match part {
            NewPart::Supervisor(Some(spec)) => check_spec(shard, pid, spec),
            _ => Ok(()),
        });
        match checked {
            Ok(()) => drop(self.staged.insert(pid, staged)),
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
            reason,
            state: String::new(),
        }));
    }

    /// The converted state that waits for this process.
    pub(super) fn take_staged(&mut self, pid: Pid) -> Option<Staged> {
        self.staged.remove(&pid)
    }

    /// Drops states that nobody has taken, so many at once. `true` when there were some.
    pub(super) fn drop_staged(&mut self, slice: usize) -> bool {
        let unwanted: Vec<Pid> = self.staged.keys().take(slice).copied().collect();
        for pid in &unwanted {
            self.staged.remove(pid);
        }
        !unwanted.is_empty()
    }
}

impl Subscriber for Copies {
    const MARK: Mark = Mark::Upgrade;

    /// As much as a slice has, with what waits from the one before.
    fn budget(&self) -> u32 {
        let waits = u32::try_from(self.chunk.len()).unwrap_or(u32::MAX);
        self.board.plan.slice.max(1).saturating_sub(waits)
    }

    fn wants(&mut self, process: &Process) -> bool {
        !self.is_doomed(process.pid) && self.is_concerned(process)
    }

    /// A supervisor's module is asked for its children again by `code_change`, and by nothing else.
    fn wants_part(&mut self, from: Module) -> bool {
        let plan = &self.board.plan;
        let is_carried = from.kind() == Kind::Supervisor
            && plan
                .target_of(from)
                .is_some_and(|target| target.conversion == Conversion::Carry);
        !is_carried && matches!(self.fate(from), Fate::Changes(_))
    }

    fn has(&self, pid: Pid) -> bool {
        self.staged.contains_key(&pid)
    }

    /// A process of which nothing needs a conversion is staged at once.
    fn take(&mut self, export: Result<Export, Refused>) {
        match export {
            Ok(export) if export.parts.is_empty() => {
                self.staged.insert(export.pid, Staged::default());
            }
            Ok(export) => self.chunk.push(export),
            Err(refused) => self.fail(refused),
        }
    }
}

/// Whether a supervisor takes a specification. One that is not held may be busy; then it is looked at again when it is held.
fn check_spec(shard: &Shard, pid: Pid, spec: &[u8]) -> Result<(), Refused> {
    let Some(process) = shard.slab.get(pid) else {
        return Ok(());
    };
    let (Some(from), Body::Supervisor(body)) = (process.module, &process.body) else {
        return Ok(());
    };
    if !process.has(Flag::Held) && !body.machine.is_settled() {
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
