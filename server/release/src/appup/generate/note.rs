//! Open points and observations of the comparison of two manifests, for the author of a release.

use std::fmt;

use pq_code::{Callee, Manifest, ModuleEntry};

use super::crossing::{Past, calls, past};
use super::{has_state, module, runs};
use crate::same_vsn::is_other_code;
use pq_otp::Kind;

/// A point that a person has to check. Versions are those of the application, unless a module's version is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// No module has changed its version.
    NothingChanged,
    /// A module with a state does not declare what becomes of the state.
    StateUnsaid {
        /// The module with the undeclared state.
        module: String,
        /// The version of the module in the older library.
        older: String,
        /// The version of the module in the newer library.
        newer: String,
    },
    /// A module has different code or declarations under the same version.
    VsnNotRaised {
        /// The module with the unchanged version.
        module: String,
        /// The version of the module in both libraries.
        vsn: String,
    },
    /// A library has no digests of the code of its modules, so changes under the same version are invisible.
    CodeUnknown {
        /// The version of the library.
        vsn: String,
    },
    /// The children of a supervisor are known only at run time.
    ChildrenNotCompared {
        /// The module of the supervisor.
        module: String,
    },
    /// Processes run a module that only one version has.
    OnlyIn {
        /// The name of this module.
        module: String,
        /// The behaviour of the module, such as `gen_server`.
        kind: &'static str,
        /// The version of the application that has the module.
        vsn: String,
        /// True when the newer version has the module.
        is_newer: bool,
    },
    /// A library was built with an SDK that did not record the declarations of modules.
    Undeclared {
        /// The version of the library.
        vsn: String,
    },
    /// A module calls a function of a module that its version of the application lacks.
    CallsNobody {
        /// The module that calls the function.
        module: String,
        /// The function that does not exist.
        callee: Callee,
        /// The version of the application with this call.
        vsn: String,
    },
    /// Only one of the versions calls a function of another application.
    CallsElsewhere {
        /// The module that calls the function.
        module: String,
        /// The function of the other application.
        callee: Callee,
        /// The version of the application with this call.
        vsn: String,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Note::NothingChanged => f.write_str(
                "no module has a new version, so the appup has nothing to do; raise the VSN of each module whose code changed",
            ),
            Note::StateUnsaid { module, older, newer } => write!(
                f,
                "`{module}` {newer} declares neither that it converts the state of {older} nor that it keeps it, so the appup \
                 only loads the module; a library does not show a state that changed without a migration, nor one with the \
                 same form and another meaning"
            ),
            Note::VsnNotRaised { module, vsn } => write!(
                f,
                "`{module}` is {vsn} in both, but its code or its declarations differ: was its VSN forgotten? The appup leaves \
                 the module out"
            ),
            Note::CodeUnknown { vsn } => write!(
                f,
                "the library of {vsn} has no digests of the code of its modules, so changes under the same VSN cannot be \
                 found; `pq build` makes libraries with digests"
            ),
            Note::ChildrenNotCompared { module } => write!(
                f,
                "the children of `{module}` are known only at run time: the update neither starts new children nor ends removed \
                 ones; {{apply, {{supervisor, restart_child, [Sup, Id]}}}} after it starts a new child, terminate_child and \
                 delete_child before it end one; `pq relup --help` lists the functions that a script may call"
            ),
            Note::OnlyIn { module, kind, vsn, is_newer } => {
                let (comes, goes) = if *is_newer { ("up", "down") } else { ("down", "up") };
                write!(
                    f,
                    "`{module}`, a {kind}, is only in {vsn}: the way {comes} does not start its processes, and the way \
                     {goes} kills those that still run its code"
                )
            }
            Note::Undeclared { vsn } => write!(
                f,
                "the library of {vsn} was built with an SDK that did not record the calls and states of modules: the appup \
                 assumes that its modules make no calls"
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

/// All notes about the change between two versions.
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

/// Modules with the same version in both libraries, of which one library has no digest of the code. Libraries without any
/// digests have a note of their own.
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

/// Calls in one version to functions that the version lacks.
fn lost_calls(one: &Manifest, other: &Manifest) -> Vec<Note> {
    let calls_of = |caller: &ModuleEntry| {
        let lost = calls(one, &caller.name).into_iter();
        let lost = lost.filter(|callee| module(one, &callee.module).is_none());
        let notes = lost.filter_map(|callee| lost_call(caller, &one.vsn, callee, other));
        notes.collect::<Vec<_>>()
    };
    one.modules.iter().flat_map(calls_of).collect()
}

/// A module is missing when the other version has it. Every other module belongs to another application; its function existed
/// before when the other version calls it, too.
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
