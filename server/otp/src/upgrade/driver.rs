//! Drivers run the node while a transaction waits for it: under the real clock, or in a simulation.

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pq_abi::crash::watch_thread;

use super::board::Board;
use crate::message::Payload;
use crate::node::{Ask, Node, Question, RequestError};
use crate::run_clock::RunClock;
use crate::sim::Sim;

/// How often the coordinator looks for conversions that do not end.
const LOOK: Duration = Duration::from_millis(10);

/// The environment of a transaction: time, converting threads, and a way to let the node run.
pub trait Driver: Ask {
    /// The node on which the transaction runs.
    fn node(&self) -> &Node;
    /// A clock in milliseconds, for deadlines. It counts the time in which the node could run, provided that it is
    /// read repeatedly.
    fn now_ms(&self) -> u64;
    /// Begins a transaction: from now on the driver has states converted.
    fn begin(&mut self, board: &Arc<Board>);
    /// Lets the node run until a shard reports something, at most for 10 ms of real or 1 ms of virtual time.
    fn step(&mut self, board: &Arc<Board>);
    /// Starts a converting thread in place of one that does not return from a conversion.
    fn replace_worker(&mut self, board: &Arc<Board>);
}

/// A driver under the real clock. It has as many converting threads as the node has shards.
pub struct Live {
    node: Node,
    started: Instant,
    /// Deadlines are for work, so time in which the program is stopped does not count.
    clock: Cell<RunClock>,
}

impl Live {
    /// A driver for this node, whose clock starts now.
    pub fn new(node: Node) -> Live {
        Live {
            node,
            started: Instant::now(),
            clock: Cell::default(),
        }
    }

    /// Starts a converting thread. If that fails, the transaction takes longer; without any thread it is aborted at its
    /// deadline.
    fn hire(&self, board: &Arc<Board>) {
        let (board, node) = (board.clone(), self.node.clone());
        let builder = std::thread::Builder::new().name("pq-code-change".to_string());
        if let Err(error) = builder.spawn(move || {
            watch_thread();
            board.work(&node);
        }) {
            tracing::error!(%error, "no thread to convert states");
        }
    }
}

impl Driver for Live {
    fn node(&self) -> &Node {
        &self.node
    }

    fn now_ms(&self) -> u64 {
        let mut clock = self.clock.get();
        let ran_ms = clock.look(self.started.elapsed().as_millis() as u64);
        self.clock.set(clock);
        ran_ms
    }

    fn begin(&mut self, board: &Arc<Board>) {
        for _ in 0..self.node.shards() {
            self.hire(board);
        }
    }

    fn step(&mut self, board: &Arc<Board>) {
        board.wait(LOOK);
    }

    fn replace_worker(&mut self, board: &Arc<Board>) {
        self.hire(board);
    }
}

impl Ask for Live {
    fn ask(&mut self, timeout_ms: u64, question: Question<'_>) -> Result<Payload, RequestError> {
        self.node.asking_all().ask(timeout_ms, question)
    }
}

/// Each step runs the simulated node for a virtual millisecond, and then converts the queued states.
impl Driver for Sim {
    fn node(&self) -> &Node {
        Sim::node(self)
    }

    fn now_ms(&self) -> u64 {
        Sim::now_ms(self)
    }

    fn begin(&mut self, _: &Arc<Board>) {}

    fn step(&mut self, board: &Arc<Board>) {
        self.run_ms(1);
        board.work_now(Sim::node(self));
    }

    fn replace_worker(&mut self, _: &Arc<Board>) {}
}
