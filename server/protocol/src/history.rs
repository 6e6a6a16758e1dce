//! Entries of a node's history: what was done, by whom, and how it ended. The file itself is written and read by `pq`.

use serde::{Deserialize, Serialize};

use super::exit::Exit;
use super::record::Micros;
use super::who::Who;

/// One operation.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// Its number, from 1.
    pub id: u64,
    /// When it ended (RFC 3339, UTC).
    pub when: String,
    /// Who asked for it.
    pub who: Who,
    /// The node that wrote it; entries of older nodes do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<Mark>,
    /// What was done.
    #[serde(flatten)]
    pub deed: Deed,
}

/// What tells a process from all others, also when its number is used again.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Mark {
    /// Its number.
    pub pid: u32,
    /// When it began, in the kernel's ticks since the machine started; a node that starts itself again keeps it.
    pub began: u64,
    /// The start of the machine (`boot_id`, `random(4)`).
    pub system: String,
}

impl Mark {
    /// Of this process. What the system does not say is left empty.
    pub fn own() -> Mark {
        let read = |file: &str| std::fs::read_to_string(file).unwrap_or_default();
        Mark {
            pid: std::process::id(),
            began: began(&read("/proc/self/stat")).unwrap_or_default(),
            system: read("/proc/sys/kernel/random/boot_id").trim().to_string(),
        }
    }
}

/// Field 22 of `proc_pid_stat(5)`; the name in field 2 may hold anything.
fn began(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_whitespace().nth(19)?.parse().ok()
}

/// What was done.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Deed {
    /// The command as it was typed: `install 1.1.0`, `stop`, …; or `boot`, `restart`, `end`, `crash`.
    pub operation: String,
    /// The release that ran before.
    pub from: Option<String>,
    /// The release it was about.
    pub to: Option<String>,
    /// `done`, or the sentence that says why not.
    pub result: String,
    /// How it ended.
    pub exit: Exit,
    /// How long it took.
    pub took_ms: u64,
    /// How long the processes concerned stood still, where some did.
    pub pause_us: Option<Micros>,
    /// What the operator said about it; of a boot, its cause.
    pub message: Option<String>,
}

/// What the file holds.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Past {
    /// The entries, the oldest first.
    pub entries: Vec<Entry>,
    /// Lines that are none.
    pub unreadable: u64,
    /// Lines that are too long to be read, by their numbers from 1; they are among those.
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
