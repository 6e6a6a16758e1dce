//! `releases/history.jsonl`: operations, boots and ends of a node, one JSON object per line, the newest last.
//!
//! The node appends and syncs an entry when an operation has succeeded or failed. `pq history` reads the file itself,
//! because operators need the history most when no node runs. A node that is killed during a write leaves an
//! incomplete line; the next entry begins on a new line, and readers skip lines that are not entries and report their
//! number.
//!
//! Texts may come from any user. They are shortened with a note before they are written, and control characters are
//! escaped, so that the file can also be read without `pq`.

use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use parking_lot::Mutex;
use pq_files::durable;
use pq_protocol::Who;
use pq_protocol::history::{Deed, Entry, Mark, Past};
use pq_term::{printable_json, shorten};

use crate::clock::rfc3339;

/// The longest line to read, in bytes. Lines now have at most 1 % of it. Older nodes wrote messages of any length: at
/// most a request of 1 MiB, or six times that with all characters escaped.
const LINE_MAX: u64 = 8 << 20;

/// The longest command in characters: a command with a path.
const OPERATION_CHARS_MAX: usize = 400;

/// The longest result in characters: a sentence with its reason and the beginning of a state.
const RESULT_CHARS_MAX: usize = 2_000;

/// The longest message in characters: an operator's message (`commands::command`) or the cause of a boot.
const MESSAGE_CHARS_MAX: usize = 600;

/// The longest version of a release or name of a user, in characters.
const NAME_CHARS_MAX: usize = 100;

/// The history file of a running node.
pub(crate) struct History {
    file: PathBuf,
    /// Locked during a write: the number of an entry is that of the previous entry plus one.
    writing: Mutex<()>,
}

/// The path of a tree's history file.
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

    /// Reads all entries of the file.
    pub(crate) fn read(&self) -> io::Result<Past> {
        read(&self.file)
    }

    /// Appends an operation, and returns the number of its entry. A failed write is logged and does not undo the operation.
    pub(crate) fn note(&self, who: &Who, deed: Deed) -> Option<u64> {
        let operation = deed.operation.clone();
        let appended = self.append(who, deed);
        appended
            .inspect_err(|error| {
                tracing::error!(operation, %error, "failed to write releases/history.jsonl");
            })
            .ok()
    }

    /// Appends and syncs an operation that has just ended. Returns the number of the entry.
    pub(crate) fn append(&self, who: &Who, deed: Deed) -> io::Result<u64> {
        self.append_of(&Mark::own(), SystemTime::now(), who, deed)
    }

    /// Appends an operation of another node with the time of that operation.
    pub(crate) fn append_of(
        &self,
        node: &Mark,
        when: SystemTime,
        who: &Who,
        deed: Deed,
    ) -> io::Result<u64> {
        let _alone = self.writing.lock();
        let last = read(&self.file)?.entries.pop();
        let id = last.map_or(0, |entry| entry.id) + 1;
        let entry = Entry {
            id,
            when: rfc3339(when),
            who: Who {
                user: who.user.as_deref().map(|user| kept(user, NAME_CHARS_MAX)),
                ..who.clone()
            },
            node: Some(node.clone()),
            deed: shortened(deed),
        };
        let line = serde_json::to_string(&entry)?;
        let line = format!("{}\n", printable_json(&line));
        durable::append_line(&self.file, line.as_bytes())?;
        Ok(id)
    }
}

/// Shortens each text to its limit.
fn shortened(deed: Deed) -> Deed {
    let all = |text: Option<String>, max| text.map(|text| kept(&text, max));
    Deed {
        operation: kept(&deed.operation, OPERATION_CHARS_MAX),
        from: all(deed.from, NAME_CHARS_MAX),
        to: all(deed.to, NAME_CHARS_MAX),
        result: kept(&deed.result, RESULT_CHARS_MAX),
        message: all(deed.message, MESSAGE_CHARS_MAX),
        author: all(deed.author, MESSAGE_CHARS_MAX),
        ..deed
    }
}

fn kept(text: &str, max: usize) -> String {
    shorten(text, max).into_owned()
}

