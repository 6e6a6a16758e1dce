//! The order of the instructions.
//!
//! A call decides where there is one: what a module newly calls is there before it, what it calls no longer stays
//! until it is exchanged. Up this brings callers last, down it brings them first. For what no call ties down:
//!
//! ```text
//!   up    add_module   load_module   update   supervisors   delete_module
//!   down  add_module   supervisors   update   delete_module   load_module
//! ```
//! Down is up turned round: who calls and who starts others goes back first, and what is new is deleted as soon as
//! nobody is left who calls it. That is the order of the book's appups. Equal ones stand in the order of their
//! names, so that the same two libraries always give the same file.
//!
//! Calls in a circle cannot all be obeyed: there the table decides, and their dependencies make one group of them,
//! exchanged at one moment.

use pq_otp::Direction;

use super::crossing::{Change, What};

/// The changes in the order of their instructions; dependencies stand in the same order.
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
