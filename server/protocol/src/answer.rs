//! Answers, and parts of answers, that several commands share or that the node keeps.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::event::Progress;
use super::who::Who;

/// A planned shutdown of the node.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug, JsonSchema)]
pub struct Planned {
    /// The time of the shutdown (RFC 3339, UTC).
    pub at: String,
    /// The operator who planned the shutdown.
    pub who: Who,
    /// A further sentence for the players.
    pub text: Option<String>,
}

/// An operation in progress.
#[derive(Serialize, Deserialize, Clone, Debug, JsonSchema)]
pub struct Operation {
    /// The command as typed, for example `install 1.1.0`.
    pub operation: String,
    /// The operator who requested the operation.
    pub who: Who,
    /// The start of the operation (RFC 3339).
    pub since: String,
    /// The last reported progress; `None` before the first report.
    pub progress: Option<Progress>,
}

/// The running release of a node.
#[derive(Serialize, Deserialize, Clone, Debug, JsonSchema)]
pub struct Running {
    /// The name of the release.
    pub name: String,
    /// The version of the release.
    pub vsn: String,
    /// `permanent` if the node boots this release at its next start; otherwise `current`.
    pub status: String,
    /// The time since which the release runs (RFC 3339).
    pub since: String,
}

/// The number of output lines that were dropped since the start of the process.
#[derive(Serialize, Deserialize, Clone, Copy, Default, Debug, JsonSchema)]
pub struct DroppedLines {
    /// Dropped lines of standard output: listener addresses and reports.
    pub stdout: u64,
    /// Dropped lines of standard error: the log.
    pub stderr: u64,
}

/// The rows of a listing, with notes on missing rows.
#[derive(Serialize, Deserialize, Debug, JsonSchema)]
pub struct Rows<R> {
    /// The rows, at most 50,000.
    pub rows: Vec<R>,
    /// The number of rows that were left out because of that limit.
    pub more: u64,
    /// The shards whose rows are missing, because they do not answer.
    #[serde(default)]
    pub missing: Vec<Missing>,
    /// A sentence on information that is missing in all rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A shard that does not answer.
#[derive(Serialize, Deserialize, Clone, Debug, JsonSchema)]
pub struct Missing {
    /// The number of the shard.
    pub shard: u64,
    /// The number of processes on the shard.
    pub processes: u64,
    /// The reason, as a sentence.
    pub why: String,
}

/// The limit of rows in a listing: at about 150 bytes of JSON per row, half of the longest answer.
const ROWS_MAX: usize = 50_000;

impl<R> Rows<R> {
    /// Makes a listing of these rows and cuts it at the limit.
    pub fn of(mut rows: Vec<R>) -> Rows<R> {
        let more = rows.len().saturating_sub(ROWS_MAX) as u64;
        rows.truncate(ROWS_MAX);
        Rows {
            rows,
            more,
            missing: Vec::new(),
            note: None,
        }
    }

    /// Adds the shards whose rows are missing.
    pub fn without(self, missing: Vec<Missing>) -> Rows<R> {
        Rows { missing, ..self }
    }

    /// Adds a sentence about all rows.
    pub fn noting(self, note: Option<String>) -> Rows<R> {
        Rows { note, ..self }
    }
}

/// A release of the tree.
#[derive(Serialize, Deserialize, Clone, Debug, JsonSchema)]
pub struct Release {
    /// The name of the release.
    pub name: String,
    /// The version of the release.
    pub vsn: String,
    /// The status in OTP's words: `unpacked`, `current`, `permanent` or `old`.
    pub status: String,
    /// The version of the runtime that the release needs.
    pub erts_vsn: String,
    /// The applications of the release as `Name-Vsn`.
    pub applications: Vec<String>,
}

/// The answer to an operation on a release that has no measurements.
#[derive(Serialize, Deserialize, Debug, JsonSchema)]
pub struct Done {
    /// The name of the command.
    pub operation: String,
    /// The version of the release.
    pub vsn: String,
    /// The path of the file that the operation has written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// For an unpacked package: the key that has signed it, or `unsigned`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
}

/// A ban as `bans` lists it.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug, JsonSchema)]
pub struct Banned {
    /// An address, a network (`10.0.0.0/8`) or an avatar's name.
    pub whom: String,
    /// The start of the ban (RFC 3339, UTC).
    pub since: String,
    /// The end of the ban (RFC 3339, UTC); `None` for a ban without an end.
    pub until: Option<String>,
    /// The operator who set the ban.
    pub who: String,
    /// The reason that the operator gave.
    pub text: Option<String>,
}

/// The answer to a stop.
#[derive(Serialize, Deserialize, Debug, JsonSchema)]
pub struct Stopped {
    /// The release that ran; `None` if the node did not report the release.
    pub vsn: Option<String>,
    /// The duration of the stop in milliseconds.
    pub took_ms: u64,
}
