//! Entries of a node's history: operation, operator and result. The program `pq` writes and reads the file.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::exit::Exit;
use super::record::Micros;
use super::who::Who;

/// One entry of the history.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Entry {
    /// The number of the entry, from 1.
    pub id: u64,
    /// The end of the operation (RFC 3339, UTC).
    pub when: String,
    /// The operator who requested the operation.
    pub who: Who,
    /// The node that wrote the entry; `None` in entries of older nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<Mark>,
    /// The operation and its result.
    #[serde(flatten)]
    pub deed: Deed,
}

/// The identity of a process, unique even if the system reuses the pid.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Mark {
    /// The pid in the operating system.
    pub pid: u32,
    /// The start of the process in kernel ticks since the boot of the machine; a node that restarts itself keeps this
    /// value.
    pub began: u64,
    /// The boot of the machine (`boot_id`, `random(4)`).
    pub system: String,
}

impl Mark {
    /// The mark of this process. Values that the system does not report are empty.
    pub fn own() -> Mark {
        let read = |file: &str| std::fs::read_to_string(file).unwrap_or_default();
        Mark {
            pid: std::process::id(),
            began: began(&read("/proc/self/stat")).unwrap_or_default(),
            system: read("/proc/sys/kernel/random/boot_id").trim().to_string(),
        }
    }
}

/// Field 22 of `proc_pid_stat(5)`; the name in field 2 may contain any characters.
fn began(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_whitespace().nth(19)?.parse().ok()
}

/// An operation and its result.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Deed {
    /// The command as typed (`install 1.1.0`, `stop`, …), or `boot`, `restart`, `end` or `crash`.
    pub operation: String,
    /// The release that ran before the operation.
    pub from: Option<String>,
    /// The release that the operation was about.
    pub to: Option<String>,
    /// `done`, or the sentence of the failure.
    pub result: String,
    /// The exit code of the operation.
    pub exit: Exit,
    /// The duration in milliseconds.
    pub took_ms: u64,
    /// The pauses of the suspended processes, in microseconds; `None` for operations without pauses.
    pub pause_us: Option<Micros>,
    /// The operator's message; for a boot, its cause.
    pub message: Option<String>,
    /// For an unpacked package: the key that has signed it, or `unsigned`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
}

impl Deed {
    /// An operation with its result and no further values.
    pub fn of(operation: impl Into<String>, exit: Exit, result: impl Into<String>) -> Deed {
        Deed {
            operation: operation.into(),
            from: None,
            to: None,
            result: result.into(),
            exit,
            took_ms: 0,
            pause_us: None,
            message: None,
            author: None,
        }
    }
}

/// The content of the history file.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Past {
    /// The entries, the oldest first.
    pub entries: Vec<Entry>,
    /// The number of lines that are not entries.
    pub unreadable: u64,
    /// The line numbers, from 1, of lines that exceed the length limit; `unreadable` counts them, too.
    #[serde(default)]
    pub too_long: Vec<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_known_by_when_it_began_whatever_its_name() {
        let stat = "7 (a) b (1) S 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4711 1 1 1";
        assert_eq!(began(stat), Some(4711));
        assert_eq!((began(""), began("7 (pq) S 1")), (None, None));
        assert_eq!(Mark::own(), Mark::own());
        assert_ne!(Mark::own().began, 0);
    }
}
