//! `pq build`: creates a release tree from a `.rel` file and a cargo workspace.
//!
//! ```text
//!   FILE.rel ─┬► applications, and versions in between (relup) ─► packages of the workspace ─► libraries (cargo) ─┐
//!             └► sys.config with included files, and relup beside it, if present ──┴► tree
//! ```
//! A tree may have a running node. Without `--force`, the command replaces nothing but the relup in releases that
//! `RELEASES` lists. `pq_release::tree` defines the layout of a tree. `pq demo` builds its releases with the same
//! functions.

use std::fmt::Display;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use pq_release::boot::ReleaseTree;
use pq_release::layout;
use pq_release::rel::Rel;
use pq_release::releases::Releases;
use pq_release::relup::Relup;
use pq_release::sys_config;
use pq_release::tree::{AppPieces, Overwrite, ReleaseSpec, rewrite_release};

use super::{same, warn};
use crate::boot;
use crate::libraries::{Source, Workspace, text_if_there};
use crate::streams::say;

/// The options of `pq build`.
#[derive(Args, Debug)]
pub(crate) struct Command {
    /// The .rel file with the applications of the release; the build also uses `sys.config` or `sys.config.src`, the
    /// files that it includes, and `relup` in the same directory. The next `pq build` or `pq tar` adds a relup that
    /// is written later
    #[arg(value_name = "FILE.rel")]
    rel: PathBuf,
    /// The directory of the release tree, created if missing
    #[arg(long, env = "PQ_ROOT", value_name = "DIR")]
    root: PathBuf,
    /// Replace changed files of releases that the tree's RELEASES lists, and settings that were edited there; without
    /// this option, changed files need a new version
    #[arg(long)]
    force: bool,
}

/// Builds the libraries with the workspace of the current directory, and lays out the release.
pub(crate) fn build(command: &Command) -> anyhow::Result<()> {
    let workspace = Workspace::at(Path::new("."))?;
    let pieces = Pieces::build(&workspace, &command.rel)?;
    let overwrite = match command.force {
        true => Overwrite::All,
        false => Overwrite::Nothing,
    };
    let rel = pieces.lay_out(&workspace, &command.root, overwrite)?;
    super::judge(&command.root, &rel.vsn)?;
    same::say(&command.root, &rel);
    let tree = ReleaseTree::open(&command.root, boot::runtime()?);
    if let Some(remark) = tree.settings_remark(&rel.vsn).map_err(failed)? {
        warn(format_args!(
            "{remark}; the file is kept, --force replaces it"
        ));
    }
    say_where(&rel, &command.root);
    Ok(())
}

/// Writes the path of the release to stdout.
pub(crate) fn say_where(rel: &Rel, root: &Path) {
    let (name, vsn) = (&rel.name, &rel.vsn);
    say(format_args!(
        "release {name} {vsn} is in {}",
        root.display()
    ));
}

/// A release with built libraries.
pub(crate) struct Pieces {
    rel: String,
    sys_config: Option<String>,
    /// `sys.config.src`, and the files that `sys.config` or `sys.config.src` includes.
    configs: Vec<(PathBuf, Vec<u8>)>,
    /// The text of the relup: the ways from and to other releases.
    pub(crate) relup: Option<String>,
    applications: Vec<Built>,
}

/// The source of an application, and its library if the application has modules.
type Built = (Source, Option<Vec<u8>>);

impl Pieces {
    /// Reads the applications of the release and builds their libraries. Applications that are compiled into the node
    /// have no library.
    ///
    /// # Errors
    /// Fails if a file is invalid, if an application has no sources, or if cargo fails to build it.
    pub(crate) fn build(workspace: &Workspace, file: &Path) -> anyhow::Result<Pieces> {
        let build = |source: &Source| workspace.build(source);
        let mut pieces = Pieces::with(workspace, file, build)?;
        let beside = file.with_file_name("relup");
        if let Some(text) = text_if_there(&beside)? {
            let relup = Relup::parse(&beside, &text).map_err(failed)?;
            pieces.take_relup(workspace, &relup, build)?;
            pieces.relup = Some(text);
        }
        Ok(pieces)
    }

    /// Does the same without a relup, and with the libraries that `library` returns.
    ///
    /// # Errors
    /// Fails if a file is invalid, if an application has no sources, or if `library` fails.
    pub(crate) fn with(
        workspace: &Workspace,
        file: &Path,
        library: impl Fn(&Source) -> anyhow::Result<Vec<u8>>,
    ) -> anyhow::Result<Pieces> {
        let rel = Rel::read(file).map_err(failed)?;
        let runtime = boot::runtime()?;
        let sources = runtime.foreign(&rel);
        let sources = sources.map(|entry| workspace.source(entry.name.as_str(), &entry.vsn));
        // All sources are there before the first one is built.
        let sources = sources.collect::<anyhow::Result<Vec<Source>>>()?;
        let beside = |name: &str| text_if_there(&file.with_file_name(name));
        Ok(Pieces {
            rel: text_if_there(file)?.unwrap_or_default(),
            sys_config: beside(sys_config::FILE_NAME)?,
            configs: configs(file.parent().unwrap_or(Path::new("")))?,
            relup: None,
            applications: sources
                .into_iter()
                .map(|source| built(source, &library))
                .collect::<anyhow::Result<_>>()?,
        })
    }

