//! Warnings about modules that changed without a new version.
//!
//! An upgrade compares versions: it does not replace such a module, and the change takes effect only at a restart.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use pq_code::{LIBRARY_BYTES_MAX, Manifest, manifest_of};
use pq_release::app::App;
use pq_release::layout;
use pq_release::rel::{Rel, RelApp};
use pq_release::same_vsn::SameVsn;
use pq_release::systools::{Folders, Lookup};

use super::warn;
use crate::libraries::{Source, text_if_there};

/// Compares the libraries of a release with those of other versions of the same applications in the tree.
pub(crate) fn say(root: &Path, rel: &Rel) {
    for entry in &rel.applications {
        let name = entry.name.as_str();
        let Some(own) = manifest(&layout::library(root, name, &entry.vsn)) else {
            continue;
        };
        for other in other_vsns(root, entry) {
            if let Some(older) = manifest(&layout::library(root, name, &other)) {
                say_one(&own, &older);
            }
        }
    }
}

/// A file of an application that differs between a tree and the sources.
pub(super) enum Changed {
    /// The `.app` or `.appup` file in the sources.
    File(PathBuf),
    /// The source of this module.
    Module(String),
}

/// The first difference between the sources of an application and its files in a tree.
///
/// # Errors
/// Fails if a file is unreadable.
pub(super) fn changed(
    root: &Path,
    source: &Source,
    digests: &BTreeMap<String, String>,
) -> anyhow::Result<Option<Changed>> {
    let (name, vsn) = (source.app.name.as_str(), &source.app.vsn);
    let file = layout::app_file(root, name, vsn);
    if text_if_there(&file)?.as_ref() != Some(&source.app_text) {
        return Ok(Some(Changed::File(source.app.file.clone())));
    }
    if text_if_there(&file.with_extension("appup"))? != source.appup_text {
        let appup = source.app.file.with_extension("appup");
        return Ok(Some(Changed::File(appup)));
    }
    // A library that cannot be read is reported when it is packed.
    let manifest = manifest(&layout::library(root, name, vsn));
    let mut modules = manifest.into_iter().flat_map(|manifest| manifest.modules);
    let other = modules.find(|module| match (&module.digest, digests.get(&module.name)) {
        (Some(built), Some(now)) => built != now,
        _ => false,
    });
    Ok(other.map(|module| Changed::Module(module.name)))
}

/// Compares the libraries of two releases, if they are beside the `.app` files.
pub(super) fn say_between(files: &Folders, newer: &Rel, older: &Rel) {
    for entry in &newer.applications {
        let before = older.application(entry.name.as_str());
        let Some(before) = before.filter(|before| before.vsn != entry.vsn) else {
            continue;
        };
        if let (Some(own), Some(other)) = (beside(files, entry), beside(files, before)) {
            say_one(&own, &other);
        }
    }
}

fn say_one(own: &Manifest, older: &Manifest) {
    let same = SameVsn::of(older, own);
    if same != SameVsn::default() {
        let (name, vsn, other) = (&own.application, &own.vsn, &older.vsn);
        warn(format_args!(
            "{name} {vsn}, compared with {other}: {same}; an upgrade does not replace such modules: raise the VSN of each \
             changed module"
        ));
    }
}

/// The other versions of an application in the tree, sorted by name.
fn other_vsns(root: &Path, entry: &RelApp) -> Vec<String> {
    let folders = std::fs::read_dir(root.join("lib"))
        .into_iter()
        .flatten()
        .flatten();
    let vsn = |folder: std::fs::DirEntry| {
        let folder = folder.file_name().into_string().ok()?;
        let vsn = folder
            .strip_prefix(entry.name.as_str())?
            .strip_prefix('-')?;
        (vsn != entry.vsn).then(|| vsn.to_string())
    };
    let mut vsns: Vec<String> = folders.filter_map(vsn).collect();
    vsns.sort();
    vsns
}

/// The manifest of the library beside the `.app` file of this version; source directories have no library.
fn beside(files: &Folders, entry: &RelApp) -> Option<Manifest> {
    let name = entry.name.as_str();
    let is_it = |file: &PathBuf| App::read(file).is_ok_and(|app| app.vsn == entry.vsn);
    let app = files.app_files(name).into_iter().find(is_it)?;
    manifest(&app.parent()?.parent()?.join(layout::library_name(name)))
}

/// The manifest of a library; `None` if the file is missing or unreadable.
fn manifest(file: &Path) -> Option<Manifest> {
    manifest_of(&pq_files::read(file, LIBRARY_BYTES_MAX).ok()?).ok()
}
