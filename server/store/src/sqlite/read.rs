//! Reading of rows: `save` in the order that is asked for, and over each row its newer body in the tail.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row as Record};

use super::failed;
use super::known::{Known, Newest, REMOVED, number, state};
use crate::row::{Row, State};
use crate::store::{Need, Page, Read, StoreError};

/// A connection, and the knowledge that fits its file.
pub(super) struct Reading<'a> {
    pub(super) connection: &'a Connection,
    pub(super) known: &'a Known,
    /// The path of the file, for errors.
    pub(super) file: &'a Path,
}

/// A file that is open.
pub(super) trait Readable {
    fn reading(&self) -> Reading<'_>;
}

impl<T: Readable> Read for T {
    fn load(
        &mut self,
        states: &[State],
        each: &mut dyn FnMut(Row) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let reading = self.reading();
        let loaded = reading.load(states, each);
        loaded.map_err(failed("read", reading.file))
    }

    fn keys(&mut self, each: &mut dyn FnMut(&str)) -> Result<(), StoreError> {
        let reading = self.reading();
        let read = reading.keys(each);
        read.map_err(failed("read", reading.file))
    }

    fn resting(&mut self, each: &mut dyn FnMut(u64, &str)) -> Result<(), StoreError> {
        let reading = self.reading();
        let read = reading.names("state = 1", each);
        read.map_err(failed("read", reading.file))
    }

    fn get(&mut self, key: &str) -> Result<Option<Row>, StoreError> {
        let reading = self.reading();
        reading.get(key).map_err(failed("read", reading.file))
    }

    fn find(&mut self, id: u64) -> Result<Option<Row>, StoreError> {
        let reading = self.reading();
        reading.find(id).map_err(failed("read", reading.file))
    }

    fn list(&mut self, page: Page) -> Result<Vec<Row>, StoreError> {
        let reading = self.reading();
        reading.list(page).map_err(failed("read", reading.file))
    }

    fn needs_versions(&mut self) -> Result<Vec<Need>, StoreError> {
        let reading = self.reading();
        reading.needs().map_err(failed("read", reading.file))
    }

    fn word(&mut self, id: u64) -> Result<Option<String>, StoreError> {
        let reading = self.reading();
        reading.word(id).map_err(failed("read", reading.file))
    }

    fn words(&mut self, each: &mut dyn FnMut(u64, &str)) -> Result<(), StoreError> {
        let reading = self.reading();
        let read = reading.names("id IN (SELECT id FROM word)", each);
        read.map_err(failed("read", reading.file))
    }
}

/// The columns of `save`, in the order in which `row_of` reads them; the body is last.
const COLUMNS: &str = "id, seq, state, versions, changed, key, name, why, body";

