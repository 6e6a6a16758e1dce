//! The boundary below the writer: a store that commits changes, and reads rows.
//!
//! [`Database`](crate::Database) keeps them in a file and [`Memory`](crate::Memory) in memory.

use std::error::Error;
use std::io;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use crate::row::{Change, Row, State};

/// Reading of rows. Each row is the newest that was committed, whether the sweep wrote it or it was told.
pub trait Read {
    /// Hands all rows in these states to `each`, in the order of their ids, one by one: memory does not grow with
    /// their number. `each` can end it early.
    ///
    /// # Errors
    /// Returns the error of the file, possibly after some rows.
    fn load(
        &mut self,
        states: &[State],
        each: &mut dyn FnMut(Row) -> ControlFlow<()>,
    ) -> Result<(), StoreError>;

    /// Hands the keys of all rows that play or rest to `each`; the rows are not read.
    ///
    /// # Errors
    /// Returns the error of the file, possibly after some keys.
    fn keys(&mut self, each: &mut dyn FnMut(&str)) -> Result<(), StoreError>;

    /// Hands the number and the key of each row that rests to `each`; the rows are not read.
    ///
    /// # Errors
    /// Returns the error of the file, possibly after some rows.
    fn resting(&mut self, each: &mut dyn FnMut(u64, &str)) -> Result<(), StoreError>;

    /// The row that plays or rests under this key.
    ///
    /// # Errors
    /// Returns the error of the file.
    fn get(&mut self, key: &str) -> Result<Option<Row>, StoreError>;

    /// The row with this number, in whatever state.
    ///
    /// # Errors
    /// Returns the error of the file.
    fn find(&mut self, id: u64) -> Result<Option<Row>, StoreError>;

    /// The rows of a page, in the order of their ids.
    ///
    /// # Errors
    /// Returns the error of the file.
    fn list(&mut self, page: Page) -> Result<Vec<Row>, StoreError>;

    /// The versions in the rows, with the number of rows that need each; bodies are not read. Ended rows need none.
    ///
    /// # Errors
    /// Returns the error of the file.
    fn needs_versions(&mut self) -> Result<Vec<Need>, StoreError>;

    /// The hash of the word of the row with this number.
    ///
    /// # Errors
    /// Returns the error of the file.
    fn word(&mut self, id: u64) -> Result<Option<String>, StoreError>;

    /// Hands the number and the key of each row with a word to `each`.
    ///
    /// # Errors
    /// Returns the error of the file, possibly after some rows.
    fn words(&mut self, each: &mut dyn FnMut(u64, &str)) -> Result<(), StoreError>;
}

/// A store with one writer.
pub trait Store: Read + Send {
    /// Makes all changes in one transaction. When it returns, they are on the disk. Besides, it does a piece of the
    /// upkeep that a sweep has left; without changes it does only that.
    ///
    /// # Errors
    /// Returns the error of the file; then nothing has changed, and the same call may be made again.
    fn commit(&mut self, changes: &[Change]) -> Result<Upkeep, StoreError>;

    /// Counts that the store knows without reading.
    fn stats(&self) -> Stats;
}

/// Whether overtaken rows of the tail, or rows to be forgotten, are left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upkeep {
    /// Nothing is left until the next round.
    Done,
    /// Another commit has to go on with it.
    Left,
}

/// A part of a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// The state of the rows.
    pub state: State,
    /// Only rows with higher ids; 0 for the first page.
    pub after: u64,
    /// The largest number of rows.
    pub limit: usize,
}

/// Rows that need the same versions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Need {
    /// The text of the versions, as in [`Row::versions`].
    pub versions: Arc<str>,
    /// The state of the rows: playing, resting or set aside.
    pub state: State,
    /// The number of such rows.
    pub rows: u64,
}

/// Numbers of rows by their state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rows {
    /// Rows that the next boot starts.
    pub playing: u64,
    /// Rows without processes, whose keys are taken.
    pub resting: u64,
    /// Rows that are over and not forgotten yet.
    pub ended: u64,
    /// Rows with a reason.
    pub set_aside: u64,
}

