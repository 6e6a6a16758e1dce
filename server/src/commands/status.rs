//! `pq status`: the release, the uptime, the operation in progress, and counters that are cheap to read at any load.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use clap::Args;
use pq_protocol::Failure;
use pq_protocol::answer::{DroppedLines, Operation, Planned, Running};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sockserv::Door;

use super::command::{Typed, Words, request};
use super::kinds::Question;
use crate::applications::NODE_VSN;
use crate::client::At;
use crate::clock::rfc3339;
use crate::running::RunningNode;
use crate::{console, stdio, streams};

mod saved;
mod shown;
mod words;

use saved::SavesStatus;
use words::WordsStatus;

/// The interval of `--watch`: a person cannot follow faster changes.
const WATCH_EVERY: Duration = Duration::from_secs(1);

/// Moves the cursor to the first line and clears the terminal (ECMA-48: CUP, ED).
const CLEAR: &str = "\x1b[H\x1b[2J";

#[derive(Args, Debug)]
pub(crate) struct StatusArgs {
    /// Repeat the output every second
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    at: At,
}

#[derive(Serialize, Deserialize, Debug)]
pub(crate) struct Status {}

/// The answer to `status`.
#[derive(Serialize, Deserialize, Debug, JsonSchema)]
pub(crate) struct Report {
    /// The running release and its status.
    pub(crate) release: Running,
    /// The origin of the release's settings, if they differ from those in the release.
    #[serde(default)]
    settings: Option<String>,
    /// The program `pq` and its process.
    node: Program,
    /// The number of processes.
    processes: u64,
    /// The number of open ports (players' connections).
    ports: u64,
    /// The listeners and their clients; `None` for a release without listeners.
    door: Option<DoorStatus>,
    /// The saves; `None` for a node that does not save.
    #[serde(default)]
    saves: Option<SavesStatus>,
    /// The words by which players come back; `None` for a node that keeps none.
    #[serde(default)]
    words: Option<WordsStatus>,
    /// The libraries in the process.
    libraries: Libraries,
    /// The number of conversions that do not end. Each keeps a thread, which runs at the lowest priority.
    #[serde(default)]
    conversions_given_up: u64,
    /// Output lines that were dropped because no reader took the node's output.
    #[serde(default)]
    dropped_lines: DroppedLines,
    /// Callbacks of shards that do not end, followed by called functions that do not end.
    #[serde(default)]
    stalls: Vec<Stalled>,
    /// The operation on releases in progress.
    operation: Option<Operation>,
    /// The planned shutdown, if any.
    #[serde(default)]
    shutdown: Option<Planned>,
}

impl Report {
    /// The number of connected clients; 0 for a release without listeners.
    pub(crate) fn clients(&self) -> u64 {
        self.door.as_ref().map_or(0, |door| door.clients)
    }

    /// The number of connected clients with an avatar.
    pub(crate) fn players(&self) -> u64 {
        self.door.as_ref().map_or(0, |door| door.players)
    }
}

/// The process of a node.
#[derive(Serialize, Deserialize, Debug, JsonSchema)]
struct Program {
    /// The version of the program `pq`.
    vsn: String,
    /// The process ID in the operating system.
    pid: u32,
    /// The root directory of the release tree.
    root: String,
    /// The start of the node (RFC 3339).
    since: String,
    /// The time since the start, in milliseconds.
    uptime_ms: u64,
    /// The number of scheduler threads.
    shards: u64,
}

/// The listeners, and the admission of clients.
#[derive(Serialize, Deserialize, Debug, JsonSchema)]
struct DoorStatus {
    /// The address of the telnet listener.
    address: String,
    /// The number of connected clients.
    clients: u64,
    /// The number of connected clients with an avatar.
    players: u64,
    /// The number of avatars whose clients have left.
    #[serde(default)]
    abandoned: u64,
    /// Whether new clients are refused (`pq lock`).
    locked: bool,
    /// The address of the TLS listener; `None` without one.
    #[serde(default)]
    tls_address: Option<String>,
    /// The address of the web listener; `None` without one.
    #[serde(default)]
    web_address: Option<String>,
    /// The number of refusals since the start of the node, by reason; reasons without a refusal are left out.
    #[serde(default)]
    refused: BTreeMap<String, u64>,
}

/// The sum over all libraries, none of which is ever unloaded.
#[derive(Serialize, Deserialize, Debug, JsonSchema)]
struct Libraries {
    /// The number of libraries.
    count: u64,
    /// The address space of the libraries, in bytes.
    mapped_bytes: u64,
    /// The memory that the code of the libraries has allocated, in bytes.
    allocated_bytes: u64,
}

/// A callback or a called function that does not end.
#[derive(Serialize, Deserialize, Clone, Debug, JsonSchema)]
struct Stalled {
    /// The shard that the callback blocks; `None` for a called function.
    shard: Option<u64>,
    /// The number of processes of that shard, all of which wait.
    processes: u64,
    /// The pid of the callback's process.
    pid: Option<String>,
    /// The registered name of that process.
    name: Option<String>,
    /// The running module; empty for the runtime itself.
    module: String,
    /// The version of the module.
    vsn: String,
    /// The function that has not returned.
    function: String,
    /// The time since the start of the callback, in milliseconds.
    age_ms: u64,
    /// The processor time in that period, in milliseconds.
    cpu_ms: u64,
    /// The sleeping time in that period, in milliseconds.
    asleep_ms: u64,
    /// Whether the node treats the callback as endless: installs are refused, and questions do not wait for the
    /// shard.
    is_stalled: bool,
    /// All fields as a sentence.
    sentence: String,
}

