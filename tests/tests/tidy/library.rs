//! Library packages: directory, package and version have one name, and a released package does not change.
//!
//! `releases/frozen.sha256` lists every file of every released library directory in the format of `sha256sum`:
//! `<sha256>  <path>`. A directory without a line is not released yet.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use super::confined::faults_of;
use super::floors::library;
use super::tree::{Fault, File};

/// The file with the checksums of released directories.
pub(crate) const FROZEN: &str = "releases/frozen.sha256";

/// `processquest-1.0.0` is `("processquest", "1.0.0")`; `None` for other directories.
pub(crate) fn application_and_version(folder: &str) -> Option<(&str, &str)> {
    let (application, version) = folder.rsplit_once('-')?;
    let is_version = version.contains('.') && version.split('.').all(|n| n.parse::<u64>().is_ok());
    is_version.then_some((application, version))
}

/// The fault of a library package whose directory, name and version disagree. `manifest` is its `Cargo.toml`.
pub(crate) fn name_fault(manifest: &File, package: &str, version: &str) -> Option<Fault> {
    let folder = manifest.path.rsplit('/').nth(1)?;
    if library(package).is_none() && application_and_version(folder).is_none() {
        return None;
    }
    let is_one = application_and_version(folder).is_some_and(|(_, vsn)| vsn == version)
        && folder.replace('.', "_") == package;
    manifest.unless(
        is_one,
        1,
        "folder, package and version are one name: `quest-1.0.0`, `quest-1_0_0`, `1.0.0`",
    )
}

/// The fault of an application file with another version than its directory.
pub(crate) fn vsn_fault(app: &File, version: &str) -> Option<Fault> {
    let squeezed: String = app.text.split_whitespace().collect();
    let is_same = squeezed.contains(&format!("{{vsn,\"{version}\"}}"));
    let line = app.line_where(|line| line.contains("vsn"));
    app.unless(
        is_same,
        line,
        &format!("write `{{vsn, \"{version}\"}}`, the version of the folder"),
    )
}

/// Changed, new and missing files in directories that `frozen` lists.
pub(crate) fn frozen_faults(frozen: &File, files: &[File]) -> Vec<Fault> {
    let listed: BTreeMap<&str, (usize, &str)> = frozen
        .text
        .lines()
        .enumerate()
        .filter_map(listed_line)
        .collect();
    let folders: BTreeSet<&str> = listed.keys().filter_map(|path| folder(path)).collect();
    let unlisted = |file: &&File| !listed.contains_key(file.path.as_str());
    let in_frozen =
        |file: &&File| folder(&file.path).is_some_and(|folder| folders.contains(folder));
    let added = files.iter().filter(unlisted).filter(in_frozen);

    let mut faults: Vec<Fault> = listed
        .iter()
        .filter(|(path, (_, sum))| {
            !files
                .iter()
                .any(|f| f.path == **path && sum_of(&f.text) == *sum)
        })
        .map(|(path, (line, _))| {
            frozen.fault(
                *line,
                format!("put `{path}` back as it was released, and change a newer version"),
            )
        })
        .collect();
    faults.extend(added.map(|file| {
        file.fault(
            1,
            "its folder was released without it: add it to a newer version",
        )
    }));
    faults
}

fn listed_line((index, line): (usize, &str)) -> Option<(&str, (usize, &str))> {
    let (sum, path) = line.split_once("  ")?;
    Some((path, (index + 1, sum)))
}

/// The library directory of `path`.
fn folder(path: &str) -> Option<&str> {
    let mut end = 0;
    for part in path.split('/') {
        end += part.len();
        if application_and_version(part).is_some() {
            return Some(&path[..end]);
        }
        end += 1;
    }
    None
}

/// The lines for all library directories in their present state, for a release.
pub(crate) fn frozen_lines(files: &[File]) -> String {
    let released = files.iter().filter(|file| folder(&file.path).is_some());
    released
        .map(|file| format!("{}  {}\n", sum_of(&file.text), file.path))
        .collect()
}

/// Whether the file is source of a library that is not released yet.
fn is_open_source(path: &str, frozen: &File) -> bool {
    let is_library = super::confined::is_library(path)
        || path.starts_with("tests/plugins/")
        || path.starts_with("regis/application/src/");
    let is_test = path.contains("/tests/") && !path.starts_with("tests/plugins/");
    let is_frozen = || {
        let mut lines = frozen.text.lines();
        lines.any(|line| line.ends_with(&format!("  {path}")))
    };
    is_library && path.ends_with(".rs") && !is_test && !path.ends_with("/tests.rs") && !is_frozen()
}

/// Calls of functions in other modules that do not use `calls!`, and functions in it that are not called: then the list
/// in the manifest would be wrong, from which an appup takes its dependencies.
pub(crate) fn unlisted_calls(file: &File, frozen: &File) -> Vec<Fault> {
    if !is_open_source(&file.path, frozen) {
        return Vec::new();
    }
    faults_of(file, pq_lint::unlisted_calls(&file.text))
}

/// The SHA-256 in hexadecimal, as `sha256sum` prints it.
fn sum_of(text: &str) -> String {
    Sha256::digest(text)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
