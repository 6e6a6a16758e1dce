//! The tables of the file, the number of its format, and the settings of a connection.

use rusqlite::{Connection, Transaction};

/// The application id in the header of each store: `pqSV`. A file with another one is not ours.
pub(super) const APPLICATION_ID: i32 = 0x7071_5356;

/// The oldest version of SQLite without the bug of the reset of a write-ahead log, by which two connections could
/// damage it (<https://sqlite.org/wal.html#walresetbug>).
pub(super) const LIBRARY_MIN: i32 = 3_051_003;

/// The steps from each format to the next; a new file takes all of them. A step never changes once a release had it.
pub(super) const STEPS: &[&str] = &[FORMAT_1, FORMAT_2];

/// `save` is written in the order of `id` by the sweep. Its indexes do not contain what a sweep changes (`seq`, `body`)
/// except for ended rows, so a sweep touches only the table. States are those of `known::number`.
///
/// `tail` is written at its end and deleted from its beginning. It has no index: `Known` has the places of its rows.
const FORMAT_1: &str = "
    CREATE TABLE save (
        id       INTEGER PRIMARY KEY CHECK (id >= 0),
        seq      INTEGER NOT NULL,
        state    INTEGER NOT NULL CHECK (state BETWEEN 0 AND 4),
        versions INTEGER NOT NULL,
        changed  INTEGER NOT NULL,
        key      TEXT NOT NULL,
        name     TEXT NOT NULL,
        why      TEXT,
        body     BLOB NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX save_key ON save (key) WHERE state < 2;
    CREATE INDEX save_state ON save (state);
    CREATE INDEX save_versions ON save (versions, state);
    CREATE INDEX save_ended ON save (changed) WHERE state = 2;
    CREATE TABLE tail (
        place    INTEGER PRIMARY KEY,
        id       INTEGER NOT NULL,
        seq      INTEGER NOT NULL,
        versions INTEGER NOT NULL,
        changed  INTEGER NOT NULL,
        body     BLOB NOT NULL
    ) STRICT;
    CREATE TABLE versions (number INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;
    CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
";

/// The words of players. A table of its own, because a word changes seldom and the sweep writes `save` all the time.
const FORMAT_2: &str = "
    CREATE TABLE word (id INTEGER PRIMARY KEY, hash TEXT NOT NULL) STRICT;
";

/// Takes a file from the format `from` to the newest, in one transaction. 0 is a file without tables.
pub(super) fn migrate(
    connection: &mut Connection,
    from: usize,
    steps: &[&str],
) -> rusqlite::Result<()> {
    if from >= steps.len() {
        return Ok(());
    }
    let transaction = connection.transaction()?;
    for step in &steps[from..] {
        transaction.execute_batch(step)?;
    }
    write_header(&transaction, steps.len())?;
    transaction.commit()
}

fn write_header(transaction: &Transaction<'_>, format: usize) -> rusqlite::Result<()> {
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", format as i64)
}

/// The settings of the connection that writes.
///
/// A commit is on the disk when it returns (`synchronous`). The cache holds the indexes of a million rows for the first
/// sweep, in which they grow; it takes only the memory that it uses, at most 32 MiB. A log that grew during a backup
/// is cut to 64 MiB. A damaged page is an error rather than a wrong answer (`cell_size_check`).
pub(super) fn configure(
    connection: &Connection,
    checkpoint_pages: u32,
) -> rusqlite::Result<String> {
    let mode = connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "wal_autocheckpoint", checkpoint_pages)?;
    connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
    connection.pragma_update(None, "cache_size", -(32 << 10))?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(mode)
}
