//! Finds faults that OTP accepts and that would break a node.

use std::fmt;

use pq_otp::Direction;
use pq_term::Atom;

use crate::instruction::Instruction;
use crate::relup::{Relup, Way};

/// A way loads a module and later removes it: the module moved from one application to another, and the removal of the older
/// application also removes the module of the newer one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadedThenRemoved {
    /// The direction of the way: up or down.
    pub direction: Direction,
    /// The version of the release at the other end of the way.
    pub vsn: String,
    /// The module that is loaded and removed.
    pub module: Atom,
}

impl fmt::Display for LoadedThenRemoved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LoadedThenRemoved {
            direction,
            vsn,
            module,
        } = self;
        let way = match direction {
            Direction::Up => "up from",
            Direction::Down => "down to",
        };
        write!(
            f,
            "the way {way} {vsn} loads `{module}` and later removes it; the release would run without it"
        )
    }
}

/// Finds the modules that a way of a relup loads and later removes.
pub fn loaded_then_removed(relup: &Relup) -> Vec<LoadedThenRemoved> {
    let found = |(direction, way): (Direction, &Way)| {
        let vsn = way.vsn.clone();
        in_script(&way.script)
            .into_iter()
            .map(move |module| LoadedThenRemoved {
                direction,
                vsn: vsn.clone(),
                module,
            })
    };
    let up = relup.up.iter().map(|way| (Direction::Up, way));
    let down = relup.down.iter().map(|way| (Direction::Down, way));
    up.chain(down).flat_map(found).collect()
}

fn in_script(script: &[Instruction]) -> Vec<Atom> {
    let mut loaded = Vec::new();
    let mut removed = Vec::new();
    for instruction in script {
        match instruction {
            Instruction::Load { module, .. } => {
                removed.retain(|other| other != module);
                loaded.push(*module);
            }
            Instruction::Remove { module, .. } if loaded.contains(module) => removed.push(*module),
            _ => {}
        }
    }
    removed
}
