//! Copies of all subtrees below a supervisor, for a store: a slice of one shard at a time, in the order of its slab.
//!
//! The caller asks each shard for one slice after the other, and so decides about the pace. A slice lasts for one turn.
//! A subtree that has not run since its last copy is only counted: its processes have the mark of the sweep. The
//! times in a copy are as old as the copy.

use pq_term::Pid;

use super::{NotMoved, Subtree};
use crate::process::{Body, Mark};
use crate::shard::{Shard, Walk};

/// A question for the next subtrees of a shard.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sweep {
    /// The local name of the supervisor; the roots are its children.
    pub supervisor: String,
    /// The place of the slab to begin at: 0, or [`Batch::next`] of the slice before.
    pub from: u32,
    /// The number of copies at most.
    pub copies_max: u32,
    /// Whether subtrees are copied that have not run since their last copy.
    pub unchanged_too: bool,
    /// Whether the processes get the mark by which a later sweep knows that they have not run since. Copies that no store gets leave
    /// none: the store would miss what has changed before.
    pub leaves_marks: bool,
}

/// How subtrees are copied: the fields of a [`Sweep`].
#[derive(Clone, Copy)]
struct Copying {
    unchanged_too: bool,
    leaves_marks: bool,
}

impl Copying {
    /// For a store that has all earlier copies.
    const OF_CHANGED: Copying = Copying {
        unchanged_too: false,
        leaves_marks: true,
    };
}

/// A slice of a sweep.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Batch {
    /// The roots and the copies of their subtrees.
    pub copies: Vec<(Pid, Subtree)>,
    /// How many subtrees have not run since their last copy.
    pub unchanged: u32,
    /// The subtrees that could not be copied, and the reasons. They are changed for the next sweep.
    pub failed: Vec<(Pid, NotMoved)>,
    /// The place at which the next slice begins; `None` at the end of the shard.
    pub next: Option<u32>,
}

impl Batch {
    /// How many subtrees the slice has met, whether they were copied or not.
    pub fn met(&self) -> u64 {
        u64::from(self.unchanged) + (self.copies.len() + self.failed.len()) as u64
    }
}

/// The subtrees that are asked for.
pub(crate) enum Which {
    /// The next ones below a supervisor.
    Below(Sweep),
    /// Those with these roots, if they have run since their last copy.
    These(Vec<Pid>),
}

/// A question with the receiver of its answer.
pub(crate) struct SweepOrder {
    pub(crate) which: Which,
    pub(crate) answer: Box<dyn FnOnce(Batch) + Send>,
}

impl Shard {
    /// Answers a question for the next subtrees.
    pub(crate) fn sweep(&mut self, order: SweepOrder) {
        let mut batch = Batch::default();
        match order.which {
            Which::Below(sweep) => self.sweep_below(&sweep, &mut batch),
            Which::These(roots) => {
                for root in roots {
                    self.sweep_root(root, Copying::OF_CHANGED, &mut batch);
                }
            }
        }
        (order.answer)(batch);
    }

    fn sweep_below(&mut self, sweep: &Sweep, batch: &mut Batch) {
        if let Some(supervisor) = self.core.node.whereis(&sweep.supervisor) {
            let walk = Walk::at(sweep.from).go_on(self, sweep.copies_max, |shard, place| {
                shard.sweep_place(place, supervisor, sweep, batch)
            });
            batch.next = (!walk.is_over(self)).then(|| walk.place());
        }
    }

    /// Copies the subtree whose root is at this place. `true` when there was something to copy.
    fn sweep_place(&mut self, place: u32, above: Pid, sweep: &Sweep, batch: &mut Batch) -> bool {
        let root = self
            .slab
            .peek(place)
            .filter(|process| process.parent == above);
        let Some(root) = root.map(|process| process.pid) else {
            return false;
        };
        let copying = Copying {
            unchanged_too: sweep.unchanged_too,
            leaves_marks: sweep.leaves_marks,
        };
        self.sweep_root(root, copying, batch)
    }

    /// Copies the subtree with this root. `true` when there was something to copy.
    fn sweep_root(&mut self, root: Pid, copying: Copying, batch: &mut Batch) -> bool {
        if !copying.unchanged_too && self.is_unchanged(root) {
            batch.unchanged += 1;
            return false;
        }
        match self.copy(root) {
            Ok(subtree) => {
                if copying.leaves_marks {
                    self.mark(&subtree);
                }
                batch.copies.push((root, subtree));
            }
            Err(why) => batch.failed.push((root, why)),
        }
        true
    }

    fn mark(&mut self, subtree: &Subtree) {
        for pid in subtree.pids() {
            if let Some(process) = self.slab.get_mut(pid) {
                process.exported.set(Mark::Save);
            }
        }
    }

    /// Whether no process of the subtree has run since the last copy.
    fn is_unchanged(&self, root: Pid) -> bool {
        let Some(process) = self.slab.get(root).filter(|it| it.exported.has(Mark::Save)) else {
            return false;
        };
        match &process.body {
            Body::Supervisor(body) => body
                .machine
                .pids()
                .into_iter()
                .all(|it| self.is_unchanged(it)),
            _ => self
                .linked_children(process)
                .into_iter()
                .all(|it| self.is_unchanged(it)),
        }
    }
}