impl Reading<'_> {
    pub(super) fn load(
        &self,
        states: &[State],
        each: &mut dyn FnMut(Row) -> ControlFlow<()>,
    ) -> rusqlite::Result<()> {
        let sql = format!("SELECT {COLUMNS} FROM save ORDER BY id");
        let mut statement = self.connection.prepare(&sql)?;
        let mut records = statement.query(())?;
        while let Some(record) = records.next()? {
            let is_wanted = state(record.get(2)?).is_some_and(|state| states.contains(&state));
            if is_wanted && each(self.row_of(record)?).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Everything that is read is in the index of keys.
    fn keys(&self, each: &mut dyn FnMut(&str)) -> rusqlite::Result<()> {
        let sql = "SELECT key FROM save INDEXED BY save_key WHERE state < 2";
        let mut statement = self.connection.prepare(sql)?;
        let mut records = statement.query(())?;
        while let Some(record) = records.next()? {
            each(record.get_ref(0)?.as_str()?);
        }
        Ok(())
    }

    pub(super) fn get(&self, key: &str) -> rusqlite::Result<Option<Row>> {
        let sql = format!("SELECT {COLUMNS} FROM save WHERE key = ?1 AND state < 2");
        let mut statement = self.connection.prepare(&sql)?;
        statement
            .query_row([key], |record| self.row_of(record))
            .optional()
    }

    pub(super) fn find(&self, id: u64) -> rusqlite::Result<Option<Row>> {
        let sql = format!("SELECT {COLUMNS} FROM save WHERE id = ?1 AND state <> {REMOVED}");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let id = i64::try_from(id).unwrap_or(i64::MAX);
        statement
            .query_row([id], |record| self.row_of(record))
            .optional()
    }

    pub(super) fn list(&self, page: Page) -> rusqlite::Result<Vec<Row>> {
        let sql =
            format!("SELECT {COLUMNS} FROM save WHERE state = ?1 AND id > ?2 ORDER BY id LIMIT ?3");
        let mut statement = self.connection.prepare(&sql)?;
        let after = i64::try_from(page.after).unwrap_or(i64::MAX);
        let limit = i64::try_from(page.limit).unwrap_or(i64::MAX);
        let wanted = (number(page.state), after, limit);
        let rows = statement.query_map(wanted, |record| self.row_of(record))?;
        rows.collect()
    }

    /// Counts rows in the index of versions, and then moves each row with a newer body to the versions of that body.
    pub(super) fn needs(&self) -> rusqlite::Result<Vec<Need>> {
        let mut counts = BTreeMap::new();
        let sql =
            "SELECT versions, state, count(*) FROM save WHERE state NOT IN (2, 4) GROUP BY 1, 2";
        let mut statement = self.connection.prepare(sql)?;
        let mut records = statement.query(())?;
        while let Some(record) = records.next()? {
            let count: i64 = record.get(2)?;
            counts.insert((record.get(0)?, record.get(1)?), count);
        }
        self.count_told(&mut counts)?;
        let counts = counts.into_iter().filter(|(_, rows)| *rows > 0);
        let needs = counts.map(|((versions, state), rows)| self.need(versions, state, rows));
        let mut needs = needs.collect::<rusqlite::Result<Vec<_>>>()?;
        needs.sort();
        Ok(needs)
    }

    fn count_told(&self, counts: &mut BTreeMap<(i64, i64), i64>) -> rusqlite::Result<()> {
        let sql = "SELECT versions, state FROM save WHERE id = ?1";
        let mut saved = self.connection.prepare(sql)?;
        for (id, newest) in self.known.all_newest() {
            let (versions, state): (i64, i64) = saved.query_row([id.cast_signed()], |record| {
                Ok((record.get(0)?, record.get(1)?))
            })?;
            *counts.entry((versions, state)).or_default() -= 1;
            *counts.entry((newest.versions, state)).or_default() += 1;
        }
        Ok(())
    }

    fn need(&self, versions: i64, number: i64, rows: i64) -> rusqlite::Result<Need> {
        Ok(Need {
            versions: self.text(versions)?,
            state: known_state(number)?,
            rows: rows.cast_unsigned(),
        })
    }

    fn word(&self, id: u64) -> rusqlite::Result<Option<String>> {
        let sql = "SELECT hash FROM word WHERE id = ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let id = i64::try_from(id).unwrap_or(i64::MAX);
        statement.query_row([id], |record| record.get(0)).optional()
    }

    /// The numbers and keys of the rows with this condition; their bodies are not read.
    fn names(&self, condition: &str, each: &mut dyn FnMut(u64, &str)) -> rusqlite::Result<()> {
        let sql = format!("SELECT id, key FROM save WHERE {condition}");
        let mut statement = self.connection.prepare(&sql)?;
        let mut records = statement.query(())?;
        while let Some(record) = records.next()? {
            each(unsigned(record, 0)?, record.get_ref(1)?.as_str()?);
        }
        Ok(())
    }

    /// The row of a record of `save`, with its newest body.
    fn row_of(&self, record: &Record<'_>) -> rusqlite::Result<Row> {
        let id = unsigned(record, 0)?;
        let row = Row {
            id,
            key: record.get(5)?,
            name: record.get(6)?,
            state: known_state(record.get(2)?)?,
            versions: self.text(record.get(3)?)?,
            seq: unsigned(record, 1)?,
            body: Vec::new(),
            why: record.get(7)?,
            changed_unix_ms: unsigned(record, 4)?,
        };
        match self.known.newest(id) {
            Some(newest) => self.told(row, newest),
            None => Ok(Row {
                body: record.get(8)?,
                ..row
            }),
        }
    }

    /// The row with its newest state from the tail.
    fn told(&self, row: Row, newest: Newest) -> rusqlite::Result<Row> {
        let sql = "SELECT changed, body FROM tail WHERE place = ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let versions = self.text(newest.versions)?;
        statement.query_row([newest.place], |record| {
            Ok(Row {
                seq: newest.seq,
                versions,
                changed_unix_ms: unsigned(record, 0)?,
                body: record.get(1)?,
                ..row
            })
        })
    }

    fn text(&self, versions: i64) -> rusqlite::Result<Arc<str>> {
        let text = self.known.text(versions).cloned();
        text.ok_or(rusqlite::Error::IntegralValueOutOfRange(3, versions))
    }
}

fn known_state(number: i64) -> rusqlite::Result<State> {
    state(number).ok_or(rusqlite::Error::IntegralValueOutOfRange(2, number))
}

fn unsigned(record: &Record<'_>, column: usize) -> rusqlite::Result<u64> {
    record.get::<_, i64>(column).map(i64::cast_unsigned)
}
