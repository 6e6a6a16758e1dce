//! Old pids and timers, and the new ones.

use pq_term::Pid;
use pq_term::msgpack::{Reference, replace_references};

/// The shard of pids that are dead. A node has at most 254 shards.
const DEAD_SHARD: u8 = u8::MAX;

/// The bits of a generation that stay in a dead pid; the eight above them have the number of the shard.
const GENERATION_BITS: u32 = 20;

/// A timer that does not exist: the numbers of timers begin at 1.
const DEAD_TIMER: u64 = 0;

/// The pids of processes outside of the subtree.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Outside {
    /// The processes are here, as the subtree has been taken out of this node.
    Stays,
    /// The processes are elsewhere: their pids are dead here.
    IsDead,
}

/// The numbers before and after a move.
pub(super) struct Numbers {
    /// Sorted by the old pid.
    pids: Vec<(Pid, Pid)>,
    /// Sorted by the old number.
    timers: Vec<(u64, u64)>,
    /// Around a part: other processes of its subtree, and those that live at their places.
    others: Option<Vec<(Pid, Pid)>>,
    outside: Outside,
}

impl Numbers {
    /// Gives the new pids to the old ones. Both keep their order: a supervisor ends its children in the order of their
    /// pids.
    pub(super) fn new(mut old: Vec<Pid>, mut new: Vec<Pid>, outside: Outside) -> Numbers {
        old.sort_unstable();
        new.sort_unstable();
        Numbers {
            pids: old.into_iter().zip(new).collect(),
            timers: Vec::new(),
            others: None,
            outside,
        }
    }

    pub(super) fn set_timers(&mut self, mut timers: Vec<(u64, u64)>) {
        timers.sort_unstable();
        self.timers = timers;
    }

    /// The processes are a part of a subtree, and these are around it.
    pub(super) fn set_others(&mut self, others: Vec<(Pid, Pid)>) {
        self.others = Some(others);
    }

    /// Whether the processes are a part that comes back for a restart.
    pub(super) fn is_part(&self) -> bool {
        self.others.is_some()
    }

    /// Whether this is one of the new processes.
    pub(super) fn has(&self, new: Pid) -> bool {
        self.pids.iter().any(|(_, it)| *it == new)
    }

    pub(super) fn new_pids(&self) -> impl Iterator<Item = Pid> {
        self.pids.iter().map(|(_, new)| *new)
    }

    /// The new pid of a process of the subtree.
    pub(super) fn of(&self, old: Pid) -> Option<Pid> {
        let at = self.pids.binary_search_by_key(&old, |(old, _)| *old);
        at.ok().map(|at| self.pids[at].1)
    }

    /// The old pid of a process of the subtree.
    pub(super) fn old(&self, new: Pid) -> Pid {
        let pair = self.pids.iter().find(|(_, it)| *it == new);
        pair.map_or(new, |(old, _)| *old)
    }

    pub(super) fn outside(&self) -> Outside {
        self.outside
    }

    /// Replaces a pid, also one of a process outside of the subtree.
    pub(super) fn pid(&self, pid: &mut Pid) {
        *pid = self.new_pid(*pid);
    }

    /// Replaces all pids and timers in encoded values.
    pub(super) fn bytes(&self, bytes: &mut [u8]) {
        replace_references(bytes, |reference| match reference {
            Reference::Pid(pid) => Reference::Pid(self.new_pid(pid)),
            Reference::Timer(old) => Reference::Timer(self.timer(old)),
        });
    }

    /// The new number of a timer; that of no timer if the old one has fired.
    pub(super) fn timer(&self, old: u64) -> u64 {
        let at = self.timers.binary_search_by_key(&old, |(old, _)| *old);
        at.map_or(DEAD_TIMER, |at| self.timers[at].1)
    }

    fn new_pid(&self, old: Pid) -> Pid {
        let other = || {
            let pair = self.others.iter().flatten().find(|(it, _)| *it == old);
            pair.map(|(_, new)| *new)
        };
        match (self.of(old).or_else(other), self.outside) {
            (Some(new), _) => new,
            (None, Outside::Stays) => old,
            (None, Outside::IsDead) => dead(old),
        }
    }
}

/// The pid that stands for this one in a node where its process does not exist.
fn dead(pid: Pid) -> Pid {
    match pid.shard() {
        DEAD_SHARD => pid,
        shard => {
            let generation = pid.generation() ^ u32::from(shard) << GENERATION_BITS;
            Pid::new(DEAD_SHARD, pid.index(), generation)
        }
    }
}

/// Whether this is such a pid.
pub(super) fn is_dead(pid: Pid) -> bool {
    pid.shard() == DEAD_SHARD
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn dead_pids_of_different_processes_differ_and_stay_dead() {
        let all = (0..4).flat_map(|shard| {
            (0..4).flat_map(move |index| (0..4).map(move |times| Pid::new(shard, index, times)))
        });
        let dead: BTreeSet<Pid> = all.map(dead).collect();
        assert_eq!(dead.len(), 64);
        assert!(
            dead.iter()
                .all(|pid| is_dead(*pid) && super::dead(*pid) == *pid)
        );
    }
}
