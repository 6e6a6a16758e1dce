//! The lock of operations on releases: a second operation is refused at once and learns about the first.

use std::time::SystemTime;

use parking_lot::Mutex;
use pq_protocol::answer::Operation;
use pq_protocol::{Exit, Failure, Progress, Who};
use tokio::sync::mpsc;

use crate::clock::rfc3339;

/// The lock of operations, and the operation that holds it.
#[derive(Default)]
pub(crate) struct Turn {
    now: Mutex<Option<Current>>,
}

/// The operation in progress, and the receiver of its progress.
struct Current {
    operation: Operation,
    hear: mpsc::Sender<Progress>,
    /// Whether the operation is done and the node restarts because of it.
    ends: bool,
}

/// The lock of one operation, which ends when this value is dropped.
pub(crate) struct Taken<'a> {
    turn: &'a Turn,
}

impl Turn {
    /// Takes the lock; `hear` receives progress, which is dropped if the queue is full.
    ///
    /// # Errors
    /// [`Exit::Busy`] if another operation has the lock.
    pub(crate) fn take(
        &self,
        operation: &str,
        who: &Who,
        hear: mpsc::Sender<Progress>,
    ) -> Result<Taken<'_>, Failure> {
        self.take_if(|_| false, operation, who, hear)
    }

    /// Takes the lock for the node's end, also if the node is about to restart.
    ///
    /// # Errors
    /// Fails like [`Turn::take`].
    pub(crate) fn take_for_end(
        &self,
        operation: &str,
        who: &Who,
        hear: mpsc::Sender<Progress>,
    ) -> Result<Taken<'_>, Failure> {
        self.take_if(|current| current.ends, operation, who, hear)
    }

    fn take_if(
        &self,
        gives_way: impl FnOnce(&Current) -> bool,
        operation: &str,
        who: &Who,
        hear: mpsc::Sender<Progress>,
    ) -> Result<Taken<'_>, Failure> {
        let mut now = self.now.lock();
        if let Some(other) = now.as_ref().filter(|other| !gives_way(other)) {
            return Err(busy(operation, &other.operation));
        }
        let operation = Operation {
            operation: operation.to_string(),
            who: who.clone(),
            since: rfc3339(SystemTime::now()),
            progress: None,
        };
        *now = Some(Current {
            operation,
            hear,
            ends: false,
        });
        Ok(Taken { turn: self })
    }

    /// The operation in progress.
    pub(crate) fn now(&self) -> Option<Operation> {
        self.now.lock().as_ref().map(|now| now.operation.clone())
    }

    /// Stores the progress of the operation and sends it to its operator.
    pub(crate) fn note(&self, progress: Progress) {
        if let Some(now) = &mut *self.now.lock() {
            // Dropped progress is replaced by later progress.
            let _ = now.hear.try_send(progress.clone());
            now.operation.progress = Some(progress);
        }
    }
}

fn busy(operation: &str, other: &Operation) -> Failure {
    let Operation {
        operation: running,
        who,
        since,
        ..
    } = other;
    let sentence = format!(
        "failed to {operation}: `{running}`, requested by {who}, is in progress since {since}; \
         `pq status` shows its progress"
    );
    Failure::new(Exit::Busy, sentence)
}

impl Taken<'_> {
    /// Keeps the lock for the restart after a completed operation: only the node's end may still take the lock.
    pub(crate) fn until_the_end(self) {
        if let Some(now) = &mut *self.turn.now.lock() {
            now.ends = true;
        }
        std::mem::forget(self);
    }

    /// Keeps the lock for ever: no operation may begin any more.
    pub(crate) fn for_ever(self) {
        std::mem::forget(self);
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        *self.turn.now.lock() = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_operation_is_told_who_is_at_it() {
        let turn = Turn::default();
        let ann = Who {
            uid: 1_000,
            user: Some("ann".to_string()),
            pid: Some(7),
        };
        let (hear, mut heard) = mpsc::channel(1);
        let take = |operation| turn.take(operation, &ann, hear.clone());
        let taken = take("install 1.1.0").unwrap();
        turn.note(Progress::step("copy"));
        turn.note(Progress::step("hold"));
        assert_eq!(heard.try_recv(), Ok(Progress::step("copy")));
        assert_eq!(turn.now().unwrap().progress, Some(Progress::step("hold")));
        let Err(failure) = take("remove 1.0.0") else {
            panic!("two turns at once");
        };
        assert_eq!(failure.exit, Exit::Busy);
        let told = "failed to remove 1.0.0: `install 1.1.0`, requested by ann (process 7), is in";
        assert!(failure.sentence.starts_with(told), "{failure}");
        drop(taken);
        assert!(turn.now().is_none());
        take("install 1.1.0").unwrap().until_the_end();
        assert!(take("install 1.1.0").is_err());
        let stop = turn.take_for_end("stop", &ann, hear.clone());
        stop.unwrap().for_ever();
        assert!(turn.take_for_end("stop", &ann, hear.clone()).is_err());
        assert!(take("install 1.1.0").is_err());
    }
}
