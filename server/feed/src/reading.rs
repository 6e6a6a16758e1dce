//! The figures of a node at one moment. Totals count from the start of the node.

use std::collections::BTreeMap;

use pq_histogram::Histogram;
use pq_protocol::record::InstallRecord;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// All figures of a node.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Reading {
    /// The program and the release.
    pub node: Program,
    /// The processes by version of their module, as `Module-Vsn`.
    pub processes: BTreeMap<String, Processes>,
    /// The shards by their number.
    pub shards: BTreeMap<u64, Shard>,
    /// The durations of callbacks: a sample.
    pub callbacks: Histogram,
    /// The lateness of timers.
    pub lateness: Histogram,
    /// The callbacks that take long.
    pub stalls: Stalls,
    /// The install in progress with its phases, of which the last one has not ended; `None` without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub install: Option<InProgress>,
    /// The sums over all installs that have ended.
    pub installs: Installs,
    /// The last install that has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_install: Option<InstallRecord>,
    /// The listeners for players; `None` for a release without listeners.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub door: Option<Door>,
    /// The connections of players.
    pub connections: Connections,
    /// The saves; `None` for a node that does not save.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub saves: Option<Saves>,
    /// The loaded libraries, as `Application-Vsn`.
    pub libraries: BTreeMap<String, Library>,
    /// The output lines that were dropped because nobody read them.
    pub output_lines_dropped: u64,
    /// The viewers of the feed.
    pub viewers: u64,
    /// Some processes with the version that each runs, as `Module-Vsn`: the ones with the lowest numbers on each shard. Only
    /// for viewers.
    pub sample: BTreeMap<String, String>,
}

/// The program and the release.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Program {
    /// The version of the program.
    pub vsn: String,
    /// The name of the running release.
    pub release_name: String,
    /// The version of the running release.
    pub release: String,
    /// The process in the operating system.
    pub pid: u32,
    /// The start of the node in milliseconds since 1970.
    pub since_unix_ms: u64,
    /// The processor time that the program has used, in microseconds.
    pub cpu_us: u64,
    /// The resident memory of the program.
    pub memory_bytes: u64,
    /// The reason why clients are not admitted; empty when they are.
    pub unready: String,
}

/// The processes of one version of a module.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Processes {
    /// The name of the module; `pq` for processes of the runtime itself.
    pub module: String,
    /// The version of the module; empty for processes of the runtime itself.
    pub vsn: String,
    /// The processes that run it now.
    pub living: u64,
    /// The processes that started with it.
    pub started: u64,
    /// The processes that ended with it.
    pub ended: u64,
    /// The ended ones that had no orderly reason.
    pub failed: u64,
}

/// The work of one shard.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Shard {
    /// The messages that processes handled.
    pub messages: u64,
    /// The messages dropped because a mailbox was full.
    pub dropped: u64,
    /// The timers that fired.
    pub timers: u64,
    /// The processes that started here.
    pub started: u64,
    /// The processes that ended here.
    pub ended: u64,
    /// The children that supervisors of the shard started again.
    pub restarts: u64,
    /// The supervisors that ended because a child failed too often.
    pub given_up: u64,
}

/// Callbacks that take long.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Stalls {
    /// Callbacks that took long.
    pub slow: u64,
    /// Callbacks that counted as endless.
    pub stalled: u64,
    /// The shards that are blocked now.
    pub shards: u64,
    /// A sentence about each callback that takes long now.
    pub now: Vec<String>,
}

/// An install in progress.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct InProgress {
    /// Whether the install is only tried.
    pub check: bool,
    /// The number of processes concerned; 0 while unknown.
    pub total: u64,
    /// The number of processes that are held now.
    pub held: u64,
    /// The number of processes that run a new version.
    pub swapped: u64,
    /// The record as far as it goes.
    pub record: InstallRecord,
}

/// The sums over all installs that have ended.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Installs {
    /// The installs that succeeded.
    pub done: u64,
    /// The installs that failed, also rolled back ones.
    pub failed: u64,
    /// Converted states, counting those that were converted again.
    pub converted: u64,
    /// States that did not convert.
    pub conversions_failed: u64,
    /// The processes that were killed: their module was removed, or their conversion did not end.
    pub killed: u64,
    /// Connections that the node closed during an install, because their process failed or was ended.
    pub connections_dropped: u64,
    /// The durations of all phases by their name, in microseconds.
    pub phases_us: BTreeMap<String, u64>,
    /// The times for which processes were kept from running.
    pub pauses: Histogram,
    /// The turns of shards during installs: other processes waited no longer than one.
    pub stalls: Histogram,
    /// The conversions that do not end, each on a thread of its own.
    pub conversions_given_up: u64,
}

impl Installs {
    /// Adds an install that has ended.
    pub fn add(&mut self, record: &InstallRecord) {
        match record.failure {
            None => self.done += 1,
            Some(_) => self.failed += 1,
        }
        self.converted += record.converted;
        self.conversions_failed += record.failed;
        self.killed += record.killed;
        self.connections_dropped += record.connections_dropped;
        for took in &record.phases {
            let phase = took.phase.word().to_string();
            *self.phases_us.entry(phase).or_default() += took.took_us;
        }
        self.pauses.merge(&record.pauses);
        self.stalls.merge(&record.stalls);
    }
}

/// The listeners for players.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Door {
    /// The connected clients, with an avatar or without.
    pub clients: u64,
    /// The connected clients with an avatar.
    pub players: u64,
    /// The avatars whose clients have left.
    pub abandoned: u64,
    /// Whether new clients are refused.
    pub locked: bool,
    /// The sessions that were started.
    pub sessions: u64,
    /// The lines of clients that their processes were given.
    pub lines: u64,
    /// The refusals by reason.
    pub refused: BTreeMap<String, u64>,
}

/// The connections of players as the runtime counts them.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Connections {
    /// The connections that are open now.
    pub open: u64,
    /// The connections that were closed because their process failed or was killed.
    pub dropped: u64,
}

/// The saves of avatars, and the work of saving.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Saves {
    /// The rows whose avatars play.
    pub playing: u64,
    /// The rows that could not be opened.
    pub set_aside: u64,
    /// The states that the next round of the sweep overtakes.
    pub tail: u64,
    /// The changes that are not on the disk.
    pub queued: u64,
    /// The memory of these changes.
    pub queued_bytes: u64,
    /// The age of the oldest of them, in milliseconds.
    pub lag_ms: u64,
    /// The size of the file with its log.
    pub bytes: u64,
    /// The end of the last complete round of the sweep in milliseconds since 1970; 0 before the first one.
    pub swept_unix_ms: u64,
    /// The states that the current or last round has saved.
    pub sweep_rows: u64,
    /// The durations of commits with their `fsync`.
    pub commits: Histogram,
    /// The commits that failed.
    pub errors: u64,
    /// The reason why nothing is written now; empty when all is well.
    pub trouble: String,
}

/// The memory of a loaded library.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Library {
    /// The address space that it takes, in bytes.
    pub mapped_bytes: u64,
    /// The memory that its code has allocated, in bytes.
    pub allocated_bytes: u64,
}

impl Reading {
    /// The number of living processes, as the shards count them. They are read one after another, so a process that starts
    /// or ends meanwhile may count in part.
    pub fn living(&self) -> u64 {
        let sum = |of: fn(&Shard) -> u64| self.shards.values().map(of).sum::<u64>();
        sum(|shard| shard.started).saturating_sub(sum(|shard| shard.ended))
    }
}
