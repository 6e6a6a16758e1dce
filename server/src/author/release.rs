//! `pq release`: from the sources of a release to its package, with everything in between.
//!
//! ```text
//!   releases/VSN/NAME.rel ─► sources ─► libraries ─┐                      ┌─► relup ─► judge ─► package
//!   older releases ────────────────────► libraries ─┴► appups: made where none is written, checked where one is
//!                                                        └─► beside the sources
//! ```
//! The steps are those of `pq build`, `pq appup`, `pq relup` and `pq tar`. The work is done in a tree of its own below cargo's
//! target directory; the tree of a node gets only the package.
//!
//! | module | contents |
//! |---|---|
//! | [`olders`] | the releases from which the new one can be installed |
//! | [`libraries`] | the library of an application: that of the node's tree, or a new one |
//! | [`appups`] | the appup of an application, made or checked |
//! | [`desk`] | the directory of the work, for one `pq release` at a time |
//! | [`answer`] | the answer, as text and as JSON |

use std::fmt::Display;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::Args;
use pq_protocol::{Exit, Failure};
use pq_release::boot::ReleaseTree;
use pq_release::layout;
use pq_release::rel::Rel;
use pq_release::tree::Overwrite;

use super::build::Pieces;
use super::key::Signer;
use super::{relup, shown, tar, warn};
use crate::boot;
use crate::libraries::{Source, Workspace};

pub(crate) mod answer;
mod appups;
mod desk;
mod libraries;
mod olders;
mod sources;

use answer::{LeftOut, Released};
use appups::{Appups, Required};
use desk::Desk;
use libraries::Libraries;
use olders::Older;

/// The options of `pq release`.
#[derive(Args, Debug)]
pub(crate) struct Command {
    /// The version of the release: its .rel file and its settings are in the directory `releases/VSN` of the workspace
    #[arg(value_name = "VSN")]
    vsn: String,
    /// The older releases from which it can be installed, and to which it can go back [default: all in the workspace]
    #[arg(long, value_name = "VSN", num_args = 1..)]
    from: Vec<String>,
    /// The release tree of a node: the package goes into its directory `releases`, where `pq unpack` finds it, and versions that
    /// the tree has already stay as they are [default: the package goes below cargo's target directory]
    #[arg(long, env = "PQ_ROOT", value_name = "DIR")]
    root: Option<PathBuf>,
    /// The description of the release, shown in the plan of an install
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    #[command(flatten)]
    signer: Signer,
    /// Write the answer as one line of JSON
    #[arg(long)]
    json: bool,
}

/// Makes the package of a release.
pub(crate) fn release(command: &Command) -> anyhow::Result<()> {
    super::answer::answer(command.json, make(command))
}

fn make(command: &Command) -> anyhow::Result<Released> {
    let mut workspace = Workspace::at(Path::new("."))?;
    if command.json {
        workspace.keep_stdout_for_the_answer();
    }
    let making = Making::begin(&workspace, command)?;
    making.package()
}

/// A release in the making.
struct Making<'a> {
    workspace: &'a Workspace,
    command: &'a Command,
    /// The tree in which the release is put together.
    work: Desk,
    libraries: Libraries<'a>,
    pieces: Pieces,
    /// The older releases, the newest first.
    olders: Vec<Older>,
}

