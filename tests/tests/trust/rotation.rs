//! A lost key is replaced with three commands, which `docs/operating.md` names, while the node runs.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use pq_tests::running::{Running, Tree};

use super::{does, said};

/// The package of the next release in each tree of the tests.
const PACKAGE: &str = "releases/processquest-1.1.0.tar.gz";

/// The files below `releases` and `lib`, except the history of operations.
fn files(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![root.join("lib"), root.join("releases")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false if path.ends_with("history.jsonl") => (),
                false => {
                    drop(files.insert(path.display().to_string(), std::fs::read(&path).unwrap()))
                }
            }
        }
    }
    files
}

/// Checks that the package is refused with exit code 10, and that the tree keeps its bytes.
#[track_caller]
fn refused(tree: &Tree, sentence: &str) {
    let before = files(tree.root());
    let said = tree.refuses(&["unpack", "processquest-1.1.0"], 10);
    assert!(said.contains(sentence), "{said}");
    assert_eq!(files(tree.root()), before);
}

#[test]
fn a_lost_key_is_replaced_by_three_commands() {
    let tree = Tree::new();
    let folder = tempfile::tempdir().unwrap();
    let (folder, root) = (folder.path(), tree.root().to_str().unwrap());
    let package = tree.root().join(PACKAGE);
    let package = package.to_str().unwrap();
    let sign = |key: &str| does(&["sign", package, "--key", key], folder);
    does(&["key", "new", "lost"], folder);
    let mode = folder.join("lost").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    does(
        &[
            "key",
            "trust",
            "lost.pub",
            "--root",
            root,
            "--note",
            "old machine",
        ],
        folder,
    );
    let _node = Running::node_with(&tree, &[]);
    refused(&tree, "it is unsigned, and this tree trusts one key");
    sign("lost");
    let keys = tree.answer(&["key", "list"]);
    let lost = keys["keys"][0]["id"].as_str().unwrap().to_string();
    assert_eq!(keys["keys"][0]["status"], "trusted");

    // The three commands.
    does(&["key", "new", "found"], folder);
    does(&["key", "trust", "found.pub", "--root", root], folder);
    does(&["key", "revoke", &lost, "--root", root], folder);

    refused(
        &tree,
        &format!("it is signed with key {lost}, which was revoked on"),
    );
    sign("found");
    let found = tree.answer(&["key", "list"])["keys"][0]["id"]
        .as_str()
        .unwrap()
        .to_string();
    let answer = tree.answer(&["unpack", "processquest-1.1.0"]);
    let author = answer["author"].as_str().unwrap();
    assert!(
        author.starts_with(&format!("signed with key {found}, number ")),
        "{author}"
    );
    let history = tree.answer(&["history"]);
    let last = history["entries"].as_array().unwrap().last().unwrap();
    assert_eq!(last["author"], answer["author"]);
    // Its files are those of its author when they are loaded, too.
    tree.does(&["install", "1.1.0"]);
    let again = super::command(&["key", "trust", "lost.pub", "--root", root], folder).output();
    let again = said(&again.unwrap(), 3);
    assert!(again.contains("a revoked key stays revoked"), "{again}");
}

#[test]
fn a_library_that_was_exchanged_after_its_signature_is_not_loaded() {
    let tree = Tree::new();
    let folder = tempfile::tempdir().unwrap();
    let (folder, root) = (folder.path(), tree.root().to_str().unwrap());
    let package = tree.root().join(PACKAGE);
    does(&["key", "new", "key"], folder);
    does(&["key", "trust", "key.pub", "--root", root], folder);
    does(&["sign", package.to_str().unwrap(), "--key", "key"], folder);
    let _node = Running::node_with(&tree, &[]);
    tree.does(&["unpack", "processquest-1.1.0"]);
    // Another library with its checksum: that of the running release under the name of the new one.
    let lib = tree.root().join("lib/processquest-1.1.0");
    let (library, sums) = (lib.join("priv/processquest.so"), lib.join("SHA256SUMS"));
    let mut bytes = std::fs::read(&library).unwrap();
    let before = pq_release::checksums::sha256(&bytes);
    bytes.push(0);
    std::fs::write(&library, &bytes).unwrap();
    let listed = std::fs::read_to_string(&sums).unwrap();
    std::fs::write(
        &sums,
        listed.replace(&before, &pq_release::checksums::sha256(&bytes)),
    )
    .unwrap();
    let said = tree.refuses(&["install", "1.1.0"], 10);
    assert!(
        said.contains("its SHA-256 is not the signed one in"),
        "{said}"
    );
}

#[test]
fn an_unsigned_package_says_so_in_the_history_of_a_tree_without_keys() {
    let tree = Tree::new();
    let _node = Running::node_with(&tree, &[]);
    let said = tree.does(&["unpack", "processquest-1.1.0"]);
    assert!(
        said.starts_with("release 1.1.0 is unpacked (unsigned)"),
        "{said}"
    );
    let entry = tree.does(&["history", "2"]);
    assert!(entry.contains("author     unsigned"), "{entry}");
}
