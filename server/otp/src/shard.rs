//! A shard: a slab of processes, their mailboxes and timers, and one callback at a time.
//!
//! ```text
//!   turn:  inbox ─► signals ─► mailboxes ─► run queue ─► callback ─► effects ─► signals …
//!          wheel ─► due timers ─┘                                        └─► outboxes ─► other shards
//! ```
//! In this module: the turn, and the delivery of signals. Submodules: [`spawn`] (births), [`exit`] (ends, links,
//! monitors), [`run`] (one envelope), [`from_outside`] (functions called outside of any process), [`time_out`],
//! [`effects`], [`supervise`], [`restarts`] (of children whose states are kept), [`manage`], [`run_native`], [`exporter`] (exported
//! states), [`traced`] (steps of processes with a tracer), [`changed`], [`stage`] (transactions), [`gate`] (processes that a transaction keeps from running), [`timing`]
//! (durations of callbacks), [`slab`], [`listing`], [`measure`] (figures of processes that a listing asks for).

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use pq_abi::Reason;
use pq_term::Pid;
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::dice::AllDice;
use crate::effect::Effect;
use crate::lateness::Waiting;
use crate::mailbox::Arena;
use crate::message::{Ack, Caller, Envelope, OF_PORT, Payload, Signal};
use crate::node::Node;
use crate::numbered::Numbered;
use crate::process::{Flag, Process, ProcessInfo, Seen, Watch};
use crate::stall::Post;
use crate::supervisor::Action;
use crate::tally::Tallies;
use crate::wheel::Wheel;
use changed::Changed;
use gate::Gate;
use listing::Listing;
use measure::Counting;
use restarts::Awaited;
use stage::Birth;

mod changed;
mod effects;
mod exit;
mod exporter;
mod from_outside;
mod gate;
mod listing;
mod manage;
mod measure;
mod restarts;
mod run;
mod run_native;
mod slab;
mod spawn;
mod stage;
mod supervise;
mod system;
mod time_out;
mod timing;
mod traced;

pub(crate) use exporter::Walk;
pub(crate) use from_outside::{answer, run as run_from_outside};
pub use measure::Measure;
pub(crate) use slab::Slab;
use timing::Timing;

/// Envelopes that one process may take before the other processes have their turn. Large enough that switching costs
/// little, small enough that a flooded process delays its shard by some tens of microseconds.
const TURN_MAX: u32 = 64;

/// Processes that run before the shard reads its inbox and its clock again: at about 0.3 us per event, that is
/// every 0.5 ms.
const PROCESSES_PER_SLICE: usize = 256;

/// Timers that fire in one turn. Avatars that were started together act in the same millisecond, and a timer takes some
/// tenths of a microsecond.
const TIMERS_MAX: usize = 4_096;

/// Signals for another shard that may wait here while its inbox is full; above this, the shard stops running
/// processes (it still empties its own inbox, so two full shards free each other). It does not wait for a blocked
/// shard: up to twice as many signals wait for that one, and the rest are dropped as for a full mailbox.
const OUTBOX_MAX: usize = 16_384;

/// The action of a timer that is due.
pub(crate) enum Due {
    /// Send a message to a process.
    Info(Pid, Payload),
    /// Send an event to a process.
    Event(Pid, Payload),
    /// Tell a process of the runtime that its timer is due.
    Timer(Pid, u32),
    /// Fail a request that has not been answered in time.
    RequestTimeout(Pid, u64),
    /// The time for a kept state is over: the supervisor, and the ticket of the start.
    Restart(Pid, u32),
}

/// The parts of a shard that a running callback may touch: everything but the processes.
pub(crate) struct Core {
    pub(crate) id: u8,
    pub(crate) node: Node,
    pub(crate) now_ms: u64,
    /// The start of the clock of which `now_ms` is a reading; `None` under virtual time.
    pub(crate) clock: Option<Instant>,
    pub(crate) dice: AllDice,
    pub(crate) wheel: Wheel<Due>,
    pub(crate) effects: Vec<Effect>,
    /// The bytes of the last operation's answer.
    pub(crate) result: Vec<u8>,
    /// The record of the thread's activity, for the stall keeper.
    pub(crate) post: Arc<Post>,
    refs: u64,
}

