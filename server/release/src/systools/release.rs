//! Reads a release as systools does: its `.rel` file and the `.app` files of its applications (`systools_make:get_release`).

use std::io;
use std::path::{Path, PathBuf};

use pq_term::{Atom, Term};

use super::{Location, Lookup, Problem, SystoolsError};
use crate::app::App;
use crate::consult;
use crate::file_error::{FileError, path_term};
use crate::fit::{self, Member};
use crate::rel::{Rel, RelApp};
use crate::terms;

/// A release with its applications in start order.
pub(super) struct Release {
    pub(super) rel: Rel,
    pub(super) applications: Vec<Member>,
}

impl Release {
    /// Reads a release. A release without sasl has no release handler and cannot be upgraded.
    pub(super) fn read(file: &Path, files: &dyn Lookup) -> Result<Release, SystoolsError> {
        let rel = rel(file, files)?;
        let (good, wrong): (Vec<_>, Vec<_>) = rel
            .applications
            .iter()
            .map(|entry| member(&rel, entry, files))
            .partition(Result::is_ok);
        let wrong: Vec<Unread> = wrong.into_iter().filter_map(Result::err).collect();
        if !wrong.is_empty() {
            return Err(SystoolsError::Make(error_reading(wrong)));
        }
        let applications = fit::fit(&rel, good.into_iter().flatten().collect())?;
        match rel.application("sasl") {
            Some(_) => Ok(Release { rel, applications }),
            None => Err(SystoolsError::Relup(missing_sasl(&rel))),
        }
    }
}

fn rel(file: &Path, files: &dyn Lookup) -> Result<Rel, SystoolsError> {
    let rel = read(file, files).and_then(|text| Rel::parse(file, &text));
    rel.map_err(|error| {
        let term = match &error {
            FileError::Read {
                kind: io::ErrorKind::NotFound,
                file,
            } => terms::tagged("not_found", path_term(file)),
            other => other.to_term(),
        };
        SystoolsError::Make(Problem::of_file(&error, term))
    })
}

/// Reads the text of a file.
pub(super) fn read(file: &Path, files: &dyn Lookup) -> Result<String, FileError> {
    let bytes = files
        .read(file)
        .map_err(|error| FileError::read(file, &error))?;
    consult::text_of(file, &bytes)
}

fn missing_sasl(rel: &Rel) -> Problem {
    let name_vsn = [
        Term::atom("#release"),
        Term::string(rel.name.as_str()),
        Term::string(rel.vsn.as_str()),
    ];
    Problem {
        location: Some(Location {
            file: rel.file.clone(),
            line: rel.applications.first().map(|app| app.line),
        }),
        sentence: format!(
            "release {} {} has no `sasl`, which does the upgrading; an entry `{{sasl, Vsn}}` would be right",
            rel.name, rel.vsn
        ),
        term: terms::tagged("missing_sasl", Term::tuple(name_vsn)),
    }
}

/// An application that could not be read, with the error.
struct Unread {
    name: Atom,
    problem: Problem,
}

/// OTP lists the last application first.
fn error_reading(wrong: Vec<Unread>) -> Problem {
    let term = |Unread { name, problem }: &Unread| {
        let what = Term::tuple([Term::Atom(*name), problem.term.clone()]);
        terms::tagged("error_reading", what)
    };
    let term = wrong.iter().rev().map(term).collect();
    let mut problems = wrong.into_iter().map(|unread| unread.problem);
    let Some(Problem {
        location,
        mut sentence,
        ..
    }) = problems.next()
    else {
        return Problem {
            location: None,
            sentence: String::new(),
            term,
        };
    };
    for other in problems {
        sentence.push_str(&format!("; {other}"));
    }
    Problem {
        location,
        sentence,
        term,
    }
}

fn member(rel: &Rel, entry: &RelApp, files: &dyn Lookup) -> Result<Member, Unread> {
    let unread = |problem| Unread {
        name: entry.name,
        problem,
    };
    let app = application(rel, entry, files).map_err(unread)?;
    fit::member(rel, entry, app).map_err(|error| unread(Problem::of_fit(error)))
}

/// The first `.app` file of the right version. Files of another version and files that are no terms are ignored; an empty file
/// counts as missing. A file with wrong parameters ends the search, as in OTP.
fn application(rel: &Rel, entry: &RelApp, files: &dyn Lookup) -> Result<App, Problem> {
    let mut passed = Passed::default();
    for file in files.app_files(entry.name.as_str()) {
        let found = read(&file, files).and_then(|text| App::parse(&file, &text));
        match found {
            Ok(app) if app.vsn != entry.vsn => passed.add_other(other_vsn(rel, entry, &app)),
            Ok(app) if app.name == entry.name => return Ok(app),
            Ok(app) => return Err(other_name(entry, &app)),
            Err(error) if holds_nothing(&error) => passed.add_nothing(file, &error),
            Err(error @ FileError::Content { .. }) => {
                return Err(bad_content(&error, &file, files));
            }
            Err(error @ FileError::Parse { .. }) => passed.add_broken(file, parse_error(&error)),
            Err(error @ FileError::Read { .. }) => passed.add_nothing(file, &error),
            Err(error) => {
                passed.add_broken(file, Problem::of_file(&error, error.to_term()));
            }
        }
    }
    Err(passed.problem(rel, entry))
}

