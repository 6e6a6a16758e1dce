//! Parses terms as instructions in full form. The first faulty term is the error.

use pq_term::{Atom, Term};

use super::{
    ApplicationOp, ModuleChange, ModuleOp, Op, Parts, Plain, Problem, Step, Style, problem,
    syntax_problem,
};
use crate::instruction::{self, Instruction, Purge, SyntaxError, Timeout};
use crate::rel::RelStart;
use crate::terms;

type Checked<T> = Result<T, SyntaxError>;

/// Parses both parts; `split` has permitted only low-level instructions in the first part.
pub(super) fn check(
    parts: Parts<Step<Term>, Step<Term>>,
) -> Result<Parts<Step<Instruction>, Step<Op>>, Problem> {
    Ok(Parts {
        before: each(parts.before, Instruction::read)?,
        after: each(parts.after, op)?,
    })
}

fn each<T>(steps: Vec<Step<Term>>, read: fn(&Term) -> Checked<T>) -> Result<Vec<Step<T>>, Problem> {
    let one = |Step { what, origin }: Step<Term>| {
        if what.is_atom("mnesia_backup") {
            let term = terms::tagged("not_yet_implemented", what);
            let sentence =
                "`mnesia_backup` is planned since OTP began and exists nowhere; leave it out"
                    .to_string();
            return Err(problem(origin.as_ref(), sentence, term));
        }
        match read(&what) {
            Ok(what) => Ok(Step { what, origin }),
            Err(error) => Err(syntax_problem(origin.as_ref(), &error)),
        }
    };
    steps.into_iter().map(one).collect()
}

pub(super) fn op(term: &Term) -> Checked<Op> {
    let parts = term.as_tuple().unwrap_or_default();
    let Some((Term::Atom(tag), rest)) = parts.split_first() else {
        return low(term);
    };
    match (tag.as_str(), rest) {
        ("update", _) => update(rest, term),
        ("load_module", [module, pre, post, deps]) => load(module, pre, post, deps),
        ("add_module", [module]) => load_brutally(module, &Term::list([])),
        ("add_module", [module, deps]) => load_brutally(module, deps),
        ("delete_module", [module]) => delete(module, &Term::list([])),
        ("delete_module", [module, deps]) => delete(module, deps),
        ("add_application", [name, start]) => {
            let name = application(name)?;
            application_op(ApplicationOp::Add(name, start_type(start)?))
        }
        ("remove_application", [name]) => application_op(ApplicationOp::Remove(application(name)?)),
        ("restart_application", [name]) => {
            application_op(ApplicationOp::Restart(application(name)?))
        }
        _ => low(term),
    }
}

fn low(term: &Term) -> Checked<Op> {
    Ok(Op::Plain(Plain::Low(Instruction::read(term)?)))
}

fn application_op(op: ApplicationOp) -> Checked<Op> {
    Ok(Op::Application(op))
}

fn module_op(module: Atom, change: ModuleChange, deps: Vec<Atom>) -> Checked<Op> {
    Ok(Op::Plain(Plain::Module(ModuleOp {
        module,
        change,
        deps,
    })))
}

/// The three full forms of `update`; their parts are checked in order.
fn update(rest: &[Term], term: &Term) -> Checked<Op> {
    let (module, style, timeout, others) = match rest {
        [module, others @ ..] if others.len() == 4 => (module, None, None, others),
        [module, timeout, others @ ..] if others.len() == 4 => {
            (module, None, Some(timeout), others)
        }
        [module, style, timeout, others @ ..] if others.len() == 4 => {
            (module, Some(style), Some(timeout), others)
        }
        _ => return Err(SyntaxError::bad_instruction(term)),
    };
    let [change, pre, post, deps] = others else {
        return Err(SyntaxError::bad_instruction(term));
    };
    let module = instruction::module(module)?;
    let style = style.map_or(Ok(Style::Dynamic), style_of)?;
    let timeout = timeout.map_or(Ok(Timeout::Default), instruction::timeout)?;
    let change = instruction::change(change)?;
    let (pre, post) = (instruction::purge(pre)?, instruction::purge(post)?);
    module_op(
        module,
        ModuleChange::Update {
            style,
            timeout,
            change,
            pre,
            post,
        },
        instruction::modules(deps)?,
    )
}

fn load(module: &Term, pre: &Term, post: &Term, deps: &Term) -> Checked<Op> {
    let module = instruction::module(module)?;
    let change = ModuleChange::Load {
        pre: instruction::purge(pre)?,
        post: instruction::purge(post)?,
    };
    module_op(module, change, instruction::modules(deps)?)
}

/// A new module has no old code, so its purge does not matter.
fn load_brutally(module: &Term, deps: &Term) -> Checked<Op> {
    let change = ModuleChange::Load {
        pre: Purge::Brutal,
        post: Purge::Brutal,
    };
    module_op(
        instruction::module(module)?,
        change,
        instruction::modules(deps)?,
    )
}

fn delete(module: &Term, deps: &Term) -> Checked<Op> {
    module_op(
        instruction::module(module)?,
        ModuleChange::Delete,
        instruction::modules(deps)?,
    )
}

fn style_of(term: &Term) -> Checked<Style> {
    match term.as_atom().map(Atom::as_str) {
        Some("static") => Ok(Style::Static),
        Some("dynamic") => Ok(Style::Dynamic),
        _ => Err(bad("bad_mod_type", term, "static or dynamic")),
    }
}

fn application(term: &Term) -> Checked<Atom> {
    instruction::atom("bad_application", term)
}

fn start_type(term: &Term) -> Checked<RelStart> {
    RelStart::of(term).ok_or_else(|| {
        bad(
            "bad_start_type",
            term,
            "permanent, transient, temporary, load or none",
        )
    })
}

fn bad(word: &'static str, found: &Term, right: &'static str) -> SyntaxError {
    SyntaxError {
        word,
        found: found.clone(),
        right,
    }
}
