//! The transaction: other versions of modules come into force, and every process of them with its state, or
//! nothing has happened.
//!
//! ```text
//!   begin ─► copy ─► copy … ─► hold ─────────────────────────► commit ─► swapped, played on
//!            states are copied and    births wait, processes      │
//!            converted while their    are held, what has changed  │
//!            processes play           since its copy is converted │
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

use crate::called::brief;
use crate::message::Signal;

pub(crate) mod board;
pub(crate) mod convert;
mod driver;

pub use board::Board;
pub use driver::{Driver, Live};

use board::Tally;

/// How many times states are copied before their processes are held, at most. Each time only those are copied
/// again that have run since. Heroes act together and then pause together, so one round may find all of them changed
/// and the next one nobody: the moment to hold them.
const COPIES_MAX: u32 = 12;

/// With so few processes left to convert, another copy costs more than it saves: some milliseconds of work.
const FEW: u64 = 1_000;

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
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
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
    /// Its name and its pid ([`Node::called`]).
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
        /// Its name and its pid ([`Node::called`]).
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
    /// How long each process was held, in microseconds of real time, sorted.
    pub pauses_us: Vec<u32>,
    /// How long each turn of a shard took meanwhile, in microseconds of real time, sorted: nobody else was kept
    /// waiting longer.
    pub stalls_us: Vec<u32>,
}

/// What copying has come to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Copied {
    /// States converted in the first round: all of them.
    pub states: u64,
    /// States converted in the last round: those that had changed.
    pub left: u64,
    /// How long the last round took in real time. As much is left for the time in which processes are held.
    pub took: Duration,
}

impl Copied {
    /// Few states change while they are copied: as long as the last round took is not needed again.
    pub fn is_settled(&self) -> bool {
        self.left <= FEW
    }
}

/// A transaction under way. One at a time on a node. Dropped without a decision it is an abort.
pub struct Transaction<'d> {
    driver: &'d mut dyn Driver,
    board: Arc<Board>,
    open: bool,
}

/// What may take no longer than the plan's `suspend_timeout_ms`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Deadline {
    /// All of it: processes are held.
    OfAll,
    /// Nobody is held, and it may take as long as it goes on.
    OfEachMove,
}

/// What a shard is told.
pub(crate) enum Order {
    /// Copy and convert the states that have changed since they were last copied.
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
    /// Who lets the node go on: it may be asked things while the transaction is under way.
    pub fn driver(&mut self) -> &mut dyn Driver {
        self.driver
    }

    /// Begins: nobody is concerned yet.
    pub fn begin(driver: &'d mut dyn Driver, plan: Plan) -> Transaction<'d> {
        let board = Board::new(driver.node(), plan);
        driver.begin(&board);
        Transaction {
            driver,
            board,
            open: true,
        }
    }

    /// What all of it can be watched by, from another thread.
    pub fn board(&self) -> &Arc<Board> {
        &self.board
    }

    /// Converts copies of all states while their processes play, and again those that have changed, until few
    /// are left.
    ///
    /// # Errors
    /// When a state does not convert.
    pub fn copy(&mut self) -> Result<Copied, Abort> {
        let mut copied = self.copy_once()?;
        for _ in 1..COPIES_MAX {
            if copied.left <= FEW {
                break;
            }
            copied = Copied {
                states: copied.states,
                ..self.copy_once()?
            };
        }
        Ok(copied)
    }

    fn copy_once(&mut self) -> Result<Copied, Abort> {
        let began = Instant::now();
        let left = self.pass(Order::Copy, Deadline::OfEachMove)?;
        Ok(Copied {
            states: left,
            left,
            took: began.elapsed(),
        })
    }

    /// Converts a copy of every state once; with [`Plan::trial`] there and back again, and nothing is kept.
    ///
    /// # Errors
    /// When a state does not convert.
    pub fn try_all(mut self) -> Result<Progress, Abort> {
        self.pass(Order::Copy, Deadline::OfEachMove)?;
        Ok(self.board.progress())
    }

    /// Holds the processes and converts what is left. After this nothing can fail any more.
    ///
    /// # Errors
    /// When a state does not convert, or not all is done within the plan's `suspend_timeout_ms`.
    pub fn hold(&mut self) -> Result<(), Abort> {
        self.pass(Order::Hold, Deadline::OfAll).map(drop)
    }

    /// The decision: `publish` makes the new versions current, then every process swaps its state and plays on.
    /// To be called after [`Transaction::hold`] has succeeded.
    pub fn commit(mut self, publish: impl FnOnce()) -> Committed {
        publish();
        self.open = false;
        self.release(Order::Commit);
        self.board.tally().committed()
    }

    /// Gives it up: every process plays on as it was.
    pub fn abort(self) {
        drop(self);
    }

    /// Has every shard do one thing, and waits until all have. Answers how many states were converted.
    fn pass(
        &mut self,
        order: impl Fn(Arc<Board>) -> Order,
        deadline: Deadline,
    ) -> Result<u64, Abort> {
        self.board.begin_pass();
        let node = self.driver.node().clone();
        for shard in 0..node.shards() {
            node.tell_shard(shard, Signal::Upgrade(order(self.board.clone())));
        }
        let timeout_ms = self.limit_ms(deadline);
        let (mut since_ms, mut seen) = (self.driver.now_ms(), self.board.moves());
        while !self.board.all_done() {
            if let Some(failed) = self.board.failed() {
                return Err(failed);
            }
            self.watch_conversions()?;
            if let Some(stall) = node.stalled() {
                return Err(Abort::Stalled(stall.to_string()));
            }
            if self.driver.now_ms() >= since_ms.saturating_add(timeout_ms) {
                return Err(self.too_late(deadline));
            }
            self.driver.step(&self.board);
            let moves = self.board.moves();
            if deadline == Deadline::OfEachMove && moves != seen {
                (since_ms, seen) = (self.driver.now_ms(), moves);
            }
        }
        self.board.failed().map_or(Ok(self.board.copied()), Err)
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
    fn limit_ms(&self, deadline: Deadline) -> u64 {
        let plan = &self.board.plan;
        match deadline {
            Deadline::OfAll => plan.suspend_timeout_ms,
            Deadline::OfEachMove => plan
                .suspend_timeout_ms
                .max(plan.code_change_timeout_ms)
                .saturating_add(SLACK_MS),
        }
    }

    fn too_late(&self, deadline: Deadline) -> Abort {
        let slow = self.driver.node().stalls().into_iter();
        let slow: Vec<String> = slow
            .filter(|stall| stall.shard.is_some())
            .map(|stall| stall.to_string())
            .collect();
        let why = match slow.is_empty() {
            true => format!("{} states are not converted yet", self.board.outstanding()),
            false => slow.join(", "),
        };
        let timeout_ms = self.limit_ms(deadline);
        match deadline {
            Deadline::OfAll => Abort::Suspend { timeout_ms, why },
            Deadline::OfEachMove => Abort::Copy { timeout_ms, why },
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
        Committed {
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
