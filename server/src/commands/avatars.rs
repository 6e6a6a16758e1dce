//! `pq avatars`, for which a game may define another name: the saved avatars, read from the store of the tree. A node may run.
//!
//! | command | where it works |
//! |---|---|
//! | `avatars`, `avatars show`, `avatars export` | reads the store of the tree; a node may run |
//! | `avatars import`, `avatars remove` | asks the running node, or changes the store of a stopped one |
//! | `avatars retry`, `avatars reset-word` | asks the running node |

pub(super) mod export;
pub(super) mod import;
pub(super) mod remove;
pub(super) mod reset_word;
pub(super) mod retry;
pub(super) mod show;
mod which;

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use clap::{Args, Subcommand};
use pq_protocol::answer::Rows;
use pq_protocol::{Exit, Failure};
use pq_saves::{NotDone, Saves, word};
use pq_store::{Page, Read, Row as Saved, Snapshot, State};
use serde::{Deserialize, Serialize};
use which::Which;

use super::command::Typed;
use super::store::{failed, tell};
use crate::client::{At, Row, printable};
use crate::clock::{rfc3339, span};
use crate::running::RunningNode;
use crate::saves::{self, durable_names};
use crate::system::{TreeLock, holder};

/// The rows that are read at once.
const PAGE: usize = 1_000;

#[derive(Args, Debug)]
#[command(subcommand_negates_reqs = true, args_conflicts_with_subcommands = true)]
pub(crate) struct AvatarsArgs {
    #[command(subcommand)]
    one: Option<OneArgs>,
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
    at: Option<At>,
}

/// The commands about one saved avatar.
#[derive(Subcommand, Debug)]
enum OneArgs {
    /// Show a saved avatar: its processes with their states, timers and waiting messages
    Show(show::ShowArgs),
    /// Write a saved avatar to a file, which `import` reads
    Export(export::ExportArgs),
    /// Bring an avatar back from a file, into the running node or the store of a stopped one
    Import(import::ImportArgs),
    /// End an avatar that plays, or remove one that does not from the saves; a removed one is kept in data/removed
    Remove(remove::RemoveArgs),
    /// Try again to open an avatar that is set aside
    Retry(retry::RetryArgs),
    /// Give an avatar a new word, by which its player comes back; it is shown once
    ResetWord(reset_word::ResetWordArgs),
}

impl OneArgs {
    fn typed(&self) -> &dyn Typed {
        match self {
            OneArgs::Show(typed) => typed,
            OneArgs::Export(typed) => typed,
            OneArgs::Import(typed) => typed,
            OneArgs::Remove(typed) => typed,
            OneArgs::Retry(typed) => typed,
            OneArgs::ResetWord(typed) => typed,
        }
    }
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
        match &self.one {
            Some(one) => one.typed().at(),
            None => self
                .at
                .as_ref()
                .expect("clap requires --root without a subcommand"),
        }
    }

    fn run(&self) -> Result<(), Failure> {
        match &self.one {
            Some(one) => one.typed().run(),
            None => self.list(self.at()),
        }
    }
}

impl AvatarsArgs {
    fn list(&self, at: &At) -> Result<(), Failure> {
        let mut store = Snapshot::open(&saves::file(&at.root)).map_err(failed)?;
        let mut rows = Vec::new();
        let states = match self.set_aside {
            true => &[State::SetAside][..],
            false => &[State::Playing, State::Resting, State::SetAside],
        };
        for state in states {
            self.read(&mut store, *state, &mut rows)?;
        }
        tell(at, &Rows::of(rows))
    }

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
    SavedAvatar {
        id: row.id,
        name: row.name.clone(),
        state: word(row.state).to_string(),
        versions: row.versions.to_string(),
        saved: rfc3339(at),
        age_ms: at.elapsed().unwrap_or_default().as_millis() as u64,
        bytes: row.body.len() as u64,
        why: row.why.clone(),
    }
}

impl SavedAvatar {
    fn age(&self) -> String {
        format!("{} ago", span(Duration::from_millis(self.age_ms)))
    }
}

/// All rows with this name, in the store of the tree.
fn found(root: &Path, name: &str) -> Result<Vec<Saved>, Failure> {
    let mut store = Snapshot::open(&saves::file(root)).map_err(failed)?;
    pq_saves::find(&mut store, &durable_names(root), name).map_err(failed)
}

/// The lock of a tree whose node does not run; `None` for one that runs.
fn stopped(root: &Path, what: &str) -> Result<Option<TreeLock>, Failure> {
    if holder(root).is_some() {
        return Ok(None);
    }
    let refused = |error: anyhow::Error| {
        let sentence = format!("failed to {what} a saved avatar: {error:#}");
        Failure::new(Exit::Refused, sentence)
    };
    TreeLock::take(root).map(Some).map_err(refused)
}

/// The saves of the running node.
fn saves_of<'a>(node: &'a RunningNode, what: &str, name: &str) -> Result<&'a Saves, Failure> {
    node.saves().ok_or_else(|| {
        let sentence = format!("failed to {what} {name}: the node does not save");
        Failure::new(Exit::Refused, sentence)
    })
}

fn not_done(what: &str, name: &str, why: &NotDone) -> Failure {
    let exit = match why {
        NotDone::Refused(_) => Exit::Refused,
        NotDone::Unknown(_) => Exit::Unknown,
        NotDone::Store(_) => Exit::Internal,
    };
    Failure::new(exit, format!("failed to {what} {}: {why}", printable(name)))
}

/// The end of a sentence about rows that are kept in files.
fn kept(files: &[PathBuf]) -> String {
    let files = files
        .iter()
        .map(|file| format!("; {} keeps what was removed", file.display()));
    files.collect()
}

impl Row for SavedAvatar {
    const HEADING: &[&'static str] = &["NAME", "STATE", "SAVED", "BYTES", "VERSIONS", "WHY"];

    fn cells(rows: &[SavedAvatar]) -> Vec<Vec<String>> {
        let cells = |row: &SavedAvatar| {
            vec![
                printable(&row.name).into_owned(),
                row.state.clone(),
                row.age(),
                row.bytes.to_string(),
                row.versions.clone(),
                printable(row.why.as_deref().unwrap_or_default()).into_owned(),
            ]
        };
        rows.iter().map(cells).collect()
    }
}
