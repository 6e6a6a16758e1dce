//! Checks whether an appup fits the libraries of its two versions.
//!
//! The appup may differ from the generated one: every order that the calls permit is right, an unchanged module may be loaded
//! again, and an appup that restarts the application or the node names no modules.

use std::fmt;
use std::path::PathBuf;

use pq_code::Manifest;
use pq_otp::Direction;

use super::crossing::{Change, Crossing, Past, What, past};
use super::script::{self, Does, Script, Step};
use super::{CompareError, comparable, module, order};
use crate::appup::Appup;
use crate::terms;

/// A place at which an appup does not fit the libraries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// The path of the `.appup` file.
    pub file: PathBuf,
    /// The line (from 1) in the `.appup` file.
    pub line: usize,
    /// A sentence that names the fault and the correct form.
    pub sentence: String,
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Misfit {
            file,
            line,
            sentence,
        } = self;
        write!(f, "{}: line {line}: {sentence}", file.display())
    }
}

/// All places at which an appup of the newer version does not fit the two libraries; empty when it fits.
///
/// # Errors
/// As [`super::generate`].
pub fn check(
    appup: &Appup,
    older: &Manifest,
    newer: &Manifest,
) -> Result<Vec<Misfit>, CompareError> {
    let mut misfits = Vec::new();
    for direction in [Direction::Up, Direction::Down] {
        for misfit in check_way(appup, direction, older, newer)? {
            if !misfits.contains(&misfit) {
                misfits.push(misfit);
            }
        }
    }
    Ok(misfits)
}

/// The same for one direction.
///
/// # Errors
/// As [`super::generate`].
pub(crate) fn check_way(
    appup: &Appup,
    direction: Direction,
    older: &Manifest,
    newer: &Manifest,
) -> Result<Vec<Misfit>, CompareError> {
    comparable(older, newer)?;
    let mut misfits = Vec::new();
    if terms::text(&appup.vsn).as_ref() != Some(&newer.vsn) {
        misfits.push(Misfit {
            file: appup.file().to_path_buf(),
            line: 1,
            sentence: format!(
                "it leads to version {}, but the library has version \"{}\"",
                appup.vsn, newer.vsn
            ),
        });
    }
    let way = Way {
        direction,
        appup,
        older,
        newer,
    };
    misfits.extend(way.misfits());
    Ok(misfits)
}

/// One direction of an appup, with the libraries of both versions.
struct Way<'a> {
    direction: Direction,
    appup: &'a Appup,
    older: &'a Manifest,
    newer: &'a Manifest,
}

