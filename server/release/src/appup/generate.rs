//! Generates appups: compares the manifests of the libraries of two versions.
//!
//! ```text
//!   two manifests ─ crossing ─► the change of each module, up and down ─ order ─► instructions
//!                 ─ note ─────► open points for the author
//!   and an appup  ─ check ────► the places that do not fit
//! ```
//!
//! | module | instruction |
//! |---|---|
//! | only in the version that is reached, only in the version that is left | `add_module`, `delete_module` |
//! | with the same version in both | none |
//! | a supervisor | `{update, Mod, supervisor}` |
//! | has a state, and the newer version converts the state of the older | `{update, Mod, {advanced, []}}` |
//! | any other | `load_module` |
//!
//! A module depends on another module when its next version calls a function of the other module that its version before did
//! not call: the other module has to be loaded first. The module `order` orders modules without such calls.
//!
//! The module is pure: it reads and writes no file. `pq appup` calls it; `systools` interprets the instructions.

use pq_code::{Manifest, ModuleEntry};
use pq_otp::{Direction, Kind};
use pq_term::{Atom, AtomError, Term};

mod check;
mod crossing;
mod note;
mod order;
mod script;

pub(crate) use check::check_way;
pub use check::{Misfit, check};
pub use note::Note;

use crossing::Crossing;

/// A generated appup, and notes for the author.
#[derive(Debug, Clone, PartialEq)]
pub struct Generated {
    /// The term of the file: `{Vsn, [{UpFromVsn, Instructions}], [{DownToVsn, Instructions}]}`.
    pub term: Term,
    /// Open points that the manifests do not decide; the author of the release has to check them.
    pub notes: Vec<Note>,
}

/// Two manifests that cannot be compared. Displays as a fragment that continues "failed to …".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompareError {
    /// The libraries belong to different applications.
    #[error(
        "compare the libraries: the older is of `{older}` and the newer of `{newer}`; two versions of one \
         application would be right"
    )]
    Applications {
        /// The application of the older library.
        older: String,
        /// The application of the newer library.
        newer: String,
    },
    /// Both libraries have the same version.
    #[error("compare the libraries: both are {application} {vsn}, so there is no way between them")]
    OneVersion {
        /// The application of both libraries.
        application: String,
        /// The version of both libraries.
        vsn: String,
    },
    /// The name of a module is not a valid atom.
    #[error("compare the libraries: `{module}` cannot be a module: {source}")]
    Name {
        /// The invalid name, as the manifest has it.
        module: String,
        /// The reason why the name is not an atom.
        source: AtomError,
    },
    /// A module changed its behaviour, and processes run the module.
    #[error(
        "compare the libraries: `{module}` is a {older} in {older_vsn} and a {newer} in {newer_vsn}, and no process can \
         become another kind of process; give the module another name, or write an appup with \
         `{{restart_application, App}}`"
    )]
    Kind {
        /// The module whose behaviour changed.
        module: String,
        /// The behaviour of the module in the older library, such as `gen_server`.
        older: &'static str,
        /// The version of the older library.
        older_vsn: String,
        /// The behaviour of the module in the newer library.
        newer: &'static str,
        /// The version of the newer library.
        newer_vsn: String,
    },
}

/// Makes the appup of the newer version, with the ways from and to the older version (`appup(4)`).
///
/// # Errors
/// When no instructions for modules can lead from one of the versions to the other.
pub fn generate(older: &Manifest, newer: &Manifest) -> Result<Generated, CompareError> {
    comparable(older, newer)?;
    let way = |direction| {
        let crossing = Crossing::new(direction, older, newer);
        let changes = order::ordered(direction, crossing.changes());
        let script: Term = changes.iter().map(crossing::Change::to_term).collect();
        Term::list([Term::tuple([Term::string(older.vsn.as_str()), script])])
    };
    Ok(Generated {
        term: Term::tuple([
            Term::string(newer.vsn.as_str()),
            way(Direction::Up),
            way(Direction::Down),
        ]),
        notes: note::notes(older, newer),
    })
}

impl Generated {
    /// One appup with the ways of several, which are for one version; `None` without any.
    pub fn joined(parts: Vec<Generated>) -> Option<Generated> {
        let vsn = parts.first()?.term.as_tuple()?.first()?.clone();
        let side = |index: usize| -> Term {
            let terms = parts
                .iter()
                .filter_map(|part| part.term.as_tuple()?.get(index));
            let ways = terms.filter_map(Term::as_list).flatten();
            ways.cloned().collect()
        };
        let term = Term::tuple([vsn, side(1), side(2)]);
        let mut notes = Vec::new();
        for note in parts.into_iter().flat_map(|part| part.notes) {
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
        Some(Generated { term, notes })
    }

    /// The text of the `.appup` file.
    pub fn to_text(&self) -> String {
        pq_term::write_file_text(std::slice::from_ref(&self.term))
    }
}

fn comparable(older: &Manifest, newer: &Manifest) -> Result<(), CompareError> {
    if older.application != newer.application {
        return Err(CompareError::Applications {
            older: older.application.clone(),
            newer: newer.application.clone(),
        });
    }
    if older.vsn == newer.vsn {
        return Err(CompareError::OneVersion {
            application: older.application.clone(),
            vsn: older.vsn.clone(),
        });
    }
    for one in older.modules.iter().chain(&newer.modules) {
        Atom::new(&one.name).map_err(|source| CompareError::Name {
            module: one.name.clone(),
            source,
        })?;
    }
    let mut kinds = older.modules.iter().filter_map(|one| {
        let other = module(newer, &one.name)?;
        let is_other = one.kind != other.kind && (runs(one.kind) || runs(other.kind));
        is_other.then(|| CompareError::Kind {
            module: one.name.clone(),
            older: one.kind.word(),
            older_vsn: older.vsn.clone(),
            newer: other.kind.word(),
            newer_vsn: newer.vsn.clone(),
        })
    });
    kinds.next().map_or(Ok(()), Err)
}

fn module<'a>(manifest: &'a Manifest, name: &str) -> Option<&'a ModuleEntry> {
    manifest.modules.iter().find(|module| module.name == name)
}

/// True for kinds of modules that processes run.
fn runs(kind: Kind) -> bool {
    !matches!(kind, Kind::Functions | Kind::Application)
}

/// True for kinds of modules whose processes keep a state of the module. The runtime owns the state of supervisors and event
/// managers.
fn has_state(kind: Kind) -> bool {
    matches!(kind, Kind::GenServer | Kind::GenFsm | Kind::GenEvent)
}

#[cfg(test)]
mod tests;
