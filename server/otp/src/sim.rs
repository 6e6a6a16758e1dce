//! The node under a virtual clock and a seed: hours of game time in seconds, the same every time.
//!
//! One shard in the caller's thread. Time moves only when nothing is left to do, and then at once to the next
//! timer. Two runs with the same seed and the same calls do the same things in the same order.

use std::sync::{Arc, Mutex};

use pq_abi::spec::{self, Start, SupReply, SupRequest};
use pq_abi::{Module, Reason};
use pq_term::{Pid, Term};

use crate::message::{Ack, Envelope, Payload, Signal, Spawn};
use crate::native::Native;
use crate::node::Runner;
use crate::node::{Config, Node, RequestError, rmp_pid};
use crate::process::ProcessInfo;
use crate::shard::{Counters, Shard};
use crate::sys::{SysMessage, SysRequest};
use crate::unpoisoned::Unpoisoned;

/// Turns without the clock moving before a simulation is taken to be in a loop: processes with no pause at
/// all send themselves events for ever.
const TURNS_MAX: u64 = 10_000_000;

/// A simulated node.
pub struct Sim {
    node: Node,
    shard: Shard,
    now_ms: u64,
}

impl Sim {
    /// A node that runs when told to.
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

    /// The node, for what needs no running: names, services, liveness.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// The virtual time.
    pub fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// What the shard has done.
    pub fn counters(&self) -> Counters {
        self.shard.counters
    }

    /// Runs everything that can run now.
    pub fn settle(&mut self) {
        for _ in 0..TURNS_MAX {
            self.shard.turn(self.now_ms);
            // The clock stands while processes run: no timer is late.
            self.shard.timers_handled(|_, _| ());
            if !self.shard.is_busy() && self.node.inbox(0).is_none_or(|inbox| inbox.is_empty()) {
                return;
            }
        }
        panic!("the simulation does not come to rest at {} ms", self.now_ms);
    }

    /// Runs for so many virtual milliseconds.
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

    /// Runs until something holds, at most so many virtual milliseconds; says whether it came to hold.
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

    /// Starts a process that is nobody's child.
    pub fn start(&mut self, start: Start) -> Result<Pid, RequestError> {
        let reply = self.ask(60_000, |node, on_reply| {
            let ack = Ack::Request(node.expect_answer(on_reply));
            node.signal(Signal::Spawn(Spawn {
                start,
                parent: Pid::from_raw(0),
                ack,
            }));
        })?;
        rmp_pid(&reply)
    }

    /// Starts a process of the runtime's own.
    pub fn start_native(&mut self, native: Box<dyn Native>) -> Result<Pid, RequestError> {
        let reply = self.ask(60_000, |node, on_reply| {
            node.signal(Signal::SpawnNative(
                native,
                Ack::Request(node.expect_answer(on_reply)),
            ));
        })?;
        rmp_pid(&reply)
    }

    /// Asks a process and runs until it answers.
    pub fn call(&mut self, to: Pid, data: &[u8], timeout_ms: u64) -> Result<Payload, RequestError> {
        self.ask(timeout_ms, |node, on_reply| {
            let caller = node.expect_answer(on_reply);
            node.signal(Signal::Deliver(
                to,
                Envelope::Call(caller, Payload::from_slice(data)),
            ));
        })
    }

    /// Asks a supervisor and runs until it answers.
    pub fn ask_supervisor(
        &mut self,
        to: Pid,
        request: &SupRequest,
    ) -> Result<SupReply, RequestError> {
        let reply = self.call(to, &spec::encode(request), 60_000)?;
        spec::decode(&reply).map_err(RequestError::BadReply)
    }

    /// Sends a system message and runs until it is answered.
    pub fn sys(&mut self, to: Pid, message: SysMessage) -> Result<Term, RequestError> {
        let reply = self.ask(crate::sys::TIMEOUT_MS, |node, on_reply| {
            let from = node.expect_answer(on_reply);
            node.signal(Signal::Deliver(
                to,
                Envelope::System(Box::new(SysRequest { from, message })),
            ));
        })?;
        pq_term::msgpack::from_msgpack(&reply)
            .map_err(|error| RequestError::BadReply(error.to_string()))
    }

    /// `exit(Pid, Reason)` from outside.
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

    /// All processes.
    pub fn processes(&self) -> Vec<ProcessInfo> {
        self.shard.processes()
    }

    /// The processes that run this version.
    pub fn who_runs(&self, module: Module) -> Vec<Runner> {
        crate::node::runners(&mut self.shard.seen(), module)
    }

    pub(crate) fn ask(
        &mut self,
        timeout_ms: u64,
        send: impl FnOnce(&Node, Box<dyn FnOnce(Result<Payload, Reason>) + Send>),
    ) -> Result<Payload, RequestError> {
        let answer = Arc::new(Mutex::new(None));
        let slot = answer.clone();
        let keep = move |result| *slot.lock().unpoisoned() = Some(result);
        send(&self.node.clone(), Box::new(keep));
        let take = || answer.lock().unpoisoned().take();
        let mut taken = None;
        self.run_until(timeout_ms, |_| {
            taken = take();
            taken.is_some()
        });
        taken
            .ok_or(RequestError::Timeout(timeout_ms))?
            .map_err(RequestError::Exit)
    }
}
