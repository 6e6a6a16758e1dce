//! The processes of a shard, by the index in their pid.

use pq_term::Pid;

use crate::process::Process;

/// How many bits of a pid are its generation; a slot whose generations are used up is not used again.
const GENERATIONS: u32 = (1 << 28) - 1;

const NONE: u32 = u32::MAX;

struct Slot {
    generation: u32,
    next_free: u32,
    process: Option<Process>,
}

pub(crate) struct Slab {
    shard: u8,
    slots: Vec<Slot>,
    free: u32,
}

impl Slab {
    pub(super) fn new(shard: u8) -> Slab {
        Slab {
            shard,
            slots: Vec::new(),
            free: NONE,
        }
    }

    /// Makes a process under a pid that no process has had.
    pub(super) fn insert(&mut self, make: impl FnOnce(Pid) -> Process) -> Pid {
        let index = self.free_index();
        let slot = &mut self.slots[index as usize];
        slot.generation += 1;
        let pid = Pid::new(self.shard, index, slot.generation);
        slot.process = Some(make(pid));
        pid
    }

    pub(super) fn remove(&mut self, pid: Pid) -> Option<Process> {
        self.get_mut(pid)?;
        let slot = &mut self.slots[pid.index() as usize];
        if slot.generation < GENERATIONS {
            slot.next_free = std::mem::replace(&mut self.free, pid.index());
        }
        slot.process.take()
    }

    pub(super) fn get_mut(&mut self, pid: Pid) -> Option<&mut Process> {
        let slot = self.slots.get_mut(pid.index() as usize)?;
        slot.process.as_mut().filter(|process| process.pid == pid)
    }

    pub(crate) fn get(&self, pid: Pid) -> Option<&Process> {
        let slot = self.slots.get(pid.index() as usize)?;
        slot.process.as_ref().filter(|process| process.pid == pid)
    }

    /// Whoever lives at this index.
    pub(super) fn at(&mut self, index: u32) -> Option<&mut Process> {
        self.slots.get_mut(index as usize)?.process.as_mut()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Process> {
        self.slots.iter().filter_map(|slot| slot.process.as_ref())
    }

    fn free_index(&mut self) -> u32 {
        if self.free != NONE {
            let index = self.free;
            self.free = self.slots[index as usize].next_free;
            return index;
        }
        let index = u32::try_from(self.slots.len()).expect("memory ends before 2^28 processes");
        self.slots.push(Slot {
            generation: 0,
            next_free: NONE,
            process: None,
        });
        index
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_used_again_under_another_pid() {
        let mut slab = Slab::new(3);
        let make = |pid| Process::new(pid, Pid::from_raw(0), None);
        let first = slab.insert(make);
        assert!(slab.remove(first).is_some() && slab.remove(first).is_none());
        let second = slab.insert(make);
        assert_eq!(
            (first.shard(), first.index()),
            (second.shard(), second.index())
        );
        assert!(first != second && slab.get(first).is_none() && slab.get(second).is_some());
    }
}
