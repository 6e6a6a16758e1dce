//! Converted states that wait for the decision, by the place of their process in the slab.
//!
//! The list has a page only where a process is concerned. So a state is found without a hash, entries do not move while
//! the list grows, and a sweep frees the list page by page.

use pq_abi::State;
use pq_term::Pid;
use smallvec::SmallVec;

use crate::residue::Residues;
use crate::upgrade::convert::{NewPart, Staged};

/// The number of places of a page; a page has 160 KiB.
const PAGE: usize = 1 << 12;

/// The converted state that waits for a process.
#[derive(Default)]
pub(super) enum Kept {
    /// No state: it is with the converters, or the process has none to convert.
    #[default]
    Nothing,
    /// The state of a gen_server or gen_fsm.
    State(State, Option<Box<Residues>>),
    /// The parts of other processes; empty when only the version of the process changes.
    Parts(Vec<NewPart>),
}

impl From<Staged> for Kept {
    fn from(staged: Staged) -> Kept {
        let mut parts = staged.parts;
        match (parts.pop(), parts.is_empty()) {
            (Some(NewPart::State(state, residues)), true) => Kept::State(state, residues),
            (last, _) => Kept::Parts(parts.into_iter().chain(last).collect()),
        }
    }
}

impl Kept {
    /// The parts; `None` when no state waits.
    pub(super) fn into_parts(self) -> Option<SmallVec<[NewPart; 1]>> {
        match self {
            Kept::Nothing => None,
            Kept::State(state, residues) => {
                Some(SmallVec::from_iter([NewPart::State(state, residues)]))
            }
            Kept::Parts(parts) => Some(parts.into()),
        }
    }
}

#[derive(Default)]
struct Slot {
    /// The generation of the process at this place; 0 for none.
    generation: u32,
    /// The number of the export that is awaited, or has come back.
    number: u32,
    kept: Kept,
}

/// The list of the processes concerned, by their places in the slab.
#[derive(Default)]
pub(super) struct List {
    pages: Vec<Option<Box<[Slot]>>>,
    exports: u32,
    /// The number of places that have or had a process.
    places: u64,
}

impl List {
    /// Expects the result of a new export of the process, and returns its number. Results of earlier exports are dropped,
    /// also the one that is kept.
    pub(super) fn expect(&mut self, pid: Pid) -> u32 {
        self.exports = self.exports.wrapping_add(1);
        let number = self.exports;
        let slot = self.slot_or_new(pid.index());
        let is_new = slot.generation == 0;
        if slot.generation != pid.generation() {
            *slot = Slot {
                generation: pid.generation(),
                ..Slot::default()
            };
        }
        (slot.number, slot.kept) = (number, Kept::Nothing);
        self.places += u64::from(is_new);
        number
    }

    /// How many processes are listed. A process that has ended counts until its place has another one.
    pub(super) fn len(&self) -> u64 {
        self.places
    }

    /// Keeps the result of an export, unless a later export is expected or the place has another process.
    pub(super) fn keep(&mut self, pid: Pid, number: u32, kept: Kept) {
        if let Some(slot) = self.slot(pid).filter(|slot| slot.number == number) {
            slot.kept = kept;
        }
    }

    /// Whether this export is the last one of the process.
    pub(super) fn is_awaited(&mut self, pid: Pid, number: u32) -> bool {
        self.slot(pid).is_some_and(|slot| slot.number == number)
    }

    /// Takes the converted state that waits for this process.
    pub(super) fn take(&mut self, pid: Pid) -> Kept {
        let slot = self.slot(pid);
        slot.map_or(Kept::Nothing, |slot| std::mem::take(&mut slot.kept))
    }

