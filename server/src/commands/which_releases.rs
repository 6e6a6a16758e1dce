//! `pq which-releases`: the releases of the tree (`release_handler:which_releases/0,1`).

use clap::{Args, ValueEnum};
use pq_protocol::Failure;
use pq_protocol::answer::{Release, Rows};
use serde::{Deserialize, Serialize};

use super::command::Words;
use super::kinds::Question;
use crate::client::Row;
use crate::running::RunningNode;

#[derive(Args, Serialize, Deserialize, Debug)]
pub(crate) struct WhichReleases {
    /// List only releases with this status
    #[arg(value_enum)]
    status: Option<StatusWord>,
}

/// The status of a release, in OTP's words (`release_handler(3)`).
#[derive(ValueEnum, Serialize, Deserialize, Clone, Copy, Debug)]
#[serde(rename_all = "snake_case")]
enum StatusWord {
    /// The files of the release are in the tree
    Unpacked,
    /// The release runs, and another release is permanent
    Current,
    /// The node boots this release at its next start
    Permanent,
    /// The release ran before
    Old,
}

impl StatusWord {
    fn word(self) -> &'static str {
        match self {
            StatusWord::Unpacked => "unpacked",
            StatusWord::Current => "current",
            StatusWord::Permanent => "permanent",
            StatusWord::Old => "old",
        }
    }
}

impl Words for WhichReleases {
    const NAME: &'static str = "which_releases";
    type Answer = Rows<Release>;
}

impl Question for WhichReleases {
    fn answer(self, node: &RunningNode) -> Result<Rows<Release>, Failure> {
        let status = self.status.map(StatusWord::word);
        Ok(Rows::of(node.releases().which(status)))
    }
}

impl Row for Release {
    const HEADING: &[&str] = &["NAME", "VSN", "STATUS", "ERTS", "APPLICATIONS"];

    fn cells(rows: &[Release]) -> Vec<Vec<String>> {
        let cells = |release: &Release| {
            vec![
                release.name.clone(),
                release.vsn.clone(),
                release.status.clone(),
                release.erts_vsn.clone(),
                release.applications.join(" "),
            ]
        };
        rows.iter().map(cells).collect()
    }
}
