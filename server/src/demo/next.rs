//! The package of the next release, built while the first release runs, because cargo takes long to build its
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
use pq_release::relup::Relup;
use pq_release::tree::Overwrite;

use crate::author::build::Pieces;
use crate::author::relup;
use crate::boot;
use crate::libraries::Workspace;

/// The release that `pq demo` runs first.
pub(super) const FIRST: &str = "1.0.0";

/// The release of the upgrade.
pub(super) const NEXT: &str = "1.1.0";

/// The sources and the relup of the next release.
pub(super) struct Next {
    workspace: Arc<Workspace>,
    relup: Relup,
}

impl Next {
    /// Finds the sources of the next release and compiles its relup.
    ///
    /// # Errors
    /// Fails if sources are missing or the relup cannot be compiled.
    pub(super) fn find(workspace: Arc<Workspace>) -> anyhow::Result<Next> {
        let (new, old) = (workspace.rel_file(NEXT)?, workspace.rel_file(FIRST)?);
        let way = relup::Command::between(new, vec![old], workspace.folders(), None);
        let relup = relup::compile(&way)?.map_err(|error| anyhow!("failed to {error}"))?;
        Ok(Next { workspace, relup })
    }

    /// Packs the release into the tree's directory `releases` on a thread of its own, and then calls `then` with the
    /// tree.
    pub(super) fn pack(self, root: PathBuf, then: fn(&Path)) -> Packing {
        let (workspace, is_cancelled) = (self.workspace.clone(), Arc::new(AtomicBool::new(false)));
        let asked = is_cancelled.clone();
        let thread = thread::spawn(move || {
            watch_thread();
            match self.make(&root) {
                Ok(package) => {
                    tracing::info!(release = NEXT, package = %package.display(), "packed");
                    then(&root);
                }
                Err(_) if asked.load(Ordering::Acquire) => (),
                Err(error) => tracing::error!("failed to pack release {NEXT}: {error:#}"),
            }
        });
        Packing {
            workspace,
            is_cancelled,
            thread: Some(thread),
        }
    }

    /// Builds the package from a temporary tree.
    fn make(self, root: &Path) -> anyhow::Result<PathBuf> {
        let mut pieces = Pieces::build(&self.workspace, &self.workspace.rel_file(NEXT)?)?;
        pieces.relup = Some(self.relup.to_text());
        let beside =
            tempfile::tempdir_in(root).context("failed to create a directory for the package")?;
        pieces.lay_out(beside.path(), Overwrite::Nothing)?;
        let tree = ReleaseTree::open(beside.path(), boot::runtime()?);
        let package = make_tar(&tree, NEXT, &layout::releases(root));
        package.map_err(|error| anyhow!("failed to {error}"))
    }
}

/// The packing in progress. Dropping the value cancels the packing and kills its cargo.
pub(super) struct Packing {
    workspace: Arc<Workspace>,
    is_cancelled: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Packing {
    fn drop(&mut self) {
        self.is_cancelled.store(true, Ordering::Release);
        self.workspace.stop_building();
        // A panic of the thread is already in the log.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}
