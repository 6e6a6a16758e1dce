//! Changes of `Cargo.toml`: of the workspace, and of the package of the next version.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, bail};
use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, Value, value};

use super::older::Krate;
use super::package::{Package, path_to};
use super::relative::relative;
use super::written::Files;
use crate::libraries::{Source, Workspace, text_if_there};

/// The package with tests for authors, and its place beside the SDK.
const TESTING: &str = "pq-testing";
const TESTING_FROM_SDK: &str = "../../server/testing";

/// The text of the next version's `Cargo.toml`: that of the older version, with the crates of older versions by their paths.
///
/// # Errors
/// Fails if the older file cannot be read.
pub(super) fn next(
    source: &Source,
    package: &Package,
    older: &BTreeSet<Krate>,
) -> anyhow::Result<String> {
    let mut manifest = read(&source.folder().join("Cargo.toml"))?;
    let own = format!("{}-", source.app.name);
    let of_package = manifest["package"].or_insert(Item::Table(Table::new()));
    of_package["name"] = value(&package.name);
    of_package["version"] = value(&package.vsn);
    if of_package.get("description").is_some() {
        of_package["description"] = value(format!("{} {}", source.app.name, package.vsn));
    }
    manifest.remove("dev-dependencies");
    let dependencies = table(&mut manifest, "dependencies")?;
    let olds: Vec<String> = dependencies
        .iter()
        .map(|(name, _)| name.to_string())
        .collect();
    for name in olds.iter().filter(|name| name.starts_with(&own)) {
        dependencies.remove(name);
    }
    for krate in older {
        dependencies.insert(&krate.package, by_path(&path_to(package, &krate.folder)));
    }
    dependencies.sort_values();
    if package.has_tests {
        let mut testing = InlineTable::new();
        testing.set_dotted(true);
        testing.insert("workspace", true.into());
        let mut tests = Table::new();
        tests.insert(TESTING, value(testing));
        manifest.insert("dev-dependencies", Item::Table(tests));
    }
    Ok(manifest.to_string())
}

/// Adds the new packages to the members of the workspace, and the package with tests to its dependencies.
///
/// # Errors
/// Fails if the workspace's `Cargo.toml` cannot be read or has no members.
pub(super) fn add_members(
    workspace: &Workspace,
    files: &mut Files,
    packages: &[Package],
) -> anyhow::Result<()> {
    if packages.is_empty() {
        return Ok(());
    }
    let file = workspace.root().join("Cargo.toml");
    let mut manifest = read(&file)?;
    let members = manifest["workspace"]["members"].as_array_mut();
    let members = members.with_context(|| {
        format!(
            "failed to add a package to {}: `workspace` has no `members`",
            file.display()
        )
    })?;
    for package in packages {
        let path = |folder: &Path| relative(workspace.root(), folder).display().to_string();
        add_member(members, &path(&package.older), &path(&package.folder));
    }
    if packages.iter().any(|package| package.has_tests) {
        add_testing(&mut manifest, &file)?;
    }
    files.change(file, manifest.to_string());
    Ok(())
}

/// Adds a member behind the older version, in the layout of the list. A pattern may have it already.
fn add_member(members: &mut Array, older: &str, new: &str) {
    let names: Vec<&str> = members.iter().filter_map(Value::as_str).collect();
    let is_covered =
        |name: &&str| name.ends_with('*') && new.starts_with(name.trim_end_matches('*'));
    if names.iter().any(|name| *name == new || is_covered(name)) {
        return;
    }
    let at = names
        .iter()
        .position(|name| *name == older)
        .map_or(names.len(), |at| at + 1);
    let lines = members
        .iter()
        .filter_map(|member| member.decor().prefix()?.as_str());
    let indent = lines.filter_map(|prefix| prefix.rsplit_once('\n')).last();
    let prefix = match (indent, at) {
        (Some((_, indent)), _) => format!("\n{indent}"),
        (None, 0) => String::new(),
        (None, _) => " ".to_string(),
    };
    members.insert_formatted(at, Value::from(new).decorated(prefix, ""));
}

/// Adds the package with tests for authors, which lies beside the SDK.
fn add_testing(manifest: &mut DocumentMut, file: &Path) -> anyhow::Result<()> {
    let dependencies = manifest["workspace"]["dependencies"].or_insert(Item::Table(Table::new()));
    if dependencies.get(TESTING).is_some() {
        return Ok(());
    }
    let sdk = dependencies
        .get("pq-sdk")
        .and_then(|sdk| sdk.get("path")?.as_str());
    let Some(sdk) = sdk else {
        bail!(
            "failed to add {TESTING} to {}: `workspace.dependencies` has no `pq-sdk` with a `path`",
            file.display()
        );
    };
    dependencies[TESTING] = by_path(&joined(sdk, TESTING_FROM_SDK));
    Ok(())
}

/// A path behind another one, without names that lead down and up again.
fn joined(path: &str, more: &str) -> String {
    let mut parts: Vec<&str> = path.split('/').collect();
    for part in more.split('/') {
        match (part, parts.last()) {
            ("..", Some(last)) if *last != ".." => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

fn by_path(path: &str) -> Item {
    let mut table = InlineTable::new();
    table.insert("path", path.into());
    value(table)
}

fn table<'a>(manifest: &'a mut DocumentMut, name: &str) -> anyhow::Result<&'a mut Table> {
    let table = manifest.entry(name).or_insert(Item::Table(Table::new()));
    table
        .as_table_mut()
        .with_context(|| format!("failed to read `{name}`: it is no table"))
}

fn read(file: &Path) -> anyhow::Result<DocumentMut> {
    let text = text_if_there(file)?;
    let text = text.with_context(|| format!("failed to read {}: no such file", file.display()))?;
    text.parse()
        .with_context(|| format!("failed to read {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_member(list: &str, older: &str, new: &str) -> String {
        let mut manifest: DocumentMut = format!("[workspace]\nmembers = {list}\n").parse().unwrap();
        add_member(
            manifest["workspace"]["members"].as_array_mut().unwrap(),
            older,
            new,
        );
        let text = manifest.to_string();
        text.strip_prefix("[workspace]\nmembers = ")
            .unwrap()
            .trim_end()
            .to_string()
    }

    #[test]
    fn a_member_stands_behind_its_older_version() {
        assert_eq!(
            with_member("[\"chat-1.0.0\", \"tests\"]", "chat-1.0.0", "chat-1.1.0"),
            "[\"chat-1.0.0\", \"chat-1.1.0\", \"tests\"]"
        );
        assert_eq!(
            with_member("[\n    \"a/1\",\n    \"b\",\n]", "a/1", "a/2"),
            "[\n    \"a/1\",\n    \"a/2\",\n    \"b\",\n]"
        );
        assert_eq!(with_member("[\"a/*\"]", "a/1", "a/2"), "[\"a/*\"]");
        assert_eq!(with_member("[\"a/2\"]", "a/1", "a/2"), "[\"a/2\"]");
    }

    #[test]
    fn the_package_with_tests_lies_beside_the_sdk() {
        assert_eq!(
            joined("../../game-plugins/sdk", TESTING_FROM_SDK),
            "../../server/testing"
        );
        assert_eq!(
            joined("/pq/game-plugins/sdk", TESTING_FROM_SDK),
            "/pq/server/testing"
        );
        assert_eq!(joined("../sdk", TESTING_FROM_SDK), "../../server/testing");
    }
}
