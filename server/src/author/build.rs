//! `pq build`: from a `.rel` file and a cargo workspace to a release tree.
//!
//! ```text
//!   FILE.rel ─┬► applications ─► packages of the workspace ─► libraries (cargo) ─┐
//!             └► sys.config, what it names, and relup beside it, where they are ──┴► tree
//! ```
//! A tree may have a node: of releases that its `RELEASES` lists nothing is replaced but the relup, unless `--force` says
//! so. What goes where in the tree is known to `pq_release::tree`. `pq demo` builds its releases with the same pieces.

use std::fmt::Display;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use pq_release::boot::ReleaseTree;
use pq_release::rel::Rel;
use pq_release::sys_config;
use pq_release::tree::{AppPieces, Overwrite, ReleaseSpec, rewrite_release};

use super::{same, warn};
use crate::boot;
use crate::libraries::{Source, Workspace, text_if_there};
use crate::streams::say;

/// The words of the command.
#[derive(Args, Debug)]
pub(crate) struct Command {
    /// What the release consists of; `sys.config` or `sys.config.src`, the files that it names, and `relup` beside it are
    /// taken too. A relup that is written afterwards comes with the next `pq build` or with `pq tar`
    #[arg(value_name = "FILE.rel")]
    rel: PathBuf,
    /// The release tree, which is made when it is missing
    #[arg(long, env = "PQ_ROOT", value_name = "DIR")]
    root: PathBuf,
    /// Replace what differs of releases that the tree's RELEASES lists, and settings that were edited there; without it,
    /// what differs needs another version
    #[arg(long)]
    force: bool,
}

/// Builds the libraries with the workspace that the command is typed in, and lays the release out.
pub(crate) fn build(command: &Command) -> anyhow::Result<()> {
    let workspace = Workspace::at(Path::new("."))?;
    let pieces = Pieces::build(&workspace, &command.rel)?;
    let overwrite = match command.force {
        true => Overwrite::All,
        false => Overwrite::Nothing,
    };
    let rel = pieces.lay_out(&command.root, overwrite)?;
    super::judge(&command.root, &rel.vsn)?;
    same::say(&command.root, &rel);
    let tree = ReleaseTree::open(&command.root, boot::runtime()?);
    if let Some(remark) = tree.settings_remark(&rel.vsn).map_err(failed)? {
        warn(format_args!("{remark}; it stays, and --force replaces it"));
    }
    say_where(&rel, &command.root);
    Ok(())
}

/// Says which release stands in which tree.
pub(crate) fn say_where(rel: &Rel, root: &Path) {
    let (name, vsn) = (&rel.name, &rel.vsn);
    say(format_args!(
        "release {name} {vsn} stands in {}",
        root.display()
    ));
}

/// A release whose libraries have been built.
pub(crate) struct Pieces {
    rel: String,
    sys_config: Option<String>,
    /// `sys.config.src`, and the files that one of the two names.
    configs: Vec<(PathBuf, Vec<u8>)>,
    /// The ways from and to other releases.
    pub(crate) relup: Option<String>,
    applications: Vec<Built>,
}

/// An application, and its library where it has modules.
type Built = (Source, Option<Vec<u8>>);

impl Pieces {
    /// Reads what the release consists of, and builds the libraries of its applications. Those that are part of the node
    /// have none.
    ///
    /// # Errors
    /// When a file cannot be used, an application has no sources, or cargo cannot build it.
    pub(crate) fn build(workspace: &Workspace, file: &Path) -> anyhow::Result<Pieces> {
        let rel = Rel::read(file).map_err(failed)?;
        let own = boot::runtime()?.built_in;
        let is_own = |name: &str| own.iter().any(|own| own.name == name);
        let mut applications = Vec::new();
        for entry in &rel.applications {
            let name = entry.name.as_str();
            if !is_own(name) {
                applications.push(workspace.source(name, &entry.vsn)?);
            }
        }
        let built = |source: Source| {
            let has_modules = !source.app.modules.is_empty();
            let library = has_modules.then(|| workspace.build(&source)).transpose()?;
            Ok((source, library))
        };
        let beside = |name: &str| text_if_there(&file.with_file_name(name));
        Ok(Pieces {
            rel: text_if_there(file)?.unwrap_or_default(),
            sys_config: beside(sys_config::FILE_NAME)?,
            configs: configs(file.parent().unwrap_or(Path::new("")))?,
            relup: beside("relup")?,
            applications: applications
                .into_iter()
                .map(built)
                .collect::<anyhow::Result<_>>()?,
        })
    }

    /// Lays the release out; what is there already and the same stays untouched.
    ///
    /// # Errors
    /// When a piece is wrong or the operating system refuses.
    pub(crate) fn lay_out(&self, root: &Path, overwrite: Overwrite) -> anyhow::Result<Rel> {
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
}

/// The files of settings in this folder, but for `sys.config` itself.
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
