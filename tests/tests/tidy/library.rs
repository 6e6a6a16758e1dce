//! Library packages: directory, package and version have one name, and a released package does not change.
//!
//! `releases/frozen.sha256` lists every file of every released library directory in the format of `sha256sum`:
//! `<sha256>  <path>`. A directory without a line is not released yet.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use super::floors::library;
use super::functions::block_len;
use super::mask::{line_of, mask, words};
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
    let code = mask(&file.text);
    let code = &code[..code.find("#[cfg(test)]").unwrap_or(code.len())];
    let listed: Vec<(usize, &str)> = words(code, "calls!")
        .flat_map(|at| listed_in(code, at))
        .collect();
    let called: Vec<(usize, &str)> = called(code).collect();
    let is_listed = |path: &str| listed.iter().any(|(_, name)| *name == path);
    let is_called = |name: &str| called.iter().any(|(_, path)| *path == name);
    let unlisted = called.iter().filter(|(_, path)| !is_listed(path));
    let uncalled = listed.iter().filter(|(_, name)| !is_called(name));
    unlisted
        .map(|(at, _)| (at, "list it in `pq_sdk::calls!` and call it by that name"))
        .chain(uncalled.map(|(at, _)| (at, "remove it from `pq_sdk::calls!`: no code calls it")))
        .map(|(at, wanted)| file.fault(line_of(code, *at), wanted))
        .collect()
}

/// The statics of the `calls!` that begins here.
fn listed_in(code: &str, from: usize) -> impl Iterator<Item = (usize, &str)> {
    let block = &code[from..from + block_len(&code[from..])];
    words(block, "static").filter_map(move |at| {
        let name = block[at + "static".len()..].trim_start();
        Some((from + at, name.split(':').next()?))
    })
}

/// The paths that end in the name of a static and on which `call` or `try_call` is called.
fn called(code: &str) -> impl Iterator<Item = (usize, &str)> {
    let calls = [".call(", ".try_call("];
    let at = calls.into_iter().flat_map(|call| code.match_indices(call));
    let path = |at: usize| {
        let is_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
        let from = code[..at].trim_end().trim_end_matches(is_path).len();
        code[from..at].trim()
    };
    let is_static = |path: &str| {
        let name = path.rsplit(':').next().unwrap_or(path);
        name.len() > 1
            && name
                .chars()
                .all(|c| c.is_ascii_uppercase() || "_0123456789".contains(c))
    };
    at.map(move |(at, _)| (at, path(at)))
        .filter(move |(_, path)| is_static(path))
}

/// The SHA-256 in hexadecimal, as `sha256sum` prints it.
fn sum_of(text: &str) -> String {
    Sha256::digest(text)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
