//! The gate: which processes a transaction keeps from running, for how long, and in which order they continue.
//!
//! ```text
//!   Open ─► Settling ─► Shut ─► Decided ─► Open
//!    ▲         └─ abort ──┴────────────────►┘
//! ```
//! | gate | a process that is concerned (`Flag::Concerned`) and would run |
//! |---|---|
//! | `Open` | runs |
//! | `Settling` | runs, unless it is a settled supervisor |
//! | `Shut` | is parked: it takes only the end that its parent orders |
//! | `Decided` | takes its new state first, and runs |
//!
//! The gate is one value for each shard, and costs nothing for processes that would not run. Envelopes of a parked process
//! wait in its mailbox, in their order. Parked processes are the first to run when the gate opens, in the order in
//! which they arrived. Called by `run`, and moved by `stage`.

use std::collections::VecDeque;
use std::time::Instant;

use pq_abi::Module;
use pq_term::Pid;

use super::Shard;
use crate::message::Envelope;
use crate::process::{Body, Flag, Process, View};

/// The position of the gate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stand {
    Open,
    Settling,
    Shut,
    Decided,
}

/// A process that is kept from running.
#[derive(Clone, Copy)]
pub(super) struct Parked {
    place: u32,
    /// The time since which the process could have run, by the clock of the gate.
    since_us: u32,
}

impl Parked {
    pub(super) fn place(self) -> u32 {
        self.place
    }
}

/// The gate of a shard.
pub(super) struct Gate {
    stand: Stand,
    parked: VecDeque<Parked>,
    clock: Instant,
    /// The time when the gate closed, by the clock of the gate.
    closed_us: u32,
    /// The value of `Shard::left_queue` up to which a process that leaves the run queue was in it when the gate closed.
    stood: u64,
    /// Pairs of versions: the first becomes the second when the process passes.
    coming: Vec<(Module, Module)>,
    pauses: Pauses,
}

/// The pauses of processes at the gate, in microseconds.
#[derive(Default)]
pub(super) struct Pauses {
    /// How long each parked process was parked until it ran.
    pub(super) each_us: Vec<u32>,
    /// How long the gate was shut: the longest pause of a process that had messages all the time.
    pub(super) shut_us: u32,
}

impl Gate {
    pub(super) fn new() -> Gate {
        Gate {
            stand: Stand::Open,
            parked: VecDeque::new(),
            clock: Instant::now(),
            closed_us: 0,
            stood: 0,
            coming: Vec::new(),
            pauses: Pauses::default(),
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.stand == Stand::Open
    }

    /// Whether concerned processes, and births of their modules, are kept back.
    pub(super) fn is_shut(&self) -> bool {
        self.stand == Stand::Shut
    }

    /// Whether processes take their new states, and some may still have their old ones.
    pub(super) fn is_decided(&self) -> bool {
        self.stand == Stand::Decided
    }

    pub(super) fn is_settling(&self) -> bool {
        self.stand == Stand::Settling
    }

    /// Whether no process is parked.
    pub(super) fn is_empty(&self) -> bool {
        self.parked.is_empty()
    }

    /// The places of the parked processes, in the order in which they will run.
    pub(super) fn parked(&self) -> impl Iterator<Item = u32> {
        self.parked.iter().map(|parked| parked.place)
    }

    /// Whether parked processes may run.
    pub(super) fn lets_some_go(&self) -> bool {
        !self.parked.is_empty() && matches!(self.stand, Stand::Open | Stand::Decided)
    }

    pub(super) fn view(&self) -> View<'_> {
        View {
            is_shut: self.is_shut(),
            coming: &self.coming,
        }
    }

    /// Keeps settled supervisors from taking requests; `stood` as in [`Gate::shut`].
    pub(super) fn settle(&mut self, stood: u64) {
        self.close(Stand::Settling, stood);
    }

    /// Shuts the gate; the processes now in the run queue are gone when `stood` processes have left it.
    pub(super) fn shut(&mut self, stood: u64) {
        self.close(Stand::Shut, stood);
    }

    fn close(&mut self, stand: Stand, stood: u64) {
        (self.stand, self.stood, self.closed_us) = (stand, stood, self.now_us());
    }

    /// Puts the new versions in force: each pair has the old version and the new one.
    pub(super) fn decide(&mut self, coming: Vec<(Module, Module)>) {
        self.pauses.shut_us = self.now_us().wrapping_sub(self.closed_us);
        (self.stand, self.coming) = (Stand::Decided, coming);
    }

    /// Opens the gate after an abort, or when all processes have their new states. Returns the pauses.
    pub(super) fn open(&mut self) -> Pauses {
        (self.stand, self.coming) = (Stand::Open, Vec::new());
        std::mem::take(&mut self.pauses)
    }

    /// The next parked process, if parked processes may run.
    pub(super) fn let_go(&mut self) -> Option<Parked> {
        match self.lets_some_go() {
            true => self.parked.pop_front(),
            false => None,
        }
    }

    /// Whether this envelope must be handled at once by a process that is kept from running.
    pub(super) fn lets_through(&self, process: &Process, envelope: &Envelope) -> bool {
        let is_kept = matches!(self.stand, Stand::Shut | Stand::Settling);
        is_kept && process.has(Flag::Concerned) && process.is_ordered_by(envelope)
    }

    fn park(&mut self, place: u32, left_queue: u64) {
        let since_us = match left_queue <= self.stood {
            true => self.closed_us,
            false => self.now_us(),
        };
        self.parked.push_back(Parked { place, since_us });
    }

    /// The reading wraps after 71 minutes; differences of two readings do not.
    fn now_us(&self) -> u32 {
        self.clock.elapsed().as_micros() as u32
    }
}

impl Shard {
    /// Whether a concerned process may take envelopes. When the gate is `Decided`, the process has its new state after
    /// this call, or has ended.
    pub(super) fn passes_gate(&mut self, pid: Pid) -> bool {
        match self.gate.stand {
            Stand::Open => true,
            Stand::Settling => !self.is_settled_supervisor(pid),
            Stand::Shut => false,
            Stand::Decided => {
                self.take_over(pid);
                true
            }
        }
    }

    /// The exit signal by which the parent ends this process; without one the process is parked.
    pub(super) fn wait_at_gate(&mut self, pid: Pid) -> Option<Envelope> {
        let process = self.slab.get_mut(pid)?;
        let mut mailbox = process.mailbox;
        let is_order = |envelope: &Envelope| process.is_ordered_by(envelope);
        let order = self.arena.pop_first(&mut mailbox, is_order);
        process.mailbox = mailbox;
        if order.is_none() && !mailbox.is_empty() && !process.has(Flag::Queued) {
            // Keeps the process out of all other queues while it is parked.
            process.flags.raise(Flag::Queued);
            self.gate.park(pid.index(), self.left_queue);
        }
        order
    }

    /// Runs a process that was parked.
    pub(super) fn run_parked(&mut self, Parked { place, since_us }: Parked) {
        if self.slab.at(place).is_some() {
            let pause_us = self.gate.now_us().wrapping_sub(since_us);
            self.gate.pauses.each_us.push(pause_us);
        }
        self.run(place);
    }

    fn is_settled_supervisor(&self, pid: Pid) -> bool {
        let process = self.slab.get(pid);
        process.is_some_and(|process| match &process.body {
            Body::Supervisor(body) => body.machine.is_settled(),
            _ => false,
        })
    }

    /// The number of processes that have left the run queue when all processes now in it have left.
    pub(super) fn queue_end(&self) -> u64 {
        self.left_queue + self.run_queue.len() as u64
    }
}
