//! The transaction of an upgrade: either the new versions of all modules come into force, with the states of all
//! their processes, or nothing changes.
//!
//! ```text
//!   begin ─► copy ───────────────► hold ─────────────────────────► commit ─► states swapped, processes run
//!            states are copied and    births wait, processes         │
//!            converted while their    are held, the few that have    │
//!            processes run, again     changed since their copy are   │
//!            when they change         converted                      │
//!               └───────── any failure ──────────┴──► abort ─► processes run on, unchanged
//! ```
//! Conversions run on threads of their own beside the shards. Conversions are pure: a converted state that is not
//! used leaves no trace. So most of the work is done before any process is held, and a state that does not convert
//! is found while its process still runs.
//!
//! This module has the input, the results and the errors of a transaction, and its steps in order. Related modules:
//! `shard::stage` (a shard's part), `convert` (the conversion of one process, in one step or several), `board` (the data that all threads share), `driver`
//! (real and virtual time). The release handler (`server/release`) decides which modules to load, and when.

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
pub(crate) use convert::Salt;
pub use driver::{Driver, Live};

use board::Tally;

/// Processes are held when at most this many states are left to convert: half a millisecond of work on two processors.
const FEW: u64 = 256;

/// How long the coordinator waits until at most [`FEW`] states are left. Avatars act together and then pause together,
/// in a rhythm of 0.8 s.
const RHYTHM_MS: u64 = 1_000;

/// After [`RHYTHM_MS`], the permitted number of states left doubles each time that this many milliseconds have passed.
/// If processors convert more slowly than the game changes states, the number of changed states settles somewhere below
/// the number of all states, and waiting does not help. The limit reaches a million states within seven seconds.
const DOUBLES_MS: u64 = 500;

/// The time that copying may take in addition to one conversion: a chunk of states travels to its converter and back.
const SLACK_MS: u64 = 1_000;

/// How long the coordinator waits after a decision until all shards have finished. The outcome does not depend on it.
const RELEASE_TIMEOUT_MS: u64 = 30_000;

/// How the states of a module's processes get to its new version.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Conversion {
    /// Both versions have the same states: the new version reads the exports of the old one (`load_module`).
    Carry,
    /// `code_change` of the newer of the two versions converts the states.
    CodeChange {
        /// Up to the newer version, or down to the older one.
        direction: Direction,
        /// The argument `Extra` from the appup, as MessagePack.
        extra: Vec<u8>,
    },
}

/// A module that gets another version.
#[derive(Clone)]
pub struct Target {
    /// The version that the module gets.
    pub module: Module,
    /// How states get to the new version: from the old version, or from the last one in between.
    pub conversion: Conversion,
    /// The versions in between, through which states go, in the order of the way; empty for a way of one step.
    pub through: Vec<Through>,
}

/// A version of a module between the old and the new one. It serves as a converter, and no process runs it.
#[derive(Clone)]
pub struct Through {
    /// The module in this version.
    pub module: Module,
    /// How states get to this version from the one before.
    pub conversion: Conversion,
    /// The modules as they are after this step; its conversions may call them. Steps with one list of modules share random
    /// numbers, as in an upgrade of their own.
    pub modules: Arc<dyn Modules>,
}

/// The treatment of a process whose conversion does not end in time.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug, Default)]
#[serde(rename_all = "snake_case")]
pub enum OnOverrun {
    /// The transaction is aborted; the process continues with its old version.
    #[default]
    Abort,
    /// The transaction continues without the process, which runs until the commit and is killed then.
    Kill,
}

/// The task of a transaction, and its limits.
pub struct Plan {
    /// The modules as they are after the upgrade; conversions may call them.
    pub modules: Arc<dyn Modules>,
    /// The modules that get another version.
    pub targets: Vec<Target>,
    /// The names of the modules that are removed. Their processes end.
    pub removed: Vec<String>,
    /// How long supervisors may take to settle, and how long copying and holding may go without progress, in milliseconds.
    pub suspend_timeout_ms: u64,
    /// How long one conversion may compute or sleep, in milliseconds. Waiting for a processor does not count.
    pub code_change_timeout_ms: u64,
    /// The treatment of a process whose conversion takes longer than `code_change_timeout_ms`.
    pub on_overrun: OnOverrun,
    /// How many processes a shard handles for the transaction before it does its other work again.
    pub slice: u32,
    /// Whether this is only a trial: every state is converted and converted back, and no result is kept.
    pub trial: bool,
}

