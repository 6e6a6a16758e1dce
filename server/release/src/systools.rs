//! Makes a `relup` from `.appup` files, as `systools:make_relup/4` does.
//!
//! ```text
//!   .rel, .app ── release ► the applications of both releases, in start order
//!   .appup     ── relup ─► one script for each changed, added or removed application
//!              ── chain ─► the same from several appups, where none has the way by itself
//!              ── rc ────► one list of low-level instructions, in the order of their execution
//! ```
//!
//! `release` reads a release as `systools_make` does, `relup` is the linker, `rc` the compiler. They read files only through a
//! [`Lookup`]. OTP leaves the order of modules to chance; here it is the order of the appup, so that every run makes the same
//! relup. The tests of the workspace compare the results with those of OTP's own systools on hundreds of releases at each run.
//! This module refuses two things that OTP accepts: an application that needs itself, which in OTP does not start later, and
//! text after the first term of a file that is no term. It accepts two things that OTP refuses: an application that is named
//! twice among the dependencies of another, which OTP reports as missing, and an unreadable version pattern, which crashes
//! OTP's systools.

use std::fmt;
use std::path::{Path, PathBuf};

use pq_otp::Direction;
use pq_term::{Atom, Term};

use crate::appup::{Appup, Instructions};
use crate::file_error::{FileError, in_words};
use crate::fit::{FitError, Member};
use crate::instruction::Instruction;
use crate::rel::Rel;
use crate::relup::Relup;
use crate::terms;

pub mod lint;
pub mod lookup;

mod chain;
mod rc;
mod release;
mod relup;

pub(crate) use chain::Versions;
pub use lookup::{Folders, Lookup};

/// A release on one side of a relup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelFile {
    /// The path of the release's `.rel` file.
    pub file: PathBuf,
    /// The description of the way to or from the release in the relup; any term.
    pub description: Term,
}

impl<P: Into<PathBuf>> From<P> for RelFile {
    /// A release without a description, which OTP writes as `[]`.
    fn from(file: P) -> RelFile {
        RelFile {
            file: file.into(),
            description: Term::list([]),
        }
    }
}

/// Options of a relup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// Each way ends with a restart of the node.
    pub restart_emulator: bool,
    /// Every warning is an error.
    pub warnings_as_errors: bool,
}

/// A permitted, but probably unintended part of an appup or release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// An `.appup` names another version than the `.app` file in its directory.
    BadVsn {
        /// The path of the `.appup`.
        file: PathBuf,
        /// The line (from 1) of the version in the `.appup`.
        line: usize,
        /// The version in the `.appup`, as a term.
        appup: Term,
        /// The version in the `.app` file.
        app: String,
    },
    /// A way of an `.appup` was ignored because its pattern cannot be used; a later way is for the version. OTP has no such
    /// warning: there, the pattern ends the making of the relup.
    BadPattern(FileError),
    /// The releases need different versions of the runtime: the node will restart.
    ErtsVsnChanged {
        /// The name of the new release and the version of its runtime.
        new: (String, String),
        /// The name of the other release and the version of its runtime.
        other: (String, String),
    },
}

impl Warning {
    /// The warning as OTP's term.
    pub fn to_term(&self) -> Term {
        let pair = |(name, vsn): &(String, String)| {
            Term::tuple([Term::string(name.as_str()), Term::string(vsn.as_str())])
        };
        match self {
            Warning::BadVsn { appup, app, .. } => terms::tagged(
                "bad_vsn",
                Term::tuple([appup.clone(), Term::string(app.as_str())]),
            ),
            Warning::BadPattern(error) => error.to_term(),
            Warning::ErtsVsnChanged { new, other } => {
                terms::tagged("erts_vsn_changed", Term::tuple([pair(new), pair(other)]))
            }
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Warning::BadVsn {
                file,
                line,
                appup,
                app,
            } => {
                let file = file.display();
                write!(
                    f,
                    "{file}: line {line}: the version is {appup}, and that of the application \"{app}\"; they should be one"
                )
            }
            Warning::BadPattern(error) => {
                let error = Problem::of_file(error, error.to_term());
                write!(f, "{error}; a later way was taken")
            }
            Warning::ErtsVsnChanged { new, other } => write!(
                f,
                "release {} asks for runtime {}, and {} for {}: the node restarts on the way",
                new.0, new.1, other.0, other.1
            ),
        }
    }
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The path of the file.
    pub file: PathBuf,
    /// The line (from 1); `None` when it is unknown.
    pub line: Option<usize>,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        match self.line {
            Some(line) => write!(f, ": line {line}"),
            None => Ok(()),
        }
    }
}

/// A fault of a release or appup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The place of the fault; `None` when no file is at fault.
    pub location: Option<Location>,
    /// The fault and the correct form.
    pub sentence: String,
    /// The same fault as OTP's term, such as `{undef_module,m2}`.
    pub term: Term,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(location) = &self.location {
            write!(f, "{location}: ")?;
        }
        write!(f, "{} ({})", self.sentence, self.term)
    }
}

