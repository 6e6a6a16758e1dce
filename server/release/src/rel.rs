//! `.rel` files: the applications of a release (`rel(4)`).
//!
//! `boot` and `systools` check that the applications exist and fit together, because they can read them.

use std::path::{Path, PathBuf};

use pq_otp::application::StartType;
use pq_term::{Atom, Term};

use crate::consult::{Sheet, read_text};
use crate::file_error::FileError;
use crate::terms;

/// The form of a `.rel` file, for errors.
const WANTED: &str = "`{release, {Name, Vsn}, {erts, ErtsVsn}, [{Application, Vsn}]}`";

/// The form of an entry of the list of applications, for errors.
const WANTED_ENTRY: &str = "`{Application, \"Vsn\"}`, with permanent, transient, temporary, load or none as third element where needed";

/// A release, as its `.rel` file describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rel {
    /// The name of the release, such as `pq`.
    pub name: String,
    /// The version of the release, such as `1.1.0`.
    pub vsn: String,
    /// The version of the runtime that the release needs.
    pub erts_vsn: String,
    /// The applications, in the order of the file.
    pub applications: Vec<RelApp>,
    /// The path of the `.rel` file.
    pub file: PathBuf,
    /// The line (from 1) of the version in the file.
    pub vsn_line: usize,
}

/// One application of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelApp {
    /// The name of the application.
    pub name: Atom,
    /// The version of the application.
    pub vsn: String,
    /// How the release starts the application.
    pub start: RelStart,
    /// The `included_applications` that this release includes; `None` for all.
    pub included: Option<Vec<Atom>>,
    /// The line (from 1) of the application's entry.
    pub line: usize,
}

/// How a release starts an application (`rel(4)`, Type).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RelStart {
    /// The application is loaded and started with this type.
    Start(StartType),
    /// The application is loaded, but not started.
    Load,
    /// The modules are loaded, but not the application.
    None,
}

impl RelStart {
    /// The start type with this name; `None` for other terms.
    pub fn of(term: &Term) -> Option<RelStart> {
        Some(match term.as_atom()?.as_str() {
            "permanent" => RelStart::Start(StartType::Permanent),
            "transient" => RelStart::Start(StartType::Transient),
            "temporary" => RelStart::Start(StartType::Temporary),
            "load" => RelStart::Load,
            "none" => RelStart::None,
            _ => return None,
        })
    }

    /// OTP's atom for the start type.
    pub fn word(self) -> &'static str {
        match self {
            RelStart::Start(StartType::Permanent) => "permanent",
            RelStart::Start(StartType::Transient) => "transient",
            RelStart::Start(StartType::Temporary) => "temporary",
            RelStart::Load => "load",
            RelStart::None => "none",
        }
    }
}

impl Rel {
    /// Reads a `.rel` file.
    ///
    /// # Errors
    /// When the file cannot be read, and as [`Rel::parse`].
    pub fn read(file: &Path) -> Result<Rel, FileError> {
        Rel::parse(file, &read_text(file)?)
    }

    /// Parses the text of a `.rel` file.
    ///
    /// # Errors
    /// With the line and OTP's words: `badly_formatted_release`, `{illegal_name,N}`, `{illegal_form,V}`,
    /// `{illegal_applications,L}`, `{missing_mandatory_app,A}`, `{mandatory_app,A,Type}`.
    pub fn parse(file: &Path, text: &str) -> Result<Rel, FileError> {
        let sheet = Sheet::read(file, text, WANTED)?;
        let rel = release(&sheet, file)?;
        mandatory(&sheet, &rel, "kernel")?;
        mandatory(&sheet, &rel, "stdlib")?;
        Ok(rel)
    }

    /// The entry of an application; `None` when the release does not contain it.
    pub fn application(&self, name: &str) -> Option<&RelApp> {
        self.applications.iter().find(|app| app.name == name)
    }
}

