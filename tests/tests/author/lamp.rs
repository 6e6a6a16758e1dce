//! The sources of a small application in a directory of their own: a workspace with one package.

use std::path::PathBuf;
use std::process::Command;

use pq_tests::running::pq;
use tempfile::TempDir;

use crate::author::lamp_sources::{CONFIG, REL, package};

/// A checkout in a directory whose name has spaces.
pub(crate) struct Checkout {
    _folder: TempDir,
    pub(crate) root: PathBuf,
}

impl Checkout {
    pub(crate) fn new() -> Checkout {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("my own games");
        std::fs::create_dir_all(root.join("src")).unwrap();
        std::fs::create_dir(root.join(".cargo")).unwrap();
        for (file, text) in package("1.0.0") {
            let text = match file {
                "Cargo.toml" => "[workspace]\n".to_string() + &text,
                _ => text,
            };
            std::fs::write(root.join(file), text).unwrap();
        }
        std::fs::write(root.join(".cargo/config.toml"), CONFIG).unwrap();
        std::fs::write(root.join("lamp.rel"), REL).unwrap();
        Checkout {
            _folder: folder,
            root,
        }
    }

    /// The command `pq build` of its author, with a target directory of its own.
    pub(crate) fn build(&self) -> Command {
        let mut build = pq(["build", "lamp.rel", "--root", "a tree"]);
        build
            .current_dir(&self.root)
            .env("CARGO_TARGET_DIR", self.root.join("a target"));
        build
    }
}
