//! `pq tar`: from a release tree to a package, `Name-Vsn.tar.gz`.
//!
//! What is in a package and what may be, is known to `pq_release::package`.

use std::path::PathBuf;

use anyhow::anyhow;
use clap::Args;
use pq_release::boot::ReleaseTree;
use pq_release::layout;
use pq_release::package::make_tar;
use pq_release::rel::Rel;

use crate::boot;
use crate::run::say;

/// The words of the command.
#[derive(Args, Debug)]
pub(crate) struct Command {
    /// Which release: its .rel file
    #[arg(value_name = "FILE.rel")]
    rel: PathBuf,
    /// The tree that `pq build` has laid it out in
    #[arg(long, env = "PQ_ROOT", value_name = "DIR")]
    root: PathBuf,
    /// Where the package is written [default: the tree's folder `releases`]
    #[arg(long, value_name = "DIR")]
    outdir: Option<PathBuf>,
}

/// Packs, and says where the package is.
pub(crate) fn tar(command: &Command) -> anyhow::Result<()> {
    let rel = Rel::read(&command.rel).map_err(|error| anyhow!("failed to {error}"))?;
    let tree = ReleaseTree::open(&command.root, boot::runtime()?);
    super::judge(&command.root, &rel.vsn)?;
    let folder = command.outdir.clone();
    let folder = folder.unwrap_or_else(|| layout::releases(&command.root));
    let package = make_tar(&tree, &rel.vsn, &folder);
    let package = package.map_err(|error| anyhow!("failed to {error}"))?;
    say(format_args!("{}", package.display()));
    Ok(())
}
