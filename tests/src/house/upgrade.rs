//! Installing a release in a house, with something happening between any two steps of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use pq_otp::upgrade::{Board, Driver, Live};
use pq_otp::{Ask, Node, Payload, Question, RequestError, Sim};
use pq_protocol::record::InstallRecord;
use pq_release::handler::{InstallError, Options, ReleaseHandler};

use super::House;

/// How far the node goes in a step in which nobody converts: some of these reach any deadline.
const IDLE_MS: u64 = 250;

/// How much time passes in a step in which the node stands still.
const STILL_MS: u64 = 1_000;

/// What a step of a transaction is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Turn {
    /// The node goes on for a millisecond, and states are converted.
    #[default]
    Goes,
    /// The node goes on, and nobody converts.
    NobodyConverts,
    /// Time passes, and the node does not go on.
    StandsStill,
}

/// Who converts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Converters {
    /// This thread, between two steps.
    #[default]
    Here,
    /// Threads as in a real node, of which one may be given up. The node does not go on before they have nothing at
    /// hand, or one conversion has taken this long; so everything else hangs on virtual time alone.
    Threads(Duration),
}

/// A house in which something happens before each step of a transaction.
struct Meddler<'a> {
    house: &'a mut House,
    live: Option<(Live, Duration)>,
    step: u32,
    /// Time that has passed while the node stood still.
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
    /// Installs a release; `meddle` is called before each step, counted from 1.
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

    /// Installs a release; `meddle` is called before each step, counted from 1, and says what the step is.
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
