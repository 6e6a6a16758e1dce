//! What `pq demo` and `pq build` need of the machine: cargo, a linker, and a path, which may have spaces.
//!
//! The sources are a workspace with one application and no dependencies, so a build takes a second.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use pq_tests::running::pq;
use tempfile::TempDir;

const MANIFEST: &str = r#"
[workspace]
[package]
name = "lamp-1_0_0"
version = "1.0.0"
edition = "2024"
[profile.library]
inherits = "release"
lto = "fat"
codegen-units = 1
panic = "unwind"
strip = true
"#;

const APP: &str = "{application, lamp, [{description, \"\"}, {vsn, \"1.0.0\"}, {modules, [lamp]}, \
    {registered, []}, {applications, [kernel, stdlib]}]}.\n";

const REL: &str = "{release, {\"lamp\", \"1.0.0\"}, {erts, \"1.0.0\"}, \
    [{kernel, \"1.0.0\"}, {stdlib, \"1.0.0\"}, {lamp, \"1.0.0\"}]}.\n";

/// What `pq_sdk::library!` writes into a library, by hand: nothing else has to be compiled for it.
const LIB: &str = r#"//! A lamp.
pub mod lamp;
const DIGEST: &str = match option_env!("PQ_DIGESTS") {
    Some(list) => list.split_at("lamp=".len()).1.split_at(list.len() - "lamp=;".len()).0,
    None => "",
};
const PARTS: [&str; 3] = [
    "{library,\"lamp\",\"1.0.0\",[{abi,1886453762},{modules,[{lamp,\"1.0.0\",functions,[",
    DIGEST,
    "]}]}]}.",
];
const LEN: usize = PARTS[0].len() + PARTS[1].len() + PARTS[2].len();
#[used]
#[unsafe(link_section = ".pq.manifest")]
static MANIFEST: [u8; LEN] = {
    let (mut bytes, mut at, mut part) = ([0; LEN], 0, 0);
    while part < PARTS.len() {
        let mut byte = 0;
        while byte < PARTS[part].len() {
            bytes[at] = PARTS[part].as_bytes()[byte];
            (at, byte) = (at + 1, byte + 1);
        }
        part += 1;
    }
    bytes
};
"#;

const LAMP: &str = "#[unsafe(no_mangle)] pub extern \"C\" fn shine() -> u32 { 1 }\n";

/// A checkout in a folder whose name has spaces.
pub(crate) struct Checkout {
    _folder: TempDir,
    pub(crate) root: PathBuf,
}

impl Checkout {
    pub(crate) fn new() -> Checkout {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("my own games");
        std::fs::create_dir_all(root.join("src")).unwrap();
        for (file, text) in [
            ("Cargo.toml", MANIFEST),
            ("lamp.app", APP),
            ("lamp.rel", REL),
            ("src/lib.rs", LIB),
            ("src/lamp.rs", LAMP),
        ] {
            std::fs::write(root.join(file), text).unwrap();
        }
        Checkout {
            _folder: folder,
            root,
        }
    }

    /// `pq build` as its author types it, with a target folder of its own.
    pub(crate) fn build(&self) -> Command {
        let mut build = pq(["build", "lamp.rel", "--root", "a tree"]);
        build
            .current_dir(&self.root)
            .env("CARGO_TARGET_DIR", self.root.join("a target"));
        build
    }
}

/// What a command that fails has said, and its sentence.
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
        sentence.starts_with("cargo could not build lamp 1.0.0: ")
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
    let first = format!("the sources are those in {}\n", root.display());
    assert!(out.starts_with(&first), "{out}{said}");
    assert!(out.contains("building lamp 1.0.0"), "{out}{said}");
    // It has no release 1.1.0, and takes none from elsewhere.
    assert!(said.contains("releases/1.1.0"), "{said}");
}
