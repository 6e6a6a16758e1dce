//! The order of the instructions.
//!
//! Calls decide first: a module that is called anew is loaded before its caller, and a module that is no longer called stays
//! until its caller is exchanged. So callers come last on the way up and first on the way down. Without calls, this table
//! decides:
//!
//! ```text
//!   up    add_module   load_module   update   supervisors   delete_module
//!   down  add_module   supervisors   update   delete_module   load_module
//! ```
//! The way down is the reverse of the way up: callers and supervisors go back first, and new modules are deleted when no module
//! calls them any more. The appups of the book have the same order. Equal changes are ordered by the names of their modules, so
//! that the same two libraries always give the same file.
//!
//! Modules that call each other in a circle cannot all be ordered by their calls: the table decides, and their dependencies
//! make them one group, which is exchanged at once.

use pq_otp::Direction;

use super::crossing::{Change, What};

/// Sorts the changes, and the dependencies of each, into the order of their instructions.
pub(super) fn ordered(direction: Direction, mut changes: Vec<Change<'_>>) -> Vec<Change<'_>> {
    changes.sort_by_key(|change| (rank(direction, change.what), change.name));
    let mut ordered: Vec<Change> = Vec::with_capacity(changes.len());
    while !changes.is_empty() {
        let free = changes.iter().position(|change| is_free(change, &changes));
        ordered.push(changes.remove(free.unwrap_or(0)));
    }
    let names: Vec<&str> = ordered.iter().map(|change| change.name).collect();
    for change in &mut ordered {
        let place = |name: &&str| names.iter().position(|other| other == name);
        change.deps.sort_by_key(place);
    }
    ordered
}

fn is_free(change: &Change, left: &[Change]) -> bool {
    let goes_before =
        |other: &Change| change.follows.contains(&other.name) || other.leads.contains(&change.name);
    !left.iter().any(goes_before)
}

fn rank(direction: Direction, what: What) -> u8 {
    match (direction, what) {
        (_, What::Add) => 0,
        (Direction::Up, What::Load) | (Direction::Down, What::Supervisor) => 1,
        (Direction::Up | Direction::Down, What::Convert) => 2,
        (Direction::Up, What::Supervisor) | (Direction::Down, What::Delete) => 3,
        (Direction::Up, What::Delete) | (Direction::Down, What::Load) => 4,
    }
}
