//! The node under a virtual clock and a seed: hours of game time in seconds, with repeatable results.
//!
//! One shard in the caller's thread. The clock advances only when no process can run, and then at once to the next
//! timer. Two runs with the same seed and the same calls do the same things in the same order.

use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use pq_abi::Reason;
use pq_abi::spec::Start;
use pq_histogram::Histogram;
use pq_term::Pid;

use crate::message::{Payload, Signal};
use crate::node::{Ask, Config, Node, Question, RequestError, START_TIMEOUT_MS};
use crate::process::ProcessInfo;
use crate::shard::{Counters, Shard};
use crate::stall::{self, Work};
use crate::unpoisoned::Unpoisoned;

/// Turns at one time of the clock before the simulation gives up.
const TURNS_MAX: u64 = 10_000_000;

/// Messages at one time of the clock before the simulation gives up, because it is in a loop: processes that send themselves events
/// without a pause. A process takes up to 16 000 of them in one turn.
const MESSAGES_MAX: u64 = 1_000_000_000;

/// A simulated node, which runs only in calls of its methods.
pub struct Sim {
    node: Node,
    shard: Shard,
    now_ms: u64,
    callbacks: Histogram,
    messages_max: u64,
    /// The watching thread ends when this is dropped.
    _keeper: Option<SyncSender<()>>,
}

/// Processes that send themselves messages without a pause: the clock would never advance.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("processes are still busy after {messages} messages at {at_ms} ms; one of them is {pid:?}")]
pub struct Busy {
    /// The time on the virtual clock in milliseconds.
    pub at_ms: u64,
    /// The messages that processes have handled at this time.
    pub messages: u64,
    /// A process that waits to run.
    pub pid: Option<Pid>,
}

impl Sim {
    /// Makes a node that runs only in calls of its methods.
    pub fn new(mut config: Config) -> Sim {
        config.shards = 1;
        let node = Node::new(config);
        let shard = Shard::new(node.clone(), 0);
        Sim {
            node,
            shard,
            now_ms: 0,
            callbacks: Histogram::default(),
            messages_max: MESSAGES_MAX,
            _keeper: None,
        }
    }

    /// Has callbacks that do not end reported to [`Config::on_stall`], as in a node under the real clock.
    ///
    /// # Errors
    /// When the system starts no thread.
    pub fn watch_callbacks(&mut self) -> std::io::Result<()> {
        let (keeper, stop) = sync_channel(0);
        let watched = self.node.clone();
        self.shard.core.post.take();
        let builder = std::thread::Builder::new().name("pq-stall".to_string());
        builder.spawn(move || stall::keep(&watched, Instant::now(), &stop))?;
        self._keeper = Some(keeper);
        Ok(())
    }

    /// Sets how many messages processes may handle at one time of the clock; a billion by default.
    pub fn set_messages_max(&mut self, messages: u64) {
        self.messages_max = messages;
    }

    /// The real durations of callbacks since the start: a sample.
    pub fn callbacks(&self) -> &Histogram {
        &self.callbacks
    }

    /// The node, for calls that need no running: names, services, liveness.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// The virtual time in milliseconds.
    pub fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// The counters of the shard.
    pub fn counters(&self) -> Counters {
        self.shard.counters
    }

    /// Runs all processes until none can run without an advance of the clock.
    pub fn settle(&mut self) {
        if let Err(busy) = self.try_settle() {
            panic!("the simulation does not settle: {busy}");
        }
    }

    fn try_settle(&mut self) -> Result<(), Busy> {
        let before = self.shard.counters.envelopes;
        let mut messages = 0;
        for _ in 0..TURNS_MAX {
            self.turn();
            messages = self.shard.counters.envelopes - before;
            if !self.shard.is_busy() && self.node.inbox(0).is_none_or(|inbox| inbox.is_empty()) {
                return Ok(());
            }
            if messages >= self.messages_max {
                break;
            }
        }
        let place = self.shard.queue().next();
        let process = place.and_then(|place| self.shard.slab.peek(place));
        Err(Busy {
            at_ms: self.now_ms,
            messages,
            pid: process.map(|process| process.pid),
        })
    }

    fn turn(&mut self) {
        self.shard.core.post.turn_to(Work::Own);
        self.shard.begin_timing();
        self.shard.turn(self.now_ms);
        if let Some(took_ns) = self.shard.take_timing() {
            self.callbacks.add(took_ns, 1);
        }
        // The clock stops while processes run: no timer is late.
        self.shard.timers_handled(|_, _| ());
        self.shard.core.post.turn_to(Work::None);
    }

    /// Runs for this many virtual milliseconds.
    ///
    /// # Errors
    /// When processes stay busy at one time of the clock ([`Sim::set_messages_max`]). The simulation can then go on, and is still at that
    /// time.
    pub fn play_ms(&mut self, ms: u64) -> Result<(), Busy> {
        let end = self.now_ms + ms;
        self.try_settle()?;
        while let Some(next) = self.shard.next_timer_ms().filter(|next| *next <= end) {
            self.now_ms = next;
            self.try_settle()?;
        }
        self.now_ms = end;
        self.try_settle()
    }

    /// Runs for this many virtual milliseconds.
    pub fn run_ms(&mut self, ms: u64) {
        if let Err(busy) = self.play_ms(ms) {
            panic!("the simulation does not settle: {busy}");
        }
    }

    /// Runs until the condition holds, at most for `limit_ms` of virtual time; returns whether it holds.
    pub fn run_until(&mut self, limit_ms: u64, mut holds: impl FnMut(&mut Sim) -> bool) -> bool {
        let end = self.now_ms + limit_ms;
        self.settle();
        while !holds(self) {
            match self.shard.next_timer_ms().filter(|next| *next <= end) {
                Some(next) => self.now_ms = next,
                None => return false,
            }
            self.settle();
        }
        true
    }

    /// Starts a process without a parent.
    ///
    /// # Errors
    /// When the process does not start within a minute of the virtual clock.
    pub fn start(&mut self, start: Start) -> Result<Pid, RequestError> {
        Ask::start(self, start, START_TIMEOUT_MS)
    }

    /// Sends `exit(Pid, Reason)` from outside.
    pub fn exit(&mut self, to: Pid, reason: Reason) {
        let cause = crate::message::ExitCause::Explicit;
        self.node.signal(Signal::Exit {
            to,
            from: Pid::from_raw(0),
            reason,
            cause,
        });
        self.settle();
    }

    /// A description of each process.
    pub fn processes(&self) -> Vec<ProcessInfo> {
        self.shard.processes()
    }
}

impl Ask for Sim {
    fn ask(&mut self, timeout_ms: u64, question: Question<'_>) -> Result<Payload, RequestError> {
        let answer = Arc::new(Mutex::new(None));
        let place = answer.clone();
        let on_reply = Box::new(move |result| *place.lock().unpoisoned() = Some(result));
        let from = self.node.expect_answer(on_reply);
        question(&self.node, from)?;
        let mut taken = None;
        self.run_until(timeout_ms, |_| {
            taken = answer.lock().unpoisoned().take();
            taken.is_some()
        });
        taken
            .ok_or(RequestError::Timeout(timeout_ms))?
            .map_err(RequestError::Exit)
    }
}
