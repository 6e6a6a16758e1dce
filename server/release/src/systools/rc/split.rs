//! Splits each script at its `point_of_no_return`, and puts all first parts before all second parts.

use pq_term::Term;

use super::{Parts, Problem, Step, problem};
use crate::terms;

/// Both parts of a script, as terms.
type Split = Parts<Step<Term>, Step<Term>>;

/// Splits all scripts. Code is always read before the point, wherever the instruction is.
pub(super) fn split(scripts: Vec<Vec<Step<Term>>>) -> Result<Split, Problem> {
    let mut all = Parts {
        before: Vec::new(),
        after: Vec::new(),
    };
    for script in scripts {
        let Parts { before, after } = at_point(script)?;
        if let Some(step) = before
            .iter()
            .find(|step| !is_tagged(step, "apply") && !reads_code(step))
        {
            return Err(bad_op(step));
        }
        let (reading, after): (Vec<_>, Vec<_>) = after.into_iter().partition(reads_code);
        all.before.extend(before);
        all.before.extend(reading);
        all.after.extend(after);
    }
    Ok(all)
}

/// Without a point, all instructions come after it.
fn at_point(mut script: Vec<Step<Term>>) -> Result<Split, Problem> {
    let mut points = (0..script.len()).filter(|at| is_point(&script[*at]));
    let (first, second) = (points.next(), points.next());
    match (first, second) {
        (None, _) => Ok(Parts {
            before: Vec::new(),
            after: script,
        }),
        (Some(at), None) => {
            let after = script.split_off(at + 1);
            script.pop();
            Ok(Parts {
                before: script,
                after,
            })
        }
        (Some(_), Some(at)) => {
            let sentence =
                "a second `point_of_no_return`; one for each script would be right".to_string();
            Err(problem(
                script[at].origin.as_ref(),
                sentence,
                Term::atom("too_many_point_of_no_return"),
            ))
        }
    }
}

fn is_point(step: &Step<Term>) -> bool {
    step.what.is_atom("point_of_no_return")
}

fn reads_code(step: &Step<Term>) -> bool {
    let is_converters =
        |parts: &[Term]| matches!(parts, [word, _, _] if word.is_atom("load_converters"));
    is_tagged(step, "load_object_code") || step.what.as_tuple().is_some_and(is_converters)
}

/// True for a term `{Tag, _}`.
fn is_tagged(step: &Step<Term>, tag: &str) -> bool {
    matches!(step.what.as_tuple(), Some([word, _]) if word.is_atom(tag))
}

fn bad_op(step: &Step<Term>) -> Problem {
    let sentence = format!(
        "`{}` stands before `point_of_no_return`; only load_object_code and apply may, as they can still fail without harm",
        step.what
    );
    let term = terms::tagged("bad_op_before_point_of_no_return", step.what.clone());
    problem(step.origin.as_ref(), sentence, term)
}
