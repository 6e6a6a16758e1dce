//! The data that the coordinator, the shards and the converting threads of one transaction share.
//!
//! ```text
//!   shard ─ chunk of jobs ─► queue ─► worker (one per thread) ─ converted ─► inbox of the shard
//!   shard ─ done, failed, counted ─► board ─► coordinator
//! ```
//! Each shard limits the number of its jobs in the queue (`shard::stage::copies`).
//!
//! Each lock is held for a few instructions only, and none while a conversion runs.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use pq_term::Pid;

use super::convert::{Converted, Outcome, convert};
use super::{Abort, FEW, Failed, OnOverrun, Order, Plan, Progress};
use crate::export::Export;
use crate::message::Signal;
use crate::node::Node;
use crate::stall::{Task, yield_to_others};
use crate::unpoisoned::Unpoisoned;

/// The value in `Board::behind` of a shard that has not converted each state once.
const NOT_ROUND: u64 = u64::MAX;

/// The longest sleep of a thread that counts between two looks: in a longer one the program may have been stopped.
const GAP_MAX: Duration = Duration::from_millis(200);

/// The exports that one shard hands over at once.
pub(crate) struct Chunk {
    pub(crate) shard: u8,
    pub(crate) jobs: VecDeque<Export>,
}

/// The counts of one shard, or their sums over all shards; the fields are those of [`super::Committed`].
#[derive(Clone, Default)]
pub(crate) struct Tally {
    pub(crate) processes: BTreeMap<&'static str, u64>,
    pub(crate) killed: u64,
    pub(crate) pauses_us: Vec<u32>,
    pub(crate) shut_us: u32,
    pub(crate) stalls_us: Vec<u32>,
}

#[derive(Default)]
struct State {
    /// The number of shards that have carried out the last order.
    done: usize,
    failed: Option<Abort>,
    tally: Tally,
    workers: Vec<Arc<Worker>>,
}

/// The shared part of one transaction.
pub struct Board {
    pub(crate) id: u64,
    pub(crate) plan: Plan,
    shards: usize,
    state: Mutex<State>,
    changed: Condvar,
    queue: Mutex<Queue>,
    arrived: Condvar,
    /// States exported in this pass.
    copied: AtomicU64,
    outstanding: AtomicU64,
    /// How many states each shard has still to convert, changed and outstanding ones; [`NOT_ROUND`] until the shard has
    /// converted each state once.
    behind: Box<[AtomicU64]>,
    /// The number of shards whose gate is shut.
    shut: AtomicUsize,
    converted: AtomicU64,
    held: AtomicI64,
    swapped: AtomicU64,
    differing: AtomicU64,
    doomed: AtomicU64,
}

#[derive(Default)]
struct Queue {
    chunks: VecDeque<Chunk>,
    closed: bool,
}

/// A thread that converts states, as the coordinator and the thread itself see it.
pub(crate) struct Worker {
    /// The operating system's number of the thread.
    thread: rustix::process::Pid,
    state: Mutex<WorkerState>,
}

#[derive(Default)]
struct WorkerState {
    shard: u8,
    todo: VecDeque<Export>,
    done: Vec<Converted>,
    now: Option<Running>,
    /// The thread does not return from a conversion, or returns too late.
    given_up: bool,
}

struct Running {
    pid: Pid,
    number: u32,
    module: &'static str,
    stood: Stood,
}

