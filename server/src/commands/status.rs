//! `pq status`: what runs, since when, and what is being done; counts that cost nothing, whatever the node is at.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use clap::Args;
use pq_protocol::Failure;
use pq_protocol::answer::{DroppedLines, Operation, Planned, Running};
use serde::{Deserialize, Serialize};
use sockserv::Door;

use super::command::{Typed, Words, request};
use super::kinds::Question;
use crate::applications::NODE_VSN;
use crate::client::At;
use crate::clock::rfc3339;
use crate::running::RunningNode;
use crate::{console, stdio, streams};

mod shown;

/// How often `--watch` looks: as often as a person can follow.
const WATCH_EVERY: Duration = Duration::from_secs(1);

/// To the first line of a terminal, with nothing on it (ECMA-48: CUP, ED).
const CLEAR: &str = "\x1b[H\x1b[2J";

#[derive(Args, Debug)]
pub(crate) struct StatusArgs {
    /// Show it again every second
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    at: At,
}

#[derive(Serialize, Deserialize, Debug)]
pub(crate) struct Status {}

/// The answer to `status`.
#[derive(Serialize, Deserialize, Debug)]
pub(crate) struct Report {
    /// The release that runs.
    pub(crate) release: Running,
    /// What became of its settings, when they are not those it came with.
    #[serde(default)]
    settings: Option<String>,
    /// The program it runs in.
    node: Program,
    /// Processes.
    processes: u64,
    /// Open ports: players' connections.
    ports: u64,
    /// Where players come in; nothing when the release has no door.
    door: Option<DoorStatus>,
    /// Libraries that are loaded.
    libraries: Libraries,
    /// Conversions that do not end: each keeps a thread, which gets what time nobody else wants.
    #[serde(default)]
    conversions_given_up: u64,
    /// Lines that were dropped because nobody read what the node writes.
    #[serde(default)]
    dropped_lines: DroppedLines,
    /// Callbacks that do not end, and functions that were called; those of shards first.
    #[serde(default)]
    stalls: Vec<Stalled>,
    /// The operation in progress.
    operation: Option<Operation>,
    /// The end that is planned.
    #[serde(default)]
    shutdown: Option<Planned>,
}

/// A node.
#[derive(Serialize, Deserialize, Debug)]
struct Program {
    /// Its version.
    vsn: String,
    /// Its process in the operating system.
    pid: u32,
    /// The root of its tree.
    root: String,
    /// Since when it runs (RFC 3339).
    since: String,
    /// For how long, in milliseconds.
    uptime_ms: u64,
    /// Its scheduler threads.
    shards: u64,
}

/// The door.
#[derive(Serialize, Deserialize, Debug)]
struct DoorStatus {
    /// Where it listens.
    address: String,
    /// How many clients are connected.
    clients: u64,
    /// How many of them have an avatar that plays.
    players: u64,
    /// How many avatars play for nobody, because their client has gone and left them.
    #[serde(default)]
    abandoned: u64,
    /// New clients are turned away.
    locked: bool,
    /// Where TLS is spoken, when it is.
    #[serde(default)]
    tls_address: Option<String>,
    /// Where its page is; nothing when it has none.
    #[serde(default)]
    web_address: Option<String>,
    /// What was refused since the node started, and how often; what never was is left out.
    #[serde(default)]
    refused: BTreeMap<String, u64>,
}

/// All libraries together; none is ever unloaded.
#[derive(Serialize, Deserialize, Debug)]
struct Libraries {
    /// How many.
    count: u64,
    /// Bytes of addresses that they take.
    mapped_bytes: u64,
    /// Bytes that their code has allocated.
    allocated_bytes: u64,
}

/// Something of a library that does not end.
#[derive(Serialize, Deserialize, Clone, Debug)]
struct Stalled {
    /// The shard that it holds up; nothing for a function that was called.
    shard: Option<u64>,
    /// How many processes live on that shard: they wait.
    processes: u64,
    /// Whose callback it is.
    pid: Option<String>,
    /// The name of that process.
    name: Option<String>,
    /// The module that runs; empty for the runtime itself.
    module: String,
    /// Its version.
    vsn: String,
    /// The function that runs.
    function: String,
    /// For how long, in milliseconds.
    age_ms: u64,
    /// How much of that it had a processor.
    cpu_ms: u64,
    /// How much of that it slept.
    asleep_ms: u64,
    /// It is taken for one that never ends: installs are refused, and questions do not wait for it.
    is_stalled: bool,
    /// All of it as a sentence.
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

/// Looks again and again, until the node has gone or nobody reads any more.
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

/// Asks the node for its status.
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
            // Besides the shards there is one for supervisors (`boot`).
            node: program(node, counters.len().saturating_sub(1)),
            // A shard may have been read between a birth and the end that another shard counts.
            processes: count(|shard| shard.spawned).saturating_sub(count(|shard| shard.exited)),
            ports: booted.node().port_count() as u64,
            door: door(node),
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

/// What does not end.
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

/// The operation in progress, and how far it is at this moment.
fn operation(node: &RunningNode) -> Option<Operation> {
    let noted = node.turn().now()?;
    Some(Operation {
        progress: node.releases().progress().or(noted.progress),
        ..noted
    })
}

/// Milliseconds since a moment; 0 when the clock was set back.
fn elapsed_ms(since: SystemTime) -> u64 {
    since.elapsed().unwrap_or_default().as_millis() as u64
}

/// The door, when the release has one.
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
