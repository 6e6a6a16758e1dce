//! Everything about the file that is kept in memory: the places of newer bodies in the tail, the texts of versions,
//! and counts. A transaction changes it as it goes, and `undo` takes the changes back when the transaction fails.

use std::collections::{BTreeMap, HashMap};
use std::mem::take;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension};

use crate::row::State;
use crate::store::{Rows, Stats};

/// The key in `meta` for the end of the last round of the sweep.
const SWEPT: &str = "swept_unix_ms";

/// The number of a removed row in the column `state`: it keeps its id from being used until its states have left the
/// tail. No reader sees it.
pub(super) const REMOVED: i64 = 4;

/// The number of a state in the column `state`.
pub(super) fn number(state: State) -> i64 {
    match state {
        State::Playing => 0,
        State::Resting => 1,
        State::Ended => 2,
        State::SetAside => 3,
    }
}

/// The state of a number in the column `state`; `None` for a removed row.
pub(super) fn state(number: i64) -> Option<State> {
    State::ALL
        .into_iter()
        .find(|state| self::number(*state) == number)
}

/// The newest state of a row in the tail, which is newer than the row itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Newest {
    pub(super) place: i64,
    pub(super) seq: u64,
    pub(super) versions: i64,
}

/// A round of the sweep that has begun.
#[derive(Debug, Clone)]
pub(super) struct Round {
    /// The end of the tail at the beginning of the round.
    pub(super) up_to: i64,
    /// Rows that are forgotten after the round.
    pub(super) forget: Arc<[i64]>,
}

/// Upkeep after a round: a walk through the tail, and rows to be forgotten behind it.
#[derive(Debug, Clone)]
pub(super) struct Job {
    /// The place up to which the walk has come.
    pub(super) after: i64,
    /// The last place of the walk.
    pub(super) up_to: i64,
    pub(super) forget: Arc<[i64]>,
    /// The number of rows in `forget` that are gone.
    pub(super) forgotten: usize,
}

/// Numbers that are cheap to copy before a transaction.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    /// Rows by the number of their state.
    rows: [u64; 5],
    tail: u64,
    /// The last place that was used in the tail.
    place: i64,
    swept_unix_ms: Option<u64>,
}

/// See the top of the file.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// By the id of the row.
    newest: BTreeMap<u64, Newest>,
    versions: HashMap<Arc<str>, i64>,
    texts: HashMap<i64, Arc<str>>,
    counts: Counts,
    pub(super) round: Option<Round>,
    pub(super) job: Option<Job>,
    before: Before,
}

/// What a failing transaction has to restore.
#[derive(Debug, Default)]
struct Before {
    newest: Vec<(u64, Option<Newest>)>,
    versions: Vec<i64>,
    counts: Counts,
    round: Option<Round>,
    job: Option<Job>,
}

impl Known {
    /// Reads it from a file, for which the whole tail is looked through once.
    pub(super) fn read(connection: &Connection) -> rusqlite::Result<Known> {
        let mut known = Known::default();
        known.read_versions(connection)?;
        known.read_counts(connection)?;
        known.read_tail(connection)?;
        known.drop_overtaken(connection)?;
        known.keep();
        Ok(known)
    }

    fn read_versions(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let mut statement = connection.prepare("SELECT number, text FROM versions")?;
        let mut records = statement.query(())?;
        while let Some(record) = records.next()? {
            self.add_versions(record.get(0)?, record.get::<_, String>(1)?.into());
        }
        Ok(())
    }

    fn read_counts(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let mut statement =
            connection.prepare("SELECT state, count(*) FROM save GROUP BY state")?;
        let mut records = statement.query(())?;
        while let Some(record) = records.next()? {
            let count: i64 = record.get(1)?;
            *self.rows(record.get(0)?) = count.cast_unsigned();
        }
        let swept = "SELECT value FROM meta WHERE key = ?1";
        let swept: Option<i64> = connection
            .query_row(swept, [SWEPT], |record| record.get(0))
            .optional()?;
        self.counts.swept_unix_ms = swept.map(i64::cast_unsigned);
        Ok(())
    }

    fn read_tail(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let mut statement =
            connection.prepare("SELECT place, id, seq, versions FROM tail ORDER BY place")?;
        let mut records = statement.query(())?;
        while let Some(record) = records.next()? {
            let id: i64 = record.get(1)?;
            let seq: i64 = record.get(2)?;
            let told = Newest {
                place: record.get(0)?,
                seq: seq.cast_unsigned(),
                versions: record.get(3)?,
            };
            self.counts.place = told.place;
            self.counts.tail += 1;
            if self
                .seq(id.cast_unsigned())
                .is_none_or(|seq| seq < told.seq)
            {
                self.newest.insert(id.cast_unsigned(), told);
            }
        }
        Ok(())
    }

