//! `releases/crash`: the record of a node for the next boot, removed by an orderly end.
//!
//! ```text
//!   boot ─► a line with the node's mark ─┬─► the end, in order                ─► the file is removed
//!                                        ├─► a fault, or an exit ─► a sentence ─► the next boot: crashed, with the reason
//!                                        └─► SIGKILL, _exit(2)                 ─► the next boot: killed
//! ```
//! The signal handler itself writes the sentence ([`pq_abi::crash`]). Both lines are short, so that the sentence fits
//! into the block of the first line even if the disk is full. The next boot enters the sentence into the history
//! (`lifetime`).

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::Context;
use pq_abi::crash::{LastWords, arm, disarm};
use pq_protocol::history::Mark;
use pq_term::shorten;
use serde::{Deserialize, Serialize};

use crate::clock::rfc3339;
use crate::options::LogFormat;
use crate::stdio;

/// The limit of bytes read from the file; a node writes a tenth of it.
const BYTES_MAX: u64 = 16 << 10;

/// The length of the sentence in a boot's cause, in characters; the entry of the crash has the whole sentence.
const SENTENCE_CHARS_MAX: usize = 400;

/// The first line of the file.
#[derive(Serialize, Deserialize)]
struct Heading {
    node: Mark,
    /// The start of the node (RFC 3339).
    since: String,
    /// The number of processes that the system had killed for lack of memory by then; `None` if unknown.
    oom_kills: Option<u64>,
}

/// The record of a node without an orderly end.
pub(super) struct Left {
    pub(super) node: Mark,
    since: String,
    oom_kills: Option<u64>,
    /// The sentence of the crash; `None` if the node was killed.
    pub(super) sentence: Option<String>,
    /// The time of the last write.
    pub(super) when: SystemTime,
}

fn file(root: &Path) -> PathBuf {
    root.join("releases/crash")
}

/// Reads the record of the previous node; `None` after an orderly end.
pub(super) fn read(root: &Path) -> Option<Left> {
    let path = file(root);
    let bytes = pq_files::read(&path, BYTES_MAX).ok()?;
    let mut lines = bytes.lines().map_while(Result::ok);
    let heading: Heading = serde_json::from_str(&lines.next()?).ok()?;
    let written = std::fs::metadata(&path).and_then(|file| file.modified());
    Some(Left {
        node: heading.node,
        since: heading.since,
        oom_kills: heading.oom_kills,
        sentence: lines.next().filter(|sentence| !sentence.is_empty()),
        when: written.unwrap_or_else(|_| SystemTime::now()),
    })
}

/// Starts the record: crash sentences of this process go to the file and to standard error.
///
/// # Errors
/// Fails if the file or the signal handlers cannot be created.
pub(super) fn begin(root: &Path, node: &Mark, format: LogFormat) -> anyhow::Result<()> {
    let file = prepare(&file(root), node);
    let (file, failed) = match file {
        Ok(file) => (Some(OwnedFd::from(file)), Ok(())),
        Err(error) => (None, Err(error)),
    };
    arm(LastWords {
        file,
        stderr: stdio::real_stderr()?,
        is_json: matches!(format, LogFormat::Json),
        has_settled: stdio::has_settled,
    })
    .context("failed to handle signals of faults")?;
    failed
}

fn prepare(path: &Path, node: &Mark) -> anyhow::Result<File> {
    let heading = Heading {
        node: node.clone(),
        since: rfc3339(SystemTime::now()),
        oom_kills: oom_kills(),
    };
    let line = format!("{}\n", serde_json::to_string(&heading)?);
    write_anew(path, &line).with_context(|| format!("failed to write {}", path.display()))
}

fn write_anew(path: &Path, line: &str) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let mut file = pq_files::open_as(path, options.append(true).create(true))?;
    file.set_len(0)?;
    file.write_all(line.as_bytes())?;
    file.sync_all()?;
    Ok(file)
}

