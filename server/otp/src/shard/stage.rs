//! A shard's part in a transaction ([`crate::upgrade`]): each turn does a slice of it, between the shard's other work.
//!
//! ```text
//!   Resting ─ copy ─► Copying            processes run; exported states go to the converters, and again when they change
//!             settle ─► Settling         settled supervisors take no requests; the shard reports when all are settled
//!             hold ─► Holding ─► Resting the gate shuts; changed states that are not converted yet are converted
//!   any ─ commit, abort ─► Releasing ─► (gone)    the gate opens at once; states are swapped or dropped in slices
//! ```
//! Processes concerned stop at the gate (`shard::gate`). A process that ends meanwhile leaves the transaction, and its
//! successor is born after the decision.
//!
//! The shard owns the [`Staging`] of the transaction under way. For a slice the shard lends it out (`Option::take`), and
//! the staging acts on the shard. Methods of the shard that run during a slice find no staging, and must not need one.
//!
//! Submodules: `copies` (exports to the converters, and their results), `kept` (converted states that wait for the
//! decision), `release` (the end of the transaction). `shard::exporter` exports the states.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use pq_abi::{Kind, Module, Reason};
use pq_term::Pid;

use super::Shard;
use super::exporter::Walk;
use crate::message::{Ack, Spawn};
use crate::moved::Arrival;
use crate::process::Flag;
use crate::upgrade::Order;
use crate::upgrade::board::{Board, Tally};

mod copies;
mod kept;
mod release;

use copies::{Copies, Fate};

/// Births that may wait at most. At 10 000 joins per second on the busiest server, these are the births of 10 s; a gate
/// is shut for less.
const BIRTHS_MAX: usize = 100_000;

/// The slices of exports per turn while processes are held. Other processes wait a fraction of a millisecond longer, and
/// held processes are free that much earlier.
const HURRY: u32 = 4;

/// A birth: the start of a process, or processes that arrive with their states.
pub(crate) enum Birth {
    Start(Spawn),
    Arrival(Box<Arrival>),
}

impl Birth {
    fn is_of(&self, mut concerned: impl FnMut(&str) -> bool) -> bool {
        match self {
            Birth::Start(spawn) => concerned(spawn.start.module.as_str()),
            Birth::Arrival(arrival) => {
                let mut versions = arrival.subtree.versions();
                versions.any(|(module, _)| concerned(module))
            }
        }
    }

    fn ack(&self) -> Ack {
        match self {
            Birth::Start(spawn) => spawn.ack,
            Birth::Arrival(arrival) => arrival.ack,
        }
    }
}

/// The current step of the transaction on this shard.
#[derive(Clone, Copy)]
enum Step {
    Resting,
    /// The walk through all processes, and after its end the export of changed ones.
    Copying(Walk),
    /// The wait until all supervisors of the shard are settled; `true` when they were, and the coordinator knows it.
    Settling(bool),
    Holding,
    /// The decision, and the next place to release.
    Releasing(Decision, usize),
}

/// The outcome of a transaction.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Decision {
    Commit,
    Abort,
}

/// The work that is left after a slice.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Left {
    /// The transaction needs more slices.
    More,
    /// The transaction is over on this shard.
    Nothing,
}

/// The state of a transaction on this shard.
pub(crate) struct Staging {
    board: Arc<Board>,
    step: Step,
    copies: Copies,
    /// The number of exports of the walk; `None` until the walk is over.
    walked: Option<u64>,
    births: VecDeque<Birth>,
    /// Whether births of the modules concerned wait.
    is_gated: bool,
    /// The number of processes that the gate keeps from running, or would keep if they had messages.
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

    /// Whether a slice has work without a further signal. Exports need room: while too many are with the converters, only
    /// a signal with their results makes work.
    fn has_work(&self, shard: &Shard) -> bool {
        let has_room = self.copies.room() > 0;
        match self.step {
            _ if self.copies.has_results() => true,
            Step::Resting => false,
            Step::Copying(walk) => {
                has_room && (!walk.is_over(shard) || shard.changed.len() >= self.batch())
            }
            Step::Settling(_) | Step::Holding => has_room && !shard.changed.is_empty(),
            Step::Releasing(..) => true,
        }
    }

    /// The number of changed processes that is worth waking a converter. Fewer wait, because they may change again.
    fn batch(&self) -> usize {
        (self.board.plan.slice as usize / 2).max(1)
    }

    /// Whether births of this module have to wait now.
    fn holds_births_of(&self, module: &str) -> bool {
        self.is_gated && self.board.plan.concerns(module)
    }

    fn slice(&mut self, shard: &mut Shard) -> Left {
        if let Step::Releasing(decision, at) = self.step {
            return self.release_some(shard, decision, at);
        }
        self.copies.examine(shard, self.slice_size() * HURRY);
        match self.step {
            Step::Copying(walk) => self.copy_some(shard, walk),
            Step::Settling(is_reported) => self.settle_some(shard, is_reported),
            Step::Holding => self.hold_some(shard),
            Step::Resting | Step::Releasing(..) => (),
        }
        Left::More
    }

    /// Finishes a transaction at once. The next transaction begins, and this shard was blocked since the decision and
    /// could not release processes in slices.
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

    /// A slice of the walk; after the walk, a slice of the changed processes.
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

