//! Translates instructions about modules, one group at a time, to suspend, load, convert and resume.

use pq_otp::Direction;
use pq_term::{Atom, Term};

use super::dependencies;
use super::{Change, ModuleChange, ModuleOp, Parts, Plain, Problem, Step, Style, name_problem};
use crate::fit::Member;
use crate::instruction::{Instruction, Purge, Suspend, Timeout};

/// Every group is placed at its first member; instructions that are not about modules keep their places.
pub(super) fn translate(
    direction: Direction,
    steps: Vec<Step<Plain>>,
    target: &[Member],
) -> Result<Parts<Step<Instruction>, Instruction>, Problem> {
    let (modules, slots) = taken_apart(steps);
    let groups = dependencies::groups(&modules.iter().collect::<Vec<_>>())?;
    let mut group_at: Vec<Option<Vec<usize>>> = vec![None; modules.len()];
    for group in groups {
        let first = group.iter().copied().min().unwrap_or_default();
        group_at[first] = Some(group);
    }
    let mut parts = Parts {
        before: Vec::new(),
        after: Vec::new(),
    };
    for slot in slots {
        match slot {
            Slot::Low(instruction) => parts.after.push(instruction),
            Slot::Module(at) => {
                let group = group_at[at].take().unwrap_or_default();
                let group: Vec<_> = group.into_iter().map(|at| &modules[at]).collect();
                parts.before.extend(object_code(&group, target)?);
                parts.after.extend(lowered(direction, &group));
            }
        }
    }
    Ok(parts)
}

/// A place in the script: an instruction, or the index of a module step.
enum Slot {
    Low(Instruction),
    Module(usize),
}

fn taken_apart(steps: Vec<Step<Plain>>) -> (Vec<Step<ModuleOp>>, Vec<Slot>) {
    let mut modules = Vec::new();
    let slots = steps.into_iter().map(|Step { what, origin }| match what {
        Plain::Low(instruction) => Slot::Low(instruction),
        Plain::Module(what) => {
            modules.push(Step { what, origin });
            Slot::Module(modules.len() - 1)
        }
    });
    let slots = slots.collect();
    (modules, slots)
}

/// One instruction for each loaded module, in the order of the group, in both directions.
fn object_code(
    group: &[&Step<ModuleOp>],
    target: &[Member],
) -> Result<Vec<Step<Instruction>>, Problem> {
    let loaded = group
        .iter()
        .filter(|step| !matches!(step.what.change, ModuleChange::Delete));
    let read = |step: &&Step<ModuleOp>| {
        let module = step.what.module;
        let owner = target
            .iter()
            .find(|member| member.app.modules.contains(&module));
        let owner = owner.ok_or_else(|| {
            let sentence = format!(
                "no application of the release that is reached has `{module}` among its `modules`"
            );
            name_problem(step.origin.as_ref(), "no_such_module", module, sentence)
        })?;
        let (lib, vsn) = (owner.app.name, owner.app.vsn.clone());
        let what = Instruction::LoadObjectCode {
            lib,
            vsn,
            modules: vec![module],
        };
        Ok(Step {
            what,
            origin: step.origin.clone(),
        })
    };
    loaded.map(read).collect()
}

/// The group's instructions after the point of no return. Up, the new code is loaded before states are converted, and
/// dependencies are loaded first. Down, the newer code converts the states of dynamic modules before the older code is loaded.
fn lowered(direction: Direction, group: &[&Step<ModuleOp>]) -> Vec<Instruction> {
    let suspended: Vec<Suspend> = group
        .iter()
        .filter_map(|step| suspend(&step.what))
        .collect();
    let resumed: Vec<Atom> = suspended
        .iter()
        .rev()
        .map(|suspend| suspend.module)
        .collect();
    let (suspend, resume) = match suspended.is_empty() {
        true => (None, None),
        false => (
            Some(Instruction::Suspend(suspended)),
            Some(Instruction::Resume(resumed)),
        ),
    };
    let loads = group.iter().map(|step| loads(&step.what));
    let is_any = |_: Style| true;
    let mut script: Vec<Instruction> = suspend.into_iter().collect();
    match direction {
        Direction::Up => {
            script.extend(loads.rev().flatten());
            script.extend(code_change(direction, group, is_any));
        }
        Direction::Down => {
            script.extend(code_change(direction, group, |style| {
                style == Style::Dynamic
            }));
            script.extend(loads.flatten());
            script.extend(code_change(direction, group, |style| {
                style == Style::Static
            }));
        }
    }
    script.extend(resume);
    script
}

fn suspend(op: &ModuleOp) -> Option<Suspend> {
    let timeout = match &op.change {
        ModuleChange::Update {
            timeout: Timeout::Default,
            ..
        } => None,
        ModuleChange::Update { timeout, .. } => Some(*timeout),
        _ => return None,
    };
    Some(Suspend {
        module: op.module,
        timeout,
    })
}

fn loads(op: &ModuleOp) -> Vec<Instruction> {
    let module = op.module;
    match op.change {
        ModuleChange::Update { pre, post, .. } | ModuleChange::Load { pre, post } => {
            vec![Instruction::Load {
                module,
                pre_purge: pre,
                post_purge: post,
            }]
        }
        ModuleChange::Delete => {
            let (pre_purge, post_purge) = (Purge::Brutal, Purge::Brutal);
            vec![
                Instruction::Remove {
                    module,
                    pre_purge,
                    post_purge,
                },
                Instruction::Purge(vec![module]),
            ]
        }
    }
}

fn code_change(
    direction: Direction,
    group: &[&Step<ModuleOp>],
    of: impl Fn(Style) -> bool,
) -> Option<Instruction> {
    let change = |step: &&Step<ModuleOp>| match &step.what.change {
        ModuleChange::Update {
            style,
            change: Change::Advanced(extra),
            ..
        } if of(*style) => Some((step.what.module, extra.clone())),
        _ => None,
    };
    let changes: Vec<(Atom, Term)> = group.iter().filter_map(change).collect();
    (!changes.is_empty()).then_some(Instruction::CodeChange {
        direction: Some(direction),
        changes,
    })
}
