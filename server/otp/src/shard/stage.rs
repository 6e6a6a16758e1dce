//! A shard's part in a transaction ([`crate::upgrade`]): a slice of it per turn, between its other work.
//!
//! ```text
//!   Resting ─ copy ─► Copying ─► Resting          processes play; exported states go to the converters
//!   Resting ─ hold ─► HoldingSupervisors ─► Holding ─► Resting      births wait, processes are held
//!   any ─ commit, abort ─► Releasing ─► (gone)    states swapped or dropped, processes and births go on
//! ```
//! A held process takes nothing but the end that its parent orders; what comes for it waits, in its order. A process
//! that ends meanwhile is out of the transaction, and its successor is born after the decision.
//!
//! INVARIANT: a staged state is that of its process: who has run since the copy has [`TOUCHED`] and is copied again
//! (`tests/runtime/transaction.rs`, `what_happens_between_copy_and_hold_is_not_lost`).

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use foldhash::{HashMap, HashMapExt};
use pq_abi::Module;
use pq_term::Pid;

use super::Shard;
use crate::message::Spawn;
use crate::process::{Body, HELD, Handler, Process, SUSPENDED};
use crate::upgrade::Order;
use crate::upgrade::board::{Board, Chunk};
use crate::upgrade::convert::{Job, Staged};

mod copy;
mod release;

/// Places of the slab that are looked at in one turn: most hold processes that are not concerned, which costs
/// a few nanoseconds each.
const LOOKS_MAX: u32 = 4_096;

/// Births that may wait. At the 10 000 joins per second of the busiest door this is ten seconds of them, twice
/// what a transaction may take.
const BIRTHS_MAX: usize = 100_000;

/// What a transaction means to a module.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// Nothing.
    Stays,
    /// It gets the version at this place of the plan.
    Changes(usize),
    /// It goes, and its processes with it.
    Goes,
}

/// What is being done; `next` is the place of the slab to look at.
#[derive(Clone, Copy)]
enum Phase {
    Resting,
    Copying { next: u32 },
    HoldingSupervisors { next: u32 },
    Holding { next: u32 },
    Releasing { commit: bool },
}

/// A transaction, as this shard sees it.
pub(crate) struct Staging {
    board: Arc<Board>,
    phase: Phase,
    /// The fates of the modules met so far: a node has some twenty.
    known: Vec<(Module, Fate)>,
    staged: HashMap<Pid, Staged>,
    /// Jobs whose outcome has not come back.
    outstanding: usize,
    chunk: Vec<Job>,
    /// In the order in which they were held, and are let go.
    held: VecDeque<(Pid, Instant)>,
    /// When this slice began: processes of one slice are held, and let go, at the same moment.
    now: Instant,
    /// Processes whose conversion does not end: they play on, and are killed if it comes to the decision.
    doomed: Vec<Pid>,
    /// Supervisors that are to be held, once they are settled.
    unsettled: Vec<Pid>,
    births: Vec<Spawn>,
    gate: bool,
    pauses_us: Vec<u32>,
    stalls_us: Vec<u32>,
    swapped: Vec<(&'static str, u64)>,
    killed: u64,
}

impl Staging {
    fn new(board: Arc<Board>) -> Staging {
        Staging {
            board,
            phase: Phase::Resting,
            known: Vec::new(),
            staged: HashMap::new(),
            outstanding: 0,
            chunk: Vec::new(),
            held: VecDeque::new(),
            now: Instant::now(),
            doomed: Vec::new(),
            unsettled: Vec::new(),
            births: Vec::new(),
            gate: false,
            pauses_us: Vec::new(),
            stalls_us: Vec::new(),
            swapped: Vec::new(),
            killed: 0,
        }
    }

    /// What becomes of this version of a module.
    fn fate(&mut self, module: Module) -> Fate {
        if let Some((_, fate)) = self.known.iter().find(|(known, _)| *known == module) {
            return *fate;
        }
        let plan = &self.board.plan;
        let target = plan
            .targets
            .iter()
            .position(|target| target.module.name() == module.name());
        let fate = match target {
            Some(at) if plan.targets[at].module != module => Fate::Changes(at),
            _ if plan.removed.iter().any(|name| name == module.name()) => Fate::Goes,
            _ => Fate::Stays,
        };
        self.known.push((module, fate));
        fate
    }

