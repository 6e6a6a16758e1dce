//! The gate: which processes a transaction keeps from running, for how long, and in which order they go on.
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
//! One value for the shard, and nothing is done for processes that would not run. Envelopes of a parked process wait in
//! its mailbox, in their order. Parked processes are the first to run when the gate opens, in the order in which they
//! came. Called by `run` and moved by `stage`.

use std::collections::VecDeque;
use std::time::Instant;

use pq_abi::Module;
use pq_term::Pid;

use super::Shard;
use crate::message::Envelope;
use crate::process::{Body, Flag, Process, View};

/// Where it stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stand {
    Open,
    Settling,
    Shut,
    Decided,
}

/// A process that has been kept from running.
#[derive(Clone, Copy)]
pub(super) struct Parked {
    place: u32,
    /// Since when it could have run, by the clock of the gate.
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
    /// When it began to keep processes back.
    closed_us: u32,
    /// Processes that stood in the run queue then are those that leave it until so many have left it.
    stood: u64,
    /// What versions become that count as gone.
    coming: Vec<(Module, Module)>,
    pauses: Pauses,
}

/// What the gate has cost.
#[derive(Default)]
pub(super) struct Pauses {
    /// How long each process was parked that was, until it ran.
    pub(super) each_us: Vec<u32>,
    /// How long the gate was shut: a process with something to do all the time was parked for so long.
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

    /// Processes concerned are kept from running, and so are births of their modules.
    pub(super) fn is_shut(&self) -> bool {
        self.stand == Stand::Shut
    }

    pub(super) fn is_settling(&self) -> bool {
        self.stand == Stand::Settling
    }

    /// Nobody is parked.
    pub(super) fn is_empty(&self) -> bool {
        self.parked.is_empty()
    }

    /// Parked processes can run.
    pub(super) fn lets_some_go(&self) -> bool {
        !self.parked.is_empty() && matches!(self.stand, Stand::Open | Stand::Decided)
    }

    pub(super) fn view(&self) -> View<'_> {
        View {
            is_shut: self.is_shut(),
            coming: &self.coming,
        }
    }

    /// Supervisors that are settled take no more requests; `stood` as in [`Gate::shut`].
    pub(super) fn settle(&mut self, stood: u64) {
        self.close(Stand::Settling, stood);
    }

    /// From now on; the processes in the run queue are those that leave it until so many have left it.
    pub(super) fn shut(&mut self, stood: u64) {
        self.close(Stand::Shut, stood);
    }

    fn close(&mut self, stand: Stand, stood: u64) {
        (self.stand, self.stood, self.closed_us) = (stand, stood, self.now_us());
    }

    /// The new versions are in force: these instead of those.
    pub(super) fn decide(&mut self, coming: Vec<(Module, Module)>) {
        self.pauses.shut_us = self.now_us().wrapping_sub(self.closed_us);
        (self.stand, self.coming) = (Stand::Decided, coming);
    }

    /// Everything is as it was, or all processes have their new states. Hands over what it has cost.
    pub(super) fn open(&mut self) -> Pauses {
        (self.stand, self.coming) = (Stand::Open, Vec::new());
        std::mem::take(&mut self.pauses)
    }

    /// The next one of the parked, if they can run.
    pub(super) fn let_go(&mut self) -> Option<Parked> {
        match self.lets_some_go() {
            true => self.parked.pop_front(),
            false => None,
        }
    }

    /// Whether a process that is kept from running has to look at this at once.
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

    /// Wraps after 71 minutes; differences of two readings do not.
    fn now_us(&self) -> u32 {
        self.clock.elapsed().as_micros() as u32
    }
}

impl Shard {
    /// Whether a process that is concerned may take envelopes. Where it is decided, it has its new state afterwards, or
    /// is gone.
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

    /// The end that the parent of this process has ordered; without one it is parked.
    pub(super) fn wait_at_gate(&mut self, pid: Pid) -> Option<Envelope> {
        let process = self.slab.get_mut(pid)?;
        let mut mailbox = process.mailbox;
        let is_order = |envelope: &Envelope| process.is_ordered_by(envelope);
        let order = self.arena.pop_first(&mut mailbox, is_order);
        process.mailbox = mailbox;
        if order.is_none() && !mailbox.is_empty() && !process.has(Flag::Queued) {
            // To be found in no other queue as long as it stands here.
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

    /// How many have left the run queue once those are gone that stand in it now.
    pub(super) fn queue_end(&self) -> u64 {
        self.left_queue + self.run_queue.len() as u64
    }
}