impl Rows {
    /// The numbers that `count` gives for each state.
    pub(crate) fn counted(count: impl Fn(State) -> u64) -> Rows {
        Rows {
            playing: count(State::Playing),
            resting: count(State::Resting),
            ended: count(State::Ended),
            set_aside: count(State::SetAside),
        }
    }
}

/// Counts of a store.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// The numbers of rows by their state.
    pub rows: Rows,
    /// Told states that no sweep has overtaken, and overtaken ones that are not deleted yet.
    pub tail: u64,
    /// The size of the file with its write-ahead log; 0 in memory.
    pub bytes_on_disk: u64,
    /// The end of the last complete round of the sweep, in milliseconds since 1970, also of an earlier run.
    pub swept_unix_ms: Option<u64>,
}

/// An operation of a store that failed. The text continues "failed to ".
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file is not a store that this program can use.
    #[error("open the saves {}: {reason}", .file.display())]
    Open {
        /// The file that was to be opened.
        file: PathBuf,
        /// The reason, as a sentence.
        reason: Unusable,
    },
    /// Another process, or this one, has opened the file for writing.
    #[error("open the saves {}: process {holder} uses them", .file.display())]
    InUse {
        /// The file that was to be opened.
        file: PathBuf,
        /// The pid of its user, from the lock file; `?` if nothing is there.
        holder: String,
    },
    /// A target that must be new exists.
    #[error("write {}: it exists already, and a backup replaces nothing", .file.display())]
    Exists {
        /// The path of the target.
        file: PathBuf,
    },
    /// A file to be restored is damaged.
    #[error("restore {}: {} things are wrong with it; the first: {}", .file.display(), .findings.len(), .findings[0])]
    Damaged {
        /// The file that was to be restored.
        file: PathBuf,
        /// The result of the check; not empty.
        findings: Vec<String>,
    },
    /// An operation on an open file.
    #[error("{step} the saves {}: {source}", .file.display())]
    Failed {
        /// A verb that continues "failed to ".
        step: &'static str,
        /// The file of the operation.
        file: PathBuf,
        /// The error of the library or of the system.
        source: Box<dyn Error + Send + Sync>,
    },
    /// A file or directory beside the store.
    #[error(transparent)]
    File(#[from] pq_files::durable::WriteError),
}

/// Reasons not to use a file.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// It is no regular file, is not there, or may not be read.
    #[error("{0}")]
    File(io::Error),
    /// It has no bytes. The store itself never leaves such a file.
    #[error("it is empty; if no saves are missing, remove it, and a new one is made")]
    Empty,
    /// Its bytes are something else, or damaged.
    #[error("it is not a SQLite database")]
    NotSqlite,
    /// The application id in its header is another one; 0 for none.
    #[error("it is a SQLite database of another program (application id {0})")]
    Foreign(i32),
    /// A newer program has written it.
    #[error(
        "it has format {found}, and this program knows formats up to {known}: a newer pq can open it"
    )]
    Newer {
        /// The format of the file.
        found: usize,
        /// The newest format that this program knows.
        known: usize,
    },
    /// An older program has written it, and it was to be opened for reading only.
    #[error(
        "it has format {found}, and format {known} is expected: a node migrates it when it starts"
    )]
    Older {
        /// The format of the file.
        found: usize,
        /// The format that this program reads.
        known: usize,
    },
    /// The system has opened it for reading only.
    #[error("this user may not write it")]
    ReadOnly,
    /// Only its write-ahead log is there.
    #[error(
        "it is not there, but its log is: restore a backup, or remove the file that ends in -wal"
    )]
    LogAlone,
    /// SQLite keeps no write-ahead log there.
    #[error("its file system has no memory that processes share, which a write-ahead log needs")]
    NoLog,
    /// The linked library has a bug that loses commits.
    #[error(
        "SQLite {0} is linked, and before 3.51.3 two connections could damage a write-ahead log"
    )]
    OldLibrary(&'static str),
    /// Any other error of SQLite.
    #[error("{0}")]
    Sqlite(Box<dyn Error + Send + Sync>),
}
