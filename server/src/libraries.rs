//! The sources of applications: packages of a cargo workspace, from which cargo builds libraries.
//!
//! An application is found by its `.app` file beside the `Cargo.toml` of its package.
//! `game-plugins/sdk/src/library.rs` defines the linking of a library, and `pq_release::tree` the layout of a release
//! tree.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use pq_code::{linking, manifest_of};
use pq_release::app::App;
use pq_release::{layout, owner};
use serde::Deserialize;

use crate::digest::Sources;
use crate::streams::{self, say};

mod bill;
mod building;
mod cargo;
mod circumstances;
mod paths;
mod releases;

use building::Building;
use cargo::{cannot_run_cargo, cargo};
use circumstances::Circumstances;

/// The workspace with the sources.
pub(crate) struct Workspace {
    metadata: Metadata,
    building: Building,
    /// Whether stdout is for an answer, and the names of builds go to stderr.
    has_answer: bool,
}

/// The needed part of the output of `cargo metadata`.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_root: PathBuf,
    target_directory: PathBuf,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    manifest_path: PathBuf,
}

/// The source of one version of an application.
pub(crate) struct Source {
    /// The parsed `.app` file.
    pub(crate) app: App,
    /// The text of the `.app` file.
    pub(crate) app_text: String,
    /// The text of the `.appup` file; `None` without the file.
    pub(crate) appup_text: Option<String>,
    package: String,
    /// The version in the `Cargo.toml` of the package.
    package_vsn: String,
}

impl Workspace {
    /// The workspace with the sources of this release: that of the current directory, otherwise that of the program,
    /// which is in the `target` directory of its checkout.
    ///
    /// # Errors
    /// Fails if neither workspace has the sources.
    pub(crate) fn with_release(vsn: &str) -> anyhow::Result<Workspace> {
        Workspace::at(&Workspace::folder_with_release(vsn)?)
    }

    /// The directory of that workspace.
    ///
    /// # Errors
    /// Fails like [`Workspace::with_release`].
    pub(crate) fn folder_with_release(vsn: &str) -> anyhow::Result<PathBuf> {
        let here = std::env::current_dir().context("failed to find the current directory")?;
        let program = std::env::current_exe().context("failed to find this program")?;
        let folder = folder_with(vsn, &here).or_else(|| folder_with(vsn, &program));
        let folder = folder.map(Path::to_path_buf);
        folder.with_context(|| {
            format!(
                "the sources of release {vsn} are neither at {} nor at {}, nor in a parent directory: run this in a \
                 checkout; a release that was built before starts with `pq start --root DIR`",
                here.display(),
                program.display()
            )
        })
    }

    /// The workspace that contains a directory.
    pub(crate) fn at(folder: &Path) -> anyhow::Result<Workspace> {
        let mut command = cargo();
        command
            .current_dir(folder)
            .args(["metadata", "--no-deps", "--format-version", "1"]);
        let output = command.output().with_context(cannot_run_cargo)?;
        ensure!(
            output.status.success(),
            "failed to find the sources: cargo knows no workspace at {}: {}",
            folder.display(),
            one_line(&output.stderr)
        );
        let metadata = serde_json::from_slice(&output.stdout)
            .context("failed to read the output of cargo metadata")?;
        Ok(Workspace {
            metadata,
            building: Building::default(),
            has_answer: false,
        })
    }

    /// Keeps stdout free for the answer of a command.
    pub(crate) fn keep_stdout_for_the_answer(&mut self) {
        self.has_answer = true;
    }

    /// The root directory of the workspace.
    pub(crate) fn root(&self) -> &Path {
        &self.metadata.workspace_root
    }

    /// The target directory of cargo.
    pub(crate) fn target(&self) -> &Path {
        &self.metadata.target_directory
    }

    /// The directories of the packages, which contain `.app` and `.appup` files.
    pub(crate) fn folders(&self) -> Vec<PathBuf> {
        let folders = self.metadata.packages.iter().map(Package::folder);
        folders.map(Path::to_path_buf).collect()
    }

    /// The source of an application in this version.
    ///
    /// # Errors
    /// Fails without such a source, with a list of the existing versions, and if a file is unreadable.
    pub(crate) fn source(&self, name: &str, vsn: &str) -> anyhow::Result<Source> {
        // A package with the name of the version comes before one with another name, such as a version with faults for tests.
        let usual = format!("{name}-{}", vsn.replace('.', "_"));
        let (mut others, mut unusual) = (Vec::new(), None);
        for package in &self.metadata.packages {
            match package.source(name)? {
                Some(source) if source.app.vsn != vsn => others.push(source.app.vsn),
                Some(source) if package.name == usual => return Ok(source),
                Some(source) => unusual = unusual.or(Some(source)),
                None => (),
            }
        }
        if let Some(source) = unusual {
            return Ok(source);
        }
        let known = match others.is_empty() {
            true => "in no version".to_string(),
            false => format!("only in {}", others.join(", ")),
        };
        bail!(
            "failed to find the sources of {name} {vsn}: the workspace at {} has it {known}; a package with \
             {name}.app beside its Cargo.toml would be right",
            self.root().display()
        )
    }

