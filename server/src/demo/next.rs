//! The package of the next release, made while the first is played: its libraries take cargo a while.

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

use super::{FIRST, NEXT, rel_file};
use crate::author::build::Pieces;
use crate::author::relup;
use crate::boot;
use crate::libraries::Workspace;

/// What the package is made of.
pub(super) struct Next {
    workspace: Arc<Workspace>,
    relup: Relup,
}

impl Next {
    /// Finds the sources of the next release, and the way to it.
    ///
    /// # Errors
    /// When there are none, or there is no way.
    pub(super) fn find(workspace: Arc<Workspace>) -> anyhow::Result<Next> {
        let (new, old) = (rel_file(&workspace, NEXT)?, rel_file(&workspace, FIRST)?);
        let way = relup::Command::between(new, old, workspace.folders());
        let relup = relup::compile(&way)?.map_err(|error| anyhow!("failed to {error}"))?;
        Ok(Next { workspace, relup })
    }

    /// Makes the package, in the folder `releases` of the tree, on a thread of its own; then calls `then` with the tree.
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
                Err(error) => tracing::error!("release {NEXT} is not packed: {error:#}"),
            }
        });
        Packing {
            workspace,
            is_cancelled,
            thread: Some(thread),
        }
    }

    /// It is made of a tree of its own, which nobody needs afterwards.
    fn make(self, root: &Path) -> anyhow::Result<PathBuf> {
        let mut pieces = Pieces::build(&self.workspace, &rel_file(&self.workspace, NEXT)?)?;
        pieces.relup = Some(self.relup.to_text());
        let beside =
            tempfile::tempdir_in(root).context("failed to make a folder for the package")?;
        pieces.lay_out(beside.path(), Overwrite::Nothing)?;
        let tree = ReleaseTree::open(beside.path(), boot::runtime()?);
        let package = make_tar(&tree, NEXT, &layout::releases(root));
        package.map_err(|error| anyhow!("failed to {error}"))
    }
}

/// The package is being made. Dropped, it is given up: the cargo that builds for it is killed.
pub(super) struct Packing {
    workspace: Arc<Workspace>,
    is_cancelled: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Packing {
    fn drop(&mut self) {
        self.is_cancelled.store(true, Ordering::Release);
        self.workspace.stop_building();
        // A thread that panicked has said so.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}
