//! Building the libraries of the demo's release with cargo, from the sources this program came from.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail, ensure};

/// An application of the release, and the package its library is made of.
pub(crate) struct Source {
    /// The application.
    pub(crate) application: &'static str,
    /// Its version.
    pub(crate) vsn: &'static str,
    /// Its package.
    pub(crate) package: &'static str,
    /// Its folder below the workspace.
    pub(crate) folder: &'static str,
}

/// Release 1.0.0 of the book.
pub(crate) const RELEASE_1_0_0: [Source; 2] = [
    Source {
        application: "processquest",
        vsn: "1.0.0",
        package: "processquest-1_0_0",
        folder: "game-plugins/processquest-1.0.0",
    },
    Source {
        application: "sockserv",
        vsn: "1.0.0",
        package: "sockserv-1_0_0",
        folder: "sockserv/plugins/sockserv-1.0.0",
    },
];

/// The workspace with the sources.
pub(crate) struct Workspace {
    root: PathBuf,
    target: PathBuf,
}

impl Workspace {
    /// Finds the sources: where this program was compiled, which is where `cargo run` runs it.
    pub(crate) fn find() -> anyhow::Result<Workspace> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .context("the crate stands in a workspace")?;
        ensure!(
            root.join("Cargo.toml").is_file(),
            "the sources of the game are not at {}: `pq demo` builds them, so run it in a checkout; \
             a release that was built before starts with `pq start --root DIR`",
            root.display()
        );
        let target = match std::env::var_os("CARGO_TARGET_DIR") {
            Some(dir) => root.join(dir),
            None => root.join("target"),
        };
        Ok(Workspace {
            root: root.to_path_buf(),
            target,
        })
    }

    /// Where the demo's release tree stands unless told otherwise.
    pub(crate) fn default_release_root(&self) -> PathBuf {
        self.target.join("rel")
    }

    /// The text of an application's `.app` file.
    pub(crate) fn app_text(&self, source: &Source) -> anyhow::Result<String> {
        let file = self
            .root
            .join(source.folder)
            .join(format!("{}.app", source.application));
        std::fs::read_to_string(&file).with_context(|| format!("failed to read {}", file.display()))
    }

    /// The text of a file of the release's sources.
    pub(crate) fn release_file(&self, name: &str) -> anyhow::Result<String> {
        let file = self.root.join("releases").join(name);
        std::fs::read_to_string(&file).with_context(|| format!("failed to read {}", file.display()))
    }

    /// Builds a library; cargo's progress goes to stderr.
    pub(crate) fn build(&self, source: &Source) -> anyhow::Result<Vec<u8>> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(&cargo);
        command
            .current_dir(&self.root)
            .args([
                "rustc",
                "--profile",
                "library",
                "--lib",
                "--crate-type",
                "cdylib",
                "--package",
                source.package,
            ])
            .arg("--target-dir")
            .arg(&self.target)
            .args(["--", "--cfg", "pq_library"]);
        let status = command.status().with_context(|| {
            format!(
                "failed to run {}: building the game needs a Rust toolchain (https://rustup.rs)",
                cargo.display()
            )
        })?;
        if !status.success() {
            bail!(
                "cargo could not build {}-{}: what is above says why; if the linker is missing, install a C \
                 toolchain (Debian: build-essential)",
                source.application,
                source.vsn
            );
        }
        let file = self
            .target
            .join("library")
            .join(format!("lib{}.so", source.package.replace('-', "_")));
        std::fs::read(&file).with_context(|| {
            format!(
                "failed to read {}, which cargo has just built",
                file.display()
            )
        })
    }
}