impl Plan {
    /// The usual `slice`. Switching costs little at this size, and at a few microseconds per exported state a slice
    /// takes a fraction of a millisecond.
    pub const SLICE: u32 = 64;

    /// The target of this version of a module; `None` when the module has no target, or `from` is the target itself.
    pub(crate) fn target_of(&self, from: Module) -> Option<&Target> {
        let target = self.target_named(from.name());
        target.filter(|target| target.module != from)
    }

    /// Whether the transaction removes this module.
    pub(crate) fn removes(&self, module: &str) -> bool {
        self.removed.iter().any(|removed| removed == module)
    }

    /// Whether this module gets another version, or is removed.
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
    "convert a state: {}; it is that of {called} from {from:?} to {to:?}{}{}", brief(.reason), on_the_way(.step), shown(.state)
)]
pub struct Failed {
    /// The process that has the state.
    pub pid: Pid,
    /// The name and the pid of the process ([`crate::Node::called`]).
    pub called: String,
    /// The version that the process runs.
    pub from: Module,
    /// The version that the process was to run.
    pub to: Module,
    /// The step that failed, from one version to the next, on a way of several steps.
    pub step: Option<(Module, Module)>,
    /// The reason that the export or the conversion gave.
    pub reason: Reason,
    /// The state as text, shortened; empty when the failure was found without an exported state.
    pub state: String,
}

/// The step of a way of several steps.
fn on_the_way(step: &Option<(Module, Module)>) -> String {
    match step {
        None => String::new(),
        Some((from, to)) => format!(", in the step from {} to {}", from.vsn(), to.vsn()),
    }
}

/// The end of an error text: the state, if it is known.
fn shown(state: &str) -> String {
    match state.is_empty() {
        true => String::new(),
        false => format!(", and reads {state}"),
    }
}

/// Why a transaction was aborted. The node is then as it was before the transaction.
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
        /// The process that has the state.
        pid: Pid,
        /// The name and the pid of the process ([`crate::Node::called`]).
        called: String,
        /// The name of the module that has the conversion.
        module: String,
        /// How long the conversion was allowed to take.
        timeout_ms: u64,
    },
    /// The states could not be copied while the processes ran.
    #[error("copy the states: nothing has moved for {timeout_ms} ms: {why}")]
    Copy {
        /// How long the step was allowed to take.
        timeout_ms: u64,
        /// The condition that was not met.
        why: String,
    },
    /// A callback does not end, and blocks its shard.
    #[error("go on: {0}")]
    Stalled(String),
    /// Supervisors did not settle in time, or nothing moved while processes were held.
    #[error("suspend the processes within {timeout_ms} ms: {why}")]
    Suspend {
        /// How long the step was allowed to take.
        timeout_ms: u64,
        /// The condition that was not met.
        why: String,
    },
}

/// The progress of a transaction, for `status`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Progress {
    /// States converted, counting those that were converted again.
    pub converted: u64,
    /// Processes that are held at this moment.
    pub held: u64,
    /// Processes that run the new version.
    pub swapped: u64,
    /// States that a trial converted up and down again, with a different result.
    pub differing: u64,
    /// Processes whose conversion does not end, and that a commit would kill ([`OnOverrun::Kill`]).
    pub doomed: u64,
}

/// The result of a committed transaction.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Committed {
    /// The number of processes that run a new version, by module.
    pub processes: BTreeMap<String, u64>,
    /// Processes that ended with their module, or because their conversion did not end.
    pub killed: u64,
    /// The pauses of held processes that had messages to handle, in microseconds of real time, sorted. A pause begins
    /// when the process could have run, or, if the process was in the run queue, when it was held. It ends when the
    /// process runs.
    pub pauses_us: Vec<u32>,
    /// The number of processes with a new version that had no message to handle while they were held.
    pub unpaused: u64,
    /// How long processes were held, in microseconds of real time, on the shard that held them longest.
    pub shut_us: u32,
    /// How long each turn of a shard took during the transaction, in microseconds of real time, sorted. Processes that
    /// the transaction did not hold waited no longer than one turn.
    pub stalls_us: Vec<u32>,
}

