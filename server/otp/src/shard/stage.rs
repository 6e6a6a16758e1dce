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
//! The shard has the [`Staging`] of the transaction under way. For a slice it is taken out and acts on the shard, so
//! whatever the shard does meanwhile finds none; nothing of it may need one.
//!
//! Parts: `copies` (what goes to the converters, and what comes back), `release` (the way out). States are exported by
//! `shard::exporter`.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pq_abi::Reason;
use pq_term::Pid;

use super::Shard;
use super::exporter::{Subscriber, Walk};
use crate::message::Spawn;
use crate::process::{Body, Flag, Process};
use crate::upgrade::Order;
use crate::upgrade::board::{Board, Tally};

mod copies;
mod release;

use copies::Copies;

/// Births that may wait. At the 10 000 joins per second of the busiest door this is ten seconds of them, twice
/// what a transaction may take.
const BIRTHS_MAX: usize = 100_000;

/// The step that is being done.
#[derive(Clone, Copy)]
enum Step {
    Resting,
    Copying(Walk),
    HoldingSupervisors(Walk),
    Holding(Walk),
    Releasing(Decision),
}

/// How a transaction comes out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Decision {
    Commit,
    Abort,
}

/// The rest after a slice.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Left {
    /// More of the transaction.
    More,
    /// Nothing: it is over here.
    Nothing,
}

/// A transaction, as this shard sees it.
pub(crate) struct Staging {
    board: Arc<Board>,
    step: Step,
    copies: Copies,
    /// In the order in which they were held, and are let go.
    held: VecDeque<(Pid, Instant)>,
    /// When this slice began: processes of one slice are held, and let go, at the same moment.
    now: Instant,
    /// Supervisors that are to be held, once they are settled.
    unsettled: Vec<Pid>,
    births: Vec<Spawn>,
    /// Births of the modules concerned wait.
    is_gated: bool,
    tally: Tally,
}

impl Staging {
    fn new(board: Arc<Board>) -> Box<Staging> {
        Box::new(Staging {
            step: Step::Resting,
            copies: Copies::new(board.clone()),
            held: VecDeque::new(),
            now: Instant::now(),
            unsettled: Vec::new(),
            births: Vec::new(),
            is_gated: false,
            tally: Tally::default(),
            board,
        })
    }

    /// Whether something can be done without a signal.
    fn has_work(&self, shard: &Shard) -> bool {
        match self.step {
            Step::Resting => false,
            Step::Copying(walk) | Step::Holding(walk) => {
                let is_handed_over = walk.is_over(shard) && self.copies.are_sent();
                !is_handed_over || self.copies.are_back()
            }
            Step::HoldingSupervisors(_) | Step::Releasing(_) => true,
        }
    }

    /// Whether a process of this module may not be born now.
    fn holds_births_of(&self, module: &str) -> bool {
        self.is_gated && self.board.plan.concerns(module)
    }

    fn slice(&mut self, shard: &mut Shard) -> Left {
        self.now = Instant::now();
        let held = self.held.len();
        let left = self.advance(shard);
        self.board.note_held(self.held.len() as i64 - held as i64);
        left
    }

    fn advance(&mut self, shard: &mut Shard) -> Left {
        match self.step {
            Step::Resting => (),
            Step::Copying(walk) => {
                let walk = self.walk(shard, walk, |staging, shard, place| {
                    shard.export_to(&mut staging.copies, place)
                });
                self.step = Step::Copying(walk);
                self.finish_pass(shard, walk);
            }
            Step::HoldingSupervisors(walk) => {
                let walk = self.walk(shard, walk, Staging::hold_supervisor_at);
                self.step = Step::HoldingSupervisors(walk);
                if walk.is_over(shard) {
                    self.hold_unsettled(shard);
                }
            }
            Step::Holding(walk) => {
                let walk = self.walk(shard, walk, Staging::hold_at);
                self.step = Step::Holding(walk);
                self.finish_pass(shard, walk);
            }
            Step::Releasing(decision) => return self.release_some(shard, decision),
        }
        Left::More
    }

    /// The next transaction begins, and this shard has stood still since the decision: what it was to do in slices
    /// happens now.
    fn finish(mut self: Box<Self>, shard: &mut Shard) {
        if !matches!(self.step, Step::Releasing(_)) {
            self.step = Step::Releasing(Decision::Abort);
        }
        while self.slice(shard) == Left::More {}
        self.end(shard);
    }

    /// A slice of a walk, and what it has exported on its way to the converters.
    fn walk(
        &mut self,
        shard: &mut Shard,
        walk: Walk,
        look: fn(&mut Staging, &mut Shard, u32) -> bool,
    ) -> Walk {
        let budget = self.copies.budget();
        let walk = walk.go_on(shard, budget, |shard, place| look(self, shard, place));
        self.copies.send(shard.core.id);
        walk
    }

    /// Holds the process at this place, if it is concerned, and copies it if it has changed.
    fn hold_at(&mut self, shard: &mut Shard, place: u32) -> bool {
        let Some(process) = shard.slab.at(place) else {
            return false;
        };
        if process.has(Flag::Held) || !self.copies.is_concerned(process) {
            return false;
        }
        self.hold(process);
        shard.export_to(&mut self.copies, place)
    }

    fn hold(&mut self, process: &mut Process) {
        process.flags.raise(Flag::Held);
        self.held.push_back((process.pid, self.now));
    }

