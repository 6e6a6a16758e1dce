//! The bounded queue between a node and the writer, with the numbers of what it has accepted and of what is durable.
//!
//! Changes count until they are durable, also while the writer has them: a store that does not write fills the queue,
//! and the node waits.

use std::collections::VecDeque;
use std::fmt;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use crate::row::{Change, Row};
use crate::store::StoreError;

/// The largest batch: with more rows, a commit would delay the next ones for longer than the fsync does.
const BATCH: Size = Size {
    changes: 5000,
    bytes: 8 << 20,
};

/// Questions that wait at most: few threads ask, and each waits for its answer.
const QUESTIONS_MAX: usize = 16;

/// The number of a hand-over. Later ones are higher; 0 is before the first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommitNumber(pub(crate) u64);

impl CommitNumber {
    /// The number for logs and for other programs.
    pub fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for CommitNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The most that waits, including what the writer is writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The number of changes.
    pub changes: usize,
    /// Their memory in bytes ([`Change::bytes`]).
    pub bytes: usize,
}

/// Changes that were not accepted. The caller has them back.
#[derive(Debug, thiserror::Error)]
#[error("hand over {} changes: {reason}", .changes.len())]
pub struct Refused {
    /// The reason for all of them.
    pub reason: Reason,
    /// The changes as they were handed over.
    pub changes: Vec<Change>,
}

/// Reasons not to accept changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// The queue is full; the same hand-over is accepted later.
    #[error("the queue of saves is full")]
    Full,
    /// They are larger than the part of the queue that is for them: a quarter for the sweep, else all of it.
    #[error("they are larger than the queue of saves; hand over fewer at once")]
    TooLarge,
    /// A number is above 2^63 - 1.
    #[error("a number in them is too large for the store")]
    Number,
    /// The saver was closed, or its thread has ended.
    #[error("the saver is closed")]
    Closed,
}

/// The result of closing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closed {
    /// All changes up to this number are on the disk.
    pub durable: CommitNumber,
    /// The last number that was accepted.
    pub accepted: CommitNumber,
    /// The number of accepted changes that are not on the disk, as far as known: a commit may still be under way.
    pub changes_not_durable: usize,
}

/// An amount of changes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) changes: usize,
    pub(super) bytes: usize,
}

impl Size {
    fn of(changes: &[Change]) -> Size {
        Size {
            changes: changes.len(),
            bytes: changes.iter().map(Change::bytes).sum(),
        }
    }

    fn plus(self, other: Size) -> Size {
        Size {
            changes: self.changes + other.changes,
            bytes: self.bytes + other.bytes,
        }
    }

    fn minus(self, other: Size) -> Size {
        Size {
            changes: self.changes - other.changes,
            bytes: self.bytes - other.bytes,
        }
    }

    fn is_within(self, other: Size) -> bool {
        self.changes <= other.changes && self.bytes <= other.bytes
    }
}

/// Changes of one commit.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) changes: Vec<Change>,
    pub(super) last: CommitNumber,
    size: Size,
}

/// The numbers and the amount that a status shows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Load {
    pub(super) accepted: CommitNumber,
    pub(super) durable: CommitNumber,
    pub(super) size: Size,
    /// The time for which the oldest change that is not durable has waited.
    pub(super) lag: Duration,
}

#[derive(Debug)]
pub(super) struct Queue {
    inner: Mutex<Inner>,
    /// Wakes the writer: changes were accepted, or the queue is closing.
    filled: Condvar,
    /// Wakes callers: changes became durable, or the writer has ended.
    moved: Condvar,
    /// Wakes the writer from the pause after a failure.
    closing: Condvar,
    limits: Size,
}

#[derive(Debug)]
struct Inner {
    entries: VecDeque<Entry>,
    /// Everything that is not durable.
    size: Size,
    /// The part of it that waits in `entries`.
    waiting: Size,
    /// The moment at which the oldest change of the batch under way was accepted.
    under_way_since: Option<Instant>,
    accepted: u64,
    durable: u64,
    stage: Stage,
    questions: VecDeque<Question>,
}

/// A question, which the writer answers when everything is durable that was accepted before.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) asked: Asked,
    after: u64,
}

