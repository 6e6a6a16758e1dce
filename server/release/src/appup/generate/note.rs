//! What the comparison of two manifests could not know, and what it saw on the way. Whoever releases reads it.

use std::fmt;

use pq_code::{Callee, Manifest, ModuleEntry};

use super::crossing::{Past, calls, past};
use super::{has_state, module, runs};
use crate::same_vsn::is_other_code;
use pq_otp::Kind;

/// Something that a person has to look at. The versions are those of the application, unless a module's are named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// Every module has the version it had.
    NothingChanged,
    /// A module that keeps a state does not say what became of it.
    StateUnsaid {
        /// The module.
        module: String,
        /// The version of the module in the older library.
        older: String,
        /// And in the newer.
        newer: String,
    },
    /// A module has other code, or declares something else, under the same version.
    VsnNotRaised {
        /// The module.
        module: String,
        /// The version of the module in both.
        vsn: String,
    },
    /// A library does not say what the code of its modules is, so what changed under the same version does not show.
    CodeUnknown {
        /// The version of the library.
        vsn: String,
    },
    /// A supervisor's children are known only when it is asked for them.
    ChildrenNotCompared {
        /// The supervisor.
        module: String,
    },
    /// Processes run a module that only one version has.
    OnlyIn {
        /// The module.
        module: String,
        /// What it is.
        kind: &'static str,
        /// The version that has it.
        vsn: String,
        /// Whether that is the newer.
        is_newer: bool,
    },
    /// A library of an SDK that did not ask yet what modules declare.
    Undeclared {
        /// The version of the library.
        vsn: String,
    },
    /// A function is called of a module that went or has not come yet.
    CallsNobody {
        /// Who calls.
        module: String,
        /// What.
        callee: Callee,
        /// In which version.
        vsn: String,
    },
    /// A function of another application is called in one of the versions only.
    CallsElsewhere {
        /// Who calls.
        module: String,
        /// What.
        callee: Callee,
        /// In which version.
        vsn: String,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Note::NothingChanged => f.write_str(
                "every module has the version it had, so there is nothing to do; code that changed has a VSN to raise",
            ),
            Note::StateUnsaid { module, older, newer } => write!(
                f,
                "`{module}` {newer} says of the state of {older} neither that it converts it nor that it keeps it, so it is \
                 only loaded; a state that changed without a migration, or is written the same and means something else, \
                 does not show in a library"
            ),
            Note::VsnNotRaised { module, vsn } => write!(
                f,
                "`{module}` is {vsn} in both, and its code or what it declares is another: was its VSN forgotten? It is left as \
                 it is"
            ),
            Note::CodeUnknown { vsn } => write!(
                f,
                "the library of {vsn} does not say what the code of its modules is: code that changed under the same VSN \
                 does not show; `pq build` makes libraries that do"
            ),
            Note::ChildrenNotCompared { module } => write!(
                f,
                "the children of `{module}` are known only to itself: the update starts none that are new and ends none that \
                 are gone; {{apply, {{supervisor, restart_child, [Sup, Id]}}}} behind it starts a new one, and terminate_child and \
                 delete_child before it end one; `pq relup --help` lists what a script may call"
            ),
            Note::OnlyIn { module, kind, vsn, is_newer } => {
                let (comes, goes) = if *is_newer { ("up", "down") } else { ("down", "up") };
                write!(
                    f,
                    "`{module}`, a {kind}, is only in {vsn}: on the way {comes} nothing starts its processes, on the way \
                     {goes} those that still run are killed with its code"
                )
            }
            Note::Undeclared { vsn } => write!(
                f,
                "the library of {vsn} is from an SDK that did not ask what a module calls and which states it knows: its \
                 calls count as none"
            ),
            Note::CallsNobody { module, callee, vsn } => write!(
                f,
                "`{module}` of {vsn} calls `{callee}`, and {vsn} has no `{}`: the call fails",
                callee.module
            ),
            Note::CallsElsewhere { module, callee, vsn } => write!(
                f,
                "`{module}` calls `{callee}` of another application only in {vsn}: if that application changes too, name `{}` \
                 among the dependencies",
                callee.module
            ),
        }
    }
}