impl Board {
    pub(crate) fn new(node: &Node, plan: Plan) -> Arc<Board> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let counter = || AtomicU64::new(0);
        Arc::new(Board {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            plan,
            shards: node.shards(),
            state: Mutex::default(),
            changed: Condvar::new(),
            queue: Mutex::default(),
            arrived: Condvar::new(),
            copied: counter(),
            outstanding: counter(),
            behind: (0..node.shards())
                .map(|_| AtomicU64::new(NOT_ROUND))
                .collect(),
            shut: AtomicUsize::new(0),
            converted: counter(),
            held: AtomicI64::new(0),
            swapped: counter(),
            differing: counter(),
            doomed: counter(),
        })
    }

    /// The progress of the transaction.
    pub fn progress(&self) -> Progress {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Progress {
            converted: read(&self.converted),
            held: self.held.load(Ordering::Relaxed).unsigned_abs(),
            swapped: read(&self.swapped),
            differing: read(&self.differing),
            doomed: read(&self.doomed),
        }
    }

    // ---- the coordinator ----

    pub(super) fn begin_pass(&self) {
        self.copied.store(0, Ordering::Relaxed);
        self.state().done = 0;
    }

    /// Whether all shards have carried out the last order. There may be more reports than shards: a shard that receives
    /// an abort may just have reported its earlier order, too.
    pub(super) fn all_done(&self) -> bool {
        self.state().done >= self.shards
    }

    pub(super) fn failed(&self) -> Option<Abort> {
        self.state().failed.clone()
    }

    pub(super) fn copied(&self) -> u64 {
        self.copied.load(Ordering::Relaxed)
    }

    /// How many states are left to convert if no process runs meanwhile; `None` until each state was converted once.
    pub(super) fn behind(&self) -> Option<u64> {
        let shards = self.behind.iter().map(|it| it.load(Ordering::Acquire));
        shards
            .map(|behind| (behind != NOT_ROUND).then_some(behind))
            .sum()
    }

    /// Whether all shards hold the processes that the transaction concerns.
    pub(super) fn is_shut(&self) -> bool {
        self.shut.load(Ordering::Acquire) >= self.shards
    }

    /// A value that changes with each progress.
    pub(super) fn moves(&self) -> (usize, u64) {
        (self.state().done, self.converted.load(Ordering::Relaxed))
    }

    /// Whether a thread runs a conversion.
    pub(super) fn is_converting(&self) -> bool {
        let workers = self.state().workers.clone();
        workers.iter().any(|worker| worker.lock().now.is_some())
    }

    /// The number of states that are exported, and whose results are not yet in the inboxes of their shards.
    pub fn outstanding(&self) -> u64 {
        self.outstanding.load(Ordering::Acquire)
    }

    pub(super) fn tally(&self) -> Tally {
        self.state().tally.clone()
    }

    /// Waits until a shard reports something, at most for `limit`.
    pub(super) fn wait(&self, limit: Duration) {
        let state = self.state();
        if state.done < self.shards && state.failed.is_none() {
            // The reason of the wake-up does not matter: the coordinator checks all conditions.
            drop(self.changed.wait_timeout(state, limit));
        }
    }

    /// Ends the converting threads: there are no more jobs, and threads that still run a conversion are given up.
    pub(super) fn close(&self, node: &Node) {
        for worker in &self.state().workers {
            let mut at = worker.lock();
            if at.now.take().is_some() {
                worker.give_up(&mut at, node);
            }
        }
        let mut queue = self.queue();
        queue.closed = true;
        queue.chunks.clear();
        drop(queue);
        self.arrived.notify_all();
    }

    /// Gives up threads whose conversion takes longer than the plan allows, and returns the processes and modules of
    /// these conversions. With [`OnOverrun::Kill`] other threads get the remaining jobs.
    pub(super) fn overruns(&self, node: &Node) -> Vec<(Pid, String)> {
        let timeout_ms = self.plan.code_change_timeout_ms;
        let workers = self.state().workers.clone();
        let over = workers.iter().filter_map(|worker| {
            let mut at = worker.lock();
            let is_over = |now: &mut Running| now.stood.look(worker.thread) > timeout_ms;
            let now = at.now.take_if(is_over)?;
            worker.give_up(&mut at, node);
            if self.plan.on_overrun == OnOverrun::Kill {
                at.done.push(Converted {
                    pid: now.pid,
                    number: now.number,
                    outcome: Outcome::Kill,
                });
                self.reassign(node, at);
            }
            Some((now.pid, now.module.to_string()))
        });
        over.collect()
    }

    /// Hands back the conversions that a thread has done, and queues its remaining jobs for other threads.
    fn reassign(&self, node: &Node, mut at: MutexGuard<'_, WorkerState>) {
        let (shard, jobs) = (at.shard, std::mem::take(&mut at.todo));
        let done = std::mem::take(&mut at.done);
        drop(at);
        self.queue().chunks.push_front(Chunk { shard, jobs });
        self.arrived.notify_one();
        self.hand_back(node, shard, done);
    }

    // ---- the shards ----

    /// Queues a chunk. After the decision the chunk is dropped.
    pub(crate) fn offer(&self, chunk: Chunk) {
        let mut queue = self.queue();
        if queue.closed {
            return;
        }
        let jobs = chunk.jobs.len() as u64;
        self.copied.fetch_add(jobs, Ordering::Relaxed);
        self.outstanding.fetch_add(jobs, Ordering::Relaxed);
        queue.chunks.push_back(chunk);
        drop(queue);
        self.arrived.notify_one();
    }

    /// Notes how many states a shard has still to convert. The coordinator is woken when they become few.
    pub(crate) fn note_behind(&self, shard: u8, behind: Option<u64>) {
        let Some(own) = self.behind.get(usize::from(shard)) else {
            return;
        };
        let few = FEW / self.shards as u64;
        let behind = behind.unwrap_or(NOT_ROUND);
        let before = own.swap(behind, Ordering::AcqRel);
        if before > few && behind <= few {
            // The coordinator holds this lock from its check until it sleeps, so it cannot miss the notification.
            drop(self.state());
            self.changed.notify_all();
        }
    }

    /// Notes that a shard has shut its gate.
    pub(crate) fn note_shut(&self) {
        self.shut.fetch_add(1, Ordering::AcqRel);
    }

    /// Notes that a shard has carried out its order.
    pub(crate) fn done(&self) {
        self.state().done += 1;
        self.changed.notify_all();
    }

    pub(crate) fn fail(&self, failed: Box<Failed>) {
        self.state().failed.get_or_insert(Abort::Convert(failed));
        self.changed.notify_all();
    }

    pub(crate) fn count(&self, more: Tally) {
        let tally = &mut self.state().tally;
        for (module, count) in more.processes {
            *tally.processes.entry(module).or_default() += count;
        }
        tally.killed += more.killed;
        tally.pauses_us.extend(more.pauses_us);
        tally.shut_us = tally.shut_us.max(more.shut_us);
        tally.stalls_us.extend(more.stalls_us);
    }

    /// Adds to the number of held processes; a negative number subtracts.
    pub(crate) fn note_held(&self, more: i64) {
        if more != 0 {
            self.held.fetch_add(more, Ordering::Relaxed);
        }
    }

    pub(crate) fn note_doomed(&self) {
        self.doomed.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn note_swapped(&self) {
        self.swapped.fetch_add(1, Ordering::Relaxed);
    }

    // ---- the converting threads ----

    /// Converts in this thread until the transaction is decided, or the thread is given up.
    pub(super) fn work(&self, node: &Node) {
        let worker = Arc::new(Worker::of_this_thread());
        self.state().workers.push(worker.clone());
        while let Some(chunk) = self.next_chunk() {
            if !self.convert_chunk(node, &worker, chunk) {
                return;
            }
        }
    }

    /// Converts the queued chunks in the caller's thread.
    pub(super) fn work_now(&self, node: &Node) {
        let worker = Worker::of_this_thread();
        loop {
            // `let` drops the guard of the queue before the conversions begin.
            let Some(chunk) = self.queue().chunks.pop_front() else {
                return;
            };
            self.convert_chunk(node, &worker, chunk);
        }
    }

    fn next_chunk(&self) -> Option<Chunk> {
        let mut queue = self.queue();
        loop {
            if queue.closed {
                return None;
            }
            if let Some(chunk) = queue.chunks.pop_front() {
                return Some(chunk);
            }
            queue = self.arrived.wait(queue).unpoisoned();
        }
    }

    /// `false` when the thread was given up meanwhile; its results are dropped.
    fn convert_chunk(&self, node: &Node, worker: &Worker, chunk: Chunk) -> bool {
        let shard = chunk.shard;
        worker.begin(chunk);
        while let Some(job) = worker.next_job() {
            let converted = convert(node, &self.plan, job);
            self.converted.fetch_add(1, Ordering::Relaxed);
            if let Outcome::Tried { same: false } = converted.outcome {
                self.differing.fetch_add(1, Ordering::Relaxed);
            }
            if !worker.finish(converted) {
                node.note_came_back();
                return false;
            }
        }
        let done = std::mem::take(&mut worker.lock().done);
        self.hand_back(node, shard, done);
        true
    }

    fn hand_back(&self, node: &Node, shard: u8, done: Vec<Converted>) {
        let count = done.len() as u64;
        node.tell_shard(
            usize::from(shard),
            Signal::Upgrade(Order::Converted(self.id, done)),
        );
        // Behind the signal: when nothing is outstanding, every result is in the inbox of its shard.
        self.outstanding.fetch_sub(count, Ordering::Release);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Each writer leaves a consistent state, so a poisoned lock does no harm.
        self.state.lock().unpoisoned()
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unpoisoned()
    }
}

