//! The list of children in the order of their start. Each child has its spec as bytes, decoded when needed, and
//! 16 bytes of state.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use pq_abi::spec::{self, ChildSpec, ChildType, ChildView, Restart, Start};
use pq_term::{Pid, Term};
use smallvec::SmallVec;

/// INVARIANT: the specs lie in `specs` in the order of `slots`, without gaps
/// (`a_child_taken_out_leaves_the_others_as_they_were`).
#[derive(Default)]
pub(super) struct Children {
    specs: Vec<u8>,
    /// An avatar's two children fit in place.
    slots: SmallVec<[Slot; 2]>,
}

struct Slot {
    /// Valid only while the child runs.
    pid: Pid,
    /// The offset of the child's spec.
    at: u32,
    /// Part of the hash of the child's id, so that a search decodes few specs.
    tag: u16,
    standing: Standing,
}

/// Each avatar has two slots.
const _: () = assert!(size_of::<Slot>() == 16);

/// The parts of a spec that a start needs.
#[derive(PartialEq, Debug)]
pub(super) struct ChildStart {
    pub(super) id: Term,
    pub(super) start: Start,
    pub(super) restart: Restart,
    pub(super) kind: ChildType,
}

impl From<ChildView<'_>> for ChildStart {
    fn from(child: ChildView<'_>) -> ChildStart {
        ChildStart {
            start: child.start(),
            id: child.id,
            restart: child.restart,
            kind: child.kind,
        }
    }
}

/// The state of a child.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Standing {
    /// The child has no process, and needs none.
    Down,
    /// The child has no process, and waits for a restart.
    Restarting,
    /// The child has a process.
    Running,
}

impl Children {
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Decodes the spec of a child.
    pub(super) fn spec(&self, index: usize) -> ChildSpec {
        self.view(index).spec()
    }

    /// Decodes the parts of a spec that a start needs.
    pub(super) fn child_start(&self, index: usize) -> ChildStart {
        ChildStart::from(self.view(index))
    }

    fn view(&self, index: usize) -> ChildView<'_> {
        ChildView::new(self.spec_bytes(index))
            .expect("kept specs were decoded once, or encoded here")
    }

    /// The process of a child; `None` while the child does not run.
    pub(super) fn pid(&self, index: usize) -> Option<Pid> {
        let slot = &self.slots[index];
        (slot.standing == Standing::Running).then_some(slot.pid)
    }

    pub(super) fn standing(&self, index: usize) -> Standing {
        self.slots[index].standing
    }

    /// Records that the child runs as this process.
    pub(super) fn run(&mut self, index: usize, pid: Pid) {
        self.slots[index].pid = pid;
        self.slots[index].standing = Standing::Running;
    }

    /// Records that the child has no process and needs none.
    pub(super) fn rest(&mut self, index: usize) {
        self.slots[index].standing = Standing::Down;
    }

    /// Records that the child has no process and waits for a restart.
    pub(super) fn await_restart(&mut self, index: usize) {
        self.slots[index].standing = Standing::Restarting;
    }

    /// The index of the child with this id.
    pub(super) fn position(&self, id: &Term) -> Option<usize> {
        self.find(tag(id), id)
    }

    fn find(&self, tag: u16, id: &Term) -> Option<usize> {
        (0..self.len()).find(|index| self.slots[*index].tag == tag && self.view(*index).id == *id)
    }

    /// The index of the child with this process.
    pub(super) fn position_of_pid(&self, pid: Pid) -> Option<usize> {
        self.slots
            .iter()
            .position(|slot| slot.pid == pid && slot.standing == Standing::Running)
    }

    /// Adds a child at the end, which does not run yet. Returns `false`, without a change, when the id exists already.
    pub(super) fn push(&mut self, spec: &ChildSpec) -> bool {
        self.push_encoded(&spec.id, &spec::encode(spec))
    }

    /// Like `push`, for a spec that is encoded already.
    pub(super) fn push_encoded(&mut self, id: &Term, bytes: &[u8]) -> bool {
        let tag = tag(id);
        if self.find(tag, id).is_some() {
            return false;
        }
        let at = u32::try_from(self.specs.len())
            .expect("callers keep the specs within `SPEC_BYTES_MAX`");
        self.specs.extend_from_slice(bytes);
        self.slots.push(Slot {
            pid: Pid::from_raw(0),
            at,
            tag,
            standing: Standing::Down,
        });
        true
    }

    /// An empty list with capacity for this many children and bytes of specs.
    pub(super) fn with_room(children: usize, bytes: usize) -> Children {
        Children {
            specs: Vec::with_capacity(bytes),
            slots: SmallVec::with_capacity(children),
        }
    }

    /// Frees the capacity that no child uses.
    pub(super) fn shrink(&mut self) {
        self.specs.shrink_to_fit();
        self.slots.shrink_to_fit();
    }

    /// Removes a child from the list.
    pub(super) fn remove(&mut self, index: usize) {
        let (start, end) = self.range(index);
        self.specs.drain(start..end);
        self.slots.remove(index);
        for slot in &mut self.slots[index..] {
            slot.at -= (end - start) as u32;
        }
    }

    /// Gives the child at `index` the state and the process of a child in `other`.
    pub(super) fn inherit(&mut self, index: usize, other: &Children, from: usize) {
        self.slots[index].pid = other.slots[from].pid;
        self.slots[index].standing = other.slots[from].standing;
    }

    /// The number of bytes of all specs.
    pub(super) fn spec_bytes_len(&self) -> usize {
        self.specs.len()
    }

    /// The bytes of a spec.
    pub(super) fn spec_bytes(&self, index: usize) -> &[u8] {
        let (start, end) = self.range(index);
        &self.specs[start..end]
    }

    fn range(&self, index: usize) -> (usize, usize) {
        let end = self
            .slots
            .get(index + 1)
            .map_or(self.specs.len(), |next| next.at as usize);
        (self.slots[index].at as usize, end)
    }
}

