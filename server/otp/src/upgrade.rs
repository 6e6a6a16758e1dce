//! The transaction: other versions of modules come into force, and every process of them with its state, or
//! nothing has happened.
//!
//! ```text
//!   begin ─► copy ───────────────► hold ─────────────────────────► commit ─► swapped, played on
//!            states are copied and    births wait, processes         │
//!            converted while their    are held, the few that have    │
//!            processes play, again    changed since their copy are   │
//!            when they change         converted                      │
//!               └───────── any failure ──────────┴──► abort ─► played on as if nothing had been
//! ```
//! Conversions run beside the shards, on threads of their own, and are pure: a converted state that is not
//! used leaves no trace. So most of the work is done before anybody is held, and a state that does not
//! convert is found while its process plays.
//!
//! Lives here: what a transaction is told and tells, and its steps in order. A shard's part is `shard::stage`, the
//! conversion itself `convert`, what all of them share `board`, real and virtual time `driver`.
//! What is to be loaded when belongs to the release handler (`server/release`).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pq_abi::{Direction, Module, Modules, Reason};
use pq_term::Pid;
use serde::{Deserialize, Serialize};

use crate::called::brief;
use crate::message::Signal;

pub(crate) mod board;
pub(crate) mod convert;
mod driver;

pub use board::Board;
pub use driver::{Driver, Live};

use board::Tally;

/// With so few states left to convert processes are held: half a millisecond of work on two processors.
const FEW: u64 = 256;

/// How long such a moment is waited for. Avatars act together and then pause together, in a rhythm of 0.8 s.
const RHYTHM_MS: u64 = 1_000;

/// From then on twice as many may be left each time that so long has passed. Where processors cannot keep up with play,
/// the number of states that have changed comes to rest somewhere below that of all, and nobody is helped by waiting; so
/// a million of them is reached within seven seconds.
const DOUBLES_MS: u64 = 500;

/// What copying may take longer than one conversion: the way of a chunk of states to its converter and back.
const SLACK_MS: u64 = 1_000;

/// How long shards may take to play on after a decision; it is only waited for, nothing hangs on it.
const RELEASE_TIMEOUT_MS: u64 = 30_000;

/// How the states of a module's processes get to its new version.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Conversion {
    /// They are the same in both versions: what the old one exports the new one reads (`load_module`).
    Carry,
    /// `code_change`, in the newer of the two versions.
    CodeChange {
        /// Which way.
        direction: Direction,
        /// What the appup says besides, MessagePack.
        extra: Vec<u8>,
    },
}

/// A module that gets another version.
#[derive(Clone, Debug)]
pub struct Target {
    /// The version that comes.
    pub module: Module,
    /// How states get there.
    pub conversion: Conversion,
}

/// What becomes of a process whose conversion does not end in time.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug, Default)]
#[serde(rename_all = "snake_case")]
pub enum OnOverrun {
    /// The transaction is given up; the process plays on.
    #[default]
    Abort,
    /// The transaction goes on without the process, which is killed with the decision and not before.
    Kill,
}

/// What a transaction is to do.
pub struct Plan {
    /// The modules as they will be: what a conversion may call.
    pub modules: Arc<dyn Modules>,
    /// What comes.
    pub targets: Vec<Target>,
    /// Modules that go, and whose processes end with them.
    pub removed: Vec<String>,
    /// How long processes may be held until the decision.
    pub suspend_timeout_ms: u64,
    /// How long one conversion may take.
    pub code_change_timeout_ms: u64,
    /// What becomes of a process whose conversion takes longer.
    pub on_overrun: OnOverrun,
    /// How many processes a shard looks after before it does its other work again.
    pub slice: u32,
    /// Only try: every state is converted and converted back, and none is kept.
    pub trial: bool,
}

impl Plan {
    /// Enough that switching costs little; at some microseconds per exported state, a slice is a fraction of a
    /// millisecond.
    pub const SLICE: u32 = 64;

    /// The target of this version of a module; nothing when it is that already, or has none.
    pub(crate) fn target_of(&self, from: Module) -> Option<&Target> {
        let target = self.target_named(from.name());
        target.filter(|target| target.module != from)
    }

    /// Whether this module goes.
    pub(crate) fn removes(&self, module: &str) -> bool {
        self.removed.iter().any(|removed| removed == module)
    }

    /// Whether this module gets another version, or goes.
    pub(crate) fn concerns(&self, module: &str) -> bool {
        self.removes(module) || self.target_named(module).is_some()
    }

