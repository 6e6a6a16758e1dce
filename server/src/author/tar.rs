//! `pq tar`: from a release tree to a package, `Name-Vsn.tar.gz`.
//!
//! ```text
//!   beside FILE.rel: relup, sys.config ─► tree, when they are newer than the build ─┐
//!   sources of the applications ─ changed since the build? ─► refused               ├─► package
//!   tree ───────────────────────────────────────────────────────────────────────────┘
//! ```
//! A relup is usually written when its release has been built already, so it is taken then. What the libraries would have
//! to be built for again is refused. What is in a package and what may be, is known to `pq_release::package`.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail, ensure};
use clap::Args;
use pq_code::manifest_of;
use pq_release::boot::ReleaseTree;
use pq_release::package::make_tar;
use pq_release::rel::{Rel, RelApp};
use pq_release::relup::Relup;
use pq_release::{layout, sys_config};
use pq_term::printable_lines;

use super::{same, warn};
use crate::boot;
use crate::libraries::{Source, Workspace, text_if_there};
use crate::streams;

/// The words of the command.
#[derive(Args, Debug)]
pub(crate) struct Command {
    /// Which release: its .rel file. A `relup` or `sys.config` beside it that is newer than the build is taken; sources
    /// that have changed since are not, and have to be built
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
    let rel = Rel::read(&command.rel).map_err(failed)?;
    let tree = ReleaseTree::open(&command.root, boot::runtime()?);
    let built = tree.rel(&rel.vsn).map_err(failed)?;
    is_built(command, &rel, &built)?;
    take(command, &tree, &rel)?;
    super::judge(&command.root, &rel.vsn)?;
    same::say(&command.root, &rel);
    let folder = command.outdir.clone();
    let folder = folder.unwrap_or_else(|| layout::releases(&command.root));
    let package = make_tar(&tree, &rel.vsn, &folder).map_err(failed)?;
    streams::data(&printable_lines(&format!("{}\n", package.display())));
    Ok(())
}

fn failed(error: impl Display) -> anyhow::Error {
    anyhow!("failed to {error}")
}

/// The tree has what its author has now. Sources are looked at where the command is typed in their workspace.
fn is_built(command: &Command, rel: &Rel, built: &Rel) -> anyhow::Result<()> {
    ensure!(
        text_if_there(&command.rel)? == text_if_there(&built.file)?,
        changed(&command.rel, rel)
    );
    let Ok(workspace) = Workspace::at(Path::new(".")) else {
        return Ok(());
    };
    let own = boot::runtime()?.built_in;
    let is_own = |entry: &&RelApp| own.iter().any(|own| own.name == entry.name.as_str());
    for entry in rel.applications.iter().filter(|entry| !is_own(entry)) {
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
    let (name, vsn) = (source.app.name.as_str(), &source.app.vsn);
    let file = layout::app_file(&command.root, name, vsn);
    ensure!(
        text_if_there(&file)?.as_ref() == Some(&source.app_text),
        changed(&source.app.file, rel)
    );
    let appup = text_if_there(&file.with_extension("appup"))?;
    ensure!(
        appup == source.appup_text,
        changed(&source.app.file.with_extension("appup"), rel)
    );
    let library = pq_files::read(
        &layout::library(&command.root, name, vsn),
        pq_code::LIBRARY_BYTES_MAX,
    );
    // What cannot be read is found out when it is packed.
    let manifest = library.ok().and_then(|bytes| manifest_of(&bytes).ok());
    for module in manifest.into_iter().flat_map(|manifest| manifest.modules) {
        if let (Some(built), Some(now)) = (&module.digest, digests.get(&module.name)) {
            ensure!(
                built == now,
                "failed to pack release {}: the source of `{}` in {name} {vsn} has changed since the build; `pq build` takes \
                 it, and then `pq tar` packs it",
                rel.vsn,
                module.name
            );
        }
    }
    Ok(())
}

fn changed(file: &Path, rel: &Rel) -> String {
    format!(
        "failed to pack release {}: {} has changed since the build; `pq build` takes it, and then `pq tar` packs it",
        rel.vsn,
        file.display()
    )
}

/// Takes what stands beside the `.rel` file and is not the tree's, as a build would.
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
                    "failed to pack release {}: {} is for release {}; `pq relup` writes another",
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
                         takes the first",
                        rel.vsn,
                        file.display(),
                        folder.display()
                    );
                }
            }
        }
        pq_release::put(&folder, name, text.as_bytes()).map_err(failed)?;
        warn(format_args!(
            "{} is newer than the build, and is taken",
            file.display()
        ));
    }
    Ok(())
}