/// The reason why no relup was made. Displays as a fragment that continues "failed to …". The variants are OTP's modules.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SystoolsError {
    /// `systools_make`: a release, or a file of its applications, is faulty.
    #[error("read the release: {0}")]
    Make(Problem),
    /// `systools_relup`: a way is missing, or a release cannot be upgraded at all.
    #[error("link the relup: {0}")]
    Relup(Problem),
    /// `systools_rc`: the instructions of a way are faulty.
    #[error("compile the appups: {0}")]
    Rc(Problem),
}

impl SystoolsError {
    /// The term `{error,Module,Reason}`, as OTP returns it.
    pub fn to_term(&self) -> Term {
        let (module, problem) = match self {
            SystoolsError::Make(problem) => ("systools_make", problem),
            SystoolsError::Relup(problem) => ("systools_relup", problem),
            SystoolsError::Rc(problem) => ("systools_rc", problem),
        };
        Term::tuple([
            Term::atom("error"),
            Term::atom(module),
            problem.term.clone(),
        ])
    }

    /// The fault with its place.
    pub fn problem(&self) -> &Problem {
        match self {
            SystoolsError::Make(problem)
            | SystoolsError::Relup(problem)
            | SystoolsError::Rc(problem) => problem,
        }
    }
}

/// Makes the relup of a release: the ways up from the releases `up` and down to those in `down`. As in OTP, its lists are in
/// the reverse order of the arguments, and warnings are listed with the latest first.
///
/// # Errors
/// With the first fault; ways up are made before ways down. With [`warnings_as_errors`](Options::warnings_as_errors) also for
/// warnings.
pub fn make_relup(
    new: &RelFile,
    up_from: &[RelFile],
    down_to: &[RelFile],
    options: Options,
    files: &dyn Lookup,
) -> Result<(Relup, Vec<Warning>), SystoolsError> {
    let (relup, warnings) = relup::Linker::new(new, options, files)?.relup(up_from, down_to)?;
    match options.warnings_as_errors && !warnings.is_empty() {
        true => Err(warnings_treated_as_errors(&warnings)),
        false => Ok((relup, warnings)),
    }
}

/// The release as the linker reads it: its applications in start order.
pub(crate) fn release(
    file: &Path,
    files: &dyn Lookup,
) -> Result<(Rel, Vec<Member>), SystoolsError> {
    let read = release::Release::read(file, files)?;
    Ok((read.rel, read.applications))
}

/// The modules that a way of an appup converts, with the arguments `Extra` of their conversions.
pub(crate) fn extras(way: Instructions) -> Vec<(Atom, Term)> {
    rc::extras(rc::Script::of_appup(way))
}

/// Compiles a single way of an appup as in a relup: from or to this version, between the applications of `target`, which is
/// reached, and `source`, which is left. `None` when the appup has no such way.
pub(crate) fn way(
    appup: &Appup,
    direction: Direction,
    vsn: &str,
    target: &[Member],
    source: &[Member],
) -> Result<Option<Vec<Instruction>>, SystoolsError> {
    let way = appup.way(direction, vsn).map_err(|error| {
        let term = error.to_term();
        SystoolsError::Relup(Problem::of_file(&error, term))
    })?;
    let Some(way) = way else {
        return Ok(None);
    };
    let script = rc::translate(direction, vec![rc::Script::of_appup(way)], target, source);
    script.map(Some).map_err(SystoolsError::Rc)
}

fn warnings_treated_as_errors(warnings: &[Warning]) -> SystoolsError {
    let sentences: Vec<_> = warnings.iter().map(Warning::to_string).collect();
    let terms: Term = warnings.iter().map(Warning::to_term).collect();
    SystoolsError::Relup(Problem {
        location: None,
        sentence: format!("warnings count as errors: {}", sentences.join("; ")),
        term: terms::tagged("warnings_treated_as_errors", terms),
    })
}

impl Problem {
    /// The problem of a file error, with another term.
    fn of_file(error: &FileError, term: Term) -> Problem {
        let sentence = match error {
            FileError::Read { kind, .. } => in_words(*kind),
            FileError::Parse { source, .. } => {
                format!("found {}, expected {}", source.found, source.expected)
            }
            FileError::Content { sentence, .. } => sentence.clone(),
            FileError::Refused { refused, .. } => refused.to_string(),
            FileError::Changed { how, sums, .. } => format!("{how} {}", sums.display()),
            FileError::Gone { sums, .. } => {
                format!("no such file, and {} lists it", sums.display())
            }
        };
        let location = Location {
            file: error.file().to_path_buf(),
            line: error.line(),
        };
        Problem {
            location: Some(location),
            sentence,
            term,
        }
    }
}

impl Problem {
    fn of_fit(error: FitError) -> Problem {
        let location = Location {
            file: error.file,
            line: Some(error.line),
        };
        Problem {
            location: Some(location),
            sentence: error.sentence,
            term: error.term,
        }
    }
}

impl From<FitError> for SystoolsError {
    fn from(error: FitError) -> SystoolsError {
        SystoolsError::Make(Problem::of_fit(error))
    }
}

#[cfg(test)]
mod tests;
