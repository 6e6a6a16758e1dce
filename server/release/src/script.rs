//! A relup's script in the form that is judged and carried out: the part before the point of no return, and after it exchanges
//! of code with barriers between them.
//!
//! An exchange contains all instructions about code and states up to the next instruction with an external effect; it is
//! carried out at once. OTP carries out each instruction separately, and processes see every step.

use std::collections::{BTreeMap, BTreeSet};

use pq_otp::Direction;
use pq_term::{Atom, Term};

use crate::instruction::{Converters, Instruction, Mfa, Nodes, Purge, Timeout};
use crate::terms::{self, tagged};

/// A script that cannot be carried out. Displays as a fragment that continues "failed to …".
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ScriptError {
    /// An instruction is not permitted before the point of no return.
    #[error("carry out `{0}`: it is not permitted before the point of no return")]
    IllegalBefore(Term),
    /// An instruction is not permitted after the point of no return.
    #[error("carry out `{0}`: it is not permitted after the point of no return")]
    IllegalAfter(Term),
    /// The release needs another version of the node.
    #[error(
        "carry out `restart_new_emulator`: the release needs another pq; stop the node, replace the program, and start it with that release"
    )]
    OtherEmulator,
    /// The change of a single application restarts the node, which then boots the version of its release again.
    #[error(
        "carry out `restart_emulator` for one application: after the restart, the application would have the version of the release again; a release of the new version can restart the node"
    )]
    RestartForOne,
    /// A module is loaded without having been read before.
    #[error("load {0}: no `load_object_code` before the point of no return names it")]
    NoObjectCode(Atom),
    /// The script waits for other nodes, which do not exist.
    #[error("synchronise with {0:?}: this node knows no other nodes")]
    Sync(Vec<Atom>),
}

impl ScriptError {
    /// The error as OTP's term.
    pub fn to_term(&self) -> Term {
        match self {
            ScriptError::IllegalBefore(instruction) => {
                tagged("illegal_instruction", instruction.clone())
            }
            ScriptError::IllegalAfter(instruction) => tagged(
                "illegal_instruction_after_point_of_no_return",
                instruction.clone(),
            ),
            ScriptError::OtherEmulator => Term::atom("restart_new_emulator"),
            ScriptError::RestartForOne => Term::atom("restart_emulator"),
            ScriptError::NoObjectCode(module) => tagged("no_object_code", Term::Atom(*module)),
            ScriptError::Sync(nodes) => {
                tagged("sync_error", tagged("nodedown", terms::atom_list(nodes)))
            }
        }
    }
}

/// The parsed script of a relup.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Script {
    /// The code to read: application, version, modules.
    pub(crate) object_code: Vec<(Atom, String, Vec<Atom>)>,
    /// The versions in between through which states go, in the order of the way.
    pub(crate) converters: Vec<Converters>,
    /// The functions to call before the point of no return.
    pub(crate) checks: Vec<Mfa>,
    pub(crate) steps: Vec<Step>,
    /// Modules that are replaced only when no process runs the version before the current one.
    pub(crate) soft: Vec<Atom>,
    /// True when the node restarts at the end.
    pub(crate) restart: bool,
}

/// A step after the point of no return.
#[derive(Debug, PartialEq)]
pub(crate) enum Step {
    Exchange(Exchange),
    Apply(Mfa),
    Stop(Vec<Atom>),
    Start(Vec<Atom>),
}

/// Changes of code and states that happen at once.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Exchange {
    pub(crate) changes: Vec<CodeChange>,
    /// Modules whose processes convert their states.
    pub(crate) conversions: BTreeMap<Atom, (Direction, Term)>,
    /// The longest time without progress that the script permits.
    pub(crate) suspend_timeout: Option<Timeout>,
    /// Modules whose processes stay suspended after the exchange, because their `resume` comes after a barrier.
    pub(crate) left_suspended: BTreeSet<Atom>,
    /// Modules whose processes an earlier exchange left suspended, and which resume after this one.
    pub(crate) resumed: BTreeSet<Atom>,
}

/// The change of a module's code.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum CodeChange {
    Load(Atom, Purge),
    Remove(Atom, Purge),
    Purge(Atom),
}

impl Script {
    /// Parses the script of these instructions.
    pub(crate) fn read(instructions: &[Instruction]) -> Result<Script, ScriptError> {
        let at = instructions
            .iter()
            .position(|instruction| *instruction == Instruction::PointOfNoReturn);
        let (before, after) = match at {
            Some(at) => (&instructions[..at], &instructions[at + 1..]),
            None => (&[][..], instructions),
        };
        let mut script = Script::default();
        for instruction in before {
            script.prepare(instruction)?;
        }
        let mut reader = Reader::default();
        for instruction in after {
            reader.take(instruction)?;
        }
        (script.steps, script.restart) = reader.end();
        script.soft = after.iter().filter_map(softly).collect();
        script.knows_all_it_loads()?;
        Ok(script)
    }

    /// Parses the script of a change of one application without a new release.
    pub(crate) fn of_one_application(instructions: &[Instruction]) -> Result<Script, ScriptError> {
        let script = Script::read(instructions)?;
        match script.restart {
            true => Err(ScriptError::RestartForOne),
            false => Ok(script),
        }
    }