/// Removes the file at an orderly end.
pub(super) fn end(root: &Path) {
    disarm();
    // If the file cannot be removed, the entry of the end has precedence.
    let _ = std::fs::remove_file(file(root));
}

/// The number of processes of this machine killed for lack of memory since its start (`proc_vmstat(5)`).
fn oom_kills() -> Option<u64> {
    let vmstat = pq_files::read(Path::new("/proc/vmstat"), pq_files::TEXT_BYTES_MAX).ok()?;
    let vmstat = String::from_utf8(vmstat).ok()?;
    let mut counts = vmstat.lines();
    counts.find_map(|line| line.strip_prefix("oom_kill ")?.parse().ok())
}

impl Left {
    /// The identity of the previous node, as text.
    pub(super) fn node_before(&self) -> String {
        format!(
            "the previous node (process {}, since {})",
            self.node.pid, self.since
        )
    }

    /// The text on the end of the previous node.
    pub(super) fn said(&self, own: &Mark) -> String {
        let node = self.node_before();
        match &self.sentence {
            Some(sentence) => {
                let sentence = shorten(sentence, SENTENCE_CHARS_MAX);
                format!("{node} crashed: {sentence}")
            }
            None => format!(
                "{node} left no record of its end: {}",
                self.silence(own, oom_kills())
            ),
        }
    }

    /// The possible reasons for a record without a sentence.
    fn silence(&self, own: &Mark, oom_kills: Option<u64>) -> String {
        if self.node.system != own.system {
            return "the machine went down, or the node was killed before that".to_string();
        }
        let since = oom_kills.unwrap_or(0);
        let killed = since.saturating_sub(self.oom_kills.unwrap_or(since));
        let by_system = match killed {
            0 => String::new(),
            1 => "; the system has killed a process for lack of memory since".to_string(),
            many => format!("; the system has killed {many} processes for lack of memory since"),
        };
        format!("the node was killed by SIGKILL, or its code called _exit(2){by_system}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(system: &str) -> Mark {
        Mark {
            pid: 7,
            began: 1,
            system: system.to_string(),
        }
    }

    #[test]
    fn what_was_left_is_read_back_with_and_without_last_words() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("releases")).unwrap();
        assert!(read(root.path()).is_none());
        let path = file(root.path());
        for _ in 0..2 {
            // A new node starts with an empty record.
            let mut words = prepare(&path, &mark("here")).unwrap();
            let left = read(root.path()).unwrap();
            assert_eq!((&left.node, left.sentence), (&mark("here"), None));
            words.write_all(b"SIGSEGV somewhere").unwrap();
            let left = read(root.path()).unwrap();
            assert_eq!(left.sentence.as_deref(), Some("SIGSEGV somewhere"));
            let said = left.said(&mark("here"));
            assert!(said.ends_with(") crashed: SIGSEGV somewhere"), "{said}");
        }
        std::fs::write(&path, "no heading").unwrap();
        assert!(read(root.path()).is_none());
    }

    #[test]
    fn of_a_silent_end_what_can_be_known_is_said() {
        let left = Left {
            node: mark("here"),
            since: String::new(),
            oom_kills: Some(3),
            sentence: None,
            when: SystemTime::now(),
        };
        let silence = |system, count| left.silence(&mark(system), count);
        assert!(silence("of today", Some(9)).starts_with("the machine went down"));
        let killed = "the node was killed by SIGKILL, or its code called _exit(2)";
        for unknown in [Some(3), None, Some(0)] {
            assert_eq!(silence("here", unknown), killed);
        }
        let one = silence("here", Some(4));
        assert!(
            one.ends_with("killed a process for lack of memory since"),
            "{one}"
        );
        let two = silence("here", Some(5));
        assert!(
            two.ends_with("killed 2 processes for lack of memory since"),
            "{two}"
        );
        assert!(oom_kills().is_some(), "the system counts them");
    }
}
