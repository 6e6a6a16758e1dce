//! A store for reading only, at one moment: for questions while a node writes, and for checks.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::known::Known;
use super::read::Reading;
use super::{failed, file};
use crate::row::{Row, State};
use crate::store::{Need, Page, Read, StoreError};

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

    fn reading(&self) -> Reading<'_> {
        Reading {
            connection: &self.connection,
            known: &self.known,
        }
    }
}

impl Read for Snapshot {
    fn load(
        &mut self,
        states: &[State],
        each: &mut dyn FnMut(Row) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let loaded = self.reading().load(states, each);
        loaded.map_err(failed("read", &self.file))
    }

    fn get(&mut self, key: &str) -> Result<Option<Row>, StoreError> {
        self.reading().get(key).map_err(failed("read", &self.file))
    }

    fn list(&mut self, page: Page) -> Result<Vec<Row>, StoreError> {
        self.reading()
            .list(page)
            .map_err(failed("read", &self.file))
    }

    fn needs_versions(&mut self) -> Result<Vec<Need>, StoreError> {
        self.reading().needs().map_err(failed("read", &self.file))
    }
}
