//! Checks of the sources of a release, before anything is built.

use std::path::{Path, PathBuf};

use anyhow::{bail, ensure};
use pq_protocol::{Exit, Failure};
use pq_release::rel::{Rel, RelApp};

use crate::author::vsn::parts;
use crate::boot;
use crate::libraries::Workspace;

/// Checks that the files of the release agree about its versions.
///
/// # Errors
/// Names the file, the line and the next step.
pub(super) fn check(workspace: &Workspace, rel: &Rel, vsn: &str) -> anyhow::Result<()> {
    ensure!(
        rel.vsn == vsn,
        "failed to make release {vsn}: {}, line {}, is of release {}; write `{{\"{}\", \"{vsn}\"}}` there",
        rel.file.display(),
        rel.vsn_line,
        rel.vsn,
        rel.name
    );
    for entry in boot::runtime()?.foreign(rel) {
        let (name, vsn) = (entry.name.as_str(), &entry.vsn);
        if let Some(folder) = stray(workspace, name, vsn) {
            bail!(
                "failed to find the sources of {name} {vsn}: {} is no member of the workspace; add the directory to `members` \
                 in {}",
                folder.display(),
                workspace.root().join("Cargo.toml").display()
            );
        }
        workspace.source(name, vsn)?.agrees()?;
    }
    Ok(())
}

/// Checks that the release differs from the one before it.
///
/// # Errors
/// Names the newest version that the workspace has of an application.
pub(super) fn is_new(workspace: &Workspace, rel: &Rel, olders: &[Rel]) -> anyhow::Result<()> {
    let versions = |rel: &Rel| -> Vec<(String, String)> {
        let apps = rel.applications.iter();
        apps.map(|app| (app.name.to_string(), app.vsn.clone()))
            .collect()
    };
    let older = olders
        .first()
        .filter(|older| versions(older) == versions(rel));
    let Some(older) = older else {
        return Ok(());
    };
    let newer = rel.applications.iter().find_map(|entry| {
        let known = workspace.versions(entry.name.as_str());
        let newest = known.into_iter().max_by_key(|vsn| parts(vsn))?;
        (parts(&newest) > parts(&entry.vsn)).then_some((entry, newest))
    });
    // Without a newer version, only the settings have changed.
    newer.map_or(Ok(()), |(entry, newest)| {
        bail!(
            "failed to make release {}: {}, line {}, has {} {}, as release {} has, and the workspace has {newest}; write \
             `{{{}, \"{newest}\"}}` there",
            rel.vsn,
            rel.file.display(),
            entry.line,
            entry.name,
            entry.vsn,
            older.vsn,
            entry.name
        )
    })
}

/// Checks the sources of the applications that no older release has: a library has no clock, file or thread of its own.
///
/// # Errors
/// Names all places.
pub(super) fn lint(workspace: &Workspace, rel: &Rel, olders: &[Rel]) -> anyhow::Result<()> {
    let is_released = |entry: &RelApp| {
        let known = olders
            .iter()
            .filter_map(|older| older.application(entry.name.as_str()));
        known.into_iter().any(|known| known.vsn == entry.vsn)
    };
    let mut places = Vec::new();
    for entry in rel.applications.iter().filter(|entry| !is_released(entry)) {
        let Ok(source) = workspace.source(entry.name.as_str(), &entry.vsn) else {
            continue;
        };
        let faults = pq_lint::library_faults(source.folder());
        let faults = faults.map_err(|(file, error)| {
            anyhow::anyhow!("failed to read {}: {error}", file.display())
        })?;
        for (file, fault) in faults {
            let (line, rule) = (fault.line, fault.sentence);
            places.push(format!("{}, line {line}: {rule}", file.display()));
        }
    }
    ensure!(
        places.is_empty(),
        Failure::new(
            Exit::Refused,
            format!(
                "failed to make release {}: the sources are not those of a library: {}",
                rel.vsn,
                places.join("; ")
            )
        )
    );
    Ok(())
}

/// A directory beside those of the workspace's packages with this version of an application, that is no package of the
/// workspace.
fn stray(workspace: &Workspace, name: &str, vsn: &str) -> Option<PathBuf> {
    let folders = workspace.folders();
    let mut above: Vec<&Path> = folders
        .iter()
        .filter_map(|folder| folder.parent())
        .collect();
    above.push(workspace.root());
    above.sort();
    above.dedup();
    let places = above.into_iter();
    let mut places = places.map(|above| above.join(format!("{name}-{vsn}")));
    places.find(|folder| !folders.contains(folder) && folder.join(format!("{name}.app")).is_file())
}
