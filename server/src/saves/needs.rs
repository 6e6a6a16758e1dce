//! The saved avatars that a tree could not open any more without some of its libraries: for the removal of a release.

use std::collections::BTreeMap;

use pq_code::Library;
use pq_otp::Module;
use pq_saves::{Version, Versions};
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
    let boots = libraries.iter().filter(|library| is_of(targets, library));
    let targets: Vec<Module> = boots.flat_map(|library| library.modules.clone()).collect();
    let stay = |library: &&Library| !is_of(gone, library);
    // Rows that no library opens are set aside, whatever is removed.
    let missing_now = pq_saves::missing(needs.clone(), all_of(libraries.iter()), &targets);
    let versions = all_of(libraries.iter().filter(stay));
    let missing = pq_saves::missing(needs, versions, &targets).into_iter();
    let missing = missing.filter(|(need, ..)| missing_now.iter().all(|(now, ..)| now != need));
    let mut lost = BTreeMap::new();
    for (need, module, _) in missing {
        let has = |library: &&Library| library.modules.iter().any(|it| it.name() == module);
        let library = libraries.iter().find(|it| is_of(gone, it) && has(it));
        let name = library.map(|it| format!("{}-{}", it.application, it.vsn));
        *lost.entry(name.unwrap_or(module)).or_default() += need.rows;
    }
    let lost = lost.into_iter();
    Ok(lost.map(|(library, rows)| Lost { rows, library }).collect())
}

fn all_of<'a>(libraries: impl Iterator<Item = &'a Library>) -> Vec<Version> {
    let versions = libraries.flat_map(|library| {
        let modules = library.modules.iter().zip(&library.entries);
        modules.map(|(module, entry)| version_of(*module, entry))
    });
    versions.collect()
}
