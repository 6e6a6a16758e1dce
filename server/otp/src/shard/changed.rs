//! The processes of a shard that have changed since they were exported.

use std::collections::VecDeque;

use pq_abi::{Kind, Module};

use crate::process::Process;

/// The places of changed processes, each once: the marks at the process are cleared when its place is entered, and set
/// again by its next export. Supervisors have a list of their own, because a transaction waits for them to settle before
/// it can hold the others.
///
/// The last to change comes first. Processes act in a rhythm, so the one that has just changed stays as it is for longest.
/// If processors export more slowly than processes change, the first to change would change again right after its export,
/// and nearly all exports would be outdated.
#[derive(Default)]
pub(super) struct Changed {
    supervisors: VecDeque<u32>,
    others: Vec<u32>,
}

impl Changed {
    pub(super) fn note(&mut self, process: &Process) {
        let is_supervisor = |module: Module| module.kind() == Kind::Supervisor;
        let place = process.pid.index();
        match process.module.is_some_and(is_supervisor) {
            true => self.supervisors.push_back(place),
            false => self.others.push(place),
        }
    }

    /// The next place: of the first supervisor to change, or else of the last other process.
    pub(super) fn take(&mut self) -> Option<u32> {
        let supervisor = self.supervisors.pop_front();
        supervisor.or_else(|| self.others.pop())
    }

    pub(super) fn len(&self) -> usize {
        self.supervisors.len() + self.others.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether one of the processes is a supervisor.
    pub(super) fn has_supervisors(&self) -> bool {
        !self.supervisors.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.supervisors.clear();
        self.others.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pq_term::Pid;

    #[test]
    fn the_last_to_change_comes_first() {
        let nobody = Pid::from_raw(0);
        let mut changed = Changed::default();
        for index in [7, 3, 5] {
            changed.note(&Process::new(Pid::new(0, index, 1), nobody, None));
        }
        assert_eq!((changed.len(), changed.has_supervisors()), (3, false));
        let taken: Vec<u32> = std::iter::from_fn(|| changed.take()).collect();
        assert_eq!((taken, changed.is_empty()), (vec![5, 3, 7], true));
    }
}
