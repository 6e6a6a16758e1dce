//! Judges relups where the dependencies leave OTP a choice.
//!
//! Modules that hang together are changed in one group. Who depends on a module stands before it, modules that
//! depend on each other in a circle stand together, and that is all: what else comes first is decided in OTP by how the
//! node has numbered its atoms. So a script is read for the order it has chosen for each group; that order must be a
//! permitted one, and everything in the script must follow it: modules are loaded against it up and with it down,
//! code is read and processes are suspended and converted in it, and resumed against it. Then the members of each group are put in the
//! order of their names, wherever they stand, and what comes out of two scripts must be equal.

use std::collections::BTreeMap;

use pq_term::Term;

use super::comparison;

mod dependencies;
mod judge;

pub use dependencies::Dependencies;
use judge::Judge;

/// One of the two lists of ways in a relup or an appup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// The ways up.
    Up,
    /// The ways down.
    Down,
}

impl Side {
    /// Where the list stands in `{Vsn, Up, Down}`.
    pub fn index(self) -> usize {
        match self {
            Side::Up => 1,
            Side::Down => 2,
        }
    }
}

/// How two answers differ where they may not. The last parameter says what the instructions were that have become
/// this script, to or from a release of this version.
pub fn difference(
    ours: &Term,
    otps: &Term,
    dependencies: &dyn Fn(Side, &str, &[Term]) -> Dependencies,
) -> Option<String> {
    comparison::difference(ours, otps)?;
    let mut settled = Vec::new();
    for (whose, answer) in [("ours", ours), ("OTP's", otps)] {
        match settle(answer, dependencies) {
            Ok(answer) => settled.push(answer),
            Err(fault) => return Some(format!("{whose}: {fault}")),
        }
    }
    match comparison::difference(&settled[0].answer, &settled[1].answer) {
        None if settled[0].circles == settled[1].circles => None,
        None => Some("a circle in another order".to_string()),
        other => other,
    }
}

/// An answer without the choices that were made in it.
struct Settled {
    answer: Term,
    /// The members of each circle in the order in which they stand, by way.
    circles: BTreeMap<(Side, String), Vec<Vec<String>>>,
}

fn settle(
    answer: &Term,
    dependencies: &dyn Fn(Side, &str, &[Term]) -> Dependencies,
) -> Result<Settled, String> {
    let mut settled = Settled {
        answer: answer.clone(),
        circles: BTreeMap::new(),
    };
    let Some([ok, relup, warnings]) = answer.as_tuple() else {
        return Ok(settled);
    };
    let mut parts = relup.as_tuple().unwrap_or_default().to_vec();
    if !ok.is_atom("ok") || parts.len() != 3 {
        return Ok(settled);
    }
    for side in [Side::Up, Side::Down] {
        let mut ways = Vec::new();
        for way in parts[side.index()].as_list().unwrap_or_default() {
            let Some([vsn, description, script]) = way.as_tuple() else {
                return Err(format!("{way} is no way"));
            };
            let base = vsn.as_str().unwrap_or_default();
            let script = script.as_list().unwrap_or_default();
            let judge = Judge::new(side, dependencies(side, base, script));
            let script = judge.settle(script)?;
            settled
                .circles
                .insert((side, base.to_string()), script.circles);
            ways.push(Term::tuple([
                vsn.clone(),
                description.clone(),
                script.steps.into(),
            ]));
        }
        parts[side.index()] = Term::from(ways);
    }
    settled.answer = Term::tuple([ok.clone(), Term::tuple(parts), warnings.clone()]);
    Ok(settled)
}
