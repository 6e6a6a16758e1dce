//! Merges the `load_object_code` instructions of each library; calls come after all of them.

use pq_term::{Atom, Term};

use super::{Problem, Step, problem};
use crate::appup::Origin;
use crate::instruction::Instruction;

/// The code to read from one library.
struct Read {
    lib: Atom,
    vsn: String,
    modules: Vec<Atom>,
    origin: Option<Origin>,
}

pub(super) fn merge(before: Vec<Step<Instruction>>) -> Result<Vec<Instruction>, Problem> {
    let mut reads: Vec<Read> = Vec::new();
    let mut calls = Vec::new();
    for Step { what, origin } in before {
        match what {
            Instruction::LoadObjectCode { lib, vsn, modules } => {
                reads.push(Read {
                    lib,
                    vsn,
                    modules,
                    origin,
                });
            }
            other => calls.push(other),
        }
    }
    let mut merged = Vec::new();
    while let Some(first) = reads.first() {
        let lib = first.lib;
        let (same, others) = reads.into_iter().partition(|read| read.lib == lib);
        merged.push(one(lib, same)?);
        reads = others;
    }
    merged.extend(calls);
    Ok(merged)
}

/// A module that is named more than once keeps its last place.
fn one(lib: Atom, same: Vec<Read>) -> Result<Instruction, Problem> {
    let vsn = same[0].vsn.clone();
    if let Some(other) = same.iter().rev().find(|read| read.vsn != vsn) {
        return Err(conflicting(lib, &vsn, other));
    }
    let named: Vec<Atom> = same.into_iter().flat_map(|read| read.modules).collect();
    let is_last = |at: &usize| !named[at + 1..].contains(&named[*at]);
    let modules = (0..named.len())
        .filter(is_last)
        .map(|at| named[at])
        .collect();
    Ok(Instruction::LoadObjectCode { lib, vsn, modules })
}

fn conflicting(lib: Atom, vsn: &str, other: &Read) -> Problem {
    let sentence = format!(
        "code of `{lib}` is read in version {} here and in version {vsn} before; one version would be right",
        other.vsn
    );
    let term = Term::tuple([
        Term::atom("conflicting_versions"),
        Term::Atom(lib),
        Term::string(vsn),
        Term::string(other.vsn.as_str()),
    ]);
    problem(other.origin.as_ref(), sentence, term)
}