    /// The versions of an application in the workspace.
    pub(crate) fn versions(&self, name: &str) -> Vec<String> {
        let sources = self
            .metadata
            .packages
            .iter()
            .map(|package| package.source(name));
        let versions = sources.filter_map(|source| Some(source.ok()??.app.vsn));
        versions.collect()
    }

    /// The digests of the modules' sources, from the package or, for a module from an older version, from that
    /// version's package.
    ///
    /// # Errors
    /// Fails if a file is unreadable or not valid Rust.
    pub(crate) fn digests(&self, source: &Source) -> anyhow::Result<BTreeMap<String, String>> {
        let modules = source.app.modules.iter().map(|module| module.as_str());
        let modules: BTreeSet<&str> = modules.collect();
        let mut read = BTreeMap::new();
        let mut digests = BTreeMap::new();
        for module in &modules {
            let mut package = self.package(&source.package);
            // A package does not depend on itself, so the steps are at most as many as the packages.
            for _ in 0..self.metadata.packages.len() {
                let Some(found) = package else { break };
                if !read.contains_key(&found.name) {
                    let sources = Sources::read(found.folder(), &modules)?;
                    read.insert(found.name.clone(), sources);
                }
                let sources = &read[&found.name];
                let Some(krate) = sources.taken_from(module) else {
                    let digest = sources.digest(module);
                    digests.extend(digest.map(|digest| (module.to_string(), digest)));
                    break;
                };
                package = self.package(krate);
            }
        }
        Ok(digests)
    }

    /// The name and the directory of the package with this name or crate name.
    pub(crate) fn package_folder(&self, name: &str) -> Option<(&str, &Path)> {
        let package = self.package(name)?;
        Some((&package.name, package.folder()))
    }

    /// The package with this name or crate name.
    fn package(&self, name: &str) -> Option<&Package> {
        let is_it =
            |package: &&Package| package.name == name || package.name.replace('-', "_") == name;
        self.metadata.packages.iter().find(is_it)
    }

    /// The papers of a release with these applications, by the names of their files: the circumstances of the build, and the bill
    /// of the packages in its libraries.
    ///
    /// # Errors
    /// Fails if cargo does not know the dependencies.
    pub(crate) fn papers(
        &self,
        sources: &[&Source],
    ) -> anyhow::Result<Vec<(&'static str, Vec<u8>)>> {
        let packages: Vec<&str> = sources
            .iter()
            .map(|source| source.package.as_str())
            .collect();
        let build = Circumstances::of(self.root())?;
        let bill = bill::of(self.root(), &packages, &build.host)?;
        Ok(vec![
            (layout::BUILD_NAME, build.to_text()?),
            (layout::SBOM_NAME, bill),
        ])
    }

    /// Kills the running cargo and prevents further builds.
    pub(crate) fn stop_building(&self) {
        self.building.stop();
    }

    /// Builds the library of an application; the progress of cargo goes to stderr.
    ///
    /// # Errors
    /// Fails if cargo cannot be run or fails.
    pub(crate) fn build(&self, source: &Source) -> anyhow::Result<Vec<u8>> {
        let (name, vsn) = (source.app.name, &source.app.vsn);
        match self.has_answer {
            true => streams::aside(&format!("building {name} {vsn}\n")),
            false => say(format_args!("building {name} {vsn}")),
        }
        let mut command = cargo();
        command
            .current_dir(self.root())
            .args(["rustc", "--profile", linking::PROFILE, "--lib"])
            .args(["--crate-type", "cdylib", "--package", &source.package])
            .args(
                linking::PROFILE_SETTINGS
                    .iter()
                    .flat_map(|set| ["--config", set]),
            )
            .arg("--target-dir")
            .arg(self.target());
        paths::leave_out(&mut command, self.root(), self.target());
        command
            .arg("--")
            .args(linking::AS_A_LIBRARY)
            .env("PQ_DIGESTS", listed(&self.digests(source)?));
        let status = self.building.run(&mut command)?;
        ensure!(
            status.success(),
            "cargo failed to build {name} {vsn}: its errors are above; if the linker is missing, install a C \
             toolchain (Debian: build-essential)"
        );
        let folder = Path::new(linking::PROFILE);
        let file = folder.join(format!("lib{}.so", source.package.replace('-', "_")));
        let file = self.target().join(file);
        let bytes = pq_files::read(&file, pq_code::LIBRARY_BYTES_MAX).with_context(|| {
            format!(
                "failed to read {}, which cargo has just built",
                file.display()
            )
        })?;
        is_of(&bytes, source).with_context(|| format!("failed to use {}", file.display()))?;
        Ok(bytes)
    }
}

