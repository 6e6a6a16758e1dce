//! Answers, and parts of answers, that more than one command knows, or what the node keeps.

use serde::{Deserialize, Serialize};

use super::event::Progress;
use super::who::Who;

/// The end of the node, planned or given up.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
pub struct Planned {
    /// When it is due (RFC 3339, UTC).
    pub at: String,
    /// Who planned it.
    pub who: Who,
    /// What players are told besides.
    pub text: Option<String>,
}

/// An operation in progress.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct Operation {
    /// The command: `install 1.1.0`.
    pub operation: String,
    /// Who asked for it.
    pub who: Who,
    /// Since when (RFC 3339).
    pub since: String,
    /// What it said last.
    pub progress: Option<Progress>,
}

/// A release that runs.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct Running {
    /// Its name.
    pub name: String,
    /// Its version.
    pub vsn: String,
    /// `permanent`: it boots next time; `current`: it does not.
    pub status: String,
    /// Since when (RFC 3339).
    pub since: String,
}

/// Lines that were dropped since the process started.
#[derive(Serialize, Deserialize, Clone, Copy, Default, Debug)]
pub struct DroppedLines {
    /// Of standard output: where the node listens, reports.
    pub stdout: u64,
    /// Of standard error: the log.
    pub stderr: u64,
}

/// A listing.
#[derive(Serialize, Deserialize, Debug)]
pub struct Rows<R> {
    /// The rows.
    pub rows: Vec<R>,
    /// How many rows were left out because there are too many.
    pub more: u64,
    /// The shards whose part is not among the rows, because they do not answer.
    #[serde(default)]
    pub missing: Vec<Missing>,
    /// Why something is not said in any row, as a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A shard that does not answer.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct Missing {
    /// Which.
    pub shard: u64,
    /// How many processes live there.
    pub processes: u64,
    /// Why it does not answer: a sentence.
    pub why: String,
}

/// How many rows a listing has at most: at some 150 bytes of JSON each, half of what an answer may have.
const ROWS_MAX: usize = 50_000;

impl<R> Rows<R> {
    /// As many of these as a listing may have.
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

    /// Of which that of these shards is missing.
    pub fn without(self, missing: Vec<Missing>) -> Rows<R> {
        Rows { missing, ..self }
    }

    /// With this sentence about all of them.
    pub fn noting(self, note: Option<String>) -> Rows<R> {
        Rows { note, ..self }
    }
}

/// A release of the tree.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct Release {
    /// Its name.
    pub name: String,
    /// Its version.
    pub vsn: String,
    /// OTP's word for where it stands.
    pub status: String,
    /// The runtime it asks for.
    pub erts_vsn: String,
    /// Its applications: `Name-Vsn`.
    pub applications: Vec<String>,
}

/// Something that was done with a release and has no figures.
#[derive(Serialize, Deserialize, Debug)]
pub struct Done {
    /// The command's word.
    pub operation: String,
    /// The release.
    pub vsn: String,
    /// The file that was put somewhere, where it lies now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

/// Somebody who may not come in.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
pub struct Banned {
    /// An address, a network (`10.0.0.0/8`) or a name.
    pub whom: String,
    /// Since when (RFC 3339, UTC).
    pub since: String,
    /// Until when; nothing for ever.
    pub until: Option<String>,
    /// By whose word.
    pub who: String,
    /// Why.
    pub text: Option<String>,
}

/// A node that has stopped.
#[derive(Serialize, Deserialize, Debug)]
pub struct Stopped {
    /// The release that ran; nothing where the node did not say it.
    pub vsn: Option<String>,
    /// How long it took to stop.
    pub took_ms: u64,
}
