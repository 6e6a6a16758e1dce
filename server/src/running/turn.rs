//! One operation at a time: whoever comes second is told at once who is at it.

use std::time::SystemTime;

use parking_lot::Mutex;
use pq_protocol::answer::Operation;
use pq_protocol::{Exit, Failure, Progress, Who};
use tokio::sync::mpsc;

use crate::clock::rfc3339;

/// Whose turn it is.
#[derive(Default)]
pub(crate) struct Turn {
    now: Mutex<Option<Current>>,
}

/// The operation in progress, and who hears how far it is.
struct Current {
    operation: Operation,
    hear: mpsc::Sender<Progress>,
    /// It is done, and the node starts again because of it.
    ends: bool,
}

/// The turn of one operation; it ends when this is dropped.
pub(crate) struct Taken<'a> {
    turn: &'a Turn,
}

impl Turn {
    /// Takes the turn; `hear` is told how far it is, as far as there is room.
    ///
    /// # Errors
    /// [`Exit::Busy`] when somebody else has it.
    pub(crate) fn take(
        &self,
        operation: &str,
        who: &Who,
        hear: mpsc::Sender<Progress>,
    ) -> Result<Taken<'_>, Failure> {
        self.take_if(|_| false, operation, who, hear)
    }

    /// Takes it for the end of the node. A node that is about to start again can still be told to end.
    ///
    /// # Errors
    /// As [`Turn::take`].
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

    /// Notes how far the operation is, for who asked for it and for whoever looks.
    pub(crate) fn note(&self, progress: Progress) {
        if let Some(now) = &mut *self.now.lock() {
            // A step that finds no room is followed by others.
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
        "failed to {operation}: `{running}`, asked for by {who}, is in progress since {since}; \
         `pq status` says how far it is"
    );
    Failure::new(Exit::Busy, sentence)
}

impl Taken<'_> {
    /// The operation is done and the node starts again because of it: nothing begins any more but the end.
    pub(crate) fn until_the_end(self) {
        if let Some(now) = &mut *self.turn.now.lock() {
            now.ends = true;
        }
        std::mem::forget(self);
    }

    /// Keeps the turn for ever: no operation begins any more.
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
        let told = "failed to remove 1.0.0: `install 1.1.0`, asked for by ann (process 7), is in";
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