impl<'a> Making<'a> {
    /// Reads and builds the release and the older ones.
    fn begin(workspace: &'a Workspace, command: &'a Command) -> anyhow::Result<Making<'a>> {
        let vsn = &command.vsn;
        let file = workspace.rel_file(vsn).with_context(|| {
            format!("failed to find release {vsn}; `pq new {vsn}` makes its files")
        })?;
        let rel = Rel::read(&file).map_err(failed)?;
        sources::check(workspace, &rel, vsn)?;
        let libraries = Libraries::of(workspace, command.root.as_deref(), vsn);
        let olders = olders::of(workspace, &rel, &command.from)?;
        sources::is_new(workspace, &rel, &olders)?;
        sources::lint(workspace, &rel, &olders)?;
        let pieces = libraries.pieces(&file)?;
        let work = Desk::take(workspace)?;
        let olders = olders.into_iter().map(|rel| {
            let pieces = libraries.pieces(&rel.file)?;
            pieces.lay_out_bare(work.root(), Overwrite::All)?;
            Ok(Older { rel, pieces })
        });
        let olders = olders.collect::<anyhow::Result<_>>()?;
        Ok(Making {
            olders,
            workspace,
            command,
            work,
            libraries,
            pieces,
        })
    }

    /// Makes appups, relup and package.
    fn package(mut self) -> anyhow::Result<Released> {
        let work = self.work.root().to_path_buf();
        self.work.clear(&self.command.vsn)?;
        let required = match self.command.from.is_empty() {
            true => Required::Newest,
            false => Required::All,
        };
        let vsn = &self.command.vsn;
        let mut appups = appups::settle(vsn, &mut self.pieces, &self.olders, required)?;
        self.pieces.relup = None;
        let rel = self.pieces.lay_out_bare(&work, Overwrite::All)?;
        let from = self.ways(&mut appups)?;
        self.pieces.lay_out(self.workspace, &work, Overwrite::All)?;
        super::judge(&work, &rel.vsn)?;
        let tree = ReleaseTree::open(&work, boot::runtime()?);
        let folder = layout::releases(self.command.root.as_deref().unwrap_or(&work));
        let typed = format!("release {}", rel.vsn);
        let package = tar::pack(&typed, &tree, &rel.vsn, &folder, &self.command.signer)?;
        Ok(Released {
            name: rel.name,
            vsn: rel.vsn,
            package: package.display().to_string(),
            appups: appups
                .written
                .iter()
                .map(|file| shown(self.workspace.root(), file))
                .collect(),
            from,
            left_out: appups.left_out,
            notes: appups.notes,
            root: self
                .command
                .root
                .as_ref()
                .map(|root| root.display().to_string()),
        })
    }

    /// Compiles the relup; returns the releases that it has ways from and to.
    fn ways(&mut self, appups: &mut Appups) -> anyhow::Result<Vec<String>> {
        let rel = self.workspace.rel_file(&self.command.vsn)?;
        // A release without a way in each appup may be reached in another way.
        appups.left_out.retain(|left| {
            let older = self.olders.iter().find(|older| older.rel.vsn == left.vsn);
            let way = older.map(|older| self.between(&rel, [older]));
            !way.is_some_and(|way| matches!(relup::compile(&way), Ok(Ok(_))))
        });
        let is_in = |older: &&Older| !is_left_out(&appups.left_out, &older.rel.vsn);
        let olders: Vec<&Older> = self.olders.iter().filter(is_in).collect();
        if olders.is_empty() {
            return Ok(Vec::new());
        }
        self.note_own_relup(&rel);
        let command = self.between(&rel, olders.iter().copied());
        let relup = relup::passing(&command)?;
        let vsns = olders.iter().map(|older| older.rel.vsn.clone()).collect();
        let library = |source: &Source| self.libraries.library(source);
        self.pieces.take_relup(self.workspace, &relup, library)?;
        Ok(vsns)
    }

    /// The relup between the new release and older ones.
    fn between<'o>(
        &self,
        rel: &Path,
        olders: impl IntoIterator<Item = &'o Older>,
    ) -> relup::Command {
        let files = olders.into_iter().map(|older| older.rel.file.clone());
        let path = vec![self.work.root().to_path_buf()];
        let description = self.command.description.clone();
        relup::Command::between(rel.to_path_buf(), files.collect(), path, description)
    }

    fn note_own_relup(&self, rel: &Path) {
        let file = rel.with_file_name("relup");
        if file.exists() {
            warn(format_args!(
                "{} is not used: the relup is made anew from the appups",
                file.display()
            ));
        }
    }
}

fn is_left_out(left_out: &[LeftOut], vsn: &str) -> bool {
    left_out.iter().any(|left| left.vsn == vsn)
}

/// The refusal of a release: nothing is packed until a person has decided these points.
fn undecided(vsn: &str, points: &[String]) -> anyhow::Result<()> {
    let sentence = format!(
        "failed to make release {vsn}: a person has to decide, and then `pq release {vsn}` goes on: {}",
        points.join("; and ")
    );
    ensure!(points.is_empty(), Failure::new(Exit::Refused, sentence));
    Ok(())
}

fn failed(error: impl Display) -> anyhow::Error {
    anyhow::anyhow!("failed to {error}")
}
