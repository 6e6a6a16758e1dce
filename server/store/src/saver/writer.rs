//! The thread that writes: one batch after the other, and a failing one until it succeeds.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Shared;
use super::queue::{Asked, Batch, CommitNumber};
use crate::store::{Store, Upkeep};

/// The pause after the first failure; it doubles from one to the next.
const PAUSE_MIN: Duration = Duration::from_millis(10);

/// The longest pause: a disk that has room again is noticed within this time.
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// The owner of the store. Fields are dropped in this order: when others learn of the end, the file is closed.
pub(super) struct Writer<S> {
    pub(super) store: S,
    /// The shortest time from one commit to the next.
    pub(super) group: Duration,
    /// Learns of each number that is on the disk.
    pub(super) notice: Box<dyn Fn(CommitNumber) + Send>,
    pub(super) end: End,
}

/// Tells everybody of the end of the writer, also of one by a panic.
pub(super) struct End(pub(super) Arc<Shared>);

impl Drop for End {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.report.panicked();
        }
        self.0.queue.end();
    }
}

impl<S: Store> Writer<S> {
    /// Works until the queue is closed and empty, or until a store still fails at the deadline for closing.
    pub(super) fn run(mut self) {
        let shared = self.end.0.clone();
        let mut next = Instant::now();
        let mut upkeep = Upkeep::Done;
        while let Some(batch) = shared.queue.take(next, upkeep == Upkeep::Left) {
            if !batch.changes.is_empty() || upkeep == Upkeep::Left {
                next = Instant::now() + self.group;
                match self.write(&shared, &batch) {
                    Some(left) => upkeep = left,
                    None => return,
                }
                shared.queue.done(&batch);
                (self.notice)(batch.last);
            }
            self.answer_all(&shared);
        }
    }

    /// Answers the questions about what is durable.
    fn answer_all(&mut self, shared: &Shared) {
        while let Some(question) = shared.queue.next_question() {
            // The thread that has asked may have stopped waiting.
            match question.asked {
                Asked::Rows(ids, answer) => {
                    let rows = ids.into_iter();
                    let rows = rows.filter_map(|id| self.store.find(id).transpose());
                    drop(answer.try_send(rows.collect()));
                }
                Asked::Word(id, answer) => drop(answer.try_send(self.store.word(id))),
            }
        }
    }

    /// Commits the batch, and tries again until it succeeds. `None` if the time for closing is over.
    fn write(&mut self, shared: &Shared, batch: &Batch) -> Option<Upkeep> {
        let mut pause = PAUSE_MIN;
        loop {
            match self.attempt(shared, batch) {
                Some(upkeep) => return Some(upkeep),
                None if shared.queue.pause(pause) => pause = (pause * 2).min(PAUSE_MAX),
                None => return None,
            }
        }
    }

    fn attempt(&mut self, shared: &Shared, batch: &Batch) -> Option<Upkeep> {
        let begun = Instant::now();
        match self.store.commit(&batch.changes) {
            Ok(upkeep) => {
                let (took, stats) = (begun.elapsed(), self.store.stats());
                if let Some(trouble) = shared.report.committed(&batch.changes, took, stats) {
                    tracing::info!(
                        since_unix_ms = trouble.since_unix_ms,
                        "saves are written again"
                    );
                }
                Some(upkeep)
            }
            Err(error) => {
                if let Some(trouble) = shared.report.failed(&error) {
                    tracing::error!("{}; it is tried again", trouble.sentence);
                }
                None
            }
        }
    }
}