    fn target_named(&self, module: &str) -> Option<&Target> {
        let mut targets = self.targets.iter();
        targets.find(|target| target.module.name() == module)
    }
}

/// A state that does not convert.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "convert a state: {}; it is that of {called} from {from:?} to {to:?}{}", brief(.reason), shown(.state)
)]
pub struct Failed {
    /// Whose.
    pub pid: Pid,
    /// Its name and its pid ([`crate::Node::called`]).
    pub called: String,
    /// The version it runs.
    pub from: Module,
    /// The version it was to run.
    pub to: Module,
    /// Why.
    pub reason: Reason,
    /// The state as text, shortened; empty when there was none to be had.
    pub state: String,
}

/// The state at the end, where it is known.
fn shown(state: &str) -> String {
    match state.is_empty() {
        true => String::new(),
        false => format!(", and reads {state}"),
    }
}

/// Why a transaction was given up. Nothing of it has happened then.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Abort {
    /// A state does not convert.
    #[error(transparent)]
    Convert(Box<Failed>),
    /// A conversion does not end.
    #[error(
        "convert a state: it runs for more than {timeout_ms} ms; it is that of {called} in {module}"
    )]
    Overrun {
        /// Whose.
        pid: Pid,
        /// Its name and its pid ([`crate::Node::called`]).
        called: String,
        /// Of which module.
        module: String,
        /// How long it was allowed to take.
        timeout_ms: u64,
    },
    /// The states could not be copied while everybody played.
    #[error("copy the states: nothing has moved for {timeout_ms} ms: {why}")]
    Copy {
        /// How long that was allowed to take.
        timeout_ms: u64,
        /// What was waited for.
        why: String,
    },
    /// A callback does not end, and its shard with it.
    #[error("go on: {0}")]
    Stalled(String),
    /// Processes were held too long without everything being converted.
    #[error("suspend the processes within {timeout_ms} ms: {why}")]
    Suspend {
        /// How long that was allowed to take.
        timeout_ms: u64,
        /// What was waited for.
        why: String,
    },
}

/// What a transaction has come to so far, for `status`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Progress {
    /// States converted, counting those that were converted again.
    pub converted: u64,
    /// Processes held now.
    pub held: u64,
    /// Processes that play with the new version.
    pub swapped: u64,
    /// States that came back from a trial as something else.
    pub differing: u64,
    /// Processes whose conversion does not end, and that a decision would kill ([`OnOverrun::Kill`]).
    pub doomed: u64,
}

/// What a transaction that was committed did.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Committed {
    /// Processes that play with a new version, by module.
    pub processes: BTreeMap<String, u64>,
    /// Processes that ended with their module, or because their conversion did not end.
    pub killed: u64,
    /// How long processes were kept from running that had something to do, until they ran, in microseconds of real time,
    /// sorted. A pause begins when the process could have run, or, if it stood in the run queue, when it was held.
    pub pauses_us: Vec<u32>,
    /// Processes with a new version that had nothing to do meanwhile.
    pub unpaused: u64,
    /// For how long processes were held, in microseconds of real time, on the shard that held them longest.
    pub shut_us: u32,
    /// How long each turn of a shard took meanwhile, in microseconds of real time, sorted: nobody else was kept
    /// waiting longer.
    pub stalls_us: Vec<u32>,
}

/// What copying has come to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Copied {
    /// States converted, counting those that were converted again.
    pub states: u64,
    /// States that have changed since, and are to be converted while processes are held.
    pub left: u64,
    /// How long it took in real time.
    pub took: Duration,
}

impl Copied {
    /// How long processes would be held now: two rounds of messages between the threads, and the conversion of what is left.
    pub fn expected_pause(&self) -> Duration {
        const ROUNDS: Duration = Duration::from_micros(400);
        let states = u32::try_from(self.states).unwrap_or(u32::MAX).max(1);
        let left = u32::try_from(self.left).unwrap_or(u32::MAX);
        ROUNDS + self.took / states * left
    }

    /// Whether states are converted faster than they change. Where they are not, processes are held for the conversion of
    /// many of them.
    pub fn keeps_up(&self) -> bool {
        self.left <= FEW * 16
    }
}

/// A transaction under way. One at a time on a node. Dropped without a decision it is an abort.
pub struct Transaction<'d> {
    driver: &'d mut dyn Driver,
    board: Arc<Board>,
    open: bool,
    is_copied: bool,
}