    /// Holds the supervisor at this place, if it is concerned, as soon as none of its children is being started or ended
    /// in order. Only then are births held back: no supervisor may wait for one of those.
    fn hold_supervisor_at(&mut self, shard: &mut Shard, place: u32) -> bool {
        let Some(process) = shard.slab.at(place) else {
            return false;
        };
        if !matches!(process.body, Body::Supervisor(_)) || !self.copies.is_concerned(process) {
            return false;
        }
        let pid = process.pid;
        if !self.hold_settled(shard, pid) {
            self.unsettled.push(pid);
        }
        true
    }

    /// `true` when this supervisor needs no more waiting for: it is held now, or it is gone.
    fn hold_settled(&mut self, shard: &mut Shard, pid: Pid) -> bool {
        let Some(process) = shard.slab.get_mut(pid) else {
            return true;
        };
        match &process.body {
            Body::Supervisor(body) if body.machine.is_settled() => {
                self.hold(process);
                shard.export_to(&mut self.copies, pid.index());
                true
            }
            Body::Supervisor(_) => false,
            _ => true,
        }
    }

    /// All supervisors have been looked at: those that were busy are asked again, until all are held.
    fn hold_unsettled(&mut self, shard: &mut Shard) {
        let mut unsettled = std::mem::take(&mut self.unsettled);
        unsettled.retain(|pid| !self.hold_settled(shard, *pid));
        self.unsettled = unsettled;
        if self.unsettled.is_empty() {
            self.is_gated = true;
            self.step = Step::Holding(Walk::default());
        }
    }

    /// The pass is over when everything was looked at and everything has come back.
    fn finish_pass(&mut self, shard: &Shard, walk: Walk) {
        if walk.is_over(shard) && self.copies.are_sent() && self.copies.are_back() {
            self.step = Step::Resting;
            self.board.done();
        }
    }
}

impl Shard {
    /// A transaction has something to do here that needs no signal.
    pub(crate) fn is_staging(&self) -> bool {
        let staging = self.staging.as_ref();
        staging.is_some_and(|staging| staging.has_work(self))
    }

    /// How long a turn took while a transaction was under way: nobody on this shard was kept waiting longer.
    pub(crate) fn note_turn(&mut self, took: Duration) {
        if let Some(staging) = &mut self.staging {
            staging.tally.stalls_us.push(micros(took));
        }
    }

    /// Whether a transaction is under way here.
    pub(crate) fn has_transaction(&self) -> bool {
        self.staging.is_some()
    }

    pub(super) fn upgrade(&mut self, order: Order) {
        match order {
            Order::Copy(board) => self.begin(board, Step::Copying(Walk::default())),
            Order::Hold(board) => self.begin(board, Step::HoldingSupervisors(Walk::default())),
            Order::Commit(id) => self.decided(id, Decision::Commit),
            Order::Abort(id) => self.decided(id, Decision::Abort),
            Order::Converted(id, converted) => {
                if let Some(mut staging) = self.take_staging(id) {
                    staging.copies.converted(self, converted);
                    self.staging = Some(staging);
                }
            }
        }
    }

    fn begin(&mut self, board: Arc<Board>, step: Step) {
        let mut staging = match self.staging.take() {
            Some(staging) if staging.board.id == board.id => staging,
            before => {
                before.into_iter().for_each(|before| before.finish(self));
                Staging::new(board)
            }
        };
        staging.step = step;
        self.staging = Some(staging);
    }

    fn decided(&mut self, id: u64, decision: Decision) {
        if let Some(mut staging) = self.take_staging(id) {
            staging.step = Step::Releasing(decision);
            staging.copies.withdraw();
            self.staging = Some(staging);
        }
    }

    /// That of this transaction, to act on the shard.
    fn take_staging(&mut self, id: u64) -> Option<Box<Staging>> {
        self.staging.take_if(|staging| staging.board.id == id)
    }

    /// A slice of a transaction.
    pub(super) fn stage_some(&mut self) {
        if let Some(mut staging) = self.staging.take() {
            match staging.slice(self) {
                Left::More => self.staging = Some(staging),
                Left::Nothing => (*staging).end(self),
            }
        }
    }

    /// Holds a birth back while its module is being changed; gives it back when it may happen.
    pub(super) fn hold_back(&mut self, spawn: Spawn) -> Option<Spawn> {
        let staging = self.staging.as_mut();
        let Some(staging) =
            staging.filter(|staging| staging.holds_births_of(spawn.start.module.as_str()))
        else {
            return Some(spawn);
        };
        match staging.births.len() < BIRTHS_MAX {
            true => staging.births.push(spawn),
            false => {
                let reason = Reason::tagged("overloaded", "too many starts wait for an upgrade");
                self.acknowledge(spawn.ack, Err(reason));
            }
        }
        None
    }

    /// Holds an event manager that is to get a handler of a module that is being changed. `true` when it is held.
    pub(super) fn hold_manager_for(&mut self, pid: Pid, module: &str) -> bool {
        let staging = self
            .staging
            .take_if(|staging| staging.holds_births_of(module));
        let Some(mut staging) = staging else {
            return false;
        };
        if let Some(process) = self.slab.get_mut(pid) {
            staging.hold(process);
            self.export_to(&mut staging.copies, pid.index());
        }
        self.staging = Some(staging);
        true
    }
}

fn micros(time: Duration) -> u32 {
    u32::try_from(time.as_micros()).unwrap_or(u32::MAX)
}