    /// How many states of this shard are left to convert if no process runs meanwhile; `None` until each was converted
    /// once.
    fn behind(&self, shard: &Shard) -> Option<u64> {
        let walked = self.walked?;
        let is_round = self.copies.returned() >= walked;
        is_round.then(|| shard.changed.len() as u64 + self.copies.outstanding())
    }

    fn report(&self, shard: &Shard) {
        self.board.note_behind(shard.core.id, self.behind(shard));
    }

    /// Keeps settled supervisors from taking requests.
    fn settle(&mut self, shard: &mut Shard) {
        self.step = Step::Settling(false);
        if self.copies.have_supervisors() {
            shard.gate.settle(shard.queue_end());
        }
    }

    /// Exports a slice of the changed processes, and reports once when all supervisors of the shard are settled.
    fn settle_some(&mut self, shard: &mut Shard, is_reported: bool) {
        self.follow_some(shard);
        if is_reported || !self.copies.are_settled(shard) {
            return;
        }
        self.step = Step::Settling(true);
        self.board.done();
    }

    /// Exports a slice of the changed processes. The supervisors of all shards were settled. One that was born since has its
    /// children on this shard: the gate shuts when that supervisor is settled, too.
    fn hold_some(&mut self, shard: &mut Shard) {
        self.follow_some(shard);
        if !shard.gate.is_shut() && self.copies.are_settled(shard) {
            self.shut(shard);
        }
        let is_done = shard.changed.is_empty() && self.copies.outstanding() == 0;
        if shard.gate.is_shut() && is_done {
            self.step = Step::Resting;
            self.board.done();
        }
    }

    fn follow_some(&mut self, shard: &mut Shard) {
        let budget = (self.slice_size() * HURRY).min(self.copies.room());
        self.copies.follow(shard, budget);
        self.copies.send(shard.core.id);
        self.report(shard);
    }

    /// Holds the processes: at once, or when supervisors that were born since all were settled are settled, too.
    fn hold(&mut self, shard: &mut Shard) {
        self.step = Step::Holding;
        match self.copies.have_supervisors() {
            true if shard.gate.is_settling() => (),
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
    /// Whether a transaction has work on this shard that needs no signal.
    pub(crate) fn is_staging(&self) -> bool {
        let staging = self.staging.as_ref();
        staging.is_some_and(|staging| staging.has_work(self))
    }

    /// Notes the duration of a turn during a transaction. Processes that are not held wait no longer than one turn.
    pub(crate) fn note_turn(&mut self, took: Duration) {
        if let Some(staging) = &mut self.staging {
            staging.tally.stalls_us.push(micros(took));
        }
    }

    /// Whether a transaction is under way on this shard.
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
            Order::Settle(board) => {
                let staging = self.staging_of(board, Staging::settle);
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
                    staging.copies.converted(converted);
                    self.staging = Some(staging);
                }
            }
        }
    }

    /// The staging of this transaction, after `change`. An unfinished earlier transaction is finished first.
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

    /// Takes the staging of this transaction out of the shard, so that it can act on the shard.
    fn take_staging(&mut self, id: u64) -> Option<Box<Staging>> {
        self.staging.take_if(|staging| staging.board.id == id)
    }

    /// Does a slice of the transaction under way, if there is one.
    pub(super) fn stage_some(&mut self) {
        if let Some(mut staging) = self.staging.take() {
            match staging.slice(self) {
                Left::Nothing if !self.gate.lets_some_go() => (*staging).end(self),
                _ => self.staging = Some(staging),
            }
        }
    }

    /// Gives a process its new state, if a decision says so and the process has not taken it yet.
    pub(crate) fn take_over_if_decided(&mut self, pid: Pid) {
        let process = self.slab.get(pid);
        let is_concerned = process.is_some_and(|process| process.has(Flag::Concerned));
        if is_concerned && self.gate.is_decided() {
            self.take_over(pid);
        }
    }

    /// Gives a concerned process its new state when it is to run after the decision.
    pub(super) fn take_over(&mut self, pid: Pid) {
        if let Some(mut staging) = self.staging.take() {
            staging.take_over(self, pid);
            self.staging = Some(staging);
        }
    }

    /// Has a process exported that runs this version of a module from now on: the walk may have passed its place.
    pub(crate) fn follow(&mut self, pid: Pid, module: Module) {
        let Some(staging) = &mut self.staging else {
            return;
        };
        let is_copied = !matches!(staging.step, Step::Resting | Step::Releasing(..));
        let is_followed = is_copied && staging.copies.is_followed();
        if !is_followed || staging.copies.fate(module) == Fate::Stays {
            return;
        }
        if let Some(process) = self.slab.get_mut(pid) {
            staging.copies.concern(process);
            process.exported.clear();
            match module.kind() {
                // Its initial children do not run yet.
                Kind::Supervisor => staging.copies.wait_until_settled(pid.index()),
                _ => self.changed.note(process),
            }
        }
    }

    /// Holds a birth back while its module is being changed; returns the birth if it may happen now.
    pub(super) fn hold_back(&mut self, birth: Birth) -> Option<Birth> {
        let staging = self.staging.as_mut();
        let staging =
            staging.filter(|staging| birth.is_of(|module| staging.holds_births_of(module)));
        let Some(staging) = staging else {
            return Some(birth);
        };
        match staging.births.len() < BIRTHS_MAX {
            true => staging.births.push_back(birth),
            false => {
                let reason = Reason::tagged("overloaded", "too many starts wait for an upgrade");
                self.acknowledge(birth.ack(), Err(reason));
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
