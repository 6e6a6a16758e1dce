//! The packages of the later releases, built while the permanent release runs, because cargo takes long to build their
//! libraries.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use anyhow::{Context, anyhow};
use pq_abi::crash::watch_thread;
use pq_release::boot::ReleaseTree;
use pq_release::layout;
use pq_release::package::make_tar;
use pq_release::releases::Release;
use pq_release::relup::Relup;
use pq_release::tree::Overwrite;

use crate::author::build::Pieces;
use crate::author::relup;
use crate::boot;
use crate::libraries::Workspace;

/// The release that `pq demo` runs first.
pub(super) const FIRST: &str = "1.0.0";

/// The releases of the upgrades in their order, and those that can be upgraded to each.
const LATER: [(&str, &[&str]); 2] = [("1.1.0", &[FIRST]), ("1.2.0", &["1.1.0", FIRST])];

/// The release behind this one.
pub(super) fn after(vsn: &str) -> Option<&'static str> {
    let behind = |(_, from): &&(&str, &[&str])| from.first() == Some(&vsn);
    LATER.iter().find(behind).map(|(vsn, _)| *vsn)
}

/// A later release, and its relup.
pub(super) struct Next {
    pub(super) vsn: &'static str,
    relup: Relup,
}

impl Next {
    /// The releases behind this one that are not listed. Finds their sources and compiles their relups.
    ///
    /// # Errors
    /// Fails if sources are missing or a relup cannot be compiled.
    pub(super) fn missing(
        workspace: &Workspace,
        permanent: &str,
        listed: &[Release],
    ) -> anyhow::Result<Vec<Next>> {
        let behind = LATER.iter().filter(|(_, from)| from.contains(&permanent));
        let is_listed = |vsn: &str| listed.iter().any(|release| release.vsn == vsn);
        let missing = behind.filter(|(vsn, _)| !is_listed(vsn));
        let found = missing.map(|(vsn, from)| Next::find(workspace, vsn, from));
        found.collect()
    }

    fn find(workspace: &Workspace, vsn: &'static str, from: &[&str]) -> anyhow::Result<Next> {
        let new = workspace.rel_file(vsn)?;
        let old = from.iter().map(|vsn| workspace.rel_file(vsn));
        let old: Vec<PathBuf> = old.collect::<anyhow::Result<_>>()?;
        let way = relup::Command::between(new, old, workspace.folders(), None);
        let relup = relup::compile(&way)?.map_err(|error| anyhow!("failed to {error}"))?;
        Ok(Next { vsn, relup })
    }

    /// Builds the package from a temporary tree.
    fn make(self, workspace: &Workspace, root: &Path) -> anyhow::Result<PathBuf> {
        let mut pieces = Pieces::build(workspace, &workspace.rel_file(self.vsn)?)?;
        pieces.take_relup(workspace, &self.relup, |source| workspace.build(source))?;
        let beside =
            tempfile::tempdir_in(root).context("failed to create a directory for the package")?;
        pieces.lay_out(workspace, beside.path(), Overwrite::Nothing)?;
        let tree = ReleaseTree::open(beside.path(), boot::runtime()?);
        let package = make_tar(&tree, self.vsn, &layout::releases(root));
        package.map_err(|error| anyhow!("failed to {error}"))
    }
}

/// The packing in progress. Dropping the value cancels the packing and kills its cargo.
pub(super) struct Packing {
    workspace: Arc<Workspace>,
    is_cancelled: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Packing {
    /// Packs releases into the tree's directory `releases`, one after the other on a thread of its own. Calls `then` with the tree
    /// and the version when one is packed.
    pub(super) fn begin(
        workspace: Arc<Workspace>,
        later: Vec<Next>,
        root: PathBuf,
        then: fn(&Path, &str),
    ) -> Packing {
        let is_cancelled = Arc::new(AtomicBool::new(false));
        let (of_thread, asked) = (workspace.clone(), is_cancelled.clone());
        let thread = thread::spawn(move || {
            watch_thread();
            for next in later {
                let release = next.vsn;
                match next.make(&of_thread, &root) {
                    Ok(package) => {
                        tracing::info!(release, package = %package.display(), "packed");
                        then(&root, release);
                    }
                    Err(_) if asked.load(Ordering::Acquire) => return,
                    Err(error) => tracing::error!("failed to pack release {release}: {error:#}"),
                }
            }
        });
        Packing {
            workspace,
            is_cancelled,
            thread: Some(thread),
        }
    }
}

impl Drop for Packing {
    fn drop(&mut self) {
        self.is_cancelled.store(true, Ordering::Release);
        self.workspace.stop_building();
        // A panic of the thread is already in the log.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}