/// Reads the file; a tree without the file has no entries.
pub(crate) fn read(file: &Path) -> io::Result<Past> {
    let mut past = Past::default();
    let mut reader = match pq_files::open(file) {
        Ok(file) => BufReader::new(file),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(past),
        Err(error) => return Err(error),
    };
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        if reader
            .by_ref()
            .take(LINE_MAX)
            .read_until(b'\n', &mut line)?
            == 0
        {
            break;
        }
        if line.len() as u64 == LINE_MAX && !line.ends_with(b"\n") {
            reader.skip_until(b'\n')?;
            past.too_long.push(number);
            past.unreadable += 1;
            continue;
        }
        match serde_json::from_slice(&line) {
            Ok(entry) => past.entries.push(entry),
            Err(_) => past.unreadable += 1,
        }
    }
    Ok(past)
}

#[cfg(test)]
mod tests {
    use pq_protocol::Exit;

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
            author: None,
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
        assert_eq!(read(&file).unwrap(), Past::default());
        for (operation, number) in [("unpack", 1), ("install", 2)] {
            // A new node continues the numbers of the previous node.
            let history = History::of(root.path());
            assert_eq!(history.append(&WHO, deed(operation)).unwrap(), number);
        }
        let past = read(&file).unwrap();
        let read = |at: usize| (past.entries[at].id, past.entries[at].deed.clone());
        assert_eq!(read(0), (1, deed("unpack")));
        assert_eq!(read(1), (2, deed("install")));
        assert_eq!((past.entries.len(), past.unreadable), (2, 0));
    }

    /// A tree with the directory of the file.
    fn tree() -> (tempfile::TempDir, PathBuf) {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("releases")).unwrap();
        let file = file(root.path());
        (root, file)
    }

    #[test]
    fn what_anybody_writes_is_one_short_line_and_is_read_back() {
        let (root, file) = tree();
        let history = History::of(root.path());
        let evil = "a\n{\"id\":9}\u{1b}[2J\u{9b}1m\u{202e}b";
        let long = |c: &str| c.repeat(1 << 20);
        let deed = Deed {
            operation: evil.to_string(),
            result: long("\u{1}"),
            message: Some(long("\u{e0041}")),
            from: Some(long("\u{202e}")),
            ..deed("unpack")
        };
        history.append(&WHO, deed).unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        assert_eq!(text.lines().count(), 1);
        let line = text.trim_end_matches('\n');
        assert!(line.chars().all(pq_term::is_shown), "{line:?}");
        assert!(line.len() < 64 << 10, "{} bytes", line.len());
        let past = read(&file).unwrap();
        assert_eq!((past.entries.len(), past.unreadable), (1, 0));
        let read = &past.entries[0].deed;
        assert_eq!(read.operation, evil);
        let message = read.message.as_deref().unwrap();
        assert!(
            message.ends_with("… (1047976 characters more)"),
            "{message}"
        );
    }

    #[test]
    fn a_long_line_of_an_older_node_is_read_and_one_that_is_too_long_is_named() {
        let (root, file) = tree();
        let history = History::of(root.path());
        history.append(&WHO, deed("unpack")).unwrap();
        let whole = std::fs::read_to_string(&file).unwrap();
        let with_message = |length: usize| whole.replace("two", &"x".repeat(length));
        let longest = with_message(1 << 20);
        let longer = with_message(LINE_MAX as usize);
        std::fs::write(&file, [&*longest, &*longer, &*whole].concat()).unwrap();
        let past = read(&file).unwrap();
        assert_eq!((past.entries.len(), past.unreadable), (2, 1));
        assert_eq!(past.too_long, [2]);
        assert_eq!(past.entries[1].deed, deed("unpack"));
        // An entry in a line that is too long is not half an entry.
        let padded = whole.replace('\n', &" ".repeat(LINE_MAX as usize)) + "\n";
        std::fs::write(&file, [&*padded, &*whole].concat()).unwrap();
        let past = read(&file).unwrap();
        assert_eq!((past.entries.len(), past.unreadable), (1, 1));
        assert_eq!(past.too_long, [1]);
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
            let past = read(&file).unwrap();
            assert_eq!(past.entries.last().unwrap().deed, deed("install"), "{end}");
            // If all or only the end of the line is missing, no line is skipped.
            let is_torn = end > 0 && end < whole.len() - 1;
            assert_eq!(past.unreadable, u64::from(is_torn), "{end}");
        }
    }
}