impl Core {
    fn new(node: Node, id: u8, first_ref: u64, post: Arc<Post>) -> Core {
        let seed = node.config().seed ^ (u64::from(id) << 56) ^ first_ref;
        Core {
            id,
            dice: AllDice::new(node.config().dice, seed),
            now_ms: 0,
            clock: None,
            wheel: Wheel::new(),
            effects: Vec::new(),
            result: Vec::new(),
            post,
            refs: first_ref,
            node,
        }
    }

    /// The random generator for this process.
    pub(crate) fn dice_of(&mut self, process: Pid) -> &mut Xoshiro256PlusPlus {
        self.dice.of(process, &self.node)
    }

    /// A core for a thread that is no shard. Its references carry `id` and the thread's number, which distinguish them
    /// from those of other threads.
    pub(crate) fn outside(node: &Node, id: u8, number: u64, post: Arc<Post>) -> Core {
        /// The number of references of each thread, as bits.
        const REFS_BITS: u32 = 32;
        let first_ref = (number << REFS_BITS) & (u64::MAX >> 8);
        Core::new(node.clone(), id, first_ref, post)
    }

    /// The time that is `ms` full milliseconds from now: counted from the next full millisecond of the clock, so that
    /// it is never early. The turn's own reading is older than the callback that asks.
    pub(crate) fn due_after(&self, ms: u64) -> u64 {
        const NANOS_PER_MS: u128 = 1_000_000;
        let full_ms = |clock: Instant| clock.elapsed().as_nanos().div_ceil(NANOS_PER_MS) as u64;
        self.clock.map_or(self.now_ms, full_ms).saturating_add(ms)
    }

    /// The last number that identifies a request or monitor of this shard.
    pub(crate) fn last_ref(&self) -> u64 {
        u64::from(self.id) << 56 | self.refs
    }

    /// Does not give this number again, or one before it: a process that has moved may know it.
    pub(crate) fn note_ref(&mut self, number: u64) {
        /// A shard that makes a million requests per second would take 500 years to reach this number.
        const NOTED_MAX: u64 = OF_PORT / 2;
        let (shard, count) = ((number >> 56) as u8, number & (OF_PORT - 1));
        if shard == self.id && count <= NOTED_MAX {
            self.refs = self.refs.max(count);
        }
    }

    /// A number that identifies one request or monitor of this node.
    pub(crate) fn next_ref(&mut self) -> u64 {
        self.refs += 1;
        u64::from(self.id) << 56 | self.refs
    }
}

/// A shard: the state of one thread of the runtime.
pub(crate) struct Shard {
    pub(crate) core: Core,
    pub(crate) slab: Slab,
    pub(crate) arena: Arena,
    run_queue: VecDeque<u32>,
    /// The number of processes that have left the run queue since the shard's start.
    left_queue: u64,
    waiting_timers: Waiting,
    outboxes: Vec<Vec<Signal>>,
    arrivals: Vec<Signal>,
    due: Vec<Due>,
    /// Signals to this shard itself that arose while another signal was handled.
    local: VecDeque<Signal>,
    /// Supervisors whose initial children do not all run yet, and the receiver of each start's result.
    starting: Numbered<Pid, Ack>,
    /// The list of the last callback's effects, lent back and forth with the core.
    spare_effects: Vec<Effect>,
    /// Restarts of children whose states are asked for.
    awaited: Awaited,
    /// A spare list for the actions of a supervisor's machine.
    spare_actions: Vec<Action>,
    /// The listings under way, in the order of their requests.
    listings: VecDeque<Listing>,
    /// The transaction under way.
    staging: Option<Box<stage::Staging>>,
    gate: Gate,
    /// The processes that have changed since the transaction copied them.
    changed: Changed,
    pub(crate) quit: bool,
    pub(crate) counters: Counters,
    pub(crate) tallies: Tallies,
    timing: Timing,
    counting: Counting,
}

/// The work of a shard since its start.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counters {
    /// The number of envelopes handled.
    pub envelopes: u64,
    /// The number of processes started.
    pub spawned: u64,
    /// The number of processes ended.
    pub exited: u64,
    /// The number of messages dropped because a mailbox was full.
    pub dropped: u64,
    /// The number of timers fired.
    pub timers: u64,
    /// The number of children that supervisors have started again.
    pub restarts: u64,
    /// The number of supervisors that have ended because a child failed too often.
    pub given_up: u64,
}

