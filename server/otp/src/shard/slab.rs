//! The processes of a shard, by the index in the pid.

use pq_term::Pid;

use crate::pages::Pages;
use crate::process::Process;
use crate::shard::Due;
use crate::wheel::{Own, Owners};

/// The greatest generation of a pid, which has 28 bits; a slot whose generations are used up is not used again.
const GENERATIONS: u32 = (1 << 28) - 1;

const NONE: u32 = u32::MAX;

/// A place: taken by a process, or free, with the number of generations that it has had.
enum Slot {
    Free { generation: u32, next: u32 },
    Taken(Process),
}

impl Slot {
    fn process(&self) -> Option<&Process> {
        match self {
            Slot::Taken(process) => Some(process),
            Slot::Free { .. } => None,
        }
    }

    fn process_mut(&mut self) -> Option<&mut Process> {
        match self {
            Slot::Taken(process) => Some(process),
            Slot::Free { .. } => None,
        }
    }
}

pub(crate) struct Slab {
    shard: u8,
    slots: Pages<Slot>,
    free: u32,
}

impl Slab {
    pub(crate) fn new(shard: u8) -> Slab {
        Slab {
            shard,
            slots: Pages::new(),
            free: NONE,
        }
    }

    /// Makes a process under a pid that no process has had before.
    pub(super) fn insert(&mut self, make: impl FnOnce(Pid) -> Process) -> Pid {
        let (index, generation) = self.free_place();
        let pid = Pid::new(self.shard, index, generation);
        self.slots[index as usize] = Slot::Taken(make(pid));
        pid
    }

    pub(super) fn remove(&mut self, pid: Pid) -> Option<Process> {
        self.get(pid)?;
        let generation = pid.generation();
        let next = match generation < GENERATIONS {
            true => std::mem::replace(&mut self.free, pid.index()),
            false => NONE,
        };
        let freed = Slot::Free { generation, next };
        match std::mem::replace(&mut self.slots[pid.index() as usize], freed) {
            Slot::Taken(process) => Some(process),
            Slot::Free { .. } => None,
        }
    }

    pub(crate) fn get_mut(&mut self, pid: Pid) -> Option<&mut Process> {
        let process = self.slots.get_mut(pid.index() as usize)?.process_mut();
        process.filter(|process| process.pid == pid)
    }

    pub(crate) fn get(&self, pid: Pid) -> Option<&Process> {
        let process = self.slots.get(pid.index() as usize)?.process();
        process.filter(|process| process.pid == pid)
    }

    /// The process that lives at this index.
    pub(super) fn at(&mut self, index: u32) -> Option<&mut Process> {
        self.slots.get_mut(index as usize)?.process_mut()
    }

    /// The same, to be looked at.
    pub(crate) fn peek(&self, index: u32) -> Option<&Process> {
        self.slots.get(index as usize)?.process()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Process> {
        self.slots.iter().filter_map(Slot::process)
    }

    /// The number of indexes, taken or free.
    pub(super) fn places(&self) -> usize {
        self.slots.len()
    }

    /// A free index, and the generation of the process that is born there.
    fn free_place(&mut self) -> (u32, u32) {
        if let Some(Slot::Free { generation, next }) = self.slots.get(self.free as usize) {
            let place = (self.free, generation + 1);
            self.free = *next;
            return place;
        }
        let index = u32::try_from(self.slots.len()).expect("memory ends before 2^28 processes");
        self.slots.push(Slot::Free {
            generation: 0,
            next: NONE,
        });
        (index, 1)
    }
}

/// A process owns the timers with messages and events to itself.
impl Owners<Due> for Slab {
    fn own(&mut self, timer: &Due) -> Option<&mut Own> {
        match timer {
            Due::Info(pid, _) | Due::Event(pid, _) => {
                self.get_mut(*pid).map(|process| &mut process.timers)
            }
            Due::Timer(..) | Due::RequestTimeout(..) | Due::Restart(..) => None,
        }
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

    /// A hero is three processes: the slab's share of a hero's memory is three slots.
    #[test]
    fn a_slot_takes_no_more_than_the_process_in_it() {
        assert_eq!(size_of::<Slot>(), size_of::<Process>());
        assert!(size_of::<Process>() <= 72, "{}", size_of::<Process>());
    }
}
