//! Who lets a node go on while a transaction waits for it: the real clock, or a simulation.

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

/// What a transaction needs of the world around the shards.
pub trait Driver: Ask {
    /// The node.
    fn node(&self) -> &Node;
    /// A clock in milliseconds, for deadlines: it counts the time in which the node could run, if it is looked at
    /// again and again.
    fn now_ms(&self) -> u64;
    /// A transaction begins: states are to be converted from now on.
    fn begin(&mut self, board: &Arc<Board>);
    /// Lets the node go on for a moment, or until somebody has something to say.
    fn step(&mut self, board: &Arc<Board>);
    /// One of those who convert does not come back.
    fn replace_worker(&mut self, board: &Arc<Board>);
}

/// A node under the real clock: as many threads convert as there are shards.
pub struct Live {
    node: Node,
    started: Instant,
    /// Its deadlines are those of work, and nothing works while the program is stopped.
    clock: Cell<RunClock>,
}

impl Live {
    /// For this node.
    pub fn new(node: Node) -> Live {
        Live {
            node,
            started: Instant::now(),
            clock: Cell::default(),
        }
    }

    /// A thread that cannot be had is missed only as a helper: the transaction takes longer, or, without any,
    /// runs into its deadline.
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

/// A simulated node goes on for a virtual millisecond; states are converted in between.
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
