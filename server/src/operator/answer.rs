//! What a node answers, as both sides know it: the node fills these in, `--json` shows them as they are, and the
//! command makes tables of them.

use std::collections::BTreeMap;

use pq_protocol::answer::{DroppedLines, Operation, Planned, Running};
use serde::{Deserialize, Serialize};

/// The answer to `status`.
#[derive(Serialize, Deserialize, Debug)]
pub(crate) struct Status {
    /// The release that runs.
    pub(crate) release: Running,
    /// What became of its settings, when they are not those it came with.
    #[serde(default)]
    pub(crate) settings: Option<String>,
    /// The program it runs in.
    pub(crate) node: NodeStatus,
    /// Processes.
    pub(crate) processes: u64,
    /// Open ports: players' connections.
    pub(crate) ports: u64,
    /// Where players come in; nothing when the release has no door.
    pub(crate) door: Option<DoorStatus>,
    /// Libraries that are loaded.
    pub(crate) libraries: Libraries,
    /// Conversions that do not end: each keeps a thread, which gets what time nobody else wants.
    #[serde(default)]
    pub(crate) conversions_given_up: u64,
    /// Lines that were dropped because nobody read what the node writes.
    #[serde(default)]
    pub(crate) dropped_lines: DroppedLines,
    /// Callbacks that do not end, and functions that were called; those of shards first.
    #[serde(default)]
    pub(crate) stalls: Vec<Stalled>,
    /// The operation in progress.
    pub(crate) operation: Option<Operation>,
    /// The end that is planned.
    #[serde(default)]
    pub(crate) shutdown: Option<Planned>,
}

/// Something of a library that does not end.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub(crate) struct Stalled {
    /// The shard that it holds up; nothing for a function that was called.
    pub(crate) shard: Option<u64>,
    /// How many processes live on that shard: they wait.
    pub(crate) processes: u64,
    /// Whose callback it is.
    pub(crate) pid: Option<String>,
    /// The name of that process.
    pub(crate) name: Option<String>,
    /// The module that runs; empty for the runtime itself.
    pub(crate) module: String,
    /// Its version.
    pub(crate) vsn: String,
    /// The function that runs.
    pub(crate) function: String,
    /// For how long, in milliseconds.
    pub(crate) age_ms: u64,
    /// How much of that it had a processor.
    pub(crate) cpu_ms: u64,
    /// How much of that it slept.
    pub(crate) asleep_ms: u64,
    /// It is taken for one that never ends: installs are refused, and questions do not wait for it.
    pub(crate) is_stalled: bool,
    /// All of it as a sentence.
    pub(crate) sentence: String,
}

/// A node.
#[derive(Serialize, Deserialize, Debug)]
pub(crate) struct NodeStatus {
    /// Its version.
    pub(crate) vsn: String,
    /// Its process in the operating system.
    pub(crate) pid: u32,
    /// The root of its tree.
    pub(crate) root: String,
    /// Since when it runs (RFC 3339).
    pub(crate) since: String,
    /// For how long, in milliseconds.
    pub(crate) uptime_ms: u64,
    /// Its scheduler threads.
    pub(crate) shards: u64,
}

/// The door.
#[derive(Serialize, Deserialize, Debug)]
pub(crate) struct DoorStatus {
    /// Where it listens.
    pub(crate) address: String,
    /// How many clients are connected.
    pub(crate) clients: u64,
    /// How many of them have an avatar that plays.
    pub(crate) players: u64,
    /// How many avatars play for nobody, because their client has gone and left them.
    #[serde(default)]
    pub(crate) abandoned: u64,
    /// New clients are turned away.
    pub(crate) locked: bool,
    /// Where TLS is spoken, when it is.
    #[serde(default)]
    pub(crate) tls_address: Option<String>,
    /// Where its page is; nothing when it has none.
    #[serde(default)]
    pub(crate) web_address: Option<String>,
    /// What was refused since the node started, and how often; what never was is left out.
    #[serde(default)]
    pub(crate) refused: BTreeMap<String, u64>,
}

/// A client that is connected.
#[derive(Serialize, Deserialize, Debug)]
pub(crate) struct Guest {
    /// The name of its avatar, when it has one; also nothing when its session did not say so in time.
    pub(crate) name: Option<String>,
    /// Where it comes from.
    pub(crate) address: String,
    /// `telnet`, or `text` when it has not shown that it speaks telnet.
    pub(crate) protocol: String,
    /// What its program calls itself.
    pub(crate) program: Option<String>,
    /// What it calls its terminal.
    pub(crate) terminal: Option<String>,
    /// Its session.
    pub(crate) pid: String,
    /// The version of the module that runs in its session; none when that has ended meanwhile.
    pub(crate) session_vsn: Option<String>,
    /// The version of the module that runs in its avatar.
    pub(crate) avatar_vsn: Option<String>,
    /// Since when it is connected (RFC 3339).
    pub(crate) since: String,
    /// For how long it has sent no line, in milliseconds.
    pub(crate) idle_ms: u64,
}