/// What is asked for, with the place for the answer.
#[derive(Debug)]
pub(super) enum Asked {
    /// The rows with these numbers.
    Rows(Vec<u64>, SyncSender<Result<Vec<Row>, StoreError>>),
    /// The hash of the word of this row.
    Word(u64, SyncSender<Result<Option<String>, StoreError>>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Open,
    /// Nothing more is accepted. A failing store is tried again until then.
    Closing(Instant),
    /// The writer is gone.
    Ended,
}

/// Changes with one number, and the moment of their hand-over.
#[derive(Debug)]
struct Entry {
    changes: Vec<Change>,
    size: Size,
    since: Instant,
}

impl Queue {
    pub(super) fn new(limits: Limits) -> Queue {
        let limits = Size {
            changes: limits.changes,
            bytes: limits.bytes,
        };
        let inner = Inner {
            entries: VecDeque::new(),
            size: Size::default(),
            waiting: Size::default(),
            under_way_since: None,
            accepted: 0,
            durable: 0,
            stage: Stage::Open,
            questions: VecDeque::new(),
        };
        Queue {
            inner: Mutex::new(inner),
            filled: Condvar::new(),
            moved: Condvar::new(),
            closing: Condvar::new(),
            limits,
        }
    }

    /// Accepts changes as the next number.
    pub(super) fn push(&self, changes: Vec<Change>) -> Result<CommitNumber, Refused> {
        let (size, limits) = (Size::of(&changes), self.limits(&changes));
        if !changes.iter().all(Change::fits) {
            let reason = Reason::Number;
            return Err(Refused { reason, changes });
        }
        let mut inner = self.inner.lock();
        if let Err(reason) = inner.admit(size, limits) {
            return Err(Refused { reason, changes });
        }
        inner.accepted += 1;
        inner.size = inner.size.plus(size);
        inner.waiting = inner.waiting.plus(size);
        inner.entries.push_back(Entry {
            changes,
            size,
            since: Instant::now(),
        });
        self.filled.notify_one();
        Ok(CommitNumber(inner.accepted))
    }

    /// The part of the queue that such changes may fill. States of the sweep have a quarter: so what is told waits
    /// behind few of them, however fast they come.
    fn limits(&self, changes: &[Change]) -> Size {
        match changes.first() {
            Some(Change::Sweep(_)) => Size {
                changes: self.limits.changes / 4,
                bytes: self.limits.bytes / 4,
            },
            _ => self.limits,
        }
    }

    pub(super) fn wait_for_room(&self, changes: &[Change], deadline: Instant) -> bool {
        let (size, limits) = (Size::of(changes), self.limits(changes));
        let mut inner = self.inner.lock();
        loop {
            match inner.admit(size, limits) {
                Ok(()) => return true,
                Err(Reason::Full) => (),
                Err(_) => return false,
            }
            if self.moved.wait_until(&mut inner, deadline).timed_out() {
                return inner.admit(size, limits).is_ok();
            }
        }
    }

    pub(super) fn durable(&self) -> CommitNumber {
        CommitNumber(self.inner.lock().durable)
    }

    pub(super) fn wait_durable(&self, number: CommitNumber, deadline: Instant) -> bool {
        let mut inner = self.inner.lock();
        while inner.durable < number.0 && inner.stage != Stage::Ended {
            if self.moved.wait_until(&mut inner, deadline).timed_out() {
                break;
            }
        }
        inner.durable >= number.0
    }

    /// Queues a question. Returns `false` when too many wait, or the writer has ended.
    pub(super) fn ask(&self, asked: Asked) -> bool {
        let mut inner = self.inner.lock();
        if inner.stage == Stage::Ended || inner.questions.len() >= QUESTIONS_MAX {
            return false;
        }
        let after = inner.accepted;
        inner.questions.push_back(Question { asked, after });
        self.filled.notify_one();
        true
    }

    /// The next question that can be answered.
    pub(super) fn next_question(&self) -> Option<Question> {
        let mut inner = self.inner.lock();
        match inner.has_question() {
            true => inner.questions.pop_front(),
            false => None,
        }
    }

