//! One direction between two versions: the change of each module, and its dependencies on other modules.

use std::collections::BTreeSet;

use pq_code::{Callee, Manifest, ModuleEntry};
use pq_otp::{Direction, Kind};
use pq_term::{Atom, Term};

use super::{has_state, module};
use crate::terms;

/// The modules of two versions, and the direction of the upgrade.
pub(super) struct Crossing<'a> {
    direction: Direction,
    from: &'a Manifest,
    to: &'a Manifest,
}

/// How a module changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// The module exists only in the version that is reached.
    Add,
    /// Only the code is exchanged.
    Load,
    /// The code is exchanged, and the states of its processes are converted.
    Convert,
    /// The code is exchanged, and the runtime asks the supervisor for its children again.
    Supervisor,
    /// The module exists only in the version that is left.
    Delete,
}

/// A module that differs between the two versions.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Change<'a> {
    pub(super) name: &'a str,
    pub(super) what: What,
    /// The dependencies of the module's instruction.
    pub(super) deps: Vec<&'a str>,
    /// Modules that have to come before this module because its next version calls functions of theirs that the version
    /// before did not call. They include `deps`.
    pub(super) follows: Vec<&'a str>,
    /// Modules that have to come after this module because its next version no longer calls their functions.
    pub(super) leads: Vec<&'a str>,
}

impl<'a> Crossing<'a> {
    /// The direction up from the older library or down from the newer one.
    pub(super) fn new(
        direction: Direction,
        older: &'a Manifest,
        newer: &'a Manifest,
    ) -> Crossing<'a> {
        let (from, to) = match direction {
            Direction::Up => (older, newer),
            Direction::Down => (newer, older),
        };
        Crossing {
            direction,
            from,
            to,
        }
    }

    /// All changes, in no particular order.
    pub(super) fn changes(&self) -> Vec<Change<'a>> {
        let gone = |one: &&ModuleEntry| module(self.to, &one.name).is_none();
        let gone = self.from.modules.iter().filter(gone);
        let all = self.to.modules.iter().chain(gone);
        let found = all.filter_map(|one| Some((one.name.as_str(), self.what(&one.name)?)));
        let found: Vec<(&str, What)> = found.collect();
        found
            .iter()
            .map(|(name, what)| self.change(name, *what, &found))
            .collect()
    }

    /// The change of a module; `None` for an unchanged module.
    pub(super) fn what(&self, name: &str) -> Option<What> {
        match (module(self.from, name), module(self.to, name)) {
            (None, Some(_)) => Some(What::Add),
            (Some(_), None) => Some(What::Delete),
            (Some(from), Some(to)) if from.vsn != to.vsn => Some(self.exchange(from, to)),
            _ => None,
        }
    }

    fn exchange(&self, from: &ModuleEntry, to: &ModuleEntry) -> What {
        let (older, newer) = match self.direction {
            Direction::Up => (from, to),
            Direction::Down => (to, from),
        };
        match to.kind {
            Kind::Supervisor => What::Supervisor,
            kind if has_state(kind) && past(older, newer) == Past::Converted => What::Convert,
            _ => What::Load,
        }
    }

    fn change(&self, name: &'a str, what: What, all: &[(&'a str, What)]) -> Change<'a> {
        let (now, next) = (calls(self.from, name), calls(self.to, name));
        let others = |called: &[&Callee]| -> Vec<&'a str> {
            let others = all.iter().map(|(other, _)| *other);
            let is_called = |other: &&str| called.iter().any(|callee| callee.module == *other);
            others
                .filter(|other| *other != name && is_called(other))
                .collect()
        };
        // Functions that both versions call already exist: otherwise the running version would fail.
        let mut follows = others(&next.difference(&now).copied().collect::<Vec<_>>());
        follows.retain(|other| module(self.to, other).is_some());
        let mut leads = others(&now.difference(&next).copied().collect::<Vec<_>>());
        leads.retain(|other| module(self.from, other).is_some());
        let (circle, leads): (Vec<_>, Vec<_>) =
            leads.into_iter().partition(|other| follows.contains(other));
        Change {
            name,
            what,
            deps: match self.direction {
                Direction::Up => follows.clone(),
                // On the way down systools loads a dependent module before its dependencies, so only the position of the
                // instructions decides the order. Modules that call each other have no order; as one group they become one
                // step.
                Direction::Down => circle,
            },
            follows,
            leads,
        }
    }
}

/// The relation of a newer version of a module to the state of an older version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Past {
    /// The newer version converts the older state.
    Converted,
    /// The newer version keeps the state unchanged.
    Kept,
    /// The newer version does not declare the older state.
    Unsaid,
}

pub(super) fn past(older: &ModuleEntry, newer: &ModuleEntry) -> Past {
    let Some(declared) = &newer.declared else {
        return Past::Unsaid;
    };
    match &older.vsn {
        vsn if declared.converts.contains(vsn) => Past::Converted,
        vsn if declared.keeps.contains(vsn) => Past::Kept,
        _ => Past::Unsaid,
    }
}

/// The functions that a module calls in a version; empty when the module does not exist or declares no calls.
pub(super) fn calls<'a>(manifest: &'a Manifest, name: &str) -> BTreeSet<&'a Callee> {
    let declared = module(manifest, name).and_then(|module| module.declared.as_ref());
    declared
        .into_iter()
        .flat_map(|declared| &declared.calls)
        .collect()
}

impl Change<'_> {
    /// The instruction in the shortest form that `appup(4)` allows.
    pub(super) fn to_term(&self) -> Term {
        let brutal = || Term::atom("brutal_purge");
        let advanced = || terms::tagged("advanced", Term::list([]));
        let (tag, mut rest) = match self.what {
            What::Add => ("add_module", vec![]),
            What::Load => ("load_module", vec![]),
            What::Delete => ("delete_module", vec![]),
            What::Convert => ("update", vec![advanced()]),
            What::Supervisor if self.deps.is_empty() => ("update", vec![Term::atom("supervisor")]),
            // The full form of `supervisor`: the short form has no dependencies.
            What::Supervisor => {
                let style = ["static", "default"].map(Term::atom);
                let style = style.into_iter().chain([advanced(), brutal(), brutal()]);
                ("update", style.collect())
            }
        };
        if !self.deps.is_empty() {
            rest.push(self.deps.iter().copied().map(atom).collect());
        }
        let mut parts = vec![Term::atom(tag), atom(self.name)];
        parts.append(&mut rest);
        Term::tuple(parts)
    }
}

fn atom(name: &str) -> Term {
    Term::Atom(Atom::new(name).expect("`comparable` has made an atom of every name"))
}
