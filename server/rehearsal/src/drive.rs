//! The driver of installs on a simulated node: virtual time for the node, and a thread for conversions.
//!
//! The node waits for the conversions of each step, so all but a conversion that takes too long depends only on virtual time. A
//! conversion that does not end is given up, as in a real node, and the install fails with its name.

use std::sync::Arc;
use std::time::{Duration, Instant};

use pq_otp::upgrade::{Board, Driver, Live};
use pq_otp::{Ask, Busy, Node, Payload, Question, RequestError, Sim};

/// The virtual milliseconds of a step.
const STEP_MS: u64 = 1;

/// How long the node waits for the next conversion; then virtual time goes on, and with it the deadlines of the install.
const PATIENCE: Duration = Duration::from_millis(500);

/// The pause between two looks at the conversions.
const LOOK: Duration = Duration::from_micros(100);

/// See the top of the file.
pub(crate) struct Drive<'a> {
    sim: &'a mut Sim,
    live: Live,
    /// Called when processes stay busy: virtual time stands still then, and so do the deadlines of the install.
    on_busy: &'a dyn Fn(&Sim, &Busy),
}

impl<'a> Drive<'a> {
    pub(crate) fn new(sim: &'a mut Sim, on_busy: &'a dyn Fn(&Sim, &Busy)) -> Drive<'a> {
        let live = Live::new(sim.node().clone());
        Drive { sim, live, on_busy }
    }
}

impl Driver for Drive<'_> {
    fn node(&self) -> &Node {
        self.sim.node()
    }

    fn now_ms(&self) -> u64 {
        Sim::now_ms(self.sim)
    }

    fn begin(&mut self, board: &Arc<Board>) {
        self.live.begin(board);
    }

    fn step(&mut self, board: &Arc<Board>) {
        if let Err(busy) = self.sim.play_ms(STEP_MS) {
            (self.on_busy)(self.sim, &busy);
        }
        let (mut since, mut seen) = (Instant::now(), board.progress().converted);
        while board.outstanding() > 0 && since.elapsed() < PATIENCE {
            std::thread::sleep(LOOK);
            let converted = board.progress().converted;
            if converted != seen {
                (since, seen) = (Instant::now(), converted);
            }
        }
    }

    fn replace_worker(&mut self, board: &Arc<Board>) {
        self.live.replace_worker(board);
    }
}

impl Ask for Drive<'_> {
    fn ask(&mut self, timeout_ms: u64, question: Question<'_>) -> Result<Payload, RequestError> {
        self.sim.ask(timeout_ms, question)
    }
}
