//! Modules that changed and kept their version, said to their author while it costs nothing yet.
//!
//! An upgrade goes by versions: such a module stays what it is, and the change arrives with the next restart, if at all.

use std::path::{Path, PathBuf};

use pq_code::{LIBRARY_BYTES_MAX, Manifest, manifest_of};
use pq_release::app::App;
use pq_release::layout;
use pq_release::rel::{Rel, RelApp};
use pq_release::same_vsn::SameVsn;
use pq_release::systools::{Folders, Lookup};

use super::warn;

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

/// Compares the libraries of two releases, where they stand beside their `.app` files.
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
            "{name} {vsn}, compared with {other}: {same}; an upgrade leaves such modules as they are, so code that changed \
             has a VSN to raise"
        ));
    }
}

/// The other versions of an application in the tree, in the order of their names.
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

/// The library beside the `.app` file of this version: among sources there is none.
fn beside(files: &Folders, entry: &RelApp) -> Option<Manifest> {
    let name = entry.name.as_str();
    let is_it = |file: &PathBuf| App::read(file).is_ok_and(|app| app.vsn == entry.vsn);
    let app = files.app_files(name).into_iter().find(is_it)?;
    manifest(&app.parent()?.parent()?.join(layout::library_name(name)))
}

/// What a library says of itself; nothing where there is none that can be read.
fn manifest(file: &Path) -> Option<Manifest> {
    manifest_of(&pq_files::read(file, LIBRARY_BYTES_MAX).ok()?).ok()
}
