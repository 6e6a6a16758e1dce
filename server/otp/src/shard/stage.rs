//! A shard's part in a transaction ([`crate::upgrade`]): a slice of it per turn, between its other work.
//!
//! ```text
//!   Resting ─ copy ─► Copying            processes run; exported states go to the converters, and again where they change
//!             hold ─► Holding ─► Resting the gate shuts, what has changed and is not converted yet is converted
//!   any ─ commit, abort ─► Releasing ─► (gone)    the gate opens at once; states are swapped or dropped in slices
//! ```
//! Processes concerned stop at the gate (`shard::gate`). A process that ends meanwhile is out of the transaction, and its
//! successor is born after the decision.
//!
//! The shard has the [`Staging`] of the transaction under way. For a slice it is taken out and acts on the shard, so
//! whatever the shard does meanwhile finds none; nothing of it may need one.
//!
//! Parts: `copies` (what goes to the converters, and what comes back), `kept` (what waits for the decision), `release`
//! (the way out). States are exported by `shard::exporter`.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use pq_abi::{Module, Reason};
use pq_term::Pid;

use super::Shard;
use super::exporter::Walk;
use crate::message::Spawn;
use crate::upgrade::Order;
use crate::upgrade::board::{Board, Tally};

mod copies;
mod kept;
mod release;

use copies::{Copies, Fate};

/// Births that may wait. At the 10 000 joins per second of the busiest door this is ten seconds of them, more than a
/// gate stays shut.
const BIRTHS_MAX: usize = 100_000;

/// While processes are held, the exports of so many slices are made in one turn: others wait a fraction of a millisecond
/// longer, and those held that much less.
const HURRY: u32 = 4;

/// What is being done.
#[derive(Clone, Copy)]
enum Step {
    Resting,
    /// The walk, and then what changes.
    Copying(Walk),
    /// So many of the places that had changed before are to be looked at until all supervisors are known that are not
    /// settled.
    Holding(usize),
    /// The place to look at next.
    Releasing(Decision, usize),
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
    /// How many exports the walk made, once it is over.
    walked: Option<u64>,
    births: VecDeque<Spawn>,
    /// Births of the modules concerned wait.
    is_gated: bool,
    /// Processes that the gate keeps from running, or would.
    held: i64,
    tally: Tally,
}

impl Staging {
    fn new(board: Arc<Board>) -> Box<Staging> {
        Box::new(Staging {
            step: Step::Resting,
            copies: Copies::new(board.clone()),
            walked: None,
            births: VecDeque::new(),
            is_gated: false,
            held: 0,
            tally: Tally::default(),
            board,
        })
    }

    /// Whether something can be done without a signal. Without room there is none before something comes back.
    fn has_work(&self, shard: &Shard) -> bool {
        let has_room = self.copies.room() > 0;
        match self.step {
            Step::Resting => false,
            Step::Copying(walk) => {
                has_room && (!walk.is_over(shard) || shard.changed.len() >= self.batch())
            }
            Step::Holding(_) => has_room && !shard.changed.is_empty(),
            Step::Releasing(..) => true,
        }
    }

    /// So many changed processes are worth waking a converter for. Fewer wait, and change again meanwhile.
    fn batch(&self) -> usize {
        (self.board.plan.slice as usize / 2).max(1)
    }

    /// Whether a process of this module may not be born now.
    fn holds_births_of(&self, module: &str) -> bool {
        self.is_gated && self.board.plan.concerns(module)
    }

    fn slice(&mut self, shard: &mut Shard) -> Left {
        match self.step {
            Step::Resting => (),
            Step::Copying(walk) => self.copy_some(shard, walk),
            Step::Holding(to_settle) => self.hold_some(shard, to_settle),
            Step::Releasing(decision, at) => return self.release_some(shard, decision, at),
        }
        Left::More
    }

    /// The next transaction begins, and this shard has stood still since the decision: what it was to do in slices
    /// happens now.
    fn finish(mut self: Box<Self>, shard: &mut Shard) {
        if !matches!(self.step, Step::Releasing(..)) {
            self.decide(shard, Decision::Abort);
        }
        while self.slice(shard) == Left::More {}
        self.end(shard);
    }

    fn slice_size(&self) -> u32 {
        self.board.plan.slice.max(1)
    }

    /// A slice of the walk; behind its end, one of what has changed.
    fn copy_some(&mut self, shard: &mut Shard, walk: Walk) {
        let budget = self.slice_size().min(self.copies.room());
        let walk = walk.go_on(shard, budget, |shard, place| {
            self.copies.export(shard, place)
        });
        self.step = Step::Copying(walk);
        if walk.is_over(shard) {
            if self.copies.is_followed() && shard.changed.len() >= self.batch() {
                self.copies.follow(shard, budget);
            }
            self.copies.send(shard.core.id);
            self.walked.get_or_insert(self.copies.sent());
        } else {
            self.copies.send(shard.core.id);
        }
        self.report(shard);
        if self.board.plan.trial && self.behind(shard) == Some(0) {
            self.step = Step::Resting;
            self.board.done();
        }
    }