fn tag(id: &Term) -> u16 {
    FixedState::default().hash_one(id) as u16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supervisor::harness::worker;
    use pq_abi::spec::Shutdown;

    fn of(names: &[&'static str]) -> Children {
        let mut children = Children::default();
        for name in names {
            children.push(&worker(name));
        }
        children
    }

    fn names(children: &Children) -> Vec<String> {
        (0..children.len())
            .map(|index| children.spec(index).id.to_string())
            .collect()
    }

    #[test]
    fn a_child_taken_out_leaves_the_others_as_they_were() {
        for gone in 0..4 {
            let all = ["a", "quite_long", "c", "dd"];
            let mut children = of(&all);
            (0..4).for_each(|index| children.run(index, Pid::new(0, index as u32, 1)));
            children.remove(gone);
            let left: Vec<&str> = all.into_iter().filter(|name| *name != all[gone]).collect();
            assert_eq!(names(&children), left);
            let pids: Vec<u32> = (0..3)
                .map(|index| children.pid(index).unwrap().index())
                .collect();
            assert_eq!(
                pids,
                (0..4)
                    .filter(|index| *index != gone as u32)
                    .collect::<Vec<_>>()
            );
        }
    }

    #[test]
    fn two_children_need_no_memory_but_the_bytes_of_their_specs() {
        let specs = [worker("a"), worker("b")];
        let bytes = specs.each_ref().map(spec::encode);
        let length = bytes.iter().map(Vec::len).sum();
        let mut children = Children::with_room(2, length);
        for (spec, bytes) in specs.iter().zip(&bytes) {
            assert!(children.push_encoded(&spec.id, bytes));
        }
        assert!(!children.slots.spilled());
        assert_eq!(children.specs.capacity(), length);
    }

    #[test]
    fn a_child_is_found_by_its_id_and_while_it_runs_by_its_pid() {
        let mut children = of(&["a", "b"]);
        let pid = Pid::new(0, 5, 5);
        assert_eq!(children.position(&Term::atom("b")), Some(1));
        assert_eq!(children.position(&Term::from("b")), None);
        assert_eq!(children.position_of_pid(Pid::from_raw(0)), None);
        children.run(1, pid);
        assert_eq!(children.position_of_pid(pid), Some(1));
        children.rest(1);
        assert_eq!(children.position_of_pid(pid), None);
        assert_eq!(children.pid(1), None);
    }

    #[test]
    fn an_id_is_taken_once() {
        let mut children = of(&["a", "b"]);
        let again = ChildSpec {
            shutdown: Shutdown::BrutalKill,
            ..worker("b")
        };
        assert!(!children.push(&again));
        assert_eq!((children.len(), children.spec(1)), (2, worker("b")));
    }

    #[test]
    fn ids_whose_tags_collide_stay_apart() {
        // Among 2 000 ids, several share their 16 bits.
        let mut children = Children::default();
        let id = |number: i64| Term::tuple([Term::atom("events"), Term::from(number)]);
        for number in 0..2_000 {
            children.push(&ChildSpec {
                id: id(number),
                ..worker("x")
            });
        }
        let mut tags: Vec<u16> = children.slots.iter().map(|slot| slot.tag).collect();
        tags.sort_unstable();
        tags.dedup();
        assert!(tags.len() < 2_000, "no tag is shared: take more ids");
        for number in 0..2_000 {
            assert_eq!(children.position(&id(number)), Some(number as usize));
        }
    }
}
