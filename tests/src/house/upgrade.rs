//! Installs a release on a simulated node, with a call of the test between any two steps.

use std::sync::Arc;
use std::time::{Duration, Instant};

use pq_otp::upgrade::{Board, Driver, Live};
use pq_otp::{Ask, Node, Payload, Question, RequestError, Sim};
use pq_protocol::record::InstallRecord;
use pq_release::handler::{InstallError, Options, ReleaseHandler};

use super::House;

/// The milliseconds that the node runs in a step without conversions: several such steps reach any deadline.
const IDLE_MS: u64 = 250;

/// The milliseconds that pass in a step in which the node is stopped.
const STILL_MS: u64 = 1_000;

/// The behaviour of the node in one step of a transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Turn {
    /// The node runs for 1 ms, and states are converted.
    #[default]
    Goes,
    /// The node runs, and no state is converted.
    NobodyConverts,
    /// Time passes, and the node is stopped.
    StandsStill,
}

/// The threads that convert states.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Converters {
    /// The thread of the test converts, between two steps.
    #[default]
    Here,
    /// Worker threads convert, as in a real node, which may abandon one of them. The node does not continue before they
    /// have finished their work, or one conversion has taken this long. So everything else depends only on virtual
    /// time.
    Threads(Duration),
}

/// A driver that calls a function of the test before each step of a transaction.
struct Meddler<'a> {
    house: &'a mut House,
    live: Option<(Live, Duration)>,
    step: u32,
    /// The milliseconds that have passed while the node was stopped.
    still_ms: u64,
    meddle: &'a mut dyn FnMut(&mut House, u32) -> Turn,
}

impl Meddler<'_> {
    fn go(&mut self, board: &Arc<Board>) {
        let Some((_, patience)) = &self.live else {
            return self.house.sim.step(board);
        };
        self.house.sim.run_ms(1);
        let (mut since, mut seen) = (Instant::now(), board.progress().converted);
        while board.outstanding() > 0 && since.elapsed() < *patience {
            std::thread::yield_now();
            let converted = board.progress().converted;
            if converted != seen {
                (since, seen) = (Instant::now(), converted);
            }
        }
    }
}

impl Driver for Meddler<'_> {
    fn node(&self) -> &Node {
        self.house.sim.node()
    }

    fn now_ms(&self) -> u64 {
        Sim::now_ms(&self.house.sim) + self.still_ms
    }

    fn begin(&mut self, board: &Arc<Board>) {
        match &mut self.live {
            Some((live, _)) => live.begin(board),
            None => self.house.sim.begin(board),
        }
    }

    fn step(&mut self, board: &Arc<Board>) {
        self.step += 1;
        match (self.meddle)(self.house, self.step) {
            Turn::Goes => self.go(board),
            Turn::NobodyConverts => self.house.sim.run_ms(IDLE_MS),
            Turn::StandsStill => self.still_ms += STILL_MS,
        }
    }

    fn replace_worker(&mut self, board: &Arc<Board>) {
        match &mut self.live {
            Some((live, _)) => live.replace_worker(board),
            None => self.house.sim.replace_worker(board),
        }
    }
}

impl Ask for Meddler<'_> {
    fn ask(&mut self, timeout_ms: u64, question: Question<'_>) -> Result<Payload, RequestError> {
        self.house.sim.ask(timeout_ms, question)
    }
}

impl House {
    /// Installs a release and calls `meddle` before each step. Steps count from 1.
    pub fn install(
        &mut self,
        handler: &mut ReleaseHandler,
        vsn: &str,
        options: &Options,
        mut meddle: impl FnMut(&mut House, u32),
    ) -> Result<InstallRecord, InstallError> {
        let how = (options, Converters::Here);
        self.install_under(handler, vsn, how, |house, step| {
            meddle(house, step);
            Turn::Goes
        })
    }

    /// Installs a release and calls `meddle` before each step. Steps count from 1; the result decides the kind of the
    /// step.
    pub fn install_under(
        &mut self,
        handler: &mut ReleaseHandler,
        vsn: &str,
        (options, converters): (&Options, Converters),
        mut meddle: impl FnMut(&mut House, u32) -> Turn,
    ) -> Result<InstallRecord, InstallError> {
        let live = match converters {
            Converters::Here => None,
            Converters::Threads(patience) => Some((Live::new(self.sim.node().clone()), patience)),
        };
        let mut driver = Meddler {
            house: self,
            live,
            step: 0,
            still_ms: 0,
            meddle: &mut meddle,
        };
        let installed = handler.install(&mut driver, vsn, options);
        self.sim.settle();
        installed
    }
}