/// The nearest directory, `start` or above, of a workspace with the sources of the release.
fn folder_with<'a>(vsn: &str, start: &'a Path) -> Option<&'a Path> {
    let release = Path::new("releases").join(vsn);
    let is_it =
        |folder: &&Path| folder.join("Cargo.toml").is_file() && folder.join(&release).is_dir();
    start.ancestors().find(is_it)
}

/// The output of another program as one line.
fn one_line(said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said);
    let words: Vec<&str> = said.split_whitespace().collect();
    words.join(" ")
}

/// Checks that the library matches its `.app` file.
fn is_of(library: &[u8], source: &Source) -> anyhow::Result<()> {
    let manifest = manifest_of(library)?;
    let (name, vsn) = (source.app.name.as_str(), &source.app.vsn);
    let is_it = owner::matches(&manifest, name, vsn);
    is_it.with_context(|| {
        format!(
            "`pq_sdk::library!` and {} do not agree",
            source.app.file.display()
        )
    })
}

/// The digests in the format of the SDK's macro.
fn listed(digests: &BTreeMap<String, String>) -> String {
    let entries = digests.iter();
    let entries = entries.map(|(module, digest)| format!("{module}={{digest,\"{digest}\"}};"));
    entries.collect()
}

impl Source {
    /// The directory of the package.
    pub(crate) fn folder(&self) -> &Path {
        self.app.folder()
    }

    /// The name of the package.
    pub(crate) fn package(&self) -> &str {
        &self.package
    }

    /// Checks that `Cargo.toml` and the `.app` file have one version.
    ///
    /// # Errors
    /// Names both files.
    pub(crate) fn agrees(&self) -> anyhow::Result<()> {
        let (app, vsn) = (&self.app, &self.app.vsn);
        ensure!(
            self.package_vsn == *vsn,
            "failed to use {}: `version` in {} is {}, and {}, line {}, says {vsn}; they should be one",
            self.package,
            self.folder().join("Cargo.toml").display(),
            self.package_vsn,
            app.file.display(),
            app.line("vsn")
        );
        Ok(())
    }
}

impl Package {
    fn folder(&self) -> &Path {
        self.manifest_path.parent().unwrap_or(Path::new(""))
    }

    /// The source of the application with this name; `None` if this is not its package.
    fn source(&self, name: &str) -> anyhow::Result<Option<Source>> {
        let file = self.folder().join(format!("{name}.app"));
        let Some(app_text) = text_if_there(&file)? else {
            return Ok(None);
        };
        let app = App::parse(&file, &app_text);
        Ok(Some(Source {
            app: app.map_err(|error| anyhow::anyhow!("failed to {error}"))?,
            app_text,
            appup_text: text_if_there(&file.with_extension("appup"))?,
            package: self.name.clone(),
            package_vsn: self.version.clone(),
        }))
    }
}

/// The text of a file; `None` if the file does not exist.
///
/// # Errors
/// Fails if the file is unreadable.
pub(crate) fn text_if_there(file: &Path) -> anyhow::Result<Option<String>> {
    let text = pq_files::read(file, pq_files::TEXT_BYTES_MAX);
    match text.and_then(|bytes| String::from_utf8(bytes).map_err(io::Error::other)) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("failed to read {}", file.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_workspace_with_the_release_is_meant() {
        let root = tempfile::tempdir().unwrap();
        let make = |folder: &str, is_workspace: bool, is_game: bool| {
            let folder = root.path().join(folder);
            std::fs::create_dir_all(folder.join("sub/target/debug")).unwrap();
            if is_workspace {
                std::fs::write(folder.join("Cargo.toml"), "[workspace]").unwrap();
            }
            if is_game {
                std::fs::create_dir_all(folder.join("releases/1.0.0")).unwrap();
            }
            folder
        };
        let outer = make("outer", true, true);
        let copy = make("outer/copy", true, true);
        let other = make("outer/other", true, false);
        let tree = make("outer/tree", false, true);
        let found = |start: &Path| folder_with("1.0.0", start).map(Path::to_path_buf);
        assert_eq!(found(&copy.join("sub/target/debug/pq")), Some(copy.clone()));
        assert_eq!(found(&copy), Some(copy));
        for inside in [other, tree, outer.clone()] {
            assert_eq!(found(&inside.join("sub")), Some(outer.clone()));
        }
        assert_eq!(folder_with("9.9.9", &outer), None);
    }
}