impl Typed for StatusArgs {
    fn at(&self) -> &At {
        &self.at
    }

    fn run(&self) -> Result<(), Failure> {
        match self.watch {
            true => watch(&self.at),
            false => self.at.tell::<Report>(&ask(&self.at)?),
        }
    }
}

/// Shows the status again and again, until the node has ended or stdout is closed.
fn watch(at: &At) -> Result<(), Failure> {
    let is_seen = streams::data_is_for_a_terminal() && console::lines_may_move();
    let over_the_last = is_seen && !at.json;
    while !streams::is_deaf() {
        let text = ask(at)?;
        if over_the_last {
            streams::data(CLEAR);
        }
        at.tell::<Report>(&text)?;
        std::thread::sleep(WATCH_EVERY);
    }
    Ok(())
}

/// Requests the status of the node.
pub(crate) fn ask(at: &At) -> Result<String, Failure> {
    at.ask("status", &request(&Status {})?)
}

impl Words for Status {
    const NAME: &'static str = "status";
    type Answer = Report;
}

impl Question for Status {
    fn answer(self, node: &RunningNode) -> Result<Report, Failure> {
        let booted = node.booted();
        let counters = booted.counters();
        let count = |of: fn(&pq_otp::Counters) -> u64| counters.iter().map(of).sum::<u64>();
        Ok(Report {
            release: node.releases().running(),
            settings: node.releases().settings(),
            // Besides the shards there is one thread for supervisors (`boot`).
            node: program(node, counters.len().saturating_sub(1)),
            // Shards are read one after another: one may be read before a birth, and another after the end of that
            // process.
            processes: count(|shard| shard.spawned).saturating_sub(count(|shard| shard.exited)),
            ports: booted.node().port_count() as u64,
            door: door(node),
            saves: node.saves().map(SavesStatus::of),
            words: WordsStatus::of(node),
            libraries: libraries(node),
            stalls: stalls(node),
            conversions_given_up: booted.node().conversions_given_up(),
            dropped_lines: stdio::dropped(),
            operation: operation(node),
            shutdown: node.shutdown().planned(),
        })
    }
}

fn program(node: &RunningNode, shards: usize) -> Program {
    Program {
        vsn: NODE_VSN.to_string(),
        pid: std::process::id(),
        root: node.booted().root().display().to_string(),
        since: rfc3339(node.started()),
        uptime_ms: elapsed_ms(node.started()),
        shards: shards as u64,
    }
}

fn libraries(node: &RunningNode) -> Libraries {
    let libraries = node.booted().code().libraries();
    let libraries = libraries.iter();
    Libraries {
        count: libraries.len() as u64,
        mapped_bytes: libraries.clone().map(|library| library.mapped_bytes).sum(),
        allocated_bytes: libraries.map(|library| library.allocated_bytes).sum(),
    }
}

/// The callbacks and called functions that do not end.
fn stalls(node: &RunningNode) -> Vec<Stalled> {
    let stalled = |stall: pq_otp::Stall| Stalled {
        shard: stall.shard.map(|shard| shard as u64),
        processes: stall.shard.map_or(0, |shard| node.living(shard)),
        pid: stall.pid.map(|pid| pid.to_string()),
        sentence: stall.to_string(),
        name: stall.name,
        module: stall.module,
        vsn: stall.vsn,
        function: stall.function,
        age_ms: stall.age_ms,
        cpu_ms: stall.cpu_ms,
        asleep_ms: stall.asleep_ms,
        is_stalled: stall.is_stalled,
    };
    node.node().stalls().into_iter().map(stalled).collect()
}

/// The operation in progress with its present progress.
fn operation(node: &RunningNode) -> Option<Operation> {
    let noted = node.turn().now()?;
    Some(Operation {
        progress: node.releases().progress().or(noted.progress),
        ..noted
    })
}

/// The milliseconds since a time; 0 if the clock was set back.
fn elapsed_ms(since: SystemTime) -> u64 {
    since.elapsed().unwrap_or_default().as_millis() as u64
}

/// The status of the listeners; `None` for a release without listeners.
fn door(node: &RunningNode) -> Option<DoorStatus> {
    node.door().map(|door| DoorStatus {
        address: door.address().to_string(),
        clients: door.clients() as u64,
        players: door.players() as u64,
        abandoned: door.abandoned() as u64,
        locked: door.is_locked(),
        tls_address: door.tls_address().map(|address| address.to_string()),
        web_address: door.web_address().map(|address| address.to_string()),
        refused: refused(door),
    })
}

fn refused(door: &Door) -> BTreeMap<String, u64> {
    let counted = door.refused().filter(|(_, count)| *count > 0);
    counted
        .map(|(word, count)| (word.to_string(), count))
        .collect()
}
