//! The saved avatars that a tree could not open any more without some of its libraries: for the removal of a release.

use pq_code::Library;
use pq_otp::Module;
use pq_saves::Versions;
use pq_store::{Read, Snapshot, StoreError};

use super::versions::{version_of, versions_of};
use crate::boot::Booted;

/// Saved avatars that need a library.
pub(crate) struct Lost {
    /// The number of rows, set aside or not.
    pub(crate) rows: u64,
    /// The application and version of the library: `game-1.0.0`.
    pub(crate) library: String,
}

/// An application in a version.
pub(crate) type Vsn = (String, String);

/// The saved avatars that need one of the applications `gone`. `targets` are those of the releases that may boot next.
///
/// # Errors
/// When the store cannot be read.
pub(crate) fn lost_without(
    booted: &Booted,
    gone: &[Vsn],
    targets: &[Vsn],
) -> Result<Vec<Lost>, StoreError> {
    let file = super::file(booted.root());
    if gone.is_empty() || !file.exists() {
        return Ok(Vec::new());
    }
    let needs = Snapshot::open(&file)?.needs_versions()?;
    // Loads the libraries that the rows need.
    let pairs = needs
        .iter()
        .flat_map(|need| pq_saves::pairs(&need.versions));
    versions_of(booted).versions(&pairs.collect::<Vec<_>>());
    let libraries = booted.code().libraries();
    let is_of = |vsns: &[Vsn], library: &Library| {
        let own = (library.application.clone(), library.vsn.clone());
        vsns.contains(&own)
    };
    let stay = libraries.iter().filter(|library| !is_of(gone, library));
    let versions = stay.flat_map(|library| {
        let modules = library.modules.iter().zip(&library.entries);
        modules.map(|(module, entry)| version_of(*module, entry))
    });
    let boots = libraries.iter().filter(|library| is_of(targets, library));
    let targets: Vec<Module> = boots.flat_map(|library| library.modules.clone()).collect();
    let missing = pq_saves::missing(needs, versions.collect(), &targets);
    let mut lost: Vec<Lost> = Vec::new();
    for (need, module, vsn) in missing {
        let has = |library: &&Library| {
            let mut modules = library.modules.iter();
            is_of(gone, library) && modules.any(|it| it.name() == module && it.vsn() == vsn)
        };
        // Rows that need a library which is not there are set aside, whatever is removed.
        if let Some(library) = libraries.iter().find(has) {
            let library = format!("{}-{}", library.application, library.vsn);
            match lost.iter_mut().find(|it| it.library == library) {
                Some(lost) => lost.rows += need.rows,
                None => lost.push(Lost {
                    rows: need.rows,
                    library,
                }),
            }
        }
    }
    Ok(lost)
}