/// Somebody who may not come in.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
pub(crate) struct Banned {
    /// An address, a network (`10.0.0.0/8`) or a name.
    pub(crate) whom: String,
    /// Since when (RFC 3339, UTC).
    pub(crate) since: String,
    /// Until when; nothing for ever.
    pub(crate) until: Option<String>,
    /// By whose word.
    pub(crate) who: String,
    /// Why.
    pub(crate) text: Option<String>,
}

/// Something that was done at the door.
#[derive(Serialize, Deserialize, Debug)]
#[serde(tag = "operation", rename_all = "snake_case")]
pub(crate) enum AtDoor {
    /// Connections are being closed.
    Kick {
        /// Where they come from.
        addresses: Vec<String>,
    },
    /// An avatar has ended.
    EndAvatar {
        /// Its name, as it was registered.
        name: String,
        /// Where its players come from; nobody played one that its client had left, or that an operator had started.
        addresses: Vec<String>,
    },
    /// Avatars that played for nobody have ended.
    EndAbandoned {
        /// How many.
        ended: u64,
    },
    /// Everybody was told.
    Wall {
        /// How many clients.
        clients: u64,
    },
    /// Somebody is banned.
    Ban {
        /// The ban.
        #[serde(flatten)]
        banned: Banned,
        /// How many clients were closed because of it.
        dismissed: u64,
    },
    /// Somebody is not banned any more.
    Unban {
        /// Who.
        whom: String,
    },
    /// New clients are turned away, or let in again.
    Lock {
        /// Turned away.
        locked: bool,
        /// How many clients are connected.
        clients: u64,
    },
}

/// All libraries together; none is ever unloaded.
#[derive(Serialize, Deserialize, Debug)]
pub(crate) struct Libraries {
    /// How many.
    pub(crate) count: u64,
    /// Bytes of addresses that they take.
    pub(crate) mapped_bytes: u64,
    /// Bytes that their code has allocated.
    pub(crate) allocated_bytes: u64,
}

/// A release of the tree.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub(crate) struct Release {
    /// Its name.
    pub(crate) name: String,
    /// Its version.
    pub(crate) vsn: String,
    /// OTP's word for where it stands.
    pub(crate) status: String,
    /// The runtime it asks for.
    pub(crate) erts_vsn: String,
    /// Its applications: `Name-Vsn`.
    pub(crate) applications: Vec<String>,
}

/// Something that was done with a release and has no figures.
#[derive(Serialize, Deserialize, Debug)]
pub(crate) struct Done {
    /// The command's word.
    pub(crate) operation: String,
    /// The release.
    pub(crate) vsn: String,
    /// The file that was put somewhere, where it lies now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<String>,
}

/// An application that runs.
#[derive(Serialize, Deserialize, Debug)]
pub(crate) struct App {
    /// Its name.
    pub(crate) name: String,
    /// Its version.
    pub(crate) vsn: String,
    /// What it is.
    pub(crate) description: String,
}

/// A process in the tree, or many that are alike.
#[derive(Serialize, Deserialize, PartialEq, Debug)]
pub(crate) struct TreeRow {
    /// How far it is from the top.
    pub(crate) depth: u64,
    /// The process; none for many.
    pub(crate) pid: Option<String>,
    /// Its local name.
    pub(crate) name: Option<String>,
    /// Its module.
    pub(crate) module: String,
    /// The version of the module that runs in it.
    pub(crate) vsn: String,
    /// What it is: `gen_server`, `supervisor`, …
    pub(crate) kind: String,
    /// Messages that wait.
    pub(crate) messages: u64,
    /// `sys:suspend` holds it, or some of them.
    pub(crate) suspended: bool,
    /// How many: 1, or more where they are summarised.
    pub(crate) count: u64,
    /// Processes below those that are summarised, which have no rows.
    pub(crate) below: u64,
}

/// A name.
#[derive(Serialize, Deserialize, Debug)]
pub(crate) struct Name {
    /// The name, as a term.
    pub(crate) name: String,
    /// Who keeps it.
    pub(crate) scope: Scope,
    /// Whose it is.
    pub(crate) pid: String,
    /// The process's module; none when it has ended meanwhile.
    pub(crate) module: Option<String>,
    /// The version of the module that runs in it.
    pub(crate) vsn: Option<String>,
}

/// Who keeps a name.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Scope {
    /// The node (`erlang:register/2`).
    Local,
    /// The registry.
    Regis,
}

/// What a process answered.
#[derive(Serialize, Deserialize, Debug)]
pub(crate) struct SysReply {
    /// Which process.
    pub(crate) pid: String,
    /// Its answer, a term.
    pub(crate) reply: String,
}

/// What a function returned.
#[derive(Serialize, Deserialize, Debug)]
pub(crate) struct Returned {
    /// A term.
    pub(crate) result: String,
}

/// A node that has stopped.
#[derive(Serialize, Deserialize, Debug)]
pub(crate) struct Stopped {
    /// The release that ran; nothing where the node did not say it.
    pub(crate) vsn: Option<String>,
    /// How long it took to stop.
    pub(crate) took_ms: u64,
}