    /// Forgets the told states that are not newer than their rows.
    fn drop_overtaken(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let mut saved =
            connection.prepare("SELECT seq FROM save WHERE id = ?1 AND state NOT IN (2, 4)")?;
        let mut overtaken = Vec::new();
        for (id, newest) in &self.newest {
            let seq: Option<i64> = saved
                .query_row([id.cast_signed()], |record| record.get(0))
                .optional()?;
            if seq.is_none_or(|seq| seq.cast_unsigned() >= newest.seq) {
                overtaken.push(*id);
            }
        }
        for id in overtaken {
            self.newest.remove(&id);
        }
        Ok(())
    }

    /// Notes what `undo` needs, before a transaction begins.
    pub(super) fn begin(&mut self) {
        self.before = Before {
            counts: self.counts,
            round: self.round.clone(),
            job: self.job.clone(),
            ..Before::default()
        };
    }

    /// The transaction is on the disk.
    pub(super) fn keep(&mut self) {
        self.before = Before::default();
    }

    /// The transaction has failed, and the file is as before.
    pub(super) fn undo(&mut self) {
        let before = take(&mut self.before);
        for (id, newest) in before.newest.into_iter().rev() {
            match newest {
                Some(newest) => self.newest.insert(id, newest),
                None => self.newest.remove(&id),
            };
        }
        for number in before.versions {
            let text = self.texts.remove(&number);
            text.map(|text| self.versions.remove(&text));
        }
        (self.counts, self.round, self.job) = (before.counts, before.round, before.job);
    }

    /// The place of the newest state, if that is in the tail.
    pub(super) fn newest(&self, id: u64) -> Option<Newest> {
        self.newest.get(&id).copied()
    }

    /// All newest states in the tail, in the order of ids.
    pub(super) fn all_newest(&self) -> impl Iterator<Item = (u64, Newest)> + '_ {
        self.newest.iter().map(|(id, newest)| (*id, *newest))
    }

    /// The `seq` of the newest state, if that is in the tail.
    pub(super) fn seq(&self, id: u64) -> Option<u64> {
        self.newest.get(&id).map(|newest| newest.seq)
    }

    /// The place for the next state at the end of the tail, which is the newest of its row from now on.
    pub(super) fn tell(&mut self, id: u64, seq: u64, versions: i64) -> i64 {
        self.counts.place += 1;
        self.counts.tail += 1;
        let place = self.counts.place;
        let told = Newest {
            place,
            seq,
            versions,
        };
        let old = self.newest.insert(id, told);
        self.before.newest.push((id, old));
        place
    }

    /// The row itself has its newest state.
    pub(super) fn overtake(&mut self, id: u64) {
        if let Some(old) = self.newest.remove(&id) {
            self.before.newest.push((id, Some(old)));
        }
    }

    /// The last place that was used in the tail.
    pub(super) fn place(&self) -> i64 {
        self.counts.place
    }

    /// So many states have left the tail.
    pub(super) fn trimmed(&mut self, states: u64) {
        self.counts.tail -= states;
    }

    /// The number of rows whose state has this number.
    pub(super) fn rows(&mut self, state: i64) -> &mut u64 {
        let last = self.counts.rows.len() - 1;
        &mut self.counts.rows[usize::try_from(state).map_or(last, |state| state.min(last))]
    }

    /// A row has changed its state.
    pub(super) fn moved(&mut self, from: i64, to: i64) {
        *self.rows(from) -= 1;
        *self.rows(to) += 1;
    }

    /// The number of a text of versions.
    pub(super) fn versions(&self, text: &str) -> Option<i64> {
        self.versions.get(text).copied()
    }

    /// The text of a number.
    pub(super) fn text(&self, number: i64) -> Option<&Arc<str>> {
        self.texts.get(&number)
    }

    /// A text of versions has got a number.
    pub(super) fn add_versions(&mut self, number: i64, text: Arc<str>) {
        self.versions.insert(text.clone(), number);
        self.texts.insert(number, text);
        self.before.versions.push(number);
    }

    /// Notes the end of a round, also in the file.
    pub(super) fn swept(&mut self, connection: &Connection, unix_ms: u64) -> rusqlite::Result<()> {
        let sql = "INSERT INTO meta (key, value) VALUES (?1, ?2)
            ON CONFLICT (key) DO UPDATE SET value = excluded.value";
        connection
            .prepare_cached(sql)?
            .execute((SWEPT, unix_ms.cast_signed()))?;
        self.counts.swept_unix_ms = Some(unix_ms);
        Ok(())
    }

    /// The counts; the size of the file is not known here.
    pub(super) fn stats(&self) -> Stats {
        let count = |state| self.counts.rows[number(state) as usize];
        Stats {
            rows: Rows::counted(count),
            tail: self.counts.tail,
            bytes_on_disk: 0,
            swept_unix_ms: self.counts.swept_unix_ms,
        }
    }
}
