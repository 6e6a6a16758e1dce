//! Calls of functions from outside of any process, on separate threads.
//!
//! ```text
//!   send_function ─► waiting ─► thread: runs the function, records its effects ──┬─► (none) the answer
//!                                                                                └─► a shard: does them ─► the answer
//! ```
//! A function that does not end costs a thread, but no shard. Its effects are done as those of any callback: by a
//! shard, after the function has returned without a failure, and before the caller receives the answer.
//!
//! There are few threads. A function that does not end takes its thread until the program ends; when all threads are
//! taken, further calls are refused with an error that says so. A simulation has no such threads: its shard runs
//! functions.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use pq_abi::Reason;
use pq_abi::crash::watch_thread;
use pq_term::Pid;

use crate::callback::Callback;
use crate::effect::Effect;
use crate::message::{ModuleCall, Returned, Signal};
use crate::node::Node;
use crate::shard::{Core, Slab, answer, run_from_outside};
use crate::stall::{Post, Work};
use crate::threads::STACK_BYTES;
use crate::unpoisoned::Unpoisoned;
use crate::wheel::Wheel;

/// The greatest number of threads. Calls take microseconds, so more than one thread is needed only when a call does not
/// end.
const THREADS_MAX: usize = 8;

/// How many calls may wait for a thread.
const WAITING_MAX: usize = 256;

/// How long a thread waits for another call before it ends.
const IDLE: Duration = Duration::from_secs(5);

/// The number that stands for a shard in references of these threads: no node has so many shards.
const OUTSIDE: u8 = u8::MAX;

/// The threads for calls of one node.
#[derive(Default)]
pub(crate) struct Calls {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// The start of the node's clock; `None` while no calls run on threads.
    started: Option<Instant>,
    waiting: VecDeque<ModuleCall>,
    threads: Vec<(u64, Arc<Post>)>,
    idle: usize,
    numbered: u64,
    /// The node ends: the threads take no more calls.
    closed: bool,
}

impl Calls {
    /// Permits calls on threads.
    pub(crate) fn open(&self, started: Instant) {
        self.state().started = Some(started);
    }

    /// Ends the threads that wait for calls.
    pub(crate) fn close(&self) {
        self.state().closed = true;
        self.changed.notify_all();
    }

    /// The activity of each thread, by the thread's number.
    pub(crate) fn posts(&self) -> Vec<(u64, Arc<Post>)> {
        self.state().threads.clone()
    }

    /// Takes a call, or returns it when the node has no threads for calls.
    pub(crate) fn take(&self, node: &Node, call: ModuleCall) -> Result<(), ModuleCall> {
        let mut state = self.state();
        let Some(started) = state.started else {
            return Err(call);
        };
        if state.idle > state.waiting.len() {
            state.waiting.push_back(call);
            drop(state);
            self.changed.notify_one();
        } else if state.threads.len() < THREADS_MAX {
            state.waiting.push_back(call);
            let hired = self.hire(node, &mut state, started);
            drop(state);
            if let Err(error) = hired {
                self.refuse_all(node, &format!("failed to start a thread: {error}"));
            }
        } else if state.waiting.len() < WAITING_MAX && !is_taken(node, state.threads.len()) {
            state.waiting.push_back(call);
        } else {
            let waiting = state.waiting.len();
            drop(state);
            refuse(node, &call, &no_room(node, waiting));
        }
        Ok(())
    }

    fn hire(&self, node: &Node, state: &mut State, started: Instant) -> std::io::Result<()> {
        state.numbered += 1;
        let (number, post) = (state.numbered, Arc::<Post>::default());
        let (node, own) = (node.clone(), post.clone());
        let builder = std::thread::Builder::new()
            .name("pq-call".to_string())
            .stack_size(STACK_BYTES);
        builder.spawn(move || {
            watch_thread();
            let _leaving = Leaving(&node, number);
            own.take();
            Caller::new(&node, number, own.clone()).work(number, started);
        })?;
        state.threads.push((number, post));
        Ok(())
    }

    /// Refuses all waiting calls, because no thread can take them.
    fn refuse_all(&self, node: &Node, why: &str) {
        let mut state = self.state();
        if state.threads.is_empty() {
            let waiting = std::mem::take(&mut state.waiting);
            drop(state);
            waiting.iter().for_each(|call| refuse(node, call, why));
        }
    }

