//! A saved child as a file: self-describing JSON with the exact bytes, which an import brings back unchanged.
//!
//! ```json
//! {"format": "pq saved processes", "version": 1, "key": "ships_sup/ann", "name": "Ann", "state": "playing",
//!  "why": null, "versions": "ship-1.0.0", "changed_unix_ms": 1796040000000,
//!  "processes": [{"depth": 0, "module": "ship", …}],
//!  "sha256": "…", "body": "9201…"}
//! ```
//! `processes` is for people and not read. `sha256` is that of all other fields in the order of [`sum`], and `body` has the
//! bytes of the row in hexadecimal digits. A file from outside is not trusted: [`Exported::read`] bounds its size, and
//! decodes and checks the processes before anything else uses them.

use std::fmt::Write;
use std::sync::Arc;

use pq_otp::moved::{BadSubtree, ProcessView, SUBTREE_BYTES_MAX, Subtree};
use pq_store::{Row, State};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::rows::versions_of;

/// The word by which a file is recognized.
const FORMAT: &str = "pq saved processes";

/// The version of the format. A new field is no new version.
const VERSION: u64 = 1;

/// The longest readable part; a longer one is left out. An avatar has 2 KiB.
const READABLE_BYTES_MAX: usize = 8 << 20;

/// The largest file that is read: the largest body in hexadecimal digits, and the readable part.
pub const EXPORT_BYTES_MAX: usize = 2 * SUBTREE_BYTES_MAX + READABLE_BYTES_MAX + (1 << 20);

/// A saved child, exported or to be imported.
#[derive(Clone, PartialEq, Debug)]
pub struct Exported {
    /// The row. Its number and `seq` are those of the store that it came from; a file has neither, and they are 0 then.
    pub row: Row,
    /// The processes of the row.
    pub subtree: Subtree,
}

/// The reason why a file is no exported child.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadExport {
    /// More bytes than [`EXPORT_BYTES_MAX`].
    #[error("{0} bytes are too many; an export has at most {EXPORT_BYTES_MAX}")]
    TooLarge(usize),
    /// Something else, or a file that was cut.
    #[error("it is no export of a saved avatar, or not a whole one: {0}")]
    NoExport(String),
    /// A newer program has written it; the version of its format.
    #[error("it has version {0} of the format, and this program reads version {VERSION}")]
    Version(u64),
    /// The content does not fit its checksum.
    #[error("its checksum is wrong: the file is damaged or was edited")]
    Checksum,
    /// The bytes of the processes cannot be used.
    #[error(transparent)]
    Body(#[from] BadSubtree),
    /// The field contradicts the processes.
    #[error("its {0} are not those of its processes")]
    Contradicts(&'static str),
}

/// The fields of a file, in their order.
#[derive(Serialize, Deserialize)]
struct Fields {
    format: String,
    version: u64,
    key: String,
    name: String,
    state: String,
    why: Option<String>,
    versions: String,
    changed_unix_ms: u64,
    /// For people: a reader skips it.
    #[serde(skip_deserializing, default, skip_serializing_if = "Vec::is_empty")]
    processes: Vec<ProcessView>,
    sha256: String,
    body: String,
}

/// The first fields of a file of any version.
#[derive(Deserialize)]
struct Head {
    format: String,
    version: u64,
}

/// The text of a file with this row. The processes of a row that can be decoded are readable in it, if the caller wants
/// them.
pub fn export(row: &Row, readable: Readable) -> String {
    let subtree = match readable {
        Readable::Yes => Subtree::from_bytes(&row.body).ok(),
        Readable::No => None,
    };
    let processes = subtree.map_or(Vec::new(), |subtree| subtree.view());
    let bytes: usize = processes.iter().map(ProcessView::bytes).sum();
    let fields = Fields {
        format: FORMAT.to_string(),
        version: VERSION,
        key: row.key.clone(),
        name: row.name.clone(),
        state: word(row.state).to_string(),
        why: row.why.clone(),
        versions: row.versions.to_string(),
        changed_unix_ms: row.changed_unix_ms,
        processes: match bytes <= READABLE_BYTES_MAX {
            true => processes,
            false => Vec::new(),
        },
        sha256: sum(row),
        body: hex(&row.body),
    };
    let text = serde_json::to_string_pretty(&fields);
    text.expect("strings, numbers and lists have a JSON form") + "\n"
}

/// Whether an export contains the processes in a form for people. Decoding makes the atoms in them known to the program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Readable {
    /// For a command, which ends soon.
    Yes,
    /// For a node that runs on.
    No,
}

impl Exported {
    /// Reads the bytes of a file.
    ///
    /// # Errors
    /// When the bytes are no export, or not as they were written.
    pub fn read(bytes: &[u8]) -> Result<Exported, BadExport> {
        if bytes.len() > EXPORT_BYTES_MAX {
            return Err(BadExport::TooLarge(bytes.len()));
        }
        let no_export = |error: serde_json::Error| BadExport::NoExport(error.to_string());
        let head: Head = serde_json::from_slice(bytes).map_err(no_export)?;
        if head.format != FORMAT {
            let why = format!("its format is not {FORMAT:?}");
            return Err(BadExport::NoExport(why));
        }
        if head.version != VERSION {
            return Err(BadExport::Version(head.version));
        }
        serde_json::from_slice::<Fields>(bytes)
            .map_err(no_export)?
            .checked()
    }
}

impl Fields {
    fn checked(self) -> Result<Exported, BadExport> {
        let no_export = |why: &str| BadExport::NoExport(why.to_string());
        let row = Row {
            id: 0,
            seq: 0,
            key: self.key,
            name: self.name,
            state: state(&self.state).ok_or_else(|| no_export("its state is unknown"))?,
            versions: Arc::from(self.versions),
            body: unhex(&self.body).ok_or_else(|| no_export("its body has other digits"))?,
            why: self.why,
            changed_unix_ms: self.changed_unix_ms,
        };
        if sum(&row) != self.sha256 {
            return Err(BadExport::Checksum);
        }
        let subtree = Subtree::from_bytes(&row.body)?;
        match versions_of(&subtree) == *row.versions {
            true => Ok(Exported { row, subtree }),
            false => Err(BadExport::Contradicts("versions")),
        }
    }
}

/// The word for a state, for people and in files.
pub fn word(state: State) -> &'static str {
    match state {
        State::Playing => "playing",
        State::Resting => "resting",
        State::Ended => "ended",
        State::SetAside => "set aside",
    }
}

fn state(text: &str) -> Option<State> {
    State::ALL.into_iter().find(|it| word(*it) == text)
}

/// The checksum of a row. Each text has its length before it, so no text can pass for a part of its neighbour.
fn sum(row: &Row) -> String {
    let mut hasher = Sha256::new();
    let why = row.why.as_deref().unwrap_or_default();
    let texts = [&*row.key, &*row.name, word(row.state), why, &*row.versions];
    for text in texts.map(str::as_bytes).iter().chain([&&row.body[..]]) {
        hasher.update((text.len() as u64).to_be_bytes());
        hasher.update(text);
    }
    hasher.update(row.changed_unix_ms.to_be_bytes());
    hex(&hasher.finalize())
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // A String takes all text.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let pairs = text.as_bytes().chunks(2);
    let byte = |pair: &[u8]| match pair {
        [high, low] => Some((digit(*high)? << 4 | digit(*low)?) as u8),
        _ => None,
    };
    pairs.map(byte).collect()
}
