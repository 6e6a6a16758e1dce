//! `pq history`: read from the file, because what happened is wanted most when no node runs.

use pq_protocol::history::{Entry, Past};
use pq_protocol::{Exit, Failure};
use pq_term::printable_json;
use serde::Serialize;

use super::command::At;
use super::show::Show;
use super::{say, warn};
use crate::history;

/// Shows what was done on this tree, or all of one entry.
pub(crate) fn show(at: &At, entry: Option<u64>) -> Result<(), Failure> {
    let past = read(at)?;
    match entry {
        Some(id) => tell(at, find(&past, id)?),
        None => tell(at, &past),
    }
    Ok(())
}

fn tell(at: &At, answer: &(impl Show + Serialize)) {
    match at.json {
        true => {
            let text = serde_json::to_string(answer).unwrap_or_default();
            say(&printable_json(&text));
        }
        false => say(answer.show().trim_end()),
    }
}

fn find(past: &Past, id: u64) -> Result<&Entry, Failure> {
    let mut entries = past.entries.iter();
    entries.find(|entry| entry.id == id).ok_or_else(|| {
        let count = past.entries.len();
        let sentence = format!("failed to find entry {id}: the history has {count}");
        Failure::new(Exit::Refused, sentence)
    })
}

fn read(at: &At) -> Result<Past, Failure> {
    let releases = at.root.join("releases");
    if !releases.is_dir() {
        let sentence = format!(
            "failed to read the history: there is no release tree at {}",
            at.root.display()
        );
        return Err(Failure::new(Exit::Unreachable, sentence));
    }
    let file = history::file(&at.root);
    let past = history::read(&file).map_err(|error| {
        let sentence = format!("failed to read {}: {error}", file.display());
        Failure::new(Exit::Internal, sentence)
    })?;
    let file = file.display();
    for line in &past.too_long {
        warn(&format!(
            "line {line} of {file} is left out: it is longer than any entry; `sed -n {line}p` shows it"
        ));
    }
    match past.unreadable - past.too_long.len() as u64 {
        0 => (),
        lines => warn(&format!(
            "lines of {file} that are no entries, {lines} of them, are left out: a node was killed while it wrote"
        )),
    }
    Ok(past)
}
