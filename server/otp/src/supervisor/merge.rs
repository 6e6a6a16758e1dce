//! A live update of the specs, as `supervisor:code_change/3` does it with the new result of `init`.

use pq_abi::Reason;
use pq_term::Term;

use super::children::Children;
use super::machine::Ordered;
use super::reading::{OrderedSpec, SPEC_BYTES_MAX};

impl Ordered {
    /// Whether both lists fit together, in the worst case that no id is in both.
    pub(super) fn check_room(&self, new: &OrderedSpec) -> Result<(), Reason> {
        match self.children.spec_bytes_len() + new.children.spec_bytes_len() <= SPEC_BYTES_MAX {
            true => Ok(()),
            false => Err(Reason::Other(Term::atom("system_limit"))),
        }
    }

    /// Takes the new flags and the new list, and keeps the children that are only in the old list. No child starts or
    /// ends.
    pub(super) fn replace(&mut self, new: OrderedSpec) {
        let mut merged = new.children;
        let known: Vec<Option<usize>> = (0..self.children.len())
            .map(|old| merged.position(&self.children.spec(old).id))
            .collect();
        for (old, known) in known.into_iter().enumerate() {
            let index = known.unwrap_or_else(|| keep(&mut merged, &self.children, old));
            merged.inherit(index, &self.children, old);
        }
        merged.shrink();
        self.children = merged;
        self.flags = new.flags;
    }
}

/// Adds a child of the old list at the end of the new one.
fn keep(merged: &mut Children, old: &Children, index: usize) -> usize {
    merged.push_encoded(&old.spec(index).id, old.spec_bytes(index));
    merged.len() - 1
}