    /// The next batch for the writer, not before the given moment unless a batch is full or the queue is closing.
    /// Without changes an empty batch, if there is upkeep to be done or a question to be answered. `None` when the queue is closed and empty; the last
    /// handle closes it, so an idle writer needs no deadline.
    pub(super) fn take(&self, not_before: Instant, has_upkeep: bool) -> Option<Batch> {
        let mut inner = self.inner.lock();
        loop {
            let is_open = inner.stage == Stage::Open;
            let is_due = !is_open || inner.fills_batch() || Instant::now() >= not_before;
            match inner.entries.is_empty() {
                true if inner.has_question() => return Some(inner.batch()),
                true if !is_open => return None,
                true if !has_upkeep => self.filled.wait(&mut inner),
                _ if is_due => return Some(inner.batch()),
                _ => {
                    self.filled.wait_until(&mut inner, not_before);
                }
            }
        }
    }

    /// The changes of a batch are on the disk.
    pub(super) fn done(&self, batch: &Batch) {
        let mut inner = self.inner.lock();
        inner.durable = batch.last.0;
        inner.size = inner.size.minus(batch.size);
        inner.under_way_since = None;
        self.moved.notify_all();
    }

    /// Waits after a failure. Returns false if the time for closing is over.
    pub(super) fn pause(&self, pause: Duration) -> bool {
        let until = Instant::now() + pause;
        let mut inner = self.inner.lock();
        loop {
            let end = match inner.stage {
                Stage::Closing(end) => end,
                _ => until,
            };
            if Instant::now() >= end.min(until) {
                return end >= until;
            }
            self.closing.wait_until(&mut inner, end.min(until));
        }
    }

    /// Accepts nothing more. A queue that is closing already keeps its deadline.
    pub(super) fn close(&self, deadline: Instant) {
        let mut inner = self.inner.lock();
        if inner.stage == Stage::Open {
            inner.stage = Stage::Closing(deadline);
        }
        self.filled.notify_all();
        self.closing.notify_all();
        self.moved.notify_all();
    }

    /// The writer has ended; what is left in the queue is not durable.
    pub(super) fn end(&self) {
        let mut inner = self.inner.lock();
        inner.stage = Stage::Ended;
        inner.entries.clear();
        inner.questions.clear();
        self.moved.notify_all();
    }

    /// Waits for the end of the writer.
    pub(super) fn wait_end(&self, deadline: Instant) -> Closed {
        let mut inner = self.inner.lock();
        while inner.stage != Stage::Ended {
            if self.moved.wait_until(&mut inner, deadline).timed_out() {
                break;
            }
        }
        Closed {
            durable: CommitNumber(inner.durable),
            accepted: CommitNumber(inner.accepted),
            changes_not_durable: inner.size.changes,
        }
    }

    pub(super) fn load(&self) -> Load {
        let inner = self.inner.lock();
        let waiting = inner.entries.front().map(|entry| entry.since);
        let oldest = inner.under_way_since.or(waiting);
        Load {
            accepted: CommitNumber(inner.accepted),
            durable: CommitNumber(inner.durable),
            size: inner.size,
            lag: oldest.map_or(Duration::ZERO, |since| since.elapsed()),
        }
    }
}

impl Inner {
    fn admit(&self, size: Size, limits: Size) -> Result<(), Reason> {
        match () {
            () if self.stage != Stage::Open => Err(Reason::Closed),
            () if !size.is_within(limits) => Err(Reason::TooLarge),
            () if !self.size.plus(size).is_within(limits) => Err(Reason::Full),
            () => Ok(()),
        }
    }

    fn has_question(&self) -> bool {
        let first = self.questions.front();
        first.is_some_and(|question| question.after <= self.durable)
    }

    fn fills_batch(&self) -> bool {
        self.waiting.changes >= BATCH.changes || self.waiting.bytes >= BATCH.bytes
    }

    /// Takes hand-overs from the front: as many as fit, but at least one.
    fn batch(&mut self) -> Batch {
        let mut batch = Batch {
            changes: Vec::new(),
            last: CommitNumber(self.durable),
            size: Size::default(),
        };
        self.under_way_since = self.entries.front().map(|entry| entry.since);
        while let Some(entry) = self.entries.front() {
            let size = batch.size.plus(entry.size);
            if !batch.changes.is_empty() && !size.is_within(BATCH) {
                break;
            }
            batch.size = size;
            batch.last.0 += 1;
            let entry = self.entries.pop_front().expect("it is at the front");
            batch.changes.extend(entry.changes);
        }
        self.waiting = self.waiting.minus(batch.size);
        batch
    }
}
