//! `releases/history.jsonl`: what operators did to a node, one JSON object per line, the newest last.
//!
//! The node appends and syncs an entry when an operation has ended, well or not. `pq history` reads the file
//! itself: what happened is wanted most when no node runs. A node that is killed while it writes leaves half
//! a line; the next entry begins on a line of its own, and readers skip what is no entry and say so.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::clock::rfc3339;
use super::exit::Exit;
use super::who::Who;

/// Entries are short; whoever made a longer line did not make an entry.
const LINE_MAX: u64 = 64 << 10;

/// One operation.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Its number, from 1.
    pub(crate) id: u64,
    /// When it ended (RFC 3339, UTC).
    pub(crate) when: String,
    /// Who asked for it.
    pub(crate) who: Who,
    #[serde(flatten)]
    pub(crate) deed: Deed,
}

/// What was done.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Deed {
    /// The command's word: `install`, `stop`, …
    pub(crate) operation: String,
    /// The release that ran before.
    pub(crate) from: Option<String>,
    /// The release it was about.
    pub(crate) to: Option<String>,
    /// `done`, or the sentence that says why not.
    pub(crate) result: String,
    /// How it ended.
    pub(crate) exit: Exit,
    /// How long it took.
    pub(crate) took_ms: u64,
    /// How long the processes concerned stood still, where some did.
    pub(crate) pause_us: Option<Pause>,
    /// What the operator said about it.
    pub(crate) message: Option<String>,
}

/// Pauses of processes, in microseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Pause {
    /// Half of them stood still for at most so long.
    pub(crate) median: u64,
    /// 99 of 100 did.
    pub(crate) p99: u64,
    /// The longest.
    pub(crate) max: u64,
}

/// What the file holds.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Past {
    /// The entries, the oldest first.
    pub(crate) entries: Vec<Entry>,
    /// Lines that are none.
    pub(crate) unreadable: u64,
}

/// The file of a node that runs.
pub(crate) struct History {
    file: PathBuf,
    /// One entry at a time: its number is that of the one before, and one.
    writing: Mutex<()>,
}

/// Where the history of a tree is kept.
pub(crate) fn file(root: &Path) -> PathBuf {
    root.join("releases/history.jsonl")
}

impl History {
    /// The history of this tree.
    pub(crate) fn of(root: &Path) -> History {
        History {
            file: file(root),
            writing: Mutex::new(()),
        }
    }

    /// Adds an operation that has just ended, and brings it to the disk. Returns its number.
    pub(crate) fn append(&self, who: &Who, deed: Deed) -> io::Result<u64> {
        let _alone = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let last = Past::read(&self.file)?.entries.pop();
        let id = last.map_or(0, |entry| entry.id) + 1;
        let entry = Entry {
            id,
            when: rfc3339(SystemTime::now()),
            who: who.clone(),
            deed,
        };
        let mut line = serde_json::to_vec(&entry)?;
        line.push(b'\n');
        append_line(&self.file, line)?;
        Ok(id)
    }
}

fn append_line(path: &Path, mut line: Vec<u8>) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    let mut file = pq_files::open_as(path, &mut options)?;
    if !ends_whole(&mut file)? {
        line.insert(0, b'\n');
    }
    file.write_all(&line)?;
    file.sync_all()?;
    // Only the folder remembers that a new file is there.
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

/// Whether the last line has its end.
fn ends_whole(file: &mut File) -> io::Result<bool> {
    if file.seek(SeekFrom::End(0))? == 0 {
        return Ok(true);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

impl Past {
    /// Reads the file; a tree without one has no past.
    pub(crate) fn read(file: &Path) -> io::Result<Past> {
        let mut past = Past::default();
        let mut reader = match pq_files::open(file) {
            Ok(file) => BufReader::new(file),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(past),
            Err(error) => return Err(error),
        };
        let mut line = Vec::new();
        while reader
            .by_ref()
            .take(LINE_MAX)
            .read_until(b'\n', &mut line)?
            > 0
        {
            match serde_json::from_slice(&line) {
                Ok(entry) => past.entries.push(entry),
                Err(_) => past.unreadable += 1,
            }
            line.clear();
        }
        Ok(past)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deed(operation: &str) -> Deed {
        Deed {
            operation: operation.to_string(),
            from: Some("1.0.0".to_string()),
            to: None,
            result: "done".to_string(),
            exit: Exit::Done,
            took_ms: 5,
            pause_us: None,
            message: Some("two\nlines".to_string()),
        }
    }

    const WHO: Who = Who {
        uid: 0,
        user: None,
        pid: None,
    };

    #[test]
    fn entries_are_numbered_and_read_back() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("releases")).unwrap();
        let file = file(root.path());
        assert_eq!(Past::read(&file).unwrap(), Past::default());
        for (operation, number) in [("unpack", 1), ("install", 2)] {
            // Another start of the node goes on where the last one ended.
            let history = History::of(root.path());
            assert_eq!(history.append(&WHO, deed(operation)).unwrap(), number);
        }
        let past = Past::read(&file).unwrap();
        let read = |at: usize| (past.entries[at].id, past.entries[at].deed.clone());
        assert_eq!(read(0), (1, deed("unpack")));
        assert_eq!(read(1), (2, deed("install")));
        assert_eq!((past.entries.len(), past.unreadable), (2, 0));
    }

    #[test]
    fn half_a_line_is_skipped_and_the_next_entry_is_whole() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("releases")).unwrap();
        let (file, history) = (file(root.path()), History::of(root.path()));
        history.append(&WHO, deed("unpack")).unwrap();
        let whole = std::fs::read(&file).unwrap();
        for end in 0..whole.len() {
            std::fs::write(&file, [&whole[..], &whole[..end]].concat()).unwrap();
            assert_eq!(history.append(&WHO, deed("install")).unwrap(), 2, "{end}");
            let past = Past::read(&file).unwrap();
            assert_eq!(past.entries.last().unwrap().deed, deed("install"), "{end}");
            // Nothing of it there, or only its end missing: then nothing is skipped.
            let is_torn = end > 0 && end < whole.len() - 1;
            assert_eq!(past.unreadable, u64::from(is_torn), "{end}");
        }
    }
}
