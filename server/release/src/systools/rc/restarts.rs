//! The place of the node's restart: with a new runtime before all other instructions, otherwise after them.

use pq_otp::Direction;

use super::Parts;
use crate::instruction::Instruction;

/// Up, `restart_new_emulator` comes first, so that the new runtime carries out the rest. Down, the older runtime comes last.
/// Repeated restarts of one kind become one.
pub(super) fn place(
    direction: Direction,
    mut parts: Parts<Instruction, Instruction>,
) -> Parts<Instruction, Instruction> {
    if take_out(&mut parts.after, &Instruction::RestartNewEmulator) {
        match direction {
            Direction::Up => parts.before.insert(0, Instruction::RestartNewEmulator),
            Direction::Down => parts.after.push(Instruction::RestartEmulator),
        }
    }
    if take_out(&mut parts.after, &Instruction::RestartEmulator) {
        parts.after.push(Instruction::RestartEmulator);
    }
    parts
}

/// Removes all such instructions; true when there were any.
fn take_out(script: &mut Vec<Instruction>, what: &Instruction) -> bool {
    let length = script.len();
    script.retain(|instruction| instruction != what);
    script.len() < length
}