    /// The next call for this thread; `None` when the thread must end, and is not counted any more.
    fn next(&self, number: u64) -> Option<ModuleCall> {
        let mut state = self.state();
        if let Some(call) = state.waiting.pop_front() {
            return Some(call);
        }
        state.idle += 1;
        let is_idle = |state: &mut State| state.waiting.is_empty() && !state.closed;
        let (mut state, _) = self
            .changed
            .wait_timeout_while(state, IDLE, is_idle)
            .unpoisoned();
        state.idle -= 1;
        let call = state.waiting.pop_front();
        if call.is_none() {
            state.threads.retain(|(other, _)| *other != number);
        }
        call
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Each writer leaves the state consistent.
        self.state.lock().unpoisoned()
    }
}

/// Counts a thread out, also when it panics.
struct Leaving<'a>(&'a Node, u64);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        let Leaving(node, number) = self;
        let mut state = node.calls().state();
        state.threads.retain(|(other, _)| other != number);
        if let (false, Some(started)) = (state.waiting.is_empty(), state.started) {
            // When no thread can be started, the other threads take the waiting calls; without others, the calls time
            // out.
            let _ = node.calls().hire(node, &mut state, started);
        }
    }
}

/// Whether functions that do not end occupy all threads.
fn is_taken(node: &Node, threads: usize) -> bool {
    let stalls = node.stalls();
    let taken = stalls.iter().filter(|stall| stall.shard.is_none());
    taken.filter(|stall| stall.is_stalled).count() >= threads
}

/// The error for a call that finds no room.
fn no_room(node: &Node, waiting: usize) -> String {
    if waiting >= WAITING_MAX {
        return format!("{waiting} calls wait already for one of {THREADS_MAX} threads");
    }
    let stalls = node.stalls().into_iter();
    let mut called: Vec<String> = stalls
        .filter(|stall| stall.shard.is_none())
        .map(|stall| stall.called())
        .collect();
    called.dedup();
    format!(
        "all {THREADS_MAX} threads for calls are taken by functions that do not end, and are free after a restart: {}",
        called.join(", ")
    )
}

fn refuse(node: &Node, call: &ModuleCall, why: &str) {
    let reason = Reason::tagged("system_limit", why);
    node.answer_outside(call.from.tag, Err(reason));
}

/// The host of the functions on one thread.
struct Caller<'a> {
    node: &'a Node,
    core: Core,
    /// Empty: the processes that a function asks about live in shards.
    slab: Slab,
}

impl Caller<'_> {
    fn new(node: &Node, number: u64, post: Arc<Post>) -> Caller<'_> {
        Caller {
            node,
            core: Core::outside(node, OUTSIDE, number, post),
            slab: Slab::new(OUTSIDE),
        }
    }

    fn work(mut self, number: u64, started: Instant) {
        self.core.post.turn_to(Work::None);
        while let Some(call) = self.node.calls().next(number) {
            self.core.now_ms = started.elapsed().as_millis() as u64;
            self.call(call);
            self.core.post.turn_to(Work::None);
            if self.core.post.is_given_up() {
                return;
            }
        }
    }

    fn call(&mut self, call: ModuleCall) {
        let (nobody, from) = (Pid::from_raw(0), call.from);
        let mut host = Callback::new(&mut self.core, &self.slab, nobody, nobody);
        let result = run_from_outside(&mut host, &call);
        host.finish();
        let effects = self.effects(result.is_ok());
        match (effects.is_empty(), answer(result)) {
            (true, Some(result)) => self.node.answer_outside(from.tag, result),
            (_, result) => self.node.signal(Signal::Returned(Box::new(Returned {
                from,
                effects,
                result,
            }))),
        }
    }

    /// The effects of the function, if it succeeded. A timer without a process has no receiver, so it is dropped.
    fn effects(&mut self, is_well: bool) -> Vec<Effect> {
        let of_timer =
            |effect: &Effect| matches!(effect, Effect::TimerStarted(_) | Effect::CancelTimer(_));
        let mut effects = std::mem::take(&mut self.core.effects);
        if effects.iter().any(of_timer) {
            self.core.wheel = Wheel::new();
        }
        effects.retain(|effect| is_well && !of_timer(effect));
        effects
    }
}
