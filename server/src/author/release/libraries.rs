//! The libraries of a release. A version that the node's tree has already is taken from there, because a version never changes;
//! all others are built.

use std::path::Path;

use anyhow::{Context, bail};
use pq_code::LIBRARY_BYTES_MAX;
use pq_release::layout;

use crate::author::build::Pieces;
use crate::author::same::{self, Changed};
use crate::libraries::{Source, Workspace};

/// The origin of libraries.
pub(super) struct Libraries<'a> {
    workspace: &'a Workspace,
    /// The tree of a node, if one was named.
    tree: Option<&'a Path>,
    /// The version of the release in the making.
    vsn: &'a str,
}

impl<'a> Libraries<'a> {
    pub(super) fn of(
        workspace: &'a Workspace,
        tree: Option<&'a Path>,
        vsn: &'a str,
    ) -> Libraries<'a> {
        Libraries {
            workspace,
            tree,
            vsn,
        }
    }

    /// The pieces of the release with this `.rel` file.
    ///
    /// # Errors
    /// Fails like [`Pieces::build`], and if a released version has changed.
    pub(super) fn pieces(&self, rel: &Path) -> anyhow::Result<Pieces> {
        Pieces::with(self.workspace, rel, |source| self.library(source))
    }

    /// The library of this version of an application, and the check that a released one is unchanged.
    pub(super) fn library(&self, source: &Source) -> anyhow::Result<Vec<u8>> {
        let (name, vsn) = (source.app.name.as_str(), &source.app.vsn);
        let released = self
            .tree
            .filter(|tree| layout::lib(tree, name, vsn).exists());
        match released {
            None => self.workspace.build(source),
            Some(tree) => self.released(source, tree),
        }
    }

    /// The library in the node's tree, if the sources are still the same.
    fn released(&self, source: &Source, tree: &Path) -> anyhow::Result<Vec<u8>> {
        let (name, vsn) = (source.app.name.as_str(), &source.app.vsn);
        let digests = self.workspace.digests(source)?;
        if let Some(changed) = same::changed(tree, source, &digests)? {
            let what = match changed {
                Changed::File(file) => file.display().to_string(),
                Changed::Module(module) => {
                    format!("the source of `{module}` in {}", source.folder().display())
                }
            };
            bail!(
                "failed to make release {}: {what} has changed since {name} {vsn} came to {}, and a version never changes; undo \
                 the change, or put it into a version of its own (`pq new`)",
                self.vsn,
                tree.display()
            );
        }
        let file = layout::library(tree, name, vsn);
        pq_files::read(&file, LIBRARY_BYTES_MAX)
            .with_context(|| format!("failed to read {}", file.display()))
    }
}
