//! The set of living pids, readable from every thread without a lock.
//!
//! One table per shard: the generation that lives at each index, 0 when none does. Only the shard writes its table.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use pq_term::Pid;

/// Indexes per chunk: 256 KiB, so that a node with few processes allocates only one.
const CHUNK: usize = 1 << 16;

/// Chunks of a shard: all indexes that a pid can name.
const CHUNKS: usize = 1 << 12;

/// The living generations of one shard.
pub(crate) struct Alive {
    chunks: Box<[OnceLock<Box<[AtomicU32]>>]>,
}

impl Alive {
    pub(crate) fn new() -> Alive {
        Alive {
            chunks: (0..CHUNKS).map(|_| OnceLock::new()).collect(),
        }
    }

    /// Records that the pid's generation lives at its index.
    pub(crate) fn born(&self, pid: Pid) {
        let index = pid.index() as usize;
        let fresh = || (0..CHUNK).map(|_| AtomicU32::new(0)).collect();
        let chunk = self.chunks[index / CHUNK].get_or_init(fresh);
        chunk[index % CHUNK].store(pid.generation(), Ordering::Release);
    }

    /// Records that no generation lives at the pid's index.
    pub(crate) fn dead(&self, pid: Pid) {
        if let Some(cell) = self.cell(pid) {
            cell.store(0, Ordering::Release);
        }
    }

    pub(crate) fn is_alive(&self, pid: Pid) -> bool {
        pid.generation() != 0
            && self
                .cell(pid)
                .is_some_and(|cell| cell.load(Ordering::Acquire) == pid.generation())
    }

    fn cell(&self, pid: Pid) -> Option<&AtomicU32> {
        let index = pid.index() as usize;
        self.chunks[index / CHUNK]
            .get()
            .map(|chunk| &chunk[index % CHUNK])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pid_lives_from_its_birth_to_its_death_and_its_successor_is_another() {
        let alive = Alive::new();
        let first = Pid::new(0, 70_000, 1);
        let second = Pid::new(0, 70_000, 2);
        assert!(!alive.is_alive(first));
        alive.born(first);
        assert!(alive.is_alive(first) && !alive.is_alive(second));
        alive.dead(first);
        alive.born(second);
        assert!(!alive.is_alive(first) && alive.is_alive(second));
    }

    #[test]
    fn the_pid_of_nobody_is_never_alive() {
        assert!(!Alive::new().is_alive(Pid::from_raw(0)));
    }
}