/// The result of copying.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Copied {
    /// States converted, counting those that were converted again.
    pub states: u64,
    /// States that have changed since their copy, and are to be converted while processes are held.
    pub left: u64,
    /// How long copying took in real time.
    pub took: Duration,
}

impl Copied {
    /// How long processes would be held now: two rounds of messages between the threads, and the conversion of the
    /// states that are left.
    pub fn expected_pause(&self) -> Duration {
        const ROUNDS: Duration = Duration::from_micros(400);
        let states = u32::try_from(self.states).unwrap_or(u32::MAX).max(1);
        let left = u32::try_from(self.left).unwrap_or(u32::MAX);
        ROUNDS + self.took / states * left
    }

    /// Whether states are converted faster than they change. If not, processes are held while many states are converted.
    pub fn keeps_up(&self) -> bool {
        self.left <= FEW * 16
    }
}

/// A transaction under way; a node has at most one. Dropping it without a decision aborts it.
pub struct Transaction<'d> {
    driver: &'d mut dyn Driver,
    board: Arc<Board>,
    open: bool,
    is_copied: bool,
}

/// A transaction that holds its processes and has converted every state, so that it can be committed. Dropping it
/// without a commit aborts it.
#[must_use = "dropped, it is an abort"]
pub struct Held<'d>(Transaction<'d>);

/// The condition that ends a wait of the coordinator.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    /// Each state is converted once; some have changed since.
    Copied,
    /// All states are converted, except the few that [`Patience`] permits.
    Followed,
    /// All shards have carried out their order.
    Done,
    /// The supervisors of all shards have settled.
    Settled,
    /// All shards have carried out their order, and processes are held meanwhile.
    Held,
}

/// How many states may be left when processes are held. The limit grows the longer the coordinator waits.
#[derive(Default)]
struct Patience {
    since_ms: Option<u64>,
}

impl Patience {
    /// The limit at `now_ms`. The wait begins with the first call, when each state has been converted once.
    fn bears(&mut self, now_ms: u64) -> u64 {
        let waited_ms = now_ms - *self.since_ms.get_or_insert(now_ms);
        let doubled = waited_ms.saturating_sub(RHYTHM_MS) / DOUBLES_MS;
        FEW << doubled.min(u64::from(FEW.leading_zeros()) - 1)
    }
}

/// An order of the coordinator to a shard, or the result of conversions.
pub(crate) enum Order {
    /// Copy and convert the states, and convert them again when they change.
    Copy(Arc<Board>),
    /// Keep settled supervisors from taking requests, until all are settled. Children are still born, on any shard: a
    /// supervisor may wait for them.
    Settle(Arc<Board>),
    /// Hold the processes and the births, and convert the changed states.
    Hold(Arc<Board>),
    /// The new versions are in force: swap the states, and let the processes run. The number is [`Board::id`].
    Commit(u64),
    /// Drop the converted states, and let the processes run. The number is [`Board::id`].
    Abort(u64),
    /// These conversions of the transaction with this [`Board::id`] are done.
    Converted(u64, Vec<convert::Converted>),
}

impl<'d> Transaction<'d> {
    /// Begins a transaction. No process is copied or held yet.
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

    /// The shared data, through which another thread can watch the transaction.
    pub fn board(&self) -> &Arc<Board> {
        &self.board
    }

    /// Converts copies of all states while their processes run, and again those that change, until few changed states
    /// are left.
    ///
    /// # Errors
    /// When a state does not convert.
    pub fn copy(&mut self) -> Result<Copied, Abort> {
        self.copy_telling(|| ())
    }

