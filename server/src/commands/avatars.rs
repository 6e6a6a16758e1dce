//! `pq avatars`, for which a game may define another name: the saved avatars, read from the store of the tree. A node may run.

use std::time::{Duration, SystemTime};

use clap::Args;
use pq_protocol::Failure;
use pq_protocol::answer::Rows;
use pq_store::{Page, Read, Row as Saved, Snapshot, State};
use serde::{Deserialize, Serialize};

use super::command::Typed;
use super::store::{failed, tell};
use crate::client::{At, Row, printable};
use crate::clock::{rfc3339, span};
use crate::saves;

/// The rows that are read at once.
const PAGE: usize = 1_000;

#[derive(Args, Debug)]
pub(crate) struct AvatarsArgs {
    /// List only names that contain this text
    #[arg(value_name = "TEXT")]
    containing: Option<String>,
    /// List only avatars that the last boot could not open, with the reasons
    #[arg(long)]
    set_aside: bool,
    /// The number of lines at most
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    limit: usize,
    #[command(flatten)]
    at: At,
}

/// A row of the store, without its body.
#[derive(Serialize, Deserialize, Debug)]
pub(crate) struct SavedAvatar {
    /// The number of the row; later births have higher numbers.
    id: u64,
    /// The name as it was typed.
    name: String,
    /// `playing`, `resting`, or `set aside`.
    state: String,
    /// The modules with their versions.
    versions: String,
    /// The time of the save (RFC 3339).
    saved: String,
    /// The age of the save in milliseconds.
    age_ms: u64,
    /// The size of the save in bytes.
    bytes: u64,
    /// The reason, for an avatar that is set aside.
    why: Option<String>,
}

impl Typed for AvatarsArgs {
    fn at(&self) -> &At {
        &self.at
    }

    fn run(&self) -> Result<(), Failure> {
        let file = saves::file(&self.at.root);
        let mut store = Snapshot::open(&file).map_err(failed)?;
        let mut rows = Vec::new();
        let states = match self.set_aside {
            true => &[State::SetAside][..],
            false => &[State::Playing, State::Resting, State::SetAside],
        };
        for state in states {
            self.read(&mut store, *state, &mut rows)?;
        }
        tell(&self.at, &Rows::of(rows))
    }
}

impl AvatarsArgs {
    /// Reads the rows in this state, page by page.
    fn read(
        &self,
        store: &mut Snapshot,
        state: State,
        rows: &mut Vec<SavedAvatar>,
    ) -> Result<(), Failure> {
        let mut after = 0;
        while rows.len() < self.limit {
            let page = Page {
                state,
                after,
                limit: PAGE,
            };
            let found = store.list(page).map_err(failed)?;
            let Some(last) = found.last() else { break };
            after = last.id;
            let room = self.limit - rows.len();
            let wanted = found.iter().filter(|row| self.wants(row));
            rows.extend(wanted.take(room).map(saved));
        }
        Ok(())
    }

    fn wants(&self, row: &Saved) -> bool {
        let containing = self.containing.as_deref();
        containing.is_none_or(|text| row.name.contains(text))
    }
}

fn saved(row: &Saved) -> SavedAvatar {
    let at = SystemTime::UNIX_EPOCH + Duration::from_millis(row.changed_unix_ms);
    let state = match row.state {
        State::Playing => "playing",
        State::Resting => "resting",
        State::Ended => "ended",
        State::SetAside => "set aside",
    };
    SavedAvatar {
        id: row.id,
        name: row.name.clone(),
        state: state.to_string(),
        versions: row.versions.to_string(),
        saved: rfc3339(at),
        age_ms: at.elapsed().unwrap_or_default().as_millis() as u64,
        bytes: row.body.len() as u64,
        why: row.why.clone(),
    }
}

impl Row for SavedAvatar {
    const HEADING: &[&'static str] = &["NAME", "STATE", "SAVED", "BYTES", "VERSIONS", "WHY"];

    fn cells(rows: &[SavedAvatar]) -> Vec<Vec<String>> {
        let cells = |row: &SavedAvatar| {
            let age = span(Duration::from_millis(row.age_ms));
            vec![
                printable(&row.name).into_owned(),
                row.state.clone(),
                format!("{age} ago"),
                row.bytes.to_string(),
                row.versions.clone(),
                printable(row.why.as_deref().unwrap_or_default()).into_owned(),
            ]
        };
        rows.iter().map(cells).collect()
    }
}
