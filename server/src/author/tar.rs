//! `pq tar`: packs a release of a tree as `Name-Vsn.tar.gz`.
//!
//! ```text
//!   beside FILE.rel: relup, sys.config ─► tree, if they are newer than the build ─┐
//!   sources of the applications ─ changed since the build? ─► refused               ├─► package
//!   tree ───────────────────────────────────────────────────────────────────────────┘
//! ```
//! If the author has a key (`pq key new`), the package is signed. A relup is usually written after the build of its release, so
//! `pq tar` adds the relup to the tree. Changes that need another build of libraries are refused. `pq_release::package` defines the
//! content of packages.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail, ensure};
use clap::Args;
use pq_release::boot::ReleaseTree;
use pq_release::package::make_tar;
use pq_release::rel::Rel;
use pq_release::relup::Relup;
use pq_release::{layout, sys_config};
use pq_term::printable_lines;

use super::key::Signer;
use super::same::{self, Changed};
use super::{sign, warn};
use crate::boot;
use crate::client::{Show, aside, metered};
use crate::libraries::{Source, Workspace, text_if_there};
use crate::streams;

/// The options of `pq tar`.
#[derive(Args, Debug)]
pub(crate) struct Command {
    /// The .rel file of the release. A `relup` or `sys.config` in its directory that is newer than the build is
    /// added; sources that are newer than the build are refused
    #[arg(value_name = "FILE.rel")]
    rel: PathBuf,
    /// The directory of the release tree that `pq build` has laid out
    #[arg(long, env = "PQ_ROOT", value_name = "DIR")]
    root: PathBuf,
    /// The directory for the package [default: `releases` in the tree]
    #[arg(long, value_name = "DIR")]
    outdir: Option<PathBuf>,
    #[command(flatten)]
    signer: Signer,
}

/// Packs the release and writes the path of the package to stdout.
pub(crate) fn tar(command: &Command) -> anyhow::Result<()> {
    let rel = Rel::read(&command.rel).map_err(failed)?;
    let tree = ReleaseTree::open(&command.root, boot::runtime()?);
    let built = tree.rel(&rel.vsn).map_err(failed)?;
    is_built(command, &rel, &built)?;
    take(command, &tree, &rel)?;
    super::judge(&command.root, &rel.vsn)?;
    same::say(&command.root, &rel);
    let folder = command.outdir.clone();
    let folder = folder.unwrap_or_else(|| layout::releases(&command.root));
    let package = pack("tar", &tree, &rel.vsn, &folder, &command.signer)?;
    streams::data(&printable_lines(&format!("{}\n", package.display())));
    Ok(())
}

/// Packs a release of a tree into this directory, and signs the package if its author has a key. Returns the path of the package.
///
/// # Errors
/// Fails if a part of the release is damaged, if the key cannot be used, or if the operating system refuses an operation.
pub(super) fn pack(
    typed: &str,
    tree: &ReleaseTree,
    vsn: &str,
    folder: &Path,
    signer: &Signer,
) -> anyhow::Result<PathBuf> {
    let package = metered(typed, "packing", || make_tar(tree, vsn, folder));
    let package = package.map_err(failed)?;
    if let Some(signed) = sign::with(signer, &package)? {
        aside(&signed.show());
    }
    Ok(package)
}

fn failed(error: impl Display) -> anyhow::Error {
    anyhow!("failed to {error}")
}

/// Checks that the tree has the current files of the author. Sources are checked if the current directory is their
/// workspace.
fn is_built(command: &Command, rel: &Rel, built: &Rel) -> anyhow::Result<()> {
    ensure!(
        text_if_there(&command.rel)? == text_if_there(&built.file)?,
        changed(&command.rel, rel)
    );
    let Ok(workspace) = Workspace::at(Path::new(".")) else {
        return Ok(());
    };
    for entry in boot::runtime()?.foreign(rel) {
        if let Ok(source) = workspace.source(entry.name.as_str(), &entry.vsn) {
            let digests = workspace.digests(&source)?;
            is_as_source(command, rel, &source, &digests)?;
        }
    }
    Ok(())
}

fn is_as_source(
    command: &Command,
    rel: &Rel,
    source: &Source,
    digests: &BTreeMap<String, String>,
) -> anyhow::Result<()> {
    match same::changed(&command.root, source, digests)? {
        None => Ok(()),
        Some(Changed::File(file)) => bail!(changed(&file, rel)),
        Some(Changed::Module(module)) => bail!(
            "failed to pack release {}: the source of `{module}` in {} {} has changed since the build; `pq build` builds it, and \
             then `pq tar` packs it",
            rel.vsn,
            source.app.name,
            source.app.vsn
        ),
    }
}

fn changed(file: &Path, rel: &Rel) -> String {
    format!(
        "failed to pack release {}: {} has changed since the build; run `pq build` and then `pq tar`",
        rel.vsn,
        file.display()
    )
}

/// Adds changed files beside the `.rel` file to the tree, as a build would.
fn take(command: &Command, tree: &ReleaseTree, rel: &Rel) -> anyhow::Result<()> {
    let folder = layout::release(&command.root, &rel.vsn);
    for name in ["relup", "sys.config"] {
        let file = command.rel.with_file_name(name);
        let (beside, there) = (text_if_there(&file)?, text_if_there(&folder.join(name))?);
        let Some(text) = beside.filter(|text| Some(text) != there.as_ref()) else {
            continue;
        };
        match name {
            "relup" => {
                let relup = Relup::parse(&file, &text).map_err(failed)?;
                ensure!(
                    relup.vsn == rel.vsn,
                    "failed to pack release {}: {} is for release {}; `pq relup` writes a new one",
                    rel.vsn,
                    file.display(),
                    relup.vsn
                );
            }
            _ => {
                sys_config::check_text(&file, &text).map_err(failed)?;
                if tree.settings_remark(&rel.vsn).map_err(failed)?.is_some() {
                    bail!(
                        "failed to pack release {}: {} and the one in {} have both changed since the build; `pq build --force` \
                         uses the first file",
                        rel.vsn,
                        file.display(),
                        folder.display()
                    );
                }
            }
        }
        pq_release::put(&folder, name, text.as_bytes()).map_err(failed)?;
        warn(format_args!(
            "{} is newer than the build and is added",
            file.display()
        ));
    }
    Ok(())
}