impl Shard {
    pub(crate) fn new(node: Node, id: u8) -> Shard {
        let post = node.watched().post(id).clone();
        let core = Core::new(node, id, 0, post);
        let outboxes = (0..core.node.shards()).map(|_| Vec::new()).collect();
        Shard {
            core,
            slab: Slab::new(id),
            arena: Arena::new(),
            run_queue: VecDeque::new(),
            left_queue: 0,
            waiting_timers: Waiting::default(),
            outboxes,
            arrivals: Vec::new(),
            due: Vec::new(),
            local: VecDeque::new(),
            starting: Numbered::default(),
            awaited: Awaited::default(),
            spare_effects: Vec::new(),
            spare_actions: Vec::new(),
            listings: VecDeque::new(),
            staging: None,
            gate: Gate::new(),
            changed: Changed::default(),
            quit: false,
            counters: Counters::default(),
            tallies: Tallies::default(),
            timing: Timing::default(),
            counting: Counting::default(),
        }
    }

    /// One turn at time `now_ms`: takes arrived signals, fires due timers, runs up to [`PROCESSES_PER_SLICE`]
    /// processes.
    pub(crate) fn turn(&mut self, now_ms: u64) {
        // First of all: signals may start timers, which count from now.
        self.core.now_ms = now_ms;
        self.take_arrivals();
        self.fire_timers(now_ms);
        // Other shards learn of new processes now, even if the next callback takes long.
        self.flush();
        if self.has_room_for_signals() {
            self.run_some();
        }
        self.stage_some();
        self.list_some();
        self.handle_local();
        self.flush();
    }

    /// Whether the other shards keep up with this shard's signals. A blocked shard is not waited for.
    fn has_room_for_signals(&self) -> bool {
        let keeps_up = |(shard, outbox): (usize, &Vec<Signal>)| {
            outbox.len() < OUTBOX_MAX || self.core.node.watched().is_slow(shard)
        };
        self.outboxes.iter().enumerate().all(keeps_up)
    }

    /// Reports the timers handled since the last call: when they were due, and how many.
    pub(crate) fn timers_handled(&mut self, note: impl FnMut(u64, u64)) {
        // Processes parked at the gate have left the queue without running.
        if self.gate.is_empty() {
            self.waiting_timers.settle(self.left_queue, note);
        }
    }

    /// Whether a process can run without waiting for time or signals.
    pub(crate) fn is_busy(&self) -> bool {
        !self.run_queue.is_empty()
            || self.gate.lets_some_go()
            || !self.listings.is_empty()
            || self.outboxes.iter().any(|outbox| !outbox.is_empty())
    }

    /// The time of the next timer, or an earlier one.
    pub(crate) fn next_timer_ms(&self) -> Option<u64> {
        self.core.wheel.next_busy_ms()
    }

    /// Sleeps until a signal arrives, at most for `limit`.
    pub(crate) fn wait(&self, limit: std::time::Duration) {
        if let Some(inbox) = self.core.node.inbox(self.core.id) {
            inbox.wait(limit);
        }
    }

    /// A description of each process of this shard.
    pub(crate) fn processes(&self) -> Vec<ProcessInfo> {
        self.seen().map(|seen| seen.info()).collect()
    }

