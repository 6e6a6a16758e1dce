//! Who lets a node go on while a transaction waits for it: the real clock, or a simulation.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::board::Board;
use crate::node::Node;
use crate::sim::Sim;

/// How often the coordinator looks for conversions that do not end.
const LOOK: Duration = Duration::from_millis(10);

/// What a transaction needs of the world around the shards.
pub trait Driver {
    /// The node.
    fn node(&self) -> &Node;
    /// A clock in milliseconds, for deadlines.
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
}

impl Live {
    /// For this node.
    pub fn new(node: Node) -> Live {
        Live {
            node,
            started: Instant::now(),
        }
    }

    /// A thread that cannot be had is missed only as a helper: the transaction takes longer, or, without any,
    /// runs into its deadline.
    fn hire(&self, board: &Arc<Board>) {
        let (board, node) = (board.clone(), self.node.clone());
        let builder = std::thread::Builder::new().name("pq-code-change".to_string());
        if let Err(error) = builder.spawn(move || board.work(&node)) {
            tracing::error!(%error, "no thread to convert states");
        }
    }
}

impl Driver for Live {
    fn node(&self) -> &Node {
        &self.node
    }

    fn now_ms(&self) -> u64 {
        self.started.elapsed().as_millis() as u64
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
