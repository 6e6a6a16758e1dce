//! The releases of a workspace: directories `releases/VSN` with a `.rel` file.
//!
//! Releases in `releases/lessons` are found by their versions only: no command takes one of them as the newest or as an older one.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::Workspace;

impl Workspace {
    /// The `.rel` file of a release, the only one in its directory.
    ///
    /// # Errors
    /// Fails without such a file.
    pub(crate) fn rel_file(&self, vsn: &str) -> anyhow::Result<PathBuf> {
        let folder = self.release_folder(vsn);
        let entries = std::fs::read_dir(&folder)
            .with_context(|| format!("failed to read {}", folder.display()))?;
        let files = entries.flatten().map(|entry| entry.path());
        let mut rels: Vec<PathBuf> = files.filter(|file| is_rel(file)).collect();
        match (rels.pop(), rels.is_empty()) {
            (Some(file), true) => Ok(file),
            (None, _) => bail!("failed to find a .rel file in {}", folder.display()),
            (Some(_), false) => bail!(
                "failed to choose a .rel file in {}: a release has one, and this directory has several",
                folder.display()
            ),
        }
    }

    fn release_folder(&self, vsn: &str) -> PathBuf {
        let releases = self.root().join("releases");
        let of_lesson = releases.join("lessons").join(vsn);
        match of_lesson.is_dir() {
            true => of_lesson,
            false => releases.join(vsn),
        }
    }

    /// The versions of all releases with a `.rel` file.
    pub(crate) fn release_vsns(&self) -> Vec<String> {
        let folders = std::fs::read_dir(self.root().join("releases"));
        let names = folders.into_iter().flatten().flatten();
        let names = names.filter_map(|folder| folder.file_name().into_string().ok());
        let mut vsns: Vec<String> = names.filter(|vsn| self.rel_file(vsn).is_ok()).collect();
        vsns.sort();
        vsns
    }
}

fn is_rel(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "rel")
}
