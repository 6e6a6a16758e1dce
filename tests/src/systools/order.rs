//! Compares relups in which the dependencies leave OTP a choice.
//!
//! Modules that depend on each other are changed in one group. A module stands before the modules on which it depends,
//! and the modules of a circle stand together. The rest of the order depends in OTP on the numbers that the node has
//! given to its atoms. So the judge reads the order that a script has chosen for each group, checks that it is allowed,
//! and checks that the whole script follows it: modules are loaded in reverse order on the way up and in order on the
//! way down, code is read and processes are suspended and converted in order, and resumed in reverse order. Then the
//! judge sorts the members of each group by name, wherever they stand, and the results for two scripts must be equal.

use std::collections::BTreeMap;

use pq_term::Term;

use super::comparison;

mod dependencies;
mod judge;

pub use dependencies::Dependencies;
use judge::Judge;

/// One of the two lists of versions in a relup or an appup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// The upgrades, which come second in the tuple.
    Up,
    /// The downgrades, which come third in the tuple.
    Down,
}

impl Side {
    /// The index of the list in `{Vsn, Up, Down}`.
    pub fn index(self) -> usize {
        match self {
            Side::Up => 1,
            Side::Down => 2,
        }
    }
}

/// Describes a difference that is not allowed. The last parameter returns the dependencies in the instructions from
/// which this script was made, for the upgrade or downgrade of this version.
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

/// An answer with its free choices normalized.
struct Settled {
    answer: Term,
    /// The members of each circle in their order, by side and version.
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
                return Err(format!("{way} is not an upgrade or downgrade"));
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
