//! Expands short forms to full ones. The order of elements stays; faulty elements stay, too, and `syntax` finds them.

use pq_term::Term;

use super::{Problem, Script, Step, problem};
use crate::terms;

/// The instructions of a script, one by one. FIDELITY: the elements of a list within the list are not expanded, so that their
/// short forms are refused later.
pub(super) fn expand(script: Script) -> Result<Vec<Step<Term>>, Problem> {
    let Script {
        instructions,
        origin,
    } = script;
    let Some(items) = terms::elements(&instructions) else {
        let sentence = format!("`{instructions}`; a list of instructions would be right");
        return Err(problem(
            origin.as_ref(),
            sentence,
            terms::tagged("bad_script", instructions),
        ));
    };
    let mut steps = Vec::new();
    for (at, item) in items.iter().enumerate() {
        let origin = origin.as_ref().map(|origin| origin.part(at));
        match terms::elements(item) {
            None => steps.push(Step {
                what: full(item),
                origin,
            }),
            Some(inner) => steps.extend(inner.into_iter().enumerate().map(|(at, what)| {
                let origin = origin.as_ref().map(|origin| origin.part(at));
                Step { what, origin }
            })),
        }
    }
    Ok(steps)
}

fn full(item: &Term) -> Term {
    let parts = item.as_tuple().unwrap_or_default();
    let Some((Term::Atom(tag), rest)) = parts.split_first() else {
        return item.clone();
    };
    let full = match tag.as_str() {
        "load_module" => load_module(rest),
        "update" => update(rest),
        "add_application" => add_application(rest),
        _ => None,
    };
    match full {
        Some(rest) => Term::tuple([&[Term::Atom(*tag)], &rest[..]].concat()),
        None => item.clone(),
    }
}

fn load_module(rest: &[Term]) -> Option<Vec<Term>> {
    match rest {
        [module] => Some(vec![module.clone(), brutal(), brutal(), Term::list([])]),
        [module, deps] if terms::is_list(deps) => {
            Some(vec![module.clone(), brutal(), brutal(), deps.clone()])
        }
        _ => None,
    }
}

fn update(rest: &[Term]) -> Option<Vec<Term>> {
    let none = Term::list([]);
    match rest {
        [module] => Some(changed(module, Term::atom("soft"), none)),
        [module, supervisor] if supervisor.is_atom("supervisor") => Some(supervised(module)),
        [module, change] if is_change(change) => Some(changed(module, change.clone(), none)),
        [module, deps] if terms::is_list(deps) => {
            Some(changed(module, Term::atom("soft"), deps.clone()))
        }
        [module, change, deps] if is_change(change) && terms::is_list(deps) => {
            Some(changed(module, change.clone(), deps.clone()))
        }
        _ => None,
    }
}

fn changed(module: &Term, change: Term, deps: Term) -> Vec<Term> {
    vec![module.clone(), change, brutal(), brutal(), deps]
}

/// A supervisor's module has no state: after loading, the supervisor is asked for its children again, also on the way down.
fn supervised(module: &Term) -> Vec<Term> {
    vec![
        module.clone(),
        Term::atom("static"),
        Term::atom("default"),
        terms::tagged("advanced", Term::list([])),
        brutal(),
        brutal(),
        Term::list([]),
    ]
}

fn add_application(rest: &[Term]) -> Option<Vec<Term>> {
    match rest {
        [name] => Some(vec![name.clone(), Term::atom("permanent")]),
        _ => None,
    }
}

fn is_change(term: &Term) -> bool {
    term.as_tuple().is_some() || term.is_atom("soft")
}

fn brutal() -> Term {
    Term::atom("brutal_purge")
}
