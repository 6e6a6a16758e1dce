//! The files of a command, which are written only if none of them exists, and the answer.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use pq_files::durable;
use pq_protocol::{Exit, Failure};
use schemars::JsonSchema;
use serde::Serialize;

use super::package::Package;
use crate::author::shown;
use crate::client::Show;

/// Files to be written.
pub(super) struct Files {
    root: PathBuf,
    new: Vec<New>,
    /// Existing files with their new text.
    changed: Vec<(PathBuf, String)>,
}

/// A file that does not exist yet.
struct New {
    path: PathBuf,
    text: String,
    /// The part that is the author's, if any.
    for_the_author: Option<&'static str>,
}

impl Files {
    /// Files below this directory.
    pub(super) fn below(root: &Path) -> Files {
        Files {
            root: root.to_path_buf(),
            new: Vec::new(),
            changed: Vec::new(),
        }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Adds a file; `for_the_author` says what the author fills in.
    pub(super) fn add(
        &mut self,
        path: PathBuf,
        text: String,
        for_the_author: Option<&'static str>,
    ) {
        self.new.push(New {
            path,
            text,
            for_the_author,
        });
    }

    /// Changes an existing file.
    pub(super) fn change(&mut self, path: PathBuf, text: String) {
        self.changed.push((path, text));
    }

    /// Writes all files, or none if one of the new files exists.
    ///
    /// # Errors
    /// Names the file that exists or cannot be written.
    pub(super) fn write(self) -> anyhow::Result<Vec<Written>> {
        for new in &self.new {
            ensure!(
                !new.path.exists(),
                Failure::new(
                    Exit::Refused,
                    format!(
                        "failed to write {}: the file exists, and nothing is overwritten; choose another version, or remove it",
                        new.path.display()
                    )
                )
            );
        }
        let new = self.new.iter().map(|new| (&new.path, &new.text));
        for (path, text) in new.chain(self.changed.iter().map(|(path, text)| (path, text))) {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)
                    .with_context(|| format!("failed to make {}", folder.display()))?;
            }
            durable::write(path, text.as_bytes())
                .map_err(|error| anyhow::anyhow!("failed to {error}"))?;
        }
        format(self.new.iter().map(|new| &*new.path));
        let written = |path: &Path, for_the_author: Option<&str>| Written {
            file: shown(&self.root, path),
            edit: for_the_author.map(str::to_string),
        };
        let new = self
            .new
            .iter()
            .map(|new| written(&new.path, new.for_the_author));
        let changed = self.changed.iter().map(|(path, _)| written(path, None));
        Ok(new.chain(changed).collect())
    }
}

/// Formats the Rust files, if the toolchain has a formatter: names of other lengths break other lines.
fn format<'a>(files: impl Iterator<Item = &'a Path>) {
    let rust = files.filter(|file| file.extension().is_some_and(|extension| extension == "rs"));
    // The files are right without it, too.
    let _ = Command::new("rustfmt")
        .args(["--edition", "2024"])
        .args(rust)
        .output();
}

/// A file that was written.
#[derive(Serialize, Debug, JsonSchema)]
pub(crate) struct Written {
    /// The path, relative to the workspace.
    file: String,
    /// The part that is for the author to write; `null` for a file that is complete.
    edit: Option<String>,
}

/// The answer of `pq new`.
#[derive(Serialize, Debug, JsonSchema)]
pub(crate) struct Created {
    /// The version of the release.
    vsn: String,
    /// The files that were written.
    written: Vec<Written>,
    /// The commands that come next.
    next: Vec<String>,
}

impl Created {
    /// The answer for the next version.
    pub(super) fn next(vsn: &str, written: Vec<Written>, packages: &[Package]) -> Created {
        let tests = packages
            .iter()
            .map(|package| format!("cargo test -p {}", package.name));
        Created {
            vsn: vsn.to_string(),
            written,
            next: tests.chain([format!("pq release {vsn}")]).collect(),
        }
    }

    /// The answer for a workspace of one's own.
    pub(super) fn first(vsn: &str, written: Vec<Written>, next: Vec<String>) -> Created {
        Created {
            vsn: vsn.to_string(),
            written,
            next,
        }
    }
}

impl Show for Created {
    fn show(&self) -> String {
        let width = self.written.iter().map(|written| written.file.len()).max();
        let line = |written: &Written| {
            let edit = written.edit.as_deref().unwrap_or_default();
            let line = format!(
                "written  {:width$}  {edit}",
                written.file,
                width = width.unwrap_or(0)
            );
            line.trim_end().to_string()
        };
        let written = self.written.iter().map(line);
        let next = self
            .next
            .iter()
            .map(|command| format!("next     {command}"));
        let lines: Vec<String> = written.chain(next).collect();
        lines.join("\n")
    }
}
