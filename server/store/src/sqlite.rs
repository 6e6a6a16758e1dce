//! The store in a file: one SQLite database in WAL mode with one connection that writes.
//!
//! ```text
//! open ─► lock beside the file ─► what is it? ─► make or migrate ─► Database
//! commit(changes) ─► Work: one transaction ─► COMMIT with fsync ─► Known is what the file is
//!                       │ sweep: the row in place, in the order of ids        │ on any failure Known
//!                       │ told:  appended to the tail                         ┘ is as before
//!                       └ upkeep: a piece of the tail that a sweep has overtaken
//! ```
//!
//! `save` has each row once; `tail` has newer bodies of some of them. So every number in the tail is that of a row,
//! and key, name and state are only in the row. `Known` is everything about the file that is kept in memory: the
//! places of the newest told states, the texts of versions, and counts.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use crate::row::Change;
use crate::store::{Stats, Store, StoreError, Upkeep};

pub(crate) mod backup;
pub(crate) mod check;
mod file;
mod known;
mod read;
mod schema;
pub(crate) mod snapshot;
#[cfg(test)]
mod tests;
mod trim;
mod work;

use file::Lock;
use known::Known;
use read::{Readable, Reading};

/// The pages of the write-ahead log after which a commit copies them into the file: 32 MiB. More pages make the copy
/// rarer and the stall of that commit longer.
pub const CHECKPOINT_PAGES: u32 = 8000;

/// An open store, locked for this value.
#[derive(Debug)]
pub struct Database {
    connection: Connection,
    known: Known,
    file: PathBuf,
    /// Held until the connection is closed: fields are dropped in the order in which they stand here.
    _lock: Lock,
}

impl Database {
    /// Opens the store, or makes it; missing directories are made. A file of an older format is migrated.
    ///
    /// # Errors
    /// Returns the reason for which the file cannot be used; then it is unchanged.
    pub fn open(file: &Path) -> Result<Database, StoreError> {
        Database::open_with(file, CHECKPOINT_PAGES)
    }

    /// Does the same with another number of pages in the write-ahead log ([`CHECKPOINT_PAGES`]).
    ///
    /// # Errors
    /// See [`Database::open`].
    pub fn open_with(file: &Path, checkpoint_pages: u32) -> Result<Database, StoreError> {
        let file = &file::resolved(file);
        let lock = Lock::take(file)?;
        let connection = file::connect(file, checkpoint_pages)?;
        let known = Known::read(&connection).map_err(failed("read", file))?;
        Ok(Database {
            connection,
            known,
            file: file.to_owned(),
            _lock: lock,
        })
    }

    /// The seed of random numbers that belong to the saves. It stays for the life of the file; a file without one gets
    /// `fresh`.
    ///
    /// # Errors
    /// Returns the error of the file.
    pub fn seed(&mut self, fresh: u64) -> Result<u64, StoreError> {
        let connection = &self.connection;
        let add = "INSERT OR IGNORE INTO meta (key, value) VALUES ('seed', ?1)";
        let get = "SELECT value FROM meta WHERE key = 'seed'";
        let seed = connection
            .execute(add, [fresh.cast_signed()])
            .and_then(|_| connection.query_row(get, (), |record| record.get(0)));
        let seed: i64 = seed.map_err(failed("write", &self.file))?;
        Ok(seed.cast_unsigned())
    }

    /// Reserves `count` numbers for ids and states of rows, and returns the first of them: at least `first`, and above all that
    /// the file has and all that were reserved before, also if the clock was set back.
    ///
    /// # Errors
    /// Returns the error of the file.
    pub fn reserve_numbers(&mut self, first: u64, count: u64) -> Result<u64, StoreError> {
        let reserved = reserve_numbers(&self.connection, first, count);
        reserved.map_err(failed("write", &self.file))
    }

    fn transact(&mut self, changes: &[Change]) -> rusqlite::Result<()> {
        let behavior = TransactionBehavior::Immediate;
        let transaction = self.connection.transaction_with_behavior(behavior)?;
        let mut work = work::Work {
            connection: &transaction,
            known: &mut self.known,
        };
        for change in changes {
            work.apply(change)?;
        }
        work.trim()?;
        transaction.commit()
    }
}

impl Readable for Database {
    fn reading(&self) -> Reading<'_> {
        Reading {
            connection: &self.connection,
            known: &self.known,
            file: &self.file,
        }
    }
}

impl Store for Database {
    fn commit(&mut self, changes: &[Change]) -> Result<Upkeep, StoreError> {
        self.known.begin();
        match self.transact(changes) {
            Ok(()) => self.known.keep(),
            Err(error) => {
                self.known.undo();
                return Err(failed("write", &self.file)(error));
            }
        }
        Ok(match self.known.job {
            Some(_) => Upkeep::Left,
            None => Upkeep::Done,
        })
    }

    fn stats(&self) -> Stats {
        Stats {
            bytes_on_disk: file::bytes_on_disk(&self.file),
            ..self.known.stats()
        }
    }
}

fn reserve_numbers(connection: &Connection, first: u64, count: u64) -> rusqlite::Result<u64> {
    let get = "SELECT value FROM meta WHERE key = 'numbers'";
    let reserved = connection.query_row(get, (), |record| record.get(0));
    let reserved: i64 = match reserved.optional()? {
        Some(end) => end,
        // A file from before the first reservation: its numbers are looked through once.
        None => {
            let highest = "SELECT max(coalesce((SELECT max(max(id, seq)) FROM save), 0),
                coalesce((SELECT max(max(id, seq)) FROM tail), 0))";
            connection.query_row(highest, (), |record| record.get(0))?
        }
    };
    let first = first.max(reserved.cast_unsigned() + 1);
    let set = "INSERT INTO meta (key, value) VALUES ('numbers', ?1)
        ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    connection.execute(set, [(first + count).cast_signed()])?;
    Ok(first)
}

/// Makes the error of this operation on this file.
fn failed(step: &'static str, file: &Path) -> impl FnOnce(rusqlite::Error) -> StoreError {
    let file = file.to_owned();
    move |source| StoreError::Failed {
        step,
        file,
        source: source.into(),
    }
}
