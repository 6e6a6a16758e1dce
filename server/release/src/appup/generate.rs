//! Appups by machine: what the libraries of two versions say of themselves, compared.
//!
//! ```text
//!   two manifests ─ crossing ─► what becomes of each module, up and down ─ order ─► instructions
//!                 ─ note ─────► what the comparison could not know
//!   and an appup  ─ check ────► where it does not fit
//! ```
//!
//! | what a module is | what becomes of it |
//! |---|---|
//! | only in the version that is reached, only in the one that is left | `add_module`, `delete_module` |
//! | of one version in both | nothing |
//! | a supervisor | `{update, Mod, supervisor}` |
//! | one with a state, and the newer version converts that of the older | `{update, Mod, {advanced, []}}` |
//! | any other | `load_module` |
//!
//! It depends on another module when it calls a function there that it did not call before: then the other one has
//! to be there first. Where no call asks for an order, see `order`.
//!
//! Pure: nothing here touches a file. Called by `pq appup`; systools knows what the instructions mean.

use pq_code::{Manifest, ModuleEntry};
use pq_otp::{Direction, Kind};
use pq_term::{Atom, AtomError, Term};

mod check;
mod crossing;
mod note;
mod order;
mod script;

pub use check::{Misfit, check};
pub use note::Note;

use crossing::Crossing;

/// An appup that was made.
#[derive(Debug, Clone, PartialEq)]
pub struct Generated {
    /// What the file holds: `{Vsn, [{UpFromVsn, Instructions}], [{DownToVsn, Instructions}]}`.
    pub term: Term,
    /// What the comparison could not know; whoever releases has to.
    pub notes: Vec<Note>,
}

/// The manifests cannot be compared. Displays as a fragment that continues "failed to …".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompareError {
    /// They are of different applications.
    #[error(
        "compare the libraries: the older is of `{older}` and the newer of `{newer}`; two versions of one \
         application would be right"
    )]
    Applications {
        /// What the older belongs to.
        older: String,
        /// What the newer belongs to.
        newer: String,
    },
    /// They are of one version.
    #[error("compare the libraries: both are {application} {vsn}, so there is no way between them")]
    OneVersion {
        /// The application.
        application: String,
        /// The version of both.
        vsn: String,
    },
    /// The name of a module is no atom.
    #[error("compare the libraries: `{module}` cannot be a module: {source}")]
    Name {
        /// The module.
        module: String,
        /// Why not.
        source: AtomError,
    },
    /// A module changed what it is, and processes run it.
    #[error(
        "compare the libraries: `{module}` is a {older} in {older_vsn} and a {newer} in {newer_vsn}, and no process can \
         become another kind of process; give the module another name, or write an appup with \
         `{{restart_application, App}}`"
    )]
    Kind {
        /// The module.
        module: String,
        /// What it was.
        older: &'static str,
        /// In which version of the application.
        older_vsn: String,
        /// What it is.
        newer: &'static str,
        /// In which version of the application.
        newer_vsn: String,
    },
}

/// Makes the appup of the newer version, from and to the older (`appup(4)`).
///
/// # Errors
/// When there is no way between these two that instructions for modules could describe.
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
    /// The text of the file.
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

/// True for what processes run.
fn runs(kind: Kind) -> bool {
    !matches!(kind, Kind::Functions | Kind::Application)
}

/// True for what keeps a state of its own in a process. The state of a supervisor and of an event manager is the
/// runtime's.
fn has_state(kind: Kind) -> bool {
    matches!(kind, Kind::GenServer | Kind::GenFsm | Kind::GenEvent)
}

#[cfg(test)]
mod tests;
