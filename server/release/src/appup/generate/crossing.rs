//! One direction between two versions: what becomes of each module, and on which others it depends.

use std::collections::BTreeSet;

use pq_code::{Callee, Manifest, ModuleEntry};
use pq_otp::{Direction, Kind};
use pq_term::{Atom, Term};

use super::{has_state, module};
use crate::terms;

/// The way from one version to another.
pub(super) struct Crossing<'a> {
    direction: Direction,
    /// What is left.
    from: &'a Manifest,
    /// What is reached.
    to: &'a Manifest,
}

/// What becomes of a module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// It comes.
    Add,
    /// Its code is exchanged, and nothing else.
    Load,
    /// Its code is exchanged, and the states of its processes are converted.
    Convert,
    /// Its code is exchanged, and it is asked for its children anew.
    Supervisor,
    /// It goes.
    Delete,
}

/// A module that is not in both versions the same.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Change<'a> {
    pub(super) name: &'a str,
    pub(super) what: What,
    /// The modules that its instruction depends on.
    pub(super) deps: Vec<&'a str>,
    /// Modules that come before it, those it depends on among them: it calls functions of theirs that it did not
    /// call before.
    pub(super) follows: Vec<&'a str>,
    /// Modules that come after it: it calls functions of theirs that it does not call any more.
    pub(super) leads: Vec<&'a str>,
}

impl<'a> Crossing<'a> {
    /// The way up from the older or down from the newer.
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

    /// All changes, in no order that means anything.
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

    /// What becomes of a module; `None` for one that stays as it is.
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
        // What both versions call is there, or the one that runs now would not have run.
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
                // Down, systools loads who depends before what it depends on, so only the place says what comes
                // first; neither can be first where each waits for the other, and one group makes it one step.
                Direction::Down => circle,
            },
            follows,
            leads,
        }
    }
}

/// What a newer version of a module says of the state of an older one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Past {
    /// It is another, and converted.
    Converted,
    /// It is the same.
    Kept,
    /// Nothing.
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

/// Which functions a module calls in a version; none where it does not exist or does not say.
pub(super) fn calls<'a>(manifest: &'a Manifest, name: &str) -> BTreeSet<&'a Callee> {
    let declared = module(manifest, name).and_then(|module| module.declared.as_ref());
    declared
        .into_iter()
        .flat_map(|declared| &declared.calls)
        .collect()
}

impl Change<'_> {
    /// The instruction, as short as `appup(4)` allows.
    pub(super) fn to_term(&self) -> Term {
        let brutal = || Term::atom("brutal_purge");
        let advanced = || terms::tagged("advanced", Term::list([]));
        let (tag, mut rest) = match self.what {
            What::Add => ("add_module", vec![]),
            What::Load => ("load_module", vec![]),
            What::Delete => ("delete_module", vec![]),
            What::Convert => ("update", vec![advanced()]),
            What::Supervisor if self.deps.is_empty() => ("update", vec![Term::atom("supervisor")]),
            // What `supervisor` stands for; there is no short form with dependencies.
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
