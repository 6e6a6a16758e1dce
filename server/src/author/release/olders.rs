//! The older releases of a workspace: the new release can be installed from them, and can go back to them.

use anyhow::ensure;
use pq_release::rel::Rel;

use super::failed;
use crate::author::build::Pieces;
use crate::author::vsn::{newest_first, parts};
use crate::libraries::Workspace;

/// An older release with its libraries.
pub(super) struct Older {
    pub(super) rel: Rel,
    pub(super) pieces: Pieces,
}

/// The older releases, the newest first: those with these versions, or all with the name of the release.
///
/// # Errors
/// Fails if one of these versions has no `.rel` file, or a file is malformed.
pub(super) fn of(workspace: &Workspace, rel: &Rel, from: &[String]) -> anyhow::Result<Vec<Rel>> {
    let mut olders = Vec::new();
    for vsn in workspace.release_vsns() {
        let is_wanted = match from.is_empty() {
            true => parts(&vsn) < parts(&rel.vsn),
            false => from.contains(&vsn),
        };
        if is_wanted {
            let older = Rel::read(&workspace.rel_file(&vsn)?).map_err(failed)?;
            olders.extend((older.name == rel.name).then_some(older));
        }
    }
    for vsn in from {
        ensure!(
            olders.iter().any(|older| older.vsn == *vsn),
            "failed to find release {vsn} of {}: {} has no such release",
            rel.name,
            workspace.root().join("releases").display()
        );
    }
    newest_first(&mut olders, |older| &older.vsn);
    Ok(olders)
}