/// All notes about two versions.
pub(super) fn notes(older: &Manifest, newer: &Manifest) -> Vec<Note> {
    let mut notes: Vec<Note> = undeclared(older).chain(undeclared(newer)).collect();
    notes.extend(code_unknown(older, newer).chain(code_unknown(newer, older)));
    for one in &newer.modules {
        match module(older, &one.name) {
            Some(before) => notes.extend(exchanged(before, one)),
            None => notes.extend(only_in(one, newer, true)),
        }
    }
    let gone = |one: &&ModuleEntry| module(newer, &one.name).is_none();
    let gone = older.modules.iter().filter(gone);
    notes.extend(gone.filter_map(|one| only_in(one, older, false)));
    notes.extend(lost_calls(newer, older));
    notes.extend(lost_calls(older, newer));
    let is_same =
        |one: &ModuleEntry| module(newer, &one.name).is_some_and(|now| now.vsn == one.vsn);
    if older.modules.len() == newer.modules.len() && older.modules.iter().all(is_same) {
        notes.push(Note::NothingChanged);
    }
    notes
}

fn undeclared(manifest: &Manifest) -> impl Iterator<Item = Note> {
    let says_nothing = |module: &ModuleEntry| module.declared.is_none();
    let vsn = manifest.vsn.clone();
    let is_old = manifest.modules.iter().any(says_nothing);
    is_old.then_some(Note::Undeclared { vsn }).into_iter()
}

/// Where a module has one version in both, and one of them does not say what its code is. A library that says nothing at
/// all has been named for that.
fn code_unknown<'a>(
    one: &'a Manifest,
    other: &'a Manifest,
) -> impl Iterator<Item = Note> + use<'a> {
    let is_silent = |entry: &&ModuleEntry| entry.declared.is_some() && entry.digest.is_none();
    let is_in_both =
        |entry: &ModuleEntry| module(other, &entry.name).is_some_and(|it| it.vsn == entry.vsn);
    let vsn = one.vsn.clone();
    let is_unknown = one.modules.iter().filter(is_silent).any(is_in_both);
    is_unknown.then_some(Note::CodeUnknown { vsn }).into_iter()
}

fn exchanged(older: &ModuleEntry, newer: &ModuleEntry) -> Option<Note> {
    let module = newer.name.clone();
    if older.vsn == newer.vsn {
        let declares = older.declared.is_some() && newer.declared.is_some();
        let differs = declares && older.declared != newer.declared;
        let is_other = is_other_code(older, newer) == Some(true);
        return (differs || is_other).then(|| Note::VsnNotRaised {
            module,
            vsn: newer.vsn.clone(),
        });
    }
    match newer.kind {
        Kind::Supervisor => Some(Note::ChildrenNotCompared { module }),
        kind if has_state(kind) && past(older, newer) == Past::Unsaid => Some(Note::StateUnsaid {
            module,
            older: older.vsn.clone(),
            newer: newer.vsn.clone(),
        }),
        _ => None,
    }
}

fn only_in(one: &ModuleEntry, manifest: &Manifest, is_newer: bool) -> Option<Note> {
    runs(one.kind).then(|| Note::OnlyIn {
        module: one.name.clone(),
        kind: one.kind.word(),
        vsn: manifest.vsn.clone(),
        is_newer,
    })
}

/// Calls in one version to what it does not have.
fn lost_calls(one: &Manifest, other: &Manifest) -> Vec<Note> {
    let calls_of = |caller: &ModuleEntry| {
        let lost = calls(one, &caller.name).into_iter();
        let lost = lost.filter(|callee| module(one, &callee.module).is_none());
        let notes = lost.filter_map(|callee| lost_call(caller, &one.vsn, callee, other));
        notes.collect::<Vec<_>>()
    };
    one.modules.iter().flat_map(calls_of).collect()
}

/// A module that the other version has is missing; any other is of another application, and was there if the
/// other version calls it too.
fn lost_call(caller: &ModuleEntry, vsn: &str, callee: &Callee, other: &Manifest) -> Option<Note> {
    let (name, vsn) = (caller.name.clone(), vsn.to_string());
    if module(other, &callee.module).is_some() {
        return Some(Note::CallsNobody {
            module: name,
            callee: callee.clone(),
            vsn,
        });
    }
    let is_known = calls(other, &name).contains(callee)
        || module(other, &name).is_some_and(|module| module.declared.is_none());
    (!is_known).then(|| Note::CallsElsewhere {
        module: name,
        callee: callee.clone(),
        vsn,
    })
}
