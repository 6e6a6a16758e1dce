//! The requirements of `pq demo` and `pq build` on a machine: cargo, a linker, and paths that may have spaces.

use std::path::Path;
use std::process::{Command, Output};

use pq_tests::running::pq;

use crate::author::lamp::Checkout;
use crate::author::lamp_sources::REL;

/// The whole output of a failing command, and its error message.
fn failure(command: &mut Command) -> (String, String) {
    let Output { status, stderr, .. } = command.output().unwrap();
    let said = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(1), "{said}");
    let last = said.lines().last().unwrap_or_default();
    let sentence = last.strip_prefix("pq: ").unwrap_or_default().to_string();
    (said, sentence)
}

#[test]
fn a_checkout_in_a_path_with_spaces_is_built() {
    let checkout = Checkout::new();
    let built = checkout.build().output().unwrap();
    assert!(built.status.success(), "{built:?}");
    let library = checkout.root.join("a tree/lib/lamp-1.0.0/priv/lamp.so");
    assert!(std::fs::read(library).unwrap().starts_with(b"\x7fELF"));
}

#[test]
fn where_cargo_is_missing_the_sentence_says_so_and_where_to_get_it() {
    let empty = tempfile::tempdir().unwrap();
    let root = empty.path().join("rel");
    let checkout = Checkout::new();
    let mut demo = pq(["demo", "--port", "0", "--root"].map(Path::new));
    demo.arg(&root);
    for command in [&mut demo, &mut checkout.build()] {
        command.env_remove("CARGO").env("PATH", empty.path());
        let (_, sentence) = failure(command);
        assert!(
            sentence.starts_with(
                "failed to run cargo: building needs a Rust toolchain (https://rustup.rs): "
            ),
            "{sentence}"
        );
    }
    assert!(!root.exists());
}

#[test]
fn where_the_linker_is_missing_the_sentence_says_what_to_install() {
    let arch = std::env::consts::ARCH.to_uppercase();
    let linker = format!("CARGO_TARGET_{arch}_UNKNOWN_LINUX_GNU_LINKER");
    let checkout = Checkout::new();
    let (said, sentence) = failure(checkout.build().env(linker, "/nonexistent/cc"));
    assert!(said.contains("`/nonexistent/cc`"), "{said}");
    assert!(
        sentence.starts_with("cargo failed to build lamp 1.0.0: ")
            && sentence.ends_with("install a C toolchain (Debian: build-essential)"),
        "{sentence}"
    );
    assert!(!checkout.root.join("a tree").exists());
}

#[test]
fn a_copied_checkout_is_played_from_its_own_sources() {
    let checkout = Checkout::new();
    let release = checkout.root.join("releases/1.0.0");
    std::fs::create_dir_all(&release).unwrap();
    std::fs::write(release.join("processquest.rel"), REL).unwrap();
    let mut demo = pq(["demo", "--port", "0", "--root", "../a tree"]);
    demo.current_dir(checkout.root.join("src"))
        .env("CARGO_TARGET_DIR", checkout.root.join("a target"));
    let Output { stdout, stderr, .. } = demo.output().unwrap();
    let (out, said) = (
        String::from_utf8(stdout).unwrap(),
        String::from_utf8(stderr).unwrap(),
    );
    let root = checkout.root.canonicalize().unwrap();
    let first = format!("the sources are in {}\n", root.display());
    assert!(out.starts_with(&first), "{out}{said}");
    assert!(out.contains("building lamp 1.0.0"), "{out}{said}");
    // The directory has no release 1.1.0, and the command uses none from elsewhere.
    assert!(said.contains("releases/1.1.0"), "{said}");
}
