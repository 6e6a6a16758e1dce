//! The node under a virtual clock and a seed: hours of game time in seconds, with repeatable results.
//!
//! One shard in the caller's thread. The clock advances only when no process can run, and then at once to the next
//! timer. Two runs with the same seed and the same calls do the same things in the same order.

use std::sync::{Arc, Mutex};

use pq_abi::Reason;
use pq_abi::spec::Start;
use pq_term::Pid;

use crate::message::{Payload, Signal};
use crate::node::{Ask, Config, Node, Question, RequestError, START_TIMEOUT_MS};
use crate::process::ProcessInfo;
use crate::shard::{Counters, Shard};
use crate::unpoisoned::Unpoisoned;

/// Turns at one time of the clock before the simulation panics, because it is in a loop: processes that send
/// themselves events without a pause.
const TURNS_MAX: u64 = 10_000_000;

/// A simulated node, which runs only in calls of its methods.
pub struct Sim {
    node: Node,
    shard: Shard,
    now_ms: u64,
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
        }
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
        for _ in 0..TURNS_MAX {
            self.shard.turn(self.now_ms);
            // The clock stops while processes run: no timer is late.
            self.shard.timers_handled(|_, _| ());
            if !self.shard.is_busy() && self.node.inbox(0).is_none_or(|inbox| inbox.is_empty()) {
                return;
            }
        }
        panic!("the simulation is still busy at {} ms", self.now_ms);
    }

    /// Runs for this many virtual milliseconds.
    pub fn run_ms(&mut self, ms: u64) {
        let end = self.now_ms + ms;
        self.settle();
        while let Some(next) = self.shard.next_timer_ms().filter(|next| *next <= end) {
            self.now_ms = next;
            self.settle();
        }
        self.now_ms = end;
        self.settle();
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
