//! Checks whether the applications of a release fit together, and orders them for the start.
//!
//! The checks and their order are those of `systools:make_script/2`: the release contains every needed application; no two
//! applications register the same name, include the same application or contain the same module; and no application needs
//! itself, directly or through others. `boot` and `systools` read the files and call this module.

use std::path::PathBuf;

use pq_term::{Atom, Term};

use crate::app::App;
use crate::file_error::path_term;
use crate::rel::{Rel, RelApp, RelStart};
use crate::terms;

mod order;

/// An application as a member of a release.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// The application. `included_applications` are those that this release includes.
    pub app: App,
    /// How the release starts it.
    pub start: RelStart,
}

/// Applications that do not fit together. Displays as a fragment that continues "failed to …".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("fit together the applications of a release: {}: line {line}: {sentence} ({term})", .file.display())]
pub struct FitError {
    /// The `.app` or `.rel` file at fault.
    pub file: PathBuf,
    /// The line (from 1) in the file.
    pub line: usize,
    /// The fault and the correct form.
    pub sentence: String,
    /// The same error as OTP's term, such as `{circular_dependencies,L}`.
    pub term: Term,
}

/// The application in this release: a release may leave out included applications, but not add any.
///
/// # Errors
/// `{override_include,L}` with the applications that the `.app` file does not include.
pub fn member(rel: &Rel, entry: &RelApp, mut app: App) -> Result<Member, FitError> {
    if let Some(wanted) = &entry.included {
        let stray = |name: &&Atom| !app.included_applications.contains(name);
        let stray: Vec<Atom> = wanted.iter().filter(stray).copied().collect();
        if let [first, ..] = stray[..] {
            let sentence = format!(
                "`{}` is to include `{first}`, which its own file does not; \
                 name it in `included_applications` of {} or leave it out here",
                app.name,
                app.file.display(),
            );
            return Err(FitError {
                file: rel.file.clone(),
                line: entry.line,
                sentence,
                term: terms::tagged("override_include", terms::atom_list(&stray)),
            });
        }
        app.included_applications.clone_from(wanted);
    }
    Ok(Member {
        app,
        start: entry.start,
    })
}

/// Sorts the applications into start order: after the applications that they need, otherwise as in the `.rel` file.
///
/// # Errors
/// In this order `{undefined_applications,L}`, `{duplicate_register,L}`, `{duplicate_include,L}`,
/// `{duplicate_modules,L}`, `{circular_dependencies,L}`.
pub fn fit(rel: &Rel, members: Vec<Member>) -> Result<Vec<Member>, FitError> {
    nothing_undefined(rel, &members)?;
    nothing_twice(&members, Kind::Register)?;
    nothing_twice(&members, Kind::Include)?;
    nothing_twice(&members, Kind::Module)?;
    order::start_order(members).map_err(|circle| circular(rel, &circle))
}

/// An error about a key of an application's `.app` file.
fn at(app: &App, key: &str, sentence: String, term: Term) -> FitError {
    FitError {
        file: app.file.clone(),
        line: app.line(key),
        sentence,
        term,
    }
}

fn nothing_undefined(rel: &Rel, members: &[Member]) -> Result<(), FitError> {
    let mut undefined: Vec<(Atom, &App, &str)> = Vec::new();
    for Member { app, .. } in members {
        let optional = |name: &Atom| app.optional_applications.contains(name);
        let uses = app.applications.iter().filter(|name| !optional(name));
        let uses = uses.map(|name| (name, "applications"));
        let includes = app.included_applications.iter();
        let includes = includes.map(|name| (name, "included_applications"));
        for (name, key) in uses.chain(includes) {
            let is_known = rel.applications.iter().any(|entry| entry.name == *name);
            if !is_known && undefined.iter().all(|(known, ..)| known != name) {
                undefined.push((*name, app, key));
            }
        }
    }
    let Some((name, app, key)) = undefined.first() else {
        return Ok(());
    };
    let sentence = format!(
        "`{}` needs `{name}`, which is not in {}; an entry `{{{name}, Vsn}}` there would be right",
        app.name,
        rel.file.display(),
    );
    let names: Vec<Atom> = undefined.iter().map(|(name, ..)| *name).collect();
    let term = terms::tagged("undefined_applications", terms::atom_list(&names));
    Err(at(app, key, sentence, term))
}

/// Properties that only one application of a release may have.
#[derive(Clone, Copy)]
enum Kind {
    Register,
    Include,
    Module,
}

impl Kind {
    fn of(self, app: &App) -> &[Atom] {
        match self {
            Kind::Register => &app.registered,
            Kind::Include => &app.included_applications,
            Kind::Module => &app.modules,
        }
    }

    fn key(self) -> &'static str {
        match self {
            Kind::Register => "registered",
            Kind::Include => "included_applications",
            Kind::Module => "modules",
        }
    }

    fn tag(self) -> &'static str {
        match self {
            Kind::Register => "duplicate_register",
            Kind::Include => "duplicate_include",
            Kind::Module => "duplicate_modules",
        }
    }

    /// OTP lists modules without the version of their application.
    fn owner(self, name: Atom, app: &App) -> Term {
        let folder = path_term(app.folder());
        match self {
            Kind::Module => Term::tuple([Term::Atom(name), Term::Atom(app.name), folder]),
            _ => Term::tuple([
                Term::Atom(name),
                Term::Atom(app.name),
                Term::string(app.vsn.as_str()),
                folder,
            ]),
        }
    }
}

fn nothing_twice(members: &[Member], kind: Kind) -> Result<(), FitError> {
    let owned = members
        .iter()
        .flat_map(|Member { app, .. }| kind.of(app).iter().map(move |name| (*name, app)));
    let mut owned: Vec<(Atom, &App)> = owned.collect();
    owned.sort_by_key(|(name, _)| *name);
    let pairs = owned.windows(2).filter(|pair| pair[0].0 == pair[1].0);
    // OTP lists the last pair first.
    let twice: Vec<_> = pairs.rev().collect();
    let Some([(name, one), (_, other)]) = twice.last() else {
        return Ok(());
    };
    let sentence = format!(
        "`{name}` is listed in `{key}` of `{}` and, in {}: line {}, of `{}`; only one of them can have it",
        other.name,
        one.file.display(),
        one.line(kind.key()),
        one.name,
        key = kind.key(),
    );
    let pair = |pair: &&[(Atom, &App)]| {
        Term::tuple(
            pair.iter()
                .map(|(name, app)| kind.owner(*name, app))
                .collect::<Vec<_>>(),
        )
    };
    let term = terms::tagged(kind.tag(), twice.iter().map(pair).collect::<Term>());
    Err(at(other, kind.key(), sentence, term))
}

fn circular(rel: &Rel, circle: &[(Atom, String)]) -> FitError {
    let names: Vec<_> = circle.iter().map(|(name, _)| format!("`{name}`")).collect();
    let sentence = format!(
        "{} need each other, directly or through others, so none of them can start first",
        names.join(" and "),
    );
    let first = circle.first().map_or("", |(name, _)| name.as_str());
    let circle = circle
        .iter()
        .map(|(name, vsn)| terms::name_vsn(*name, vsn))
        .collect::<Term>();
    FitError {
        file: rel.file.clone(),
        line: rel.application(first).map_or(1, |entry| entry.line),
        sentence,
        term: terms::tagged("circular_dependencies", circle),
    }
}

#[cfg(test)]
mod tests;