    fn is_concerned(&mut self, process: &Process) -> bool {
        let own = process
            .module
            .map_or(Fate::Stays, |module| self.fate(module));
        let handlers: &[Handler] = match &process.body {
            Body::Manager(handlers) => handlers,
            _ => &[],
        };
        own != Fate::Stays
            || handlers
                .iter()
                .any(|handler| self.fate(handler.state.module()) != Fate::Stays)
    }

    /// Whether a process of this module may be born now.
    fn holds_births_of(&self, module: &str) -> bool {
        let plan = &self.board.plan;
        self.gate
            && (plan.removed.iter().any(|name| name == module)
                || plan
                    .targets
                    .iter()
                    .any(|target| target.module.name() == module))
    }

    fn count_swapped(&mut self, module: &'static str) {
        match self.swapped.iter_mut().find(|(name, _)| *name == module) {
            Some((_, count)) => *count += 1,
            None => self.swapped.push((module, 1)),
        }
    }
}

impl Shard {
    /// A transaction has something to do here that needs no signal.
    pub(crate) fn is_staging(&self) -> bool {
        self.staging
            .as_ref()
            .is_some_and(|staging| match staging.phase {
                Phase::Resting => false,
                Phase::Copying { next } | Phase::Holding { next } => {
                    let looked_at_all =
                        next as usize >= self.slab.places() && staging.chunk.is_empty();
                    !looked_at_all || staging.outstanding == 0
                }
                Phase::HoldingSupervisors { .. } | Phase::Releasing { .. } => true,
            })
    }

    /// How long a turn took while a transaction was under way: nobody on this shard was kept waiting longer.
    pub(crate) fn note_turn(&mut self, took: Duration) {
        if let Some(staging) = &mut self.staging {
            staging.stalls_us.push(micros(took));
        }
    }

    /// Whether a transaction is under way here.
    pub(crate) fn has_transaction(&self) -> bool {
        self.staging.is_some()
    }

    pub(super) fn upgrade(&mut self, order: Order) {
        match order {
            Order::Copy(board) => self.enter(board, Phase::Copying { next: 0 }),
            Order::Hold(board) => self.enter(board, Phase::HoldingSupervisors { next: 0 }),
            Order::Commit(id) => self.decided(id, true),
            Order::Abort(id) => self.decided(id, false),
            Order::Converted(id, converted) => self.converted(id, converted),
        }
    }

    fn enter(&mut self, board: Arc<Board>, phase: Phase) {
        let staging = match self.staging.take() {
            Some(staging) if staging.board.id == board.id => staging,
            _ => Box::new(Staging::new(board)),
        };
        self.staging = Some(staging);
        self.set_phase(phase);
    }

    fn set_phase(&mut self, phase: Phase) {
        if let Some(staging) = &mut self.staging {
            staging.phase = phase;
        }
    }

    fn decided(&mut self, id: u64, commit: bool) {
        if let Some(staging) = self
            .staging
            .as_mut()
            .filter(|staging| staging.board.id == id)
        {
            staging.phase = Phase::Releasing { commit };
            staging.chunk.clear();
        }
    }

    /// A slice of a transaction.
    pub(super) fn stage_some(&mut self) {
        let Some(staging) = &mut self.staging else {
            return;
        };
        staging.now = Instant::now();
        let (phase, held) = (staging.phase, staging.held.len());
        self.stage_slice(phase);
        if let Some(staging) = &self.staging {
            staging
                .board
                .note_held(staging.held.len() as i64 - held as i64);
        }
    }

    fn stage_slice(&mut self, phase: Phase) {
        match phase {
            Phase::Resting => (),
            Phase::Copying { next } => {
                let next = self.look_through(next, Shard::copy_at);
                self.set_phase(Phase::Copying { next });
                self.finish_pass(next);
            }
            Phase::HoldingSupervisors { next } => {
                let next = self.look_through(next, Shard::hold_supervisor_at);
                self.set_phase(Phase::HoldingSupervisors { next });
                if next as usize >= self.slab.places() {
                    self.hold_unsettled();
                }
            }
            Phase::Holding { next } => {
                let next = self.look_through(next, Shard::hold_at);
                self.set_phase(Phase::Holding { next });
                self.finish_pass(next);
            }
            Phase::Releasing { commit } => self.release_some(commit),
        }
    }