    /// A cheap view of each process of this shard.
    pub(crate) fn seen(&self) -> impl Iterator<Item = Seen<'_>> {
        let view = self.gate.view();
        self.slab
            .iter()
            .map(move |process| Seen::new(process, view))
    }

    /// The places of the processes that wait to run, in their order.
    pub(crate) fn queue(&self) -> impl Iterator<Item = u32> {
        self.gate.parked().chain(self.run_queue.iter().copied())
    }

    /// Whether no transaction keeps processes from running, or is giving them their new states.
    pub(crate) fn is_gate_open(&self) -> bool {
        self.gate.is_open()
    }

    fn take_arrivals(&mut self) {
        let mut arrivals = std::mem::take(&mut self.arrivals);
        if let Some(inbox) = self.core.node.inbox(self.core.id) {
            inbox.take(&mut arrivals);
        }
        for signal in arrivals.drain(..) {
            self.handle(signal);
            self.handle_local();
        }
        self.arrivals = arrivals;
    }

    fn fire_timers(&mut self, now_ms: u64) {
        let mut due = std::mem::take(&mut self.due);
        self.core
            .wheel
            .advance(now_ms, &mut self.slab, TIMERS_MAX, |due_ms, timer| {
                self.waiting_timers.fired(due_ms);
                due.push(timer);
            });
        self.counters.timers += due.len() as u64;
        for timer in due.drain(..) {
            match timer {
                Due::Info(to, data) => self.push(to, Envelope::Info(data)),
                Due::Event(to, data) => self.push(to, Envelope::Event(data)),
                Due::Timer(to, id) => self.push(to, Envelope::Timer(id)),
                Due::RequestTimeout(pid, id) => self.fail_request(pid, id, Reason::Timeout),
                Due::Restart(supervisor, ticket) => self.restart_is_late(supervisor, ticket),
            }
        }
        self.due = due;
        let behind = self.left_queue + self.run_queue.len() as u64;
        self.waiting_timers.placed(behind);
    }

    fn run_some(&mut self) {
        for _ in 0..PROCESSES_PER_SLICE {
            if let Some(parked) = self.gate.let_go() {
                self.run_parked(parked);
                continue;
            }
            let Some(index) = self.run_queue.pop_front() else {
                return;
            };
            self.left_queue += 1;
            self.run(index);
        }
    }

    pub(crate) fn flush(&mut self) {
        for (shard, outbox) in self.outboxes.iter_mut().enumerate() {
            if !outbox.is_empty() {
                self.core
                    .node
                    .inbox(shard as u8)
                    .map(|inbox| inbox.try_append(outbox));
            }
        }
    }

    /// Sends a signal to the shard of its target.
    pub(crate) fn signal(&mut self, signal: Signal) {
        let shard = signal.target().map_or(self.core.id, Pid::shard);
        let is_own = shard == self.core.id;
        match self.outboxes.get_mut(usize::from(shard)) {
            Some(outbox) if !is_own && outbox.len() < OUTBOX_MAX * 2 => outbox.push(signal),
            Some(_) if !is_own => self.signal_too_many(usize::from(shard), signal),
            // A shard that does not exist has no processes: the answer is that of any dead pid.
            _ => self.local.push_back(signal),
        }
    }

    /// The other shard has not taken the earlier signals. A blocked shard may never take them.
    fn signal_too_many(&mut self, shard: usize, signal: Signal) {
        let is_slow = self.core.node.watched().is_slow(shard);
        match signal {
            Signal::Deliver(to, envelope) if is_slow && is_droppable(&envelope) => {
                self.drop_message(to, envelope);
            }
            signal => self.outboxes[shard].push(signal),
        }
    }

    /// Sends an envelope. It goes into the mailbox at once when its process lives here, but never overtakes a signal
    /// that was sent before (signals between two processes keep their order).
    fn send(&mut self, to: Pid, envelope: Envelope) {
        match (to.as_raw(), envelope) {
            (0, Envelope::Response(tag, result)) => {
                self.core
                    .node
                    .answer_outside(tag, result.map_err(|reason| *reason));
            }
            (0, Envelope::Down(of, ..)) => {
                if let Some(kin) = self.core.node.kin() {
                    kin.ended(of);
                }
            }
            (_, envelope) if self.is_here(to) && self.local.is_empty() => {
                self.deliver(to, envelope)
            }
            (_, envelope) => self.signal(Signal::Deliver(to, envelope)),
        }
    }

    /// Whether the process would live on this shard. A shard that does not exist has no processes: this one answers, as
    /// for any dead pid.
    fn is_here(&self, pid: Pid) -> bool {
        pid.shard() == self.core.id || usize::from(pid.shard()) >= self.outboxes.len()
    }

    fn handle_local(&mut self) {
        while let Some(signal) = self.local.pop_front() {
            self.handle(signal);
        }
    }

    fn handle(&mut self, signal: Signal) {
        match signal {
            Signal::Deliver(to, envelope) => self.deliver(to, envelope),
            Signal::Exit {
                to,
                from,
                reason,
                cause,
            } => self.exit_signal(to, from, reason, cause),
            Signal::Link(of, with) => self.link(of, with),
            Signal::Unlink(of, with) => self.unlink(of, with),
            Signal::Monitor { of, watcher } => self.watch(of, watcher, Watch::Monitor),
            Signal::Demonitor { of, watcher } => self.unwatch(of, watcher),
            Signal::OwnPort(owner, port) => self.own_port(owner, port),
            Signal::Spawn(spawn) => self.give_birth(Birth::Start(spawn)),
            Signal::Arrive(arrival) => self.give_birth(Birth::Arrival(arrival)),
            Signal::TakeOut(order) => self.take_out(*order),
            Signal::Restarted(answered) => self.restarted(*answered),
            Signal::Left(parent, child) => self.tell_left(parent, child),
            Signal::Sweep(order) => self.sweep(*order),
            Signal::SpawnNative(native, ack) => self.spawn_native(native, ack),
            Signal::CallModule(call) => self.call_from_outside(*call),
            Signal::Returned(returned) => self.returned_from_outside(*returned),
            Signal::List(list, measure) => self.begin_listing(list, measure),
            Signal::Sample(max, sample) => self.sample(max, sample),
            Signal::Upgrade(order) => self.upgrade(order),
            Signal::Quit => self.quit = true,
        }
    }

    /// Puts an envelope into the mailbox of a process of this shard.
    fn deliver(&mut self, to: Pid, envelope: Envelope) {
        let Some(process) = self.slab.get_mut(to) else {
            return self.deliver_to_nobody(to, envelope);
        };
        if process.mailbox.len() >= self.core.node.config().mailbox_max && is_droppable(&envelope) {
            return self.drop_message(to, envelope);
        }
        match envelope {
            Envelope::Event(_) if process.hears_nothing() => return,
            Envelope::Call(caller, _) | Envelope::PutIn(caller, _) => {
                process.extras().watchers.insert(caller, Watch::Request);
            }
            _ => (),
        }
        self.push(to, envelope);
    }

    pub(crate) fn push(&mut self, to: Pid, envelope: Envelope) {
        let Some(process) = self.slab.get_mut(to) else {
            return;
        };
        let wakes = process.takes(&envelope);
        let is_let_through = self.gate.lets_through(process, &envelope);
        self.arena.push(&mut process.mailbox, envelope);
        if is_let_through {
            self.run_queue.push_back(to.index());
        } else if wakes {
            Shard::enqueue(&mut self.run_queue, process);
        }
    }

    /// Lets a process take its waiting envelopes.
    pub(crate) fn wake(&mut self, pid: Pid) {
        let process = self.slab.get_mut(pid);
        if let Some(process) = process.filter(|process| !process.mailbox.is_empty()) {
            Shard::enqueue(&mut self.run_queue, process);
        }
    }

    /// Puts a process into the run queue, unless it is queued already.
    fn enqueue(run_queue: &mut VecDeque<u32>, process: &mut Process) {
        if !process.has(Flag::Queued) {
            process.flags.raise(Flag::Queued);
            run_queue.push_back(process.pid.index());
        }
    }

    /// The process is gone: a caller is told, and a child that has no owner is ended.
    fn deliver_to_nobody(&mut self, to: Pid, envelope: Envelope) {
        match envelope {
            Envelope::Call(caller, _) | Envelope::PutIn(caller, _) => {
                self.fail_caller(caller, Reason::NoProc);
            }
            Envelope::System(request) => self.fail_caller(request.from, Reason::NoProc),
            Envelope::Started(_, Ok(Some(child))) => self.send_exit(child, to, Reason::Killed),
            _ => (),
        }
    }

    fn drop_message(&mut self, to: Pid, envelope: Envelope) {
        self.counters.dropped += 1;
        if self.counters.dropped.is_power_of_two() {
            let (name, dropped) = (self.core.node.name_of(to), self.counters.dropped);
            tracing::warn!(pid = %to, name, dropped, "a mailbox is full: messages are dropped");
        }
        if let Envelope::Call(caller, _) = envelope {
            self.fail_caller(caller, Reason::tagged("overloaded", "the mailbox is full"));
        }
    }

    pub(crate) fn fail_caller(&mut self, caller: Caller, reason: Reason) {
        self.send(
            caller.pid,
            Envelope::Response(caller.tag, Err(Box::new(reason))),
        );
    }

    fn reply(&mut self, caller: Caller, bytes: Vec<u8>) {
        self.send(
            caller.pid,
            Envelope::Response(caller.tag, Ok(Payload::from_vec(bytes))),
        );
    }
}

/// Whether an envelope may be dropped when a mailbox is full: those that can flood a process. Input of ports is bounded
/// by the ports themselves.
fn is_droppable(envelope: &Envelope) -> bool {
    matches!(
        envelope,
        Envelope::Info(_) | Envelope::Cast(_) | Envelope::Event(_) | Envelope::Call(..)
    )
}
