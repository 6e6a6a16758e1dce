//! The saves in the status of a node.

use std::time::{Duration, SystemTime};

use pq_saves::Saves;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::client::counted;
use crate::clock::rfc3339;

/// The store, and the work of saving.
#[derive(Serialize, Deserialize, Debug, JsonSchema)]
pub(super) struct SavesStatus {
    /// The path of the database.
    file: String,
    /// The number of rows whose avatars play.
    playing: u64,
    /// The number of rows that the last boot could not open.
    set_aside: u64,
    /// The number of avatars that came back at the boot; `None` while it is under way.
    came_back: Option<u64>,
    /// The end of the last complete round of the sweep (RFC 3339).
    swept: Option<String>,
    /// The number of states that the next round of the sweep overtakes.
    tail: u64,
    /// The number of changes that are not on the disk.
    queued: u64,
    /// The age of the oldest of them, in milliseconds.
    lag_ms: u64,
    /// The size of the file with its log, in bytes.
    bytes: u64,
    /// The reason why nothing is written now.
    trouble: Option<String>,
}

impl SavesStatus {
    pub(super) fn of(saves: &Saves) -> SavesStatus {
        let status = saves.status();
        let time = |unix_ms| rfc3339(SystemTime::UNIX_EPOCH + Duration::from_millis(unix_ms));
        SavesStatus {
            file: saves.file().display().to_string(),
            playing: status.stats.rows.playing,
            set_aside: status.stats.rows.set_aside,
            came_back: saves.came_back().map(|back| back.came_back),
            swept: status.stats.swept_unix_ms.map(time),
            tail: status.stats.tail,
            queued: status.queued as u64,
            lag_ms: status.lag.as_millis() as u64,
            bytes: status.stats.bytes_on_disk,
            trouble: status.trouble.map(|trouble| trouble.sentence),
        }
    }

    /// The line of the status.
    pub(super) fn show(&self) -> String {
        let aside = match self.set_aside {
            0 => String::new(),
            count => format!(", {count} set aside"),
        };
        let swept = self
            .swept
            .as_ref()
            .map_or(String::new(), |at| format!(", swept {at}"));
        let trouble = self
            .trouble
            .as_ref()
            .map_or(String::new(), |why| format!("; {why}"));
        format!(
            "{}{aside}{swept}, {} in the tail, {} not on the disk ({} ms), {} KiB{trouble}",
            counted(self.playing, "row", "rows"),
            self.tail,
            self.queued,
            self.lag_ms,
            self.bytes >> 10
        )
    }
}
