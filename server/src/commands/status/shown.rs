//! The status of a node as text.

use std::time::Duration;

use pq_protocol::answer::{DroppedLines, Operation};

use super::{DoorStatus, Report, SavesStatus, Stalled, WordsStatus};
use crate::client::{Show, counted, lines};
use crate::clock::span;
use crate::noun::noun;

impl Show for Report {
    fn show(&self) -> String {
        let (release, node) = (&self.release, &self.node);
        let up = span(Duration::from_millis(node.uptime_ms));
        let libraries = &self.libraries;
        lines(&[
            (
                "release",
                format!(
                    "{} {} ({}) since {}",
                    release.name, release.vsn, release.status, release.since
                ),
            ),
            ("settings", self.settings.clone().unwrap_or_default()),
            (
                "node",
                format!(
                    "pq {}, process {}, {} shards, up {up}",
                    node.vsn, node.pid, node.shards
                ),
            ),
            ("root", node.root.clone()),
            ("processes", self.processes.to_string()),
            ("connections", self.ports.to_string()),
            ("door", self.door.as_ref().map_or("none".to_string(), door)),
            (
                "saves",
                self.saves
                    .as_ref()
                    .map_or("none".to_string(), SavesStatus::show),
            ),
            (
                "words",
                self.words
                    .as_ref()
                    .and_then(WordsStatus::show)
                    .unwrap_or_default(),
            ),
            (
                "libraries",
                format!(
                    "{}, {} KiB mapped, {} KiB allocated",
                    libraries.count,
                    libraries.mapped_bytes >> 10,
                    libraries.allocated_bytes >> 10
                ),
            ),
            (
                "shutdown",
                self.shutdown
                    .as_ref()
                    .map_or("none".to_string(), Show::show),
            ),
            ("stalled", stalled(&self.stalls)),
            ("given up", given_up(self.conversions_given_up)),
            ("dropped", dropped(self.dropped_lines)),
            (
                "operation",
                self.operation
                    .as_ref()
                    .map_or("none".to_string(), operation),
            ),
        ])
    }
}

fn stalled(stalls: &[Stalled]) -> String {
    let stalled = |stall: &Stalled| match stall.shard {
        Some(_) => {
            let waiting = counted(stall.processes, "process waits", "processes wait");
            format!("{}; {waiting}", stall.sentence)
        }
        None => stall.sentence.clone(),
    };
    stalls.iter().map(stalled).collect::<Vec<_>>().join("; ")
}

fn given_up(conversions: u64) -> String {
    match conversions {
        0 => String::new(),
        count => format!(
            "{}: each occupies a thread with the lowest priority until the node restarts",
            counted(
                count,
                "conversion that does not end",
                "conversions that do not end"
            )
        ),
    }
}

/// The text on dropped lines; empty while a reader takes the output.
fn dropped(lines: DroppedLines) -> String {
    let DroppedLines { stdout, stderr } = lines;
    match (stdout, stderr) {
        (0, 0) => String::new(),
        (0, log) => format!("{log} lines of the log: no reader takes the node's output"),
        (out, log) => format!(
            "{log} lines of the log, {out} of standard output: no reader takes the node's output"
        ),
    }
}

fn door(door: &DoorStatus) -> String {
    let DoorStatus {
        address,
        clients,
        players,
        abandoned,
        locked,
        tls_address,
        web_address,
        refused,
    } = door;
    let clients = counted(*clients, "client", "clients");
    let locked = match locked {
        true => "; locked: new clients are refused",
        false => "",
    };
    let tls = tls_address
        .as_ref()
        .map_or(String::new(), |tls| format!(", TLS at {tls}"));
    let web = web_address
        .as_ref()
        .map_or(String::new(), |web| format!(", page at http://{web}/"));
    let refused: Vec<String> = refused
        .iter()
        .map(|(word, count)| format!("{word} {count}"))
        .collect();
    let refused = match refused.is_empty() {
        true => String::new(),
        false => format!("; refused: {}", refused.join(", ")),
    };
    let abandoned = match *abandoned {
        0 => String::new(),
        count => {
            let avatars = counted(count, &noun().one, &noun().many);
            format!("; {avatars} without a client")
        }
    };
    format!("{address}{tls}{web}, {clients}, {players} of them playing{locked}{abandoned}{refused}")
}

fn operation(operation: &Operation) -> String {
    let Operation {
        operation,
        who,
        since,
        progress,
    } = operation;
    let step = progress
        .as_ref()
        .map_or(String::new(), |progress| format!("; now {progress}"));
    format!("{operation} by {who} since {since}{step}")
}