/// The files that the search for an application ignored.
#[derive(Default)]
struct Passed {
    /// OTP's term for the first ignored file that OTP reports.
    term: Option<Term>,
    /// The problem of the first file with another version.
    other: Option<Problem>,
    /// The files that are no terms, are empty or cannot be read.
    broken: Vec<(PathBuf, Problem)>,
}

impl Passed {
    fn add_other(&mut self, problem: Problem) {
        self.term.get_or_insert_with(|| problem.term.clone());
        self.other.get_or_insert(problem);
    }

    fn add_broken(&mut self, file: PathBuf, problem: Problem) {
        self.term.get_or_insert_with(|| problem.term.clone());
        self.broken.push((file, problem));
    }

    /// OTP treats such a file as missing.
    fn add_nothing(&mut self, file: PathBuf, error: &FileError) {
        let problem = Problem::of_file(error, error.to_term());
        self.broken.push((file, problem));
    }

    /// The problem to report: a broken file that may have the wanted version, else a readable file of another version, else a
    /// broken file of another version. OTP's term is about the first of all files.
    fn problem(self, rel: &Rel, entry: &RelApp) -> Problem {
        let not_found = not_found(rel, entry);
        let term = self.term.unwrap_or_else(|| not_found.term.clone());
        let (may_be, others): (Vec<_>, Vec<_>) = self
            .broken
            .into_iter()
            .partition(|(file, _)| may_be_of(entry, file));
        let first = |broken: Vec<(PathBuf, Problem)>| broken.into_iter().map(|(_, it)| it).next();
        let problem = first(may_be)
            .or(self.other)
            .or_else(|| first(others))
            .unwrap_or(not_found);
        Problem { term, ..problem }
    }
}

/// False for a file in a directory `Name-Vsn` of another version.
fn may_be_of(entry: &RelApp, file: &Path) -> bool {
    let folders = file.parent().into_iter().flat_map(Path::components);
    let mut vsns = folders.filter_map(|folder| {
        let folder = folder.as_os_str().to_str()?;
        folder.strip_prefix(entry.name.as_str())?.strip_prefix('-')
    });
    vsns.next_back().is_none_or(|vsn| vsn == entry.vsn)
}

/// True for the error `{read,File}` of an empty file.
fn holds_nothing(error: &FileError) -> bool {
    matches!(error.to_term().as_tuple(), Some([tag, _]) if tag.is_atom("read"))
}

fn at_entry(rel: &Rel, entry: &RelApp) -> Option<Location> {
    Some(Location {
        file: rel.file.clone(),
        line: Some(entry.line),
    })
}

fn not_found(rel: &Rel, entry: &RelApp) -> Problem {
    let file = format!("{}.app", entry.name.as_str());
    Problem {
        location: at_entry(rel, entry),
        sentence: format!(
            "`{}` is in the release, and no {file} is where applications are looked for; `pq relup --path DIR` names a directory",
            entry.name
        ),
        term: terms::tagged("not_found", Term::string(file)),
    }
}

fn other_vsn(rel: &Rel, entry: &RelApp, app: &App) -> Problem {
    let vsn = |vsn: &str| Term::string(vsn);
    let wanted = Term::tuple([Term::string("should be"), vsn(&entry.vsn)]);
    let found = Term::tuple([
        Term::string("found file"),
        path_term(&app.file),
        vsn(&app.vsn),
    ]);
    Problem {
        location: at_entry(rel, entry),
        sentence: format!(
            "the release has `{}` in version {}, and {}, line {}, is of version {}",
            entry.name,
            entry.vsn,
            app.file.display(),
            app.line("vsn"),
            app.vsn
        ),
        term: terms::tagged("no_valid_version", Term::tuple([wanted, found])),
    }
}

fn other_name(entry: &RelApp, app: &App) -> Problem {
    let found = terms::name_vsn(app.name, &app.vsn);
    Problem {
        location: Some(Location {
            file: app.file.clone(),
            line: Some(1),
        }),
        sentence: format!(
            "the application is called `{}`; after its file it would be `{}`",
            app.name, entry.name
        ),
        term: terms::tagged(
            "bad_application_name",
            Term::tuple([Term::Atom(entry.name), found]),
        ),
    }
}

/// OTP shows the whole file with a bad parameter: `{{bad_param,K},Application}`.
fn bad_content(error: &FileError, file: &Path, files: &dyn Lookup) -> Problem {
    let term = error.to_term();
    let is_parameter = matches!(term.as_tuple(), Some([tag, _]) if tag.is_atom("bad_param") || tag.is_atom("missing_param"));
    let whole = match is_parameter {
        true => first_term(file, files),
        false => None,
    };
    let term = match whole {
        Some(application) => Term::tuple([term, application]),
        None => term,
    };
    Problem::of_file(error, term)
}

fn first_term(file: &Path, files: &dyn Lookup) -> Option<Term> {
    let text = read(file, files).ok()?;
    pq_term::read_all(&text).ok()?.into_iter().next()
}

fn parse_error(error: &FileError) -> Problem {
    let problem = Problem::of_file(error, Term::undefined());
    let file: PathBuf = error.file().to_path_buf();
    let parts = [
        path_term(&file),
        Term::from(error.line().unwrap_or(1)),
        Term::string(problem.sentence.as_str()),
    ];
    Problem {
        term: terms::tagged("parse_error", Term::tuple(parts)),
        ..problem
    }
}
