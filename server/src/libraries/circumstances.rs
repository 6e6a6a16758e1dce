//! `build.json`: the circumstances of a build, from which somebody else can make the same libraries.
//!
//! It has no date, no user and no path: the same sources with the same toolchain have the same circumstances.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};
use pq_release::checksums::sha256;
use serde::Serialize;

use super::cargo::cargo;

/// The circumstances, in the order of the file.
#[derive(Serialize)]
pub(super) struct Circumstances {
    /// The commit of the sources; `None` outside of a git repository.
    commit: Option<String>,
    /// `clean`, or `changed` if a file of the repository is not as in the commit.
    tree: Option<&'static str>,
    /// The version of the compiler, with its own commit.
    rustc: String,
    /// The version of cargo.
    cargo: String,
    /// The machine for which the libraries are.
    pub(super) host: String,
    /// The SHA-256 of `Cargo.lock`.
    lock: Option<String>,
    /// The version of this program.
    pq: &'static str,
}

impl Circumstances {
    /// The circumstances of builds in the workspace at `root`.
    ///
    /// # Errors
    /// Fails if the toolchain does not say its version.
    pub(super) fn of(root: &Path) -> anyhow::Result<Circumstances> {
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let verbose = said(Command::new(rustc).arg("-vV"), root);
        let verbose = verbose.context("failed to ask rustc for its version")?;
        let host = verbose.lines().find_map(|line| line.strip_prefix("host: "));
        let lock = pq_files::read(&root.join("Cargo.lock"), pq_files::TEXT_BYTES_MAX);
        let cargo = said(cargo().arg("--version"), root);
        Ok(Circumstances {
            commit: git(root, &["rev-parse", "HEAD"]),
            tree: git(root, &["status", "--porcelain"]).map(|changes| match changes.is_empty() {
                true => "clean",
                false => "changed",
            }),
            rustc: verbose.lines().next().unwrap_or_default().to_string(),
            cargo: cargo.context("failed to ask cargo for its version")?,
            host: host.unwrap_or_default().to_string(),
            lock: lock.ok().map(|bytes| sha256(&bytes)),
            pq: env!("CARGO_PKG_VERSION"),
        })
    }

    /// The text of the file.
    pub(super) fn to_text(&self) -> anyhow::Result<Vec<u8>> {
        Ok((serde_json::to_string_pretty(self)? + "\n").into_bytes())
    }
}

/// The answer of git; `None` without git, and outside of a repository.
fn git(root: &Path, words: &[&str]) -> Option<String> {
    said(Command::new("git").args(words), root).ok()
}

fn said(command: &mut Command, root: &Path) -> anyhow::Result<String> {
    let output = command.current_dir(root).output()?;
    ensure!(
        output.status.success(),
        "{}",
        super::one_line(&output.stderr)
    );
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_string())
}