impl Way<'_> {
    fn misfits(&self) -> Vec<Misfit> {
        let way = match self.appup.way(self.direction, &self.older.vsn) {
            Ok(Some(way)) => way,
            Ok(None) => return vec![self.missing()],
            Err(error) => {
                let line = error.line().unwrap_or(1);
                return vec![self.misfit(line, format!("it cannot be used: {error}"))];
            }
        };
        let script = script::read(&way, &self.newer.application);
        if script.restarts {
            return Vec::new();
        }
        let crossing = Crossing::new(self.direction, self.older, self.newer);
        let changes = order::ordered(self.direction, crossing.changes());
        let unnamed = changes.iter().filter_map(|change| {
            let is_named = script.steps.iter().any(|step| step.module == change.name);
            (!is_named).then(|| self.misfit(way.origin.line(), self.unnamed(change)))
        });
        let wrong = script.steps.iter().filter_map(|step| {
            let sentence = self.wrong(step, &changes)?;
            Some(self.misfit(step.origin.line(), sentence))
        });
        let late = changes.iter().flat_map(|change| self.late(change, &script));
        unnamed.chain(wrong).chain(late).collect()
    }

    fn misfit(&self, line: usize, sentence: String) -> Misfit {
        Misfit {
            file: self.appup.file().to_path_buf(),
            line,
            sentence,
        }
    }

    /// `the way up from 1.0.0`
    fn name(&self) -> String {
        match self.direction {
            Direction::Up => format!("the way up from {}", self.older.vsn),
            Direction::Down => format!("the way down to {}", self.older.vsn),
        }
    }

    fn missing(&self) -> Misfit {
        let sentence = format!(
            "{} is missing; there are ways for: {}",
            self.name(),
            self.appup.versions(self.direction)
        );
        self.misfit(self.appup.line(self.direction), sentence)
    }

    fn unnamed(&self, change: &Change) -> String {
        let (name, way) = (change.name, self.name());
        format!(
            "{way} does not name `{name}`, {}; `{}` would be right",
            self.reason(change),
            change.to_term()
        )
    }

    /// The reason why the appup has to name a module, as a clause that follows the module's name.
    fn reason(&self, change: &Change) -> String {
        let vsn = |manifest| module(manifest, change.name).map_or("", |module| &*module.vsn);
        let (older, newer) = (vsn(self.older), vsn(self.newer));
        match change.what {
            What::Add => "which has to be added".to_string(),
            What::Delete => "which has to be deleted".to_string(),
            What::Load => format!("which is {older} in the older version and {newer} in the newer"),
            What::Convert => format!("whose state {newer} converts from and to {older}"),
            What::Supervisor => format!(
                "a supervisor that is {older} in the older version and {newer} in the newer"
            ),
        }
    }

    /// The fault of a single step, without regard to the other steps.
    fn wrong(&self, step: &Step, changes: &[Change]) -> Option<String> {
        let name = step.module.as_str();
        let found = &step.term;
        let Some(change) = changes.iter().find(|change| change.name == name) else {
            return self.wrong_about_the_same(step);
        };
        let fits = match change.what {
            What::Add => matches!(step.does, Does::Add | Does::Load),
            What::Delete => step.does == Does::Delete,
            What::Convert => step.does == Does::Convert,
            What::Supervisor => step.does == Does::Supervisor,
            What::Load => {
                step.does == Does::Load || step.does == Does::Convert && self.is_kept(name)
            }
        };
        (!fits).then(|| {
            format!(
                "`{found}` is the wrong instruction for `{name}`, {}; `{}` would be right",
                self.reason(change),
                change.to_term()
            )
        })
    }

    /// An appup may load an unchanged module again.
    fn wrong_about_the_same(&self, step: &Step) -> Option<String> {
        let (name, found) = (&step.module, &step.term);
        match module(self.newer, name) {
            None => Some(format!(
                "`{found}` names `{name}`, which neither {} nor {} has",
                self.older.vsn, self.newer.vsn
            )),
            Some(_) if matches!(step.does, Does::Add | Does::Delete) => Some(format!(
                "`{found}` names `{name}`, which is the same in both versions; leave it out"
            )),
            Some(_) => None,
        }
    }

    /// True for an unchanged state: an instruction to convert it has nothing to do.
    fn is_kept(&self, name: &str) -> bool {
        let (older, newer) = (module(self.older, name), module(self.newer, name));
        matches!((older, newer), (Some(older), Some(newer)) if past(older, newer) == Past::Kept)
    }

    /// Calls of a module before its `add_module` or after its `delete_module`.
    fn late(&self, change: &Change, script: &Script) -> Vec<Misfit> {
        let line = |name: &str| {
            let step = script.steps.iter().find(|step| step.module == name);
            step.map_or(1, |step| step.origin.line())
        };
        let is_before = |one: &str, other: &str| match (script.place(one), script.place(other)) {
            (Some(one), Some(other)) => one < other,
            _ => false,
        };
        let name = change.name;
        let early = change.follows.iter().filter(|other| is_before(name, other));
        let early = early.map(|other| {
            let sentence = format!(
                "`{name}` newly calls `{other}`, which comes later; name `{other}` among its dependencies, or before it"
            );
            self.misfit(line(name), sentence)
        });
        let target = match self.direction {
            Direction::Up => self.newer,
            Direction::Down => self.older,
        };
        let gone = change
            .leads
            .iter()
            .filter(|other| module(target, other).is_none());
        let late = gone.filter(|other| is_before(other, name)).map(|other| {
            let sentence = format!(
                "`{other}` is deleted while `{name}` still calls it; delete it after the exchange of `{name}`"
            );
            self.misfit(line(other), sentence)
        });
        early.chain(late).collect()
    }
}

#[cfg(test)]
mod tests;