    fn prepare(&mut self, instruction: &Instruction) -> Result<(), ScriptError> {
        match instruction {
            Instruction::LoadObjectCode { lib, vsn, modules } => {
                self.object_code.push((*lib, vsn.clone(), modules.clone()));
            }
            Instruction::LoadConverters(converters) => self.converters.push(converters.clone()),
            Instruction::Apply(mfa) => self.checks.push(mfa.clone()),
            Instruction::RestartNewEmulator => return Err(ScriptError::OtherEmulator),
            other => return Err(ScriptError::IllegalBefore(other.to_term())),
        }
        Ok(())
    }

    fn knows_all_it_loads(&self) -> Result<(), ScriptError> {
        let known = |module: &Atom| {
            let mut listed = self.object_code.iter();
            listed.any(|(_, _, modules)| modules.contains(module))
        };
        let loads = self.exchanges().flat_map(|exchange| &exchange.changes);
        for change in loads {
            match change {
                CodeChange::Load(module, _) if !known(module) => {
                    return Err(ScriptError::NoObjectCode(*module));
                }
                _ => (),
            }
        }
        Ok(())
    }

    pub(crate) fn exchanges(&self) -> impl Iterator<Item = &Exchange> {
        self.steps.iter().filter_map(|step| match step {
            Step::Exchange(exchange) => Some(exchange),
            _ => None,
        })
    }
}

/// Reads the instructions after the point of no return.
#[derive(Default)]
struct Reader {
    steps: Vec<Step>,
    exchange: Exchange,
    /// The modules that are suspended at this point of the script, since an earlier exchange.
    suspended: BTreeSet<Atom>,
    suspended_before: BTreeSet<Atom>,
    restart: bool,
}

impl Reader {
    fn take(&mut self, instruction: &Instruction) -> Result<(), ScriptError> {
        match instruction {
            Instruction::Load {
                module, post_purge, ..
            } => self.change(CodeChange::Load(*module, *post_purge)),
            Instruction::Remove {
                module, post_purge, ..
            } => self.change(CodeChange::Remove(*module, *post_purge)),
            Instruction::Purge(modules) => modules
                .iter()
                .for_each(|module| self.change(CodeChange::Purge(*module))),
            Instruction::Suspend(modules) => {
                for suspend in modules {
                    self.suspended.insert(suspend.module);
                    self.exchange.suspend_timeout =
                        longer(self.exchange.suspend_timeout, suspend.timeout);
                }
            }
            Instruction::CodeChange { direction, changes } => {
                let way = direction.unwrap_or(Direction::Up);
                let changes = changes.iter();
                self.exchange
                    .conversions
                    .extend(changes.map(|(module, extra)| (*module, (way, extra.clone()))));
            }
            Instruction::Resume(modules) => modules.iter().for_each(|module| self.resume(module)),
            Instruction::Apply(mfa) => self.barrier(Step::Apply(mfa.clone())),
            Instruction::Stop(modules) => self.barrier(Step::Stop(modules.clone())),
            Instruction::Start(modules) => self.barrier(Step::Start(modules.clone())),
            Instruction::SyncNodes { nodes, .. } => self.sync(nodes)?,
            Instruction::RestartEmulator => self.restart = true,
            other => return Err(ScriptError::IllegalAfter(other.to_term())),
        }
        Ok(())
    }

    fn change(&mut self, change: CodeChange) {
        self.exchange.changes.push(change);
    }

    fn resume(&mut self, module: &Atom) {
        self.suspended.remove(module);
        if self.suspended_before.remove(module) {
            self.exchange.resumed.insert(*module);
        }
    }

    /// This node knows no other nodes, so it cannot wait for them.
    fn sync(&self, nodes: &Nodes) -> Result<(), ScriptError> {
        match nodes {
            Nodes::Named(nodes) if nodes.iter().all(|node| node.as_str() == "nonode@nohost") => {
                Ok(())
            }
            Nodes::Named(nodes) => Err(ScriptError::Sync(nodes.clone())),
            Nodes::From(_) => Err(ScriptError::Sync(Vec::new())),
        }
    }

    fn barrier(&mut self, step: Step) {
        self.close();
        self.steps.push(step);
    }

    /// Ends the current exchange, and adds it as a step unless it is empty.
    fn close(&mut self) {
        self.exchange.left_suspended = self.suspended.clone();
        self.suspended_before = self.suspended.clone();
        let exchange = std::mem::take(&mut self.exchange);
        let is_empty = Exchange {
            suspend_timeout: exchange.suspend_timeout,
            ..Exchange::default()
        };
        if exchange != is_empty {
            self.steps.push(Step::Exchange(exchange));
        }
    }

    fn end(mut self) -> (Vec<Step>, bool) {
        self.close();
        (self.steps, self.restart)
    }
}

/// The module that is replaced or removed only when no process runs an older version.
fn softly(instruction: &Instruction) -> Option<Atom> {
    match instruction {
        Instruction::Load {
            module,
            pre_purge: Purge::Soft,
            ..
        }
        | Instruction::Remove {
            module,
            pre_purge: Purge::Soft,
            ..
        } => Some(*module),
        _ => None,
    }
}

/// The longer of two times; `None` stands for the default.
pub(crate) fn longer(one: Option<Timeout>, other: Option<Timeout>) -> Option<Timeout> {
    match (one, other) {
        (Some(Timeout::Infinity), _) | (_, Some(Timeout::Infinity)) => Some(Timeout::Infinity),
        (Some(Timeout::Ms(one)), Some(Timeout::Ms(other))) => Some(Timeout::Ms(one.max(other))),
        (Some(Timeout::Ms(ms)), _) | (_, Some(Timeout::Ms(ms))) => Some(Timeout::Ms(ms)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