fn release(sheet: &Sheet<'_>, file: &Path) -> Result<Rel, FileError> {
    let parts = sheet.term.as_tuple().unwrap_or_default();
    let [tag, release, erts, applications] = parts else {
        return Err(badly_formatted(sheet));
    };
    let (Some([name, vsn]), Some([erts, erts_vsn]), Some(entries)) = (
        release.as_tuple(),
        erts.as_tuple(),
        terms::list(applications),
    ) else {
        return Err(badly_formatted(sheet));
    };
    if !tag.is_atom("release") || !erts.is_atom("erts") {
        return Err(badly_formatted(sheet));
    }
    let form = |term: Term| terms::tagged("illegal_form", term);
    Ok(Rel {
        name: text_at(
            sheet,
            &[1, 0],
            name,
            terms::tagged("illegal_name", name.clone()),
        )?,
        vsn: text_at(sheet, &[1, 1], vsn, form(vsn.clone()))?,
        erts_vsn: text_at(
            sheet,
            &[2, 1],
            erts_vsn,
            form(terms::tagged("erts", erts_vsn.clone())),
        )?,
        applications: entries_of(sheet, entries)?,
        file: file.to_path_buf(),
        vsn_line: sheet.line(&[1, 1]),
    })
}

fn badly_formatted(sheet: &Sheet<'_>) -> FileError {
    let sentence = format!("this is no release; {WANTED} would be right");
    sheet.wrong(&[], sentence, Term::atom("badly_formatted_release"))
}

fn text_at(
    sheet: &Sheet<'_>,
    path: &[usize],
    found: &Term,
    term: Term,
) -> Result<String, FileError> {
    match terms::text(found) {
        Some(text) => Ok(text),
        None => Err(sheet.wrong(
            path,
            format!("`{found}`; a string such as \"1.0.0\" would be right"),
            term,
        )),
    }
}

/// As in OTP, the term lists all wrong entries; the sentence is about the first one.
fn entries_of(sheet: &Sheet<'_>, entries: &[Term]) -> Result<Vec<RelApp>, FileError> {
    let read = |(at, term): (usize, &Term)| entry(term, || sheet.line(&[3, at])).ok_or(at);
    let (good, wrong): (Vec<_>, Vec<_>) = entries
        .iter()
        .enumerate()
        .map(read)
        .partition(Result::is_ok);
    let wrong: Vec<usize> = wrong.into_iter().filter_map(Result::err).collect();
    match wrong.first() {
        None => Ok(good.into_iter().flatten().collect()),
        Some(at) => {
            let sentence = format!("`{}`; {WANTED_ENTRY} would be right", entries[*at]);
            let illegal = wrong
                .iter()
                .map(|at| entries[*at].clone())
                .collect::<Term>();
            Err(sheet.wrong(
                &[3, *at],
                sentence,
                terms::tagged("illegal_applications", illegal),
            ))
        }
    }
}

fn entry(term: &Term, line: impl Fn() -> usize) -> Option<RelApp> {
    let [Term::Atom(name), vsn, rest @ ..] = term.as_tuple()? else {
        return None;
    };
    let permanent = RelStart::Start(StartType::Permanent);
    let (start, included) = match rest {
        [] => (permanent, None),
        [Term::Atom(_)] => (RelStart::of(&rest[0])?, None),
        [included] => (permanent, Some(terms::atoms(included)?)),
        [start, included] => (RelStart::of(start)?, Some(terms::atoms(included)?)),
        _ => return None,
    };
    Some(RelApp {
        name: *name,
        vsn: terms::text(vsn)?,
        start,
        included,
        line: line(),
    })
}

/// Every node needs this application, so the release has to contain it, with the type permanent.
fn mandatory(sheet: &Sheet<'_>, rel: &Rel, name: &'static str) -> Result<(), FileError> {
    let Some(at) = rel.applications.iter().position(|app| app.name == name) else {
        let sentence = format!("the release has no `{name}`; no node runs without it");
        return Err(sheet.wrong(
            &[3],
            sentence,
            terms::tagged("missing_mandatory_app", Term::atom(name)),
        ));
    };
    let start = rel.applications[at].start;
    if start == RelStart::Start(StartType::Permanent) {
        return Ok(());
    }
    let sentence = format!(
        "`{name}` is started as {}; permanent would be right",
        start.word()
    );
    let term = Term::tuple([
        Term::atom("mandatory_app"),
        Term::atom(name),
        Term::atom(start.word()),
    ]);
    Err(sheet.wrong(&[3, at], sentence, term))
}

#[cfg(test)]
mod tests;