    /// Takes a relup, together with the libraries of the versions in between through which it sends states.
    ///
    /// # Errors
    /// Fails if a version has no sources, or if `library` fails.
    pub(crate) fn take_relup(
        &mut self,
        workspace: &Workspace,
        relup: &Relup,
        library: impl Fn(&Source) -> anyhow::Result<Vec<u8>>,
    ) -> anyhow::Result<()> {
        for (name, vsn) in relup.converters() {
            let source = workspace.source(name.as_str(), &vsn)?;
            self.applications.push(built(source, &library)?);
        }
        self.relup = Some(relup.to_text());
        Ok(())
    }

    /// The applications with modules, and their libraries.
    pub(crate) fn with_libraries(&mut self) -> impl Iterator<Item = (&mut Source, &[u8])> {
        let all = self.applications.iter_mut();
        all.filter_map(|(source, library)| Some((source, library.as_deref()?)))
    }

    /// The library of an application.
    pub(crate) fn library(&self, application: &str) -> Option<&[u8]> {
        self.application(application)?.1.as_deref()
    }

    /// The version of an application.
    pub(crate) fn vsn_of(&self, application: &str) -> Option<&str> {
        Some(&self.application(application)?.0.app.vsn)
    }

    fn application(&self, name: &str) -> Option<&Built> {
        let mut all = self.applications.iter();
        all.find(|(source, _)| source.app.name == name)
    }

    /// Lays out the release with the papers of its build; existing files with the same content stay untouched.
    ///
    /// # Errors
    /// Fails if a part of the release is invalid, if cargo does not know the dependencies of a library, or if the operating system
    /// refuses an operation.
    pub(crate) fn lay_out(
        &self,
        workspace: &Workspace,
        root: &Path,
        overwrite: Overwrite,
    ) -> anyhow::Result<Rel> {
        let rel = self.lay_out_bare(root, overwrite)?;
        self.add_papers(workspace, root, &rel, overwrite)?;
        Ok(rel)
    }

    /// Does the same without papers, for a release that is not packed.
    ///
    /// # Errors
    /// Fails if a part of the release is invalid or the operating system refuses an operation.
    pub(crate) fn lay_out_bare(&self, root: &Path, overwrite: Overwrite) -> anyhow::Result<Rel> {
        let spec = ReleaseSpec {
            rel: &self.rel,
            sys_config: self.sys_config.as_deref(),
            configs: self
                .configs
                .iter()
                .map(|(path, bytes)| (&**path, &**bytes))
                .collect(),
            relup: self.relup.as_deref(),
            applications: self.applications.iter().map(of_tree).collect(),
        };
        rewrite_release(root, &spec, overwrite).map_err(failed)
    }

    /// The papers of a release that `RELEASES` lists stay: its libraries have the same bytes, and were built as those papers say.
    fn add_papers(
        &self,
        workspace: &Workspace,
        root: &Path,
        rel: &Rel,
        overwrite: Overwrite,
    ) -> anyhow::Result<()> {
        let folder = layout::release(root, &rel.vsn);
        let releases = Releases::read(&layout::releases_file(root)).map_err(failed)?;
        let is_kept = releases.find(&rel.vsn).is_some() && overwrite == Overwrite::Nothing;
        let sources: Vec<&Source> = self.applications.iter().map(|(source, _)| source).collect();
        for (name, text) in workspace.papers(&sources)? {
            let there = pq_files::read(&folder.join(name), pq_files::TEXT_BYTES_MAX).ok();
            let stays = |there: &Vec<u8>| is_kept || *there == text;
            if !there.as_ref().is_some_and(stays) {
                pq_release::put(&folder, name, &text).map_err(failed)?;
            }
        }
        Ok(())
    }
}

/// The source of an application with its library, if the application has modules.
fn built(
    source: Source,
    library: impl Fn(&Source) -> anyhow::Result<Vec<u8>>,
) -> anyhow::Result<Built> {
    let has_modules = !source.app.modules.is_empty();
    let library = has_modules.then(|| library(&source)).transpose()?;
    Ok((source, library))
}

/// The files of settings in this directory except `sys.config` itself.
fn configs(folder: &Path) -> anyhow::Result<Vec<(PathBuf, Vec<u8>)>> {
    let mut files = sys_config::check(folder).map_err(failed)?;
    files.retain(|file| file != Path::new(sys_config::FILE_NAME));
    let read = |path: PathBuf| {
        let file = folder.join(&path);
        let bytes = pq_files::read(&file, pq_files::TEXT_BYTES_MAX)
            .with_context(|| format!("failed to read {}", file.display()))?;
        Ok((path, bytes))
    };
    files.into_iter().map(read).collect()
}

fn of_tree((source, library): &Built) -> AppPieces<'_> {
    AppPieces {
        app: &source.app_text,
        appup: source.appup_text.as_deref(),
        library: library.as_deref(),
    }
}

fn failed(error: impl Display) -> anyhow::Error {
    anyhow::anyhow!("failed to {error}")
}