    /// Finds the next place from `at` on that has or had a process. The sweep frees the pages that it passes, and checks
    /// at most `looks` places.
    pub(super) fn sweep(&mut self, at: &mut usize, looks: usize) -> Swept {
        for _ in 0..looks {
            let Some(page) = self.pages.get_mut(*at / PAGE) else {
                return Swept::All;
            };
            let Some(slots) = page else {
                *at = (*at / PAGE + 1) * PAGE;
                continue;
            };
            let generation = slots[*at % PAGE].generation;
            let place = *at as u32;
            *at += 1;
            if generation != 0 {
                return Swept::Place(place, generation);
            }
            if (*at).is_multiple_of(PAGE) {
                *page = None;
            }
        }
        Swept::Some
    }

    pub(super) fn clear(&mut self, place: u32) {
        let (page, at) = (place as usize / PAGE, place as usize % PAGE);
        if let Some(Some(slots)) = self.pages.get_mut(page) {
            slots[at] = Slot::default();
            if at == PAGE - 1 {
                self.pages[page] = None;
            }
        }
    }

    fn slot(&mut self, pid: Pid) -> Option<&mut Slot> {
        let (page, at) = (pid.index() as usize / PAGE, pid.index() as usize % PAGE);
        let slot = self.pages.get_mut(page)?.as_mut()?.get_mut(at)?;
        (slot.generation == pid.generation()).then_some(slot)
    }

    fn slot_or_new(&mut self, place: u32) -> &mut Slot {
        let (page, at) = (place as usize / PAGE, place as usize % PAGE);
        if self.pages.len() <= page {
            self.pages.resize_with(page + 1, || None);
        }
        let slots = self.pages[page]
            .get_or_insert_with(|| std::iter::repeat_with(Slot::default).take(PAGE).collect());
        &mut slots[at]
    }
}

/// The result of [`List::sweep`].
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Swept {
    /// A place with a process, and the generation of the process.
    Place(u32, u32),
    /// The checked places have no process; there are more places.
    Some,
    /// The sweep has come to the end of the list.
    All,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pid(index: u32, generation: u32) -> Pid {
        Pid::new(0, index, generation)
    }

    fn swept(list: &mut List) -> Vec<(u32, u32)> {
        let (mut at, mut found) = (0, Vec::new());
        loop {
            match list.sweep(&mut at, 7) {
                Swept::Place(place, generation) => {
                    found.push((place, generation));
                    list.clear(place);
                }
                Swept::Some => (),
                Swept::All => return found,
            }
        }
    }

    #[test]
    fn only_what_came_of_the_last_export_is_kept() {
        let mut list = List::default();
        let first = list.expect(pid(7, 1));
        let second = list.expect(pid(7, 1));
        list.keep(pid(7, 1), first, Kept::Parts(Vec::new()));
        assert!(list.take(pid(7, 1)).into_parts().is_none());
        list.keep(pid(7, 1), second, Kept::Parts(Vec::new()));
        assert!(list.take(pid(7, 1)).into_parts().is_some());
        assert!(
            list.take(pid(7, 1)).into_parts().is_none(),
            "it is taken once"
        );
    }

    #[test]
    fn the_next_process_of_a_place_gets_nothing_of_the_one_before() {
        let mut list = List::default();
        let number = list.expect(pid(7, 1));
        list.keep(pid(7, 1), number, Kept::Parts(Vec::new()));
        let next = list.expect(pid(7, 2));
        list.keep(pid(7, 1), number, Kept::Parts(Vec::new()));
        assert!(!list.is_awaited(pid(7, 1), number) && list.is_awaited(pid(7, 2), next));
        assert!(list.take(pid(7, 2)).into_parts().is_none());
    }

    #[test]
    fn every_place_is_swept_once_and_the_pages_go() {
        let mut list = List::default();
        let edge = PAGE as u32;
        let places = [0, 1, edge - 1, 3 * edge, 5 * edge - 1];
        for place in places {
            list.expect(pid(place, 4));
        }
        assert_eq!(swept(&mut list), places.map(|place| (place, 4)));
        assert!(list.pages[..3].iter().all(Option::is_none));
        assert!(swept(&mut list).is_empty());
    }

    #[test]
    fn a_place_takes_little() {
        assert!(size_of::<Slot>() <= 40, "{}", size_of::<Slot>());
    }
}
