//! The dots of crashed processes that wait for their successors.

use std::collections::BTreeSet;

/// See the top of the file. A dot is found by its parent and by its age, since all avatars of a node may crash at once.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Crashed {
    /// The parent, the time and the place of each dot.
    by_parent: BTreeSet<(u64, u64, u32)>,
    /// The time, the place and the parent of each dot.
    by_age: BTreeSet<(u64, u32, u64)>,
}

impl Crashed {
    /// A process of this parent has crashed.
    pub(super) fn add(&mut self, parent: u64, at_us: u64, place: u32) {
        self.by_parent.insert((parent, at_us, place));
        self.by_age.insert((at_us, place, parent));
    }

    /// Takes the place of the process of this parent that has crashed first.
    pub(super) fn take_of(&mut self, parent: u64) -> Option<u32> {
        let of_parent = (parent, 0, 0)..=(parent, u64::MAX, u32::MAX);
        let first = *self.by_parent.range(of_parent).next()?;
        let (_, at_us, place) = first;
        self.by_parent.remove(&first);
        self.by_age.remove(&(at_us, place, parent));
        Some(place)
    }

    /// Takes the place of the process that has crashed first, if it was not later than this.
    pub(super) fn take_until(&mut self, until_us: u64) -> Option<u32> {
        let first = *self.by_age.first()?;
        let (at_us, place, parent) = first;
        if at_us > until_us {
            return None;
        }
        self.by_age.remove(&first);
        self.by_parent.remove(&(parent, at_us, place));
        Some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_taken_once_by_its_parent_or_by_its_age() {
        let mut crashed = Crashed::default();
        for (parent, at_us, place) in [(1, 30, 0), (2, 20, 1), (1, 10, 2), (2, 20, 3)] {
            crashed.add(parent, at_us, place);
        }
        assert_eq!((crashed.take_of(1), crashed.take_of(9)), (Some(2), None));
        assert_eq!(crashed.take_until(19), None);
        let taken = [25, 25, 25].map(|until_us| crashed.take_until(until_us));
        assert_eq!(taken, [Some(1), Some(3), None]);
        assert_eq!((crashed.take_of(2), crashed.take_of(1)), (None, Some(0)));
        assert_eq!(crashed, Crashed::default());
    }
}
