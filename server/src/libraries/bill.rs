//! `sbom.cdx.json`: the packages that the libraries of a release were built from, in the format CycloneDX 1.5.
//!
//! ```text
//!   cargo metadata ─► packages that the libraries depend on, with licences ─┐
//!   Cargo.lock ─► checksums ────────────────────────────────────────────────┴─► components, dependencies
//! ```
//! Packages that only build or test something are left out: nothing of them is in a library.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

use super::cargo::{cannot_run_cargo, cargo};

/// The needed part of the output of `cargo metadata`.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    /// `None` for a package of the workspace.
    source: Option<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    pkg: String,
    dep_kinds: Vec<DependencyKind>,
}

#[derive(Deserialize)]
struct DependencyKind {
    /// `None` for a dependency of the code itself.
    kind: Option<String>,
}

/// The text of the file for the libraries of these packages. Packages for other machines than the host are left out, and cargo does
/// not fetch them.
///
/// # Errors
/// Fails if cargo does not know the dependencies.
pub(super) fn of(root: &Path, libraries: &[&str], host: &str) -> anyhow::Result<Vec<u8>> {
    let mut command = cargo();
    command.current_dir(root).args([
        "metadata",
        "--format-version",
        "1",
        "--filter-platform",
        host,
    ]);
    let output = command.output().with_context(cannot_run_cargo)?;
    ensure!(
        output.status.success(),
        "failed to find the dependencies of the libraries: {}",
        super::one_line(&output.stderr)
    );
    let metadata: Metadata = serde_json::from_slice(&output.stdout)
        .context("failed to read the output of cargo metadata")?;
    let sums = checksums(root);
    let bill = bill(&metadata, libraries, &sums);
    Ok((serde_json::to_string_pretty(&bill)? + "\n").into_bytes())
}

fn bill(metadata: &Metadata, libraries: &[&str], sums: &Sums) -> Value {
    let within = within(metadata, libraries);
    let packages = metadata.packages.iter();
    let known: BTreeMap<&str, &Package> = packages.map(|package| (&*package.id, package)).collect();
    let mut packages: Vec<&Package> = within
        .iter()
        .filter_map(|id| known.get(id).copied())
        .collect();
    packages.sort_by_key(|package| reference(package));
    let components: Vec<Value> = packages
        .iter()
        .map(|package| component(package, sums))
        .collect();
    let reference_of = |id: &&str| known.get(id).map(|package| reference(package));
    let dependencies = packages.iter().map(|package| {
        let below: BTreeSet<String> = below(metadata, &package.id)
            .iter()
            .filter_map(reference_of)
            .collect();
        json!({"ref": reference(package), "dependsOn": below})
    });
    json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"tools": {"components": [{"type": "application", "name": "pq", "version": env!("CARGO_PKG_VERSION")}]}},
        "components": components,
        "dependencies": dependencies.collect::<Vec<_>>(),
    })
}

/// The packages of the libraries, and all below them.
fn within<'a>(metadata: &'a Metadata, libraries: &[&str]) -> BTreeSet<&'a str> {
    let is_library = |package: &&Package| libraries.contains(&&*package.name);
    let mut next: Vec<&str> = metadata
        .packages
        .iter()
        .filter(is_library)
        .map(|package| &*package.id)
        .collect();
    let mut within = BTreeSet::new();
    while let Some(id) = next.pop() {
        if within.insert(id) {
            next.extend(below(metadata, id));
        }
    }
    within
}

/// The packages whose code a package uses.
fn below<'a>(metadata: &'a Metadata, id: &str) -> Vec<&'a str> {
    let is_of_code =
        |dependency: &&Dependency| dependency.dep_kinds.iter().any(|kind| kind.kind.is_none());
    let node = metadata.resolve.nodes.iter().find(|node| node.id == id);
    let dependencies = node.into_iter().flat_map(|node| &node.deps);
    dependencies
        .filter(is_of_code)
        .map(|dependency| &*dependency.pkg)
        .collect()
}

/// The name of a package for other programs (Package URL).
fn reference(package: &Package) -> String {
    format!("pkg:cargo/{}@{}", package.name, package.version)
}

fn component(package: &Package, sums: &Sums) -> Value {
    let mut component = json!({
        "type": "library",
        "bom-ref": reference(package),
        "name": package.name,
        "version": package.version,
    });
    if let Some(license) = &package.license {
        // The older form `MIT/Apache-2.0` is no SPDX expression.
        component["licenses"] = json!([{"expression": license.replace('/', " OR ")}]);
    }
    if package.source.is_some() {
        component["purl"] = reference(package).into();
    }
    if let Some(sum) = sums.get(&(package.name.clone(), package.version.clone())) {
        component["hashes"] = json!([{"alg": "SHA-256", "content": sum}]);
    }
    component
}

/// The checksums of packages, by name and version.
type Sums = BTreeMap<(String, String), String>;

/// The checksums in `Cargo.lock`: a list of tables with one value on each line.
fn checksums(root: &Path) -> Sums {
    let lock = super::text_if_there(&root.join("Cargo.lock"));
    let lock = lock.ok().flatten().unwrap_or_default();
    let packages = lock.split("[[package]]").filter_map(|package| {
        let value = |key: &str| {
            let line = package
                .lines()
                .find_map(|line| line.strip_prefix(key)?.strip_prefix(" = \""));
            line.map(|value| value.trim_end_matches('"').to_string())
        };
        Some(((value("name")?, value("version")?), value("checksum")?))
    });
    packages.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bill_has_what_is_in_the_library_and_nothing_that_builds_it() {
        let metadata = json!({
            "packages": [
                {"id": "a", "name": "counter", "version": "1.0.0", "license": null, "source": null},
                {"id": "b", "name": "serde", "version": "1.0.1", "license": "MIT/Apache-2.0", "source": "registry"},
                {"id": "c", "name": "cc", "version": "1.0.0", "license": "MIT", "source": "registry"},
                {"id": "d", "name": "other", "version": "1.0.0", "license": "MIT", "source": null},
            ],
            "resolve": {"nodes": [
                {"id": "a", "deps": [
                    {"pkg": "b", "dep_kinds": [{"kind": null}]},
                    {"pkg": "c", "dep_kinds": [{"kind": "build"}, {"kind": "dev"}]},
                ]},
                {"id": "b", "deps": []},
            ]},
        });
        let metadata: Metadata = serde_json::from_value(metadata).unwrap();
        let sums = [(("serde".to_string(), "1.0.1".to_string()), "5e".to_string())].into();
        let bill = bill(&metadata, &["counter"], &sums);
        assert_eq!(
            bill["components"],
            json!([
                {"type": "library", "bom-ref": "pkg:cargo/counter@1.0.0", "name": "counter", "version": "1.0.0"},
                {
                    "type": "library", "bom-ref": "pkg:cargo/serde@1.0.1", "name": "serde", "version": "1.0.1",
                    "licenses": [{"expression": "MIT OR Apache-2.0"}], "purl": "pkg:cargo/serde@1.0.1",
                    "hashes": [{"alg": "SHA-256", "content": "5e"}],
                },
            ])
        );
        let depends =
            json!({"ref": "pkg:cargo/counter@1.0.0", "dependsOn": ["pkg:cargo/serde@1.0.1"]});
        assert_eq!(bill["dependencies"][0], depends);
    }
}
