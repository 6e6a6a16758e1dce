//! When the node starts again: with a new runtime before everything else, or after everything else.

use pq_otp::Direction;

use super::Parts;
use crate::instruction::Instruction;

/// Up, `restart_new_emulator` comes first, so that the new runtime carries out the rest. Down, the old runtime comes
/// last. However often a restart is asked for, there is one of a kind.
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

/// Takes all of them out, and says whether there were any.
fn take_out(script: &mut Vec<Instruction>, what: &Instruction) -> bool {
    let length = script.len();
    script.retain(|instruction| instruction != what);
    script.len() < length
}
