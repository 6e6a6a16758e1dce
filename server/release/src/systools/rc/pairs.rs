//! Checks low-level instructions that need each other: a loaded module is read, a suspended one resumed, a stopped one started,
//! and vice versa.

use pq_term::Atom;

use super::{Op, Parts, Plain, Problem, Step, name_problem, problem, shown};
use crate::appup::Origin;
use crate::instruction::Instruction;
use crate::terms;

/// Modules with the places of the instructions that name them.
type Named<'a> = Vec<(Atom, Option<&'a Origin>)>;

/// FIDELITY: a `code_change` without a `suspend` is accepted, because OTP's check for it never matches.
pub(super) fn check(parts: &Parts<Step<Instruction>, Step<Op>>) -> Result<(), Problem> {
    loads_are_read(parts)?;
    let named = |of: fn(&Instruction) -> Option<Vec<Atom>>| named(&parts.after, of);
    let (suspended, resumed) = (named(suspended), named(resumed));
    all_in(
        &suspended,
        &resumed,
        "suspended_not_resumed",
        "suspended here and resumed nowhere",
    )?;
    all_in(
        &resumed,
        &suspended,
        "resumed_not_suspended",
        "resumed here and suspended nowhere",
    )?;
    let (started, stopped) = (named(started), named(stopped));
    all_in(
        &started,
        &stopped,
        "start_not_stop",
        "started here and stopped nowhere",
    )?;
    all_in(
        &stopped,
        &started,
        "stop_not_start",
        "stopped here and started nowhere",
    )
}

fn loads_are_read(parts: &Parts<Step<Instruction>, Step<Op>>) -> Result<(), Problem> {
    let is_read = |module: Atom| {
        parts.before.iter().any(|step| match &step.what {
            Instruction::LoadObjectCode { modules, .. } => modules.contains(&module),
            _ => false,
        })
    };
    for step in &parts.after {
        if let Op::Plain(Plain::Low(Instruction::Load { module, .. })) = &step.what
            && !is_read(*module)
        {
            let sentence = format!(
                "`{module}` is loaded and its code was not read; `{{load_object_code, {{Application, Vsn, [{module}]}}}}` before it would be right"
            );
            return Err(name_problem(
                step.origin.as_ref(),
                "no_object_code",
                *module,
                sentence,
            ));
        }
    }
    Ok(())
}

fn named(steps: &[Step<Op>], of: fn(&Instruction) -> Option<Vec<Atom>>) -> Named<'_> {
    let of_step = |step: &Step<Op>| match &step.what {
        Op::Plain(Plain::Low(instruction)) => of(instruction),
        _ => None,
    };
    let mut named = Vec::new();
    for step in steps {
        let modules = of_step(step).into_iter().flatten();
        named.extend(modules.map(|module| (module, step.origin.as_ref())));
    }
    named
}

fn suspended(instruction: &Instruction) -> Option<Vec<Atom>> {
    match instruction {
        Instruction::Suspend(modules) => {
            Some(modules.iter().map(|suspend| suspend.module).collect())
        }
        _ => None,
    }
}

fn resumed(instruction: &Instruction) -> Option<Vec<Atom>> {
    match instruction {
        Instruction::Resume(modules) => Some(modules.clone()),
        _ => None,
    }
}

fn started(instruction: &Instruction) -> Option<Vec<Atom>> {
    match instruction {
        Instruction::Start(modules) => Some(modules.clone()),
        _ => None,
    }
}

fn stopped(instruction: &Instruction) -> Option<Vec<Atom>> {
    match instruction {
        Instruction::Stop(modules) => Some(modules.clone()),
        _ => None,
    }
}

fn all_in(
    these: &Named<'_>,
    those: &Named<'_>,
    word: &'static str,
    what: &str,
) -> Result<(), Problem> {
    let is_missing =
        |(module, _): &&(Atom, Option<&Origin>)| those.iter().all(|(other, _)| other != module);
    let missing: Vec<_> = these.iter().filter(is_missing).collect();
    let Some((module, origin)) = missing.first() else {
        return Ok(());
    };
    let also = missing[1..]
        .iter()
        .map(|(module, origin)| format!(", also `{module}` ({})", shown(*origin)));
    let sentence = format!(
        "`{module}` is {what}; both or neither would be right{}",
        also.collect::<String>()
    );
    let modules: Vec<Atom> = missing.iter().map(|(module, _)| *module).collect();
    Err(problem(
        *origin,
        sentence,
        terms::tagged(word, terms::atom_list(&modules)),
    ))
}