/// A transaction in which every state has been converted while its processes stand still: the one that can be committed.
/// Dropped without that it is an abort.
#[must_use = "dropped, it is an abort"]
pub struct Held<'d>(Transaction<'d>);

/// What is waited for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    /// All states are converted, but for few.
    Followed,
    /// All shards have done what they were told.
    Done,
    /// The same, and processes are held for it.
    Held,
}

/// How many states may be left when processes are held: more, the longer few have not been left.
#[derive(Default)]
struct Patience {
    since_ms: Option<u64>,
}

impl Patience {
    /// At this time, by a clock in milliseconds that begins when each state has been converted once.
    fn bears(&mut self, now_ms: u64) -> u64 {
        let waited_ms = now_ms - *self.since_ms.get_or_insert(now_ms);
        let doubled = waited_ms.saturating_sub(RHYTHM_MS) / DOUBLES_MS;
        FEW << doubled.min(u64::from(FEW.leading_zeros()) - 1)
    }
}

/// What a shard is told.
pub(crate) enum Order {
    /// Copy and convert the states, and again those that change.
    Copy(Arc<Board>),
    /// Hold the processes, and the births, and convert what has changed.
    Hold(Arc<Board>),
    /// The new versions are in force: swap, and play on.
    Commit(u64),
    /// Forget it, and play on.
    Abort(u64),
    /// These conversions are done.
    Converted(u64, Vec<convert::Converted>),
}

impl<'d> Transaction<'d> {
    /// Begins: nobody is concerned yet.
    pub fn begin(driver: &'d mut dyn Driver, plan: Plan) -> Transaction<'d> {
        let board = Board::new(driver.node(), plan);
        driver.begin(&board);
        Transaction {
            driver,
            board,
            open: true,
            is_copied: false,
        }
    }

    /// What all of it can be watched by, from another thread.
    pub fn board(&self) -> &Arc<Board> {
        &self.board
    }

    /// Converts copies of all states while their processes play, and again those that change, until few are left that have
    /// changed since.
    ///
    /// # Errors
    /// When a state does not convert.
    pub fn copy(&mut self) -> Result<Copied, Abort> {
        let began = Instant::now();
        self.tell(Order::Copy);
        self.wait(Until::Followed)?;
        self.is_copied = true;
        Ok(Copied {
            states: self.board.copied(),
            left: self.board.behind().unwrap_or_default(),
            took: began.elapsed(),
        })
    }

    /// Converts a copy of every state once; with [`Plan::trial`] there and back again, and nothing is kept.
    ///
    /// # Errors
    /// When a state does not convert.
    pub fn try_all(mut self) -> Result<Progress, Abort> {
        self.tell(Order::Copy);
        self.wait(Until::Done)?;
        Ok(self.board.progress())
    }

    /// Holds the processes and converts what is left. Only what is held can be committed, because only then every
    /// shard has every state: after this nothing can fail any more.
    ///
    /// # Errors
    /// When a state does not convert, when supervisors have not settled within the plan's `suspend_timeout_ms`, or when
    /// nothing has moved for so long. Then it is given up.
    pub fn hold(mut self) -> Result<Held<'d>, Abort> {
        if !self.is_copied {
            self.copy()?;
        }
        self.tell(Order::Hold);
        self.wait(Until::Held)?;
        Ok(Held(self))
    }

    /// Gives it up: every process plays on as it was.
    pub fn abort(self) {
        drop(self);
    }

    /// Has every shard do one thing.
    fn tell(&self, order: impl Fn(Arc<Board>) -> Order) {
        self.board.begin_pass();
        let node = self.driver.node();
        for shard in 0..node.shards() {
            node.tell_shard(shard, Signal::Upgrade(order(self.board.clone())));
        }
    }

    /// Waits. A busy machine may take as long as it likes; the deadline is for what does not move.
    fn wait(&mut self, until: Until) -> Result<(), Abort> {
        let node = self.driver.node().clone();
        let timeout_ms = self.limit_ms(until);
        let (mut since_ms, mut seen) = (self.driver.now_ms(), self.board.moves());
        let mut patience = Patience::default();
        while !self.is_reached(until, &mut patience) {
            if let Some(failed) = self.board.failed() {
                return Err(failed);
            }
            self.watch_conversions()?;
            if let Some(stall) = node.stalled() {
                return Err(Abort::Stalled(stall.to_string()));
            }
            if self.driver.now_ms() >= since_ms.saturating_add(timeout_ms) {
                return Err(self.too_late(until));
            }
            self.driver.step(&self.board);
            let moves = self.board.moves();
            // A conversion that runs has a limit of its own, in the time of its thread.
            let goes_on = moves != seen || self.board.is_converting();
            // Supervisors settle, or do not, whatever is converted meanwhile.
            if goes_on && (until != Until::Held || self.board.is_shut()) {
                (since_ms, seen) = (self.driver.now_ms(), moves);
            }
        }
        self.board.failed().map_or(Ok(()), Err)
    }

