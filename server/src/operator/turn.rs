//! One operation at a time: whoever comes second is told at once who is at it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use super::answer::Operation;
use super::clock::rfc3339;
use super::exit::{Exit, Failure};
use super::request::Progress;
use super::who::Who;

/// Whose turn it is.
#[derive(Default)]
pub(crate) struct Turn {
    now: Mutex<Option<Operation>>,
}

/// The turn of one operation; it ends when this is dropped.
pub(crate) struct Taken<'a> {
    turn: &'a Turn,
}

impl Turn {
    /// Takes the turn.
    ///
    /// # Errors
    /// [`Exit::Busy`] when somebody else has it.
    pub(crate) fn take(&self, operation: &str, who: &Who) -> Result<Taken<'_>, Failure> {
        let mut now = self.lock();
        if let Some(other) = &*now {
            return Err(busy(operation, other));
        }
        *now = Some(Operation {
            operation: operation.to_string(),
            who: who.clone(),
            since: rfc3339(SystemTime::now()),
            progress: None,
        });
        Ok(Taken { turn: self })
    }

    /// The operation in progress.
    pub(crate) fn now(&self) -> Option<Operation> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Operation>> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
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
    /// Notes how far the operation is, for whoever asks.
    pub(crate) fn note(&self, progress: &Progress) {
        if let Some(now) = &mut *self.turn.lock() {
            now.progress = Some(progress.clone());
        }
    }

    /// Keeps the turn for ever: no operation begins any more.
    pub(crate) fn for_ever(self) {
        std::mem::forget(self);
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        *self.turn.lock() = None;
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
        let taken = turn.take("install 1.1.0", &ann).unwrap();
        taken.note(&Progress::step("convert pq_player"));
        let now = turn.now().unwrap();
        assert_eq!(now.progress.unwrap().step, "convert pq_player");
        let Err(failure) = turn.take("remove 1.0.0", &ann) else {
            panic!("two turns at once");
        };
        assert_eq!(failure.exit, Exit::Busy);
        let told = "failed to remove 1.0.0: `install 1.1.0`, asked for by ann (process 7), is in";
        assert!(failure.sentence.starts_with(told), "{failure}");
        drop(taken);
        assert!(turn.now().is_none());
        turn.take("stop", &ann).unwrap().for_ever();
        assert!(turn.take("install 1.1.0", &ann).is_err());
    }
}
