//! Answers as people read them.

use std::time::Duration;

use super::table::{lines, printable, table};
use crate::operator::answer::{AtDoor, DoorStatus, Operation, Returned, Status, Stopped, SysReply};
use crate::operator::clock::span;
use crate::operator::history::{Entry, Past};

mod listing;
mod release;

/// An answer that people can read.
pub(crate) trait Show {
    /// As text.
    fn show(&self) -> String;
}

impl Show for Status {
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
                "libraries",
                format!(
                    "{}, {} KiB mapped, {} KiB allocated",
                    libraries.count,
                    libraries.mapped_bytes >> 10,
                    libraries.allocated_bytes >> 10
                ),
            ),
            (
                "operation",
                self.operation
                    .as_ref()
                    .map_or("none".to_string(), operation),
            ),
        ])
    }
}

fn door(door: &DoorStatus) -> String {
    let DoorStatus {
        address,
        clients,
        players,
        locked,
    } = door;
    let locked = match locked {
        true => "; locked: nobody new is let in",
        false => "",
    };
    format!("{address}, {clients} clients, {players} of them play{locked}")
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

impl Show for AtDoor {
    fn show(&self) -> String {
        match self {
            AtDoor::Kick { addresses } => format!("closed: {}", printable(&addresses.join(", "))),
            AtDoor::Wall { clients } => format!("told to {clients} clients"),
            AtDoor::Lock {
                locked: true,
                clients,
            } => format!("locked; {clients} clients play on"),
            AtDoor::Lock { locked: false, .. } => "open again".to_string(),
        }
    }
}

impl Show for SysReply {
    fn show(&self) -> String {
        self.reply.clone()
    }
}

impl Show for Returned {
    fn show(&self) -> String {
        self.result.clone()
    }
}

impl Show for Stopped {
    fn show(&self) -> String {
        format!(
            "stopped: release {} ran, and took {} ms to end",
            self.vsn, self.took_ms
        )
    }
}

impl Show for Past {
    fn show(&self) -> String {
        const HEADING: [&str; 10] = [
            "#",
            "WHEN",
            "WHO",
            "OPERATION",
            "FROM",
            "TO",
            "RESULT",
            "TOOK",
            "PAUSE",
            "MESSAGE",
        ];
        table(&HEADING, self.entries.iter().map(entry_cells))
    }
}

fn entry_cells(entry: &Entry) -> Vec<String> {
    let deed = &entry.deed;
    let pause = deed.pause_us.map(|pause| format!("{} us", pause.max));
    vec![
        entry.id.to_string(),
        entry.when.clone(),
        entry.who.to_string(),
        deed.operation.clone(),
        deed.from.clone().unwrap_or_default(),
        deed.to.clone().unwrap_or_default(),
        deed.result.clone(),
        format!("{} ms", deed.took_ms),
        pause.unwrap_or_default(),
        deed.message.clone().unwrap_or_default(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operator::Exit;
    use crate::operator::history::{Deed, Pause};
    use crate::operator::who::Who;
    use expect_test::expect;

    #[test]
    fn a_history_has_a_line_for_each_operation() {
        let entry = |id, deed| Entry {
            id,
            when: "2026-01-31T23:59:59.042Z".to_string(),
            who: Who {
                uid: 1_000,
                user: Some("ann".to_string()),
                pid: Some(7),
            },
            deed,
        };
        let deed = Deed {
            operation: "install 1.1.0".to_string(),
            from: Some("1.0.0".to_string()),
            to: Some("1.1.0".to_string()),
            result: "done".to_string(),
            exit: Exit::Done,
            took_ms: 43,
            pause_us: Some(Pause {
                median: 12,
                p99: 40,
                max: 55,
            }),
            message: Some("a\u{1b}[2J".to_string()),
        };
        let stop = Deed {
            operation: "stop".to_string(),
            to: None,
            pause_us: None,
            message: None,
            ..deed.clone()
        };
        let past = Past {
            entries: vec![entry(1, deed), entry(2, stop)],
            unreadable: 0,
        };
        expect![[r"
            #  WHEN                      WHO              OPERATION      FROM   TO     RESULT  TOOK   PAUSE  MESSAGE
            1  2026-01-31T23:59:59.042Z  ann (process 7)  install 1.1.0  1.0.0  1.1.0  done    43 ms  55 us  a\u{1b}[2J
            2  2026-01-31T23:59:59.042Z  ann (process 7)  stop           1.0.0         done    43 ms"]]
        .assert_eq(&past.show());
    }
}
