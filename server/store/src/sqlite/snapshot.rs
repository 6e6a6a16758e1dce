//! A store for reading only, at one moment: for questions while a node writes, and for checks.

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::known::Known;
use super::read::{Readable, Reading};
use super::{failed, file};
use crate::store::StoreError;

/// What the store was when the snapshot was opened. While it is open, the write-ahead log of the writer only grows.
#[derive(Debug)]
pub struct Snapshot {
    connection: Connection,
    known: Known,
    file: PathBuf,
}

impl Snapshot {
    /// Opens the store as it is now. A writer is neither needed nor disturbed.
    ///
    /// # Errors
    /// Returns the reason for which the file cannot be used; also that its format is an older one.
    pub fn open(file: &Path) -> Result<Snapshot, StoreError> {
        let connection = file::connect_readonly(file)?;
        let known = connection
            .execute_batch("BEGIN")
            .and_then(|()| Known::read(&connection))
            .map_err(failed("read", file))?;
        Ok(Snapshot {
            connection,
            known,
            file: file.to_owned(),
        })
    }
}

impl Readable for Snapshot {
    fn reading(&self) -> Reading<'_> {
        Reading {
            connection: &self.connection,
            known: &self.known,
            file: &self.file,
        }
    }
}
