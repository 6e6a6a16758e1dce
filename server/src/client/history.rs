//! `pq history`: read from the file, because what happened is wanted most when no node runs.

use super::command::At;
use super::show::Show;
use super::{say, warn};
use crate::operator::history::{self, Past};
use crate::operator::{Exit, Failure};

/// Shows what was done on this tree.
pub(crate) fn show(at: &At) -> Result<(), Failure> {
    let releases = at.root.join("releases");
    if !releases.is_dir() {
        let sentence = format!(
            "failed to read the history: there is no release tree at {}",
            at.root.display()
        );
        return Err(Failure::new(Exit::Unreachable, sentence));
    }
    let file = history::file(&at.root);
    let past = Past::read(&file).map_err(|error| {
        let sentence = format!("failed to read {}: {error}", file.display());
        Failure::new(Exit::Internal, sentence)
    })?;
    if past.unreadable > 0 {
        let lines = past.unreadable;
        warn(&format!(
            "lines of {} that are no entries, {lines} of them, are left out: a node was killed while it wrote",
            file.display()
        ));
    }
    match at.json {
        true => say(&serde_json::to_string(&past).unwrap_or_default()),
        false => say(past.show().trim_end()),
    }
    Ok(())
}