/// The duration of a running conversion: the larger of its processor time and the time that its thread slept. Time in
/// which the thread waits for a processor, or the program is stopped, does not count.
#[derive(Default)]
struct Stood {
    first: Option<Task>,
    last: Option<Instant>,
    asleep: Duration,
}

impl Stood {
    /// Looks at the thread, and returns the duration so far in milliseconds; the first look returns 0.
    fn look(&mut self, thread: rustix::process::Pid) -> u64 {
        let (task, now) = (Task::of(thread), Instant::now());
        let since_last = now - *self.last.get_or_insert(now);
        self.last = Some(now);
        // If the system does not tell the thread's state, all time counts.
        if task.is_none_or(|task| task.waits) {
            self.asleep += since_last.min(GAP_MAX);
        }
        self.first = self.first.or(task);
        let cpu_ms = |task: Option<Task>| task.map_or(0, |task| task.cpu_ms);
        let worked_ms = cpu_ms(task).saturating_sub(cpu_ms(self.first));
        worked_ms.max(self.asleep.as_millis() as u64)
    }
}

impl Worker {
    fn of_this_thread() -> Worker {
        Worker {
            thread: rustix::thread::gettid(),
            state: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, WorkerState> {
        self.state.lock().unpoisoned()
    }

    /// Gives the thread up: its running conversion is dropped.
    fn give_up(&self, at: &mut WorkerState, node: &Node) {
        at.given_up = true;
        node.note_given_up();
        yield_to_others(self.thread);
    }

    fn begin(&self, chunk: Chunk) {
        let mut at = self.lock();
        at.shard = chunk.shard;
        at.todo = chunk.jobs;
    }

    fn next_job(&self) -> Option<Export> {
        let mut at = self.lock();
        let job = at.todo.pop_front()?;
        at.now = Some(Running {
            pid: job.pid,
            number: job.number,
            module: job.parts.first().map_or("", |part| part.from.name()),
            stood: Stood::default(),
        });
        Some(job)
    }

    fn finish(&self, converted: Converted) -> bool {
        let mut at = self.lock();
        if at.given_up {
            return false;
        }
        at.now = None;
        at.done.push(converted);
        true
    }
}
