//! `pq package`: what a package says, how two differ, and whether one is whole.

use std::path::Path;

use crate::author::lamp::Checkout;
use serde_json::Value;

use super::{command, does, said};

/// Builds and packs the lamp of this checkout, as its author does.
pub(crate) fn packed(checkout: &Checkout, extra: &[&str]) -> std::path::PathBuf {
    let built = checkout.build().output().unwrap();
    said(&built, 0);
    let line = [&["tar", "lamp.rel", "--root", "a tree"], extra].concat();
    let target = checkout.root.join("a target");
    let packed = command(&line, &checkout.root)
        .env("CARGO_TARGET_DIR", target)
        .output();
    checkout.root.join(said(&packed.unwrap(), 0))
}

fn json(line: &[&str], folder: &Path) -> Value {
    let said = does(&[line, &["--json"]].concat(), folder);
    serde_json::from_str(&said).unwrap()
}

#[test]
fn a_package_tells_its_author_its_build_and_its_modules() {
    let checkout = Checkout::new();
    let root = checkout.root.clone();
    does(&["key", "new", "key"], &root);
    let package = packed(&checkout, &["--key", "key", "--seq", "7"]);
    let package = package.to_str().unwrap();
    let facts = json(&["package", "show", package], &root);
    assert_eq!(facts["signature"]["seq"], 7);
    assert_eq!(
        facts["signature"]["comment"],
        "lamp 1.0.0 seq=7 abi=1886453762"
    );
    assert_eq!(facts["applications"][0]["modules"][0]["name"], "lamp");
    assert!(
        facts["build"]["rustc"]
            .as_str()
            .unwrap()
            .starts_with("rustc 1.")
    );
    let files = facts["files"].as_array().unwrap();
    let has = |name: &str| {
        files
            .iter()
            .any(|file| file["path"].as_str().unwrap().ends_with(name))
    };
    assert!(has("releases/1.0.0/sbom.cdx.json") && has("lamp.so"));
    let shown = does(&["package", "show", package], &root);
    assert!(shown.contains("author   signed with key "), "{shown}");
    // Only a key proves the author.
    let proven = json(&["package", "verify", package, "--key", "key.pub"], &root);
    assert!(
        !proven["author"].as_str().unwrap().contains("not judged"),
        "{proven}"
    );
    does(&["key", "new", "other"], &root);
    let other = command(&["package", "verify", package, "--key", "other.pub"], &root).output();
    let other = said(&other.unwrap(), 10);
    assert!(other.contains("which this tree does not trust"), "{other}");
    let bytes = std::fs::read(package).unwrap();
    std::fs::write(root.join("cut.tar.gz"), &bytes[..bytes.len() - 9]).unwrap();
    let cut = command(&["package", "verify", "cut.tar.gz", "--json"], &root)
        .output()
        .unwrap();
    let failure: Value = serde_json::from_slice(&cut.stdout).unwrap();
    assert_eq!(
        (failure["exit"].as_u64(), cut.status.code()),
        (Some(10), Some(10))
    );
}

#[test]
fn two_packages_are_compared_by_what_is_in_them() {
    let checkout = Checkout::new();
    let root = checkout.root.clone();
    let one = packed(&checkout, &["--outdir", "one"]);
    std::fs::write(root.join("src/lamp.rs"), "pub fn shine() -> u8 { 2 }\n").unwrap();
    let said_built = checkout.build().arg("--force").output().unwrap();
    said(&said_built, 0);
    std::fs::write(root.join("sys.config"), "[{lamp, [{watt, 40}]}].\n").unwrap();
    let two = packed(&checkout, &["--outdir", "two"]);
    let (one, two) = (one.to_str().unwrap(), two.to_str().unwrap());
    does(&["package", "diff", one, one], &root);
    let differ = command(&["package", "diff", one, two, "--json"], &root)
        .output()
        .unwrap();
    assert_eq!(differ.status.code(), Some(3));
    let found: Value = serde_json::from_slice(&differ.stdout).unwrap();
    assert_eq!(found["modules"][0]["what"], "lamp");
    assert_ne!(found["modules"][0]["old"], found["modules"][0]["new"]);
    assert_eq!(found["settings"][0]["what"], "lamp watt");
    assert_eq!(found["settings"][0]["new"], "40");
    let files: Vec<&str> = found["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| file["what"].as_str().unwrap())
        .collect();
    assert!(
        files.contains(&"lib/lamp/priv/lamp.so") && !files.contains(&"lib/lamp/ebin/lamp.app"),
        "{files:?}"
    );
}
