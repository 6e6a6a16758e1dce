//! The facts that checks ask for: the answer of the node, and the files of its tree and of the sources.

use std::path::{Path, PathBuf};

use pq_feed::recording::{self, Head};
use pq_protocol::history::Entry;
use pq_protocol::{Exit, Failure};
use pq_release::layout;
use pq_release::releases::Releases;

use crate::client::{At, read};
use crate::commands::status;
use crate::feed::recordings;
use crate::history;

/// The facts at one moment.
pub(super) struct Facts {
    pub(super) root: PathBuf,
    /// The answer of the node, or the sentence why there is none.
    pub(super) node: Result<Node, String>,
    /// The entries of the history, the oldest first.
    pub(super) past: Vec<Entry>,
    /// The releases that the tree lists, each with its status.
    pub(super) releases: Vec<(String, String)>,
    /// The installs that were recorded, the oldest first.
    pub(super) recordings: Vec<Head>,
    /// The directory of the sources: the nearest one above the current directory with a directory `releases`.
    pub(super) sources: Option<PathBuf>,
}

/// The facts about a running node.
pub(super) struct Node {
    /// The version of the running release.
    pub(super) vsn: String,
    pub(super) clients: u64,
    /// The clients with an avatar.
    pub(super) players: u64,
}

impl Facts {
    /// Asks the node, and reads the files.
    ///
    /// # Errors
    /// Fails if the history cannot be read although it is there.
    pub(super) fn of(at: &At) -> Result<Facts, Failure> {
        let answer = status::ask(at).and_then(|text| read::<status::Report>(&text));
        let node = answer.map_err(|failure| failure.sentence);
        let file = history::file(&at.root);
        let past = history::read(&file).map_err(|error| {
            let sentence = format!("failed to read {}: {error}", file.display());
            Failure::new(Exit::Internal, sentence)
        })?;
        Ok(Facts {
            node: node.map(|report| Node {
                vsn: report.release.vsn.clone(),
                clients: report.clients(),
                players: report.players(),
            }),
            past: past.entries,
            ..Facts::without_node(&at.root)
        })
    }

    /// The facts of a tree whose node does not run and has no history.
    pub(super) fn without_node(root: &Path) -> Facts {
        let releases = Releases::read(&layout::releases_file(root)).unwrap_or_default();
        let releases = releases.0.iter();
        let heads = recordings::ids(root).into_iter();
        let heads = heads.filter_map(|id| recording::head(&recordings::read(root, id)?));
        Facts {
            root: root.to_path_buf(),
            node: Err("no node runs".to_string()),
            past: Vec::new(),
            releases: releases
                .map(|release| (release.vsn.clone(), release.status.word().to_string()))
                .collect(),
            recordings: heads.collect(),
            sources: sources(),
        }
    }

    /// The status of a release in the tree: `permanent`, `current`, `old` or `unpacked`.
    pub(super) fn status_of(&self, vsn: &str) -> Option<&str> {
        let found = self.releases.iter().find(|(known, _)| known == vsn);
        found.map(|(_, status)| status.as_str())
    }

    /// Whether the tree has a package of this release that is not unpacked.
    pub(super) fn has_package(&self, vsn: &str) -> bool {
        let end = format!("-{vsn}.tar.gz");
        let entries = std::fs::read_dir(layout::releases(&self.root));
        let names = entries.into_iter().flatten().flatten();
        let mut names = names.map(|entry| entry.file_name());
        names.any(|name| name.to_string_lossy().ends_with(&end))
    }
}

fn sources() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    let is_workspace =
        |folder: &&Path| folder.join("releases").is_dir() && folder.join("Cargo.toml").is_file();
    here.ancestors().find(is_workspace).map(Path::to_path_buf)
}