    /// Does the same as [`Transaction::copy`], and calls `copied` when each state is converted once and only changed ones
    /// are followed.
    ///
    /// # Errors
    /// When a state does not convert.
    pub fn copy_telling(&mut self, copied: impl FnOnce()) -> Result<Copied, Abort> {
        let began = Instant::now();
        self.tell(Order::Copy);
        self.wait(Until::Copied)?;
        copied();
        self.wait(Until::Followed)?;
        self.is_copied = true;
        Ok(Copied {
            states: self.board.copied(),
            left: self.board.behind().unwrap_or_default(),
            took: began.elapsed(),
        })
    }

    /// Converts a copy of every state once. With [`Plan::trial`] each state is also converted back, and no result is kept.
    ///
    /// # Errors
    /// When a state does not convert.
    pub fn try_all(mut self) -> Result<Progress, Abort> {
        self.tell(Order::Copy);
        self.wait(Until::Done)?;
        Ok(self.board.progress())
    }

    /// Holds the processes and converts the states that are left. Afterwards every shard has every converted state, so
    /// the commit cannot fail.
    ///
    /// # Errors
    /// When a state does not convert, when supervisors have not settled within the plan's `suspend_timeout_ms`, or when
    /// there was no progress for that time. The transaction is then aborted.
    pub fn hold(mut self) -> Result<Held<'d>, Abort> {
        if !self.is_copied {
            self.copy()?;
        }
        self.tell(Order::Settle);
        self.wait(Until::Settled)?;
        self.tell(Order::Hold);
        self.wait(Until::Held)?;
        Ok(Held(self))
    }

    /// Aborts the transaction: every process continues with its old version and state.
    pub fn abort(self) {
        drop(self);
    }

    /// Sends an order to every shard.
    fn tell(&self, order: impl Fn(Arc<Board>) -> Order) {
        self.board.begin_pass();
        let node = self.driver.node();
        for shard in 0..node.shards() {
            node.tell_shard(shard, Signal::Upgrade(order(self.board.clone())));
        }
    }

    /// Waits for a condition. The deadline starts again with each progress, so a busy machine does not miss it.
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
            // A running conversion has a limit of its own, in the time of its thread.
            let goes_on = moves != seen || self.board.is_converting();
            // Conversions are no progress while supervisors have not settled.
            let is_settled = until != Until::Held || self.board.is_shut();
            if goes_on && until != Until::Settled && is_settled {
                (since_ms, seen) = (self.driver.now_ms(), moves);
            }
        }
        self.board.failed().map_or(Ok(()), Err)
    }

    fn is_reached(&self, until: Until, patience: &mut Patience) -> bool {
        match (until, self.board.behind()) {
            (Until::Copied | Until::Followed, None) => false,
            (Until::Copied, Some(_)) => true,
            (Until::Followed, Some(behind)) => behind <= patience.bears(self.driver.now_ms()),
            (Until::Done | Until::Settled | Until::Held, _) => self.board.all_done(),
        }
    }

    /// Treats conversions that take too long as the plan says ([`Plan::on_overrun`]).
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

    /// How long a wait may last without progress. While no process is held, this is at least the limit of one conversion
    /// and [`SLACK_MS`].
    fn limit_ms(&self, until: Until) -> u64 {
        let plan = &self.board.plan;
        match until {
            Until::Settled | Until::Held => plan.suspend_timeout_ms,
            Until::Copied | Until::Followed | Until::Done => plan
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
            Until::Settled | Until::Held => Abort::Suspend { timeout_ms, why },
            Until::Copied | Until::Followed | Until::Done => Abort::Copy { timeout_ms, why },
        }
    }

    /// Sends the decision to all shards and waits until all have finished the transaction, or a shard does not answer.
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
                tracing::error!("a shard is blocked: its processes run again when it continues");
                return;
            }
            self.driver.step(&self.board);
        }
    }
}

impl Held<'_> {
    /// The driver of the node. It can answer questions before the decision, while the processes are held.
    pub fn driver(&mut self) -> &mut dyn Driver {
        self.0.driver
    }

    /// Commits: `publish` makes the new versions current, then every process swaps its state and continues.
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