    /// Looks at places of the slab from `next` on, until a slice is done. Answers where to go on.
    fn look_through(&mut self, next: u32, look: fn(&mut Shard, u32) -> bool) -> u32 {
        let slice = self
            .staging
            .as_ref()
            .map_or(1, |staging| staging.board.plan.slice.max(1));
        let (mut at, mut exported) = (next, 0);
        let end = (self.slab.places() as u32).min(next.saturating_add(LOOKS_MAX));
        // A chunk that found no place waits: nothing new is exported before it has gone.
        while at < end && exported < slice && self.chunk_len() < slice as usize {
            exported += u32::from(look(self, at));
            at += 1;
        }
        self.send_chunk();
        at
    }

    fn chunk_len(&self) -> usize {
        self.staging
            .as_ref()
            .map_or(0, |staging| staging.chunk.len())
    }

    fn send_chunk(&mut self) {
        let Some(staging) = self
            .staging
            .as_mut()
            .filter(|staging| !staging.chunk.is_empty())
        else {
            return;
        };
        let jobs = std::mem::take(&mut staging.chunk);
        let count = jobs.len();
        let chunk = Chunk {
            shard: self.core.id,
            jobs: jobs.into(),
        };
        match staging.board.offer(chunk) {
            Ok(()) => staging.outstanding += count,
            Err(chunk) => staging.chunk = chunk.jobs.into(),
        }
    }

    /// Holds the process at this place, if it is concerned, and copies it if it has changed.
    fn hold_at(&mut self, place: u32) -> bool {
        let (Some(process), Some(staging)) = (self.slab.at(place), &mut self.staging) else {
            return false;
        };
        if process.has(HELD) || !staging.is_concerned(process) {
            return false;
        }
        let pid = process.pid;
        self.hold(pid);
        self.copy_at(place)
    }

    fn hold(&mut self, pid: Pid) {
        if let (Some(process), Some(staging)) = (self.slab.get_mut(pid), &mut self.staging) {
            process.set(HELD, true);
            staging.held.push_back((pid, staging.now));
        }
    }

    /// Holds the supervisor at this place, if it is concerned, as soon as none of its children is being started or ended
    /// in order. Only then are births held back: no supervisor may wait for one of those.
    fn hold_supervisor_at(&mut self, place: u32) -> bool {
        let (Some(process), Some(staging)) = (self.slab.at(place), &mut self.staging) else {
            return false;
        };
        if !matches!(process.body, Body::Supervisor(_)) || !staging.is_concerned(process) {
            return false;
        }
        let pid = process.pid;
        if !self.hold_settled(pid)
            && let Some(staging) = &mut self.staging
        {
            staging.unsettled.push(pid);
        }
        true
    }

    /// `true` when this supervisor needs no more waiting for: it is held now, or it is gone.
    fn hold_settled(&mut self, pid: Pid) -> bool {
        let settled = match self.slab.get(pid).map(|process| &process.body) {
            Some(Body::Supervisor(body)) => body.machine.is_settled(),
            _ => return true,
        };
        if settled {
            self.hold(pid);
            self.copy_at(pid.index());
        }
        settled
    }

    /// All supervisors have been looked at: those that were busy are asked again, until all are held.
    fn hold_unsettled(&mut self) {
        let Some(staging) = &mut self.staging else {
            return;
        };
        let mut unsettled = std::mem::take(&mut staging.unsettled);
        unsettled.retain(|pid| !self.hold_settled(*pid));
        let Some(staging) = &mut self.staging else {
            return;
        };
        staging.unsettled = unsettled;
        if staging.unsettled.is_empty() {
            staging.gate = true;
            staging.phase = Phase::Holding { next: 0 };
        }
    }

    /// The pass is over when everything was looked at and everything has come back.
    fn finish_pass(&mut self, next: u32) {
        let places = self.slab.places();
        let Some(staging) = &mut self.staging else {
            return;
        };
        let over = next as usize >= places && staging.chunk.is_empty() && staging.outstanding == 0;
        if over {
            staging.phase = Phase::Resting;
            staging.board.done();
        }
    }
}

/// Held or suspended: it takes only what cannot wait.
pub(super) fn waits(process: &Process) -> bool {
    process.has(SUSPENDED) || process.has(HELD)
}

fn micros(time: Duration) -> u32 {
    u32::try_from(time.as_micros()).unwrap_or(u32::MAX)
}