    fn is_reached(&self, until: Until, patience: &mut Patience) -> bool {
        match (until, self.board.behind()) {
            (Until::Followed, None) => false,
            (Until::Followed, Some(behind)) => behind <= patience.bears(self.driver.now_ms()),
            (Until::Done | Until::Held, _) => self.board.all_done(),
        }
    }

    /// Conversions that take too long, and what the plan says about them.
    fn watch_conversions(&mut self) -> Result<(), Abort> {
        let plan = &self.board.plan;
        let (timeout_ms, on_overrun) = (plan.code_change_timeout_ms, plan.on_overrun);
        for (pid, module) in self.board.overruns(self.driver.node()) {
            let name = self.driver.node().name_of(pid);
            tracing::error!(%pid, name, module, timeout_ms, "code_change does not end: its thread is given up");
            match on_overrun {
                OnOverrun::Kill => self.driver.replace_worker(&self.board),
                OnOverrun::Abort => {
                    return Err(Abort::Overrun {
                        pid,
                        called: self.driver.node().called(pid),
                        module,
                        timeout_ms,
                    });
                }
            }
        }
        Ok(())
    }

    /// While nobody is held, whoever converts may take the time that one conversion has, and then some.
    fn limit_ms(&self, until: Until) -> u64 {
        let plan = &self.board.plan;
        match until {
            Until::Held => plan.suspend_timeout_ms,
            Until::Followed | Until::Done => plan
                .suspend_timeout_ms
                .max(plan.code_change_timeout_ms)
                .saturating_add(SLACK_MS),
        }
    }

    fn too_late(&self, until: Until) -> Abort {
        let slow = self.driver.node().stalls().into_iter();
        let slow: Vec<String> = slow
            .filter(|stall| stall.shard.is_some())
            .map(|stall| stall.to_string())
            .collect();
        let why = match slow.is_empty() {
            true => format!("{} states are not converted yet", self.board.outstanding()),
            false => slow.join(", "),
        };
        let timeout_ms = self.limit_ms(until);
        match until {
            Until::Held => Abort::Suspend { timeout_ms, why },
            Until::Followed | Until::Done => Abort::Copy { timeout_ms, why },
        }
    }

    /// Tells all shards the decision and waits until everybody plays on, or a shard does not answer.
    fn release(&mut self, order: fn(u64) -> Order) {
        let node = self.driver.node().clone();
        self.board.close(&node);
        self.board.begin_pass();
        for shard in 0..node.shards() {
            node.tell_shard(shard, Signal::Upgrade(order(self.board.id)));
        }
        let deadline_ms = self.driver.now_ms().saturating_add(RELEASE_TIMEOUT_MS);
        while !self.board.all_done() {
            if self.driver.now_ms() >= deadline_ms || node.stalled().is_some() {
                tracing::error!("a shard stands still: its processes play on when it goes on");
                return;
            }
            self.driver.step(&self.board);
        }
    }
}

impl Held<'_> {
    /// Who lets the node go on: it may be asked things before the decision, while the processes are held.
    pub fn driver(&mut self) -> &mut dyn Driver {
        self.0.driver
    }

    /// The decision: `publish` makes the new versions current, then every process swaps its state and plays on.
    pub fn commit(mut self, publish: impl FnOnce()) -> Committed {
        publish();
        self.0.open = false;
        self.0.release(Order::Commit);
        self.0.board.tally().committed()
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if self.open {
            self.release(Order::Abort);
        }
    }
}

impl Tally {
    fn committed(self) -> Committed {
        let sorted = |mut values: Vec<u32>| {
            values.sort_unstable();
            values
        };
        let swapped: u64 = self.processes.values().sum();
        Committed {
            unpaused: swapped.saturating_sub(self.pauses_us.len() as u64),
            shut_us: self.shut_us,
            processes: self
                .processes
                .into_iter()
                .map(|(module, count)| (module.to_string(), count))
                .collect(),
            killed: self.killed,
            pauses_us: sorted(self.pauses_us),
            stalls_us: sorted(self.stalls_us),
        }
    }
}