    /// How many states are to be converted before this shard could be held and nothing were left; `None` until each was
    /// converted once.
    fn behind(&self, shard: &Shard) -> Option<u64> {
        let walked = self.walked?;
        let is_round = self.copies.returned() >= walked;
        is_round.then(|| shard.changed.len() as u64 + self.copies.outstanding())
    }

    fn report(&self, shard: &Shard) {
        self.board.note_behind(shard.core.id, self.behind(shard));
    }

    /// Converts what has changed, and nothing else. The gate shuts when all supervisors are settled: none of them may wait
    /// for a birth that is held back.
    fn hold_some(&mut self, shard: &mut Shard, to_settle: usize) {
        let budget = (self.slice_size() * HURRY).min(self.copies.room());
        let looked = self.copies.follow(shard, budget);
        self.copies.send(shard.core.id);
        let to_settle = to_settle.saturating_sub(looked);
        self.step = Step::Holding(to_settle);
        if shard.gate.is_settling() && to_settle == 0 && self.copies.are_settled() {
            self.shut(shard);
        }
        self.report(shard);
        let is_done = shard.changed.is_empty() && self.copies.outstanding() == 0;
        if shard.gate.is_shut() && is_done {
            self.step = Step::Resting;
            self.board.done();
        }
    }

    fn hold(&mut self, shard: &mut Shard) {
        self.step = Step::Holding(shard.changed.len());
        match self.copies.have_supervisors() {
            true => shard.gate.settle(shard.queue_end()),
            false => self.shut(shard),
        }
    }

    fn shut(&mut self, shard: &mut Shard) {
        shard.gate.shut(shard.queue_end());
        self.is_gated = true;
        self.held = self.copies.len() as i64;
        self.board.note_held(self.held);
        self.board.note_shut();
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
            Order::Copy(board) => {
                let staging = self.staging_of(board, |staging, _| {
                    staging.step = Step::Copying(Walk::default());
                });
                self.staging = Some(staging);
            }
            Order::Hold(board) => {
                let staging = self.staging_of(board, Staging::hold);
                self.staging = Some(staging);
            }
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

    /// That of this transaction, with a change made to it. What is left of the one before is done first.
    fn staging_of(
        &mut self,
        board: Arc<Board>,
        change: impl FnOnce(&mut Staging, &mut Shard),
    ) -> Box<Staging> {
        let mut staging = match self.staging.take() {
            Some(staging) if staging.board.id == board.id => staging,
            before => {
                before.into_iter().for_each(|before| before.finish(self));
                Staging::new(board)
            }
        };
        change(&mut staging, self);
        staging
    }

    fn decided(&mut self, id: u64, decision: Decision) {
        if let Some(mut staging) = self.take_staging(id) {
            staging.decide(self, decision);
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
                Left::Nothing if !self.gate.lets_some_go() => (*staging).end(self),
                _ => self.staging = Some(staging),
            }
        }
    }

    /// A process that is concerned and is to run behind the decision: its new state takes the place of the old one.
    pub(super) fn take_over(&mut self, pid: Pid) {
        if let Some(mut staging) = self.staging.take() {
            staging.take_over(self, pid);
            self.staging = Some(staging);
        }
    }

    /// A process has this version of a module from now on, and the walk may have passed its place.
    pub(super) fn follow(&mut self, pid: Pid, module: Module) {
        let Some(staging) = &mut self.staging else {
            return;
        };
        let is_copied = matches!(staging.step, Step::Copying(_) | Step::Holding(_));
        let is_followed = is_copied && staging.copies.is_followed();
        if !is_followed || staging.copies.fate(module) == Fate::Stays {
            return;
        }
        if let Some(process) = self.slab.get_mut(pid) {
            staging.copies.concern(process);
            process.exported.clear();
            self.changed.push_back(pid.index());
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
            true => staging.births.push_back(spawn),
            false => {
                let reason = Reason::tagged("overloaded", "too many starts wait for an upgrade");
                self.acknowledge(spawn.ack, Err(reason));
            }
        }
        None
    }

    /// Holds an event manager that is to get a handler of a module that is being changed. `true` when it is held.
    pub(super) fn hold_manager_for(&mut self, pid: Pid, module: &str) -> bool {
        let staging = self.staging.as_mut();
        let staging = staging.filter(|staging| staging.holds_births_of(module));
        let process = self.slab.get_mut(pid);
        match (staging, process, self.gate.is_shut()) {
            (Some(staging), Some(process), true) => {
                staging.copies.concern(process);
                true
            }
            _ => false,
        }
    }
}

fn micros(time: Duration) -> u32 {
    u32::try_from(time.as_micros()).unwrap_or(u32::MAX)
}
