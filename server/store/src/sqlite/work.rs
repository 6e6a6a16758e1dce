//! The changes of one transaction. `row.rs` says what each of them means.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, params};

use super::known::{Known, REMOVED, number};
use crate::row::{Change, Mark, Row, State, settled};

/// A transaction that is open, and the knowledge that it changes.
pub(super) struct Work<'a> {
    pub(super) connection: &'a Connection,
    pub(super) known: &'a mut Known,
}

/// The columns of a row that decide what a change may do.
struct Head {
    seq: u64,
    state: i64,
    key: String,
}

impl Head {
    /// Whether later changes of the row are ignored.
    fn is_final(&self) -> bool {
        [number(State::Ended), REMOVED].contains(&self.state)
    }
}

impl Work<'_> {
    pub(super) fn apply(&mut self, change: &Change) -> rusqlite::Result<()> {
        match change {
            Change::Sweep(row) => self.sweep(row),
            Change::Tell(row) => self.tell(row),
            Change::Mark(mark) => self.mark(mark),
            Change::Word { id, hash } => self.word(*id, hash.as_deref()),
            Change::Remove { id } => self.remove(*id),
            Change::SweepBegins {
                forget_before_unix_ms,
            } => self.begin_round(*forget_before_unix_ms),
            Change::SweepEnds { unix_ms } => self.end_round(*unix_ms),
        }
    }

    fn sweep(&mut self, row: &Row) -> rusqlite::Result<()> {
        if self.known.seq(row.id).is_some_and(|told| told > row.seq) {
            return Ok(());
        }
        let versions = self.versions(&row.versions)?;
        if row.state.holds_key() && self.refresh(row, versions)? {
            self.known.overtake(row.id);
            return Ok(());
        }
        self.place(row, versions)
    }

    fn tell(&mut self, row: &Row) -> rusqlite::Result<()> {
        let versions = self.versions(&row.versions)?;
        let Some(saved) = self.seq_of_same(row)? else {
            return self.place(row, versions);
        };
        let newest = self.known.seq(row.id).unwrap_or(saved).max(saved);
        match newest < row.seq {
            true => self.append(row, versions),
            false => Ok(()),
        }
    }

    /// Replaces the body of a row in which nothing else has changed: this touches no index. Returns false, and does
    /// nothing, if the row is another one or newer.
    fn refresh(&mut self, row: &Row, versions: i64) -> rusqlite::Result<bool> {
        let sql = "UPDATE save SET seq = ?1, changed = ?2, body = ?3
            WHERE id = ?4 AND seq <= ?1 AND state = ?5 AND versions = ?6 AND key = ?7 AND name = ?8";
        let changed = self.connection.prepare_cached(sql)?.execute(params![
            row.seq.cast_signed(),
            row.changed_unix_ms.cast_signed(),
            row.body,
            row.id.cast_signed(),
            number(row.state),
            versions,
            row.key,
            row.name,
        ])?;
        Ok(changed == 1)
    }

    /// The `seq` of the row in `save`, if it holds its key and the given state differs only in its body.
    fn seq_of_same(&self, row: &Row) -> rusqlite::Result<Option<u64>> {
        let sql = "SELECT seq FROM save
            WHERE id = ?1 AND state = ?2 AND state < 2 AND key = ?3 AND name = ?4";
        let same = params![row.id.cast_signed(), number(row.state), row.key, row.name];
        let mut statement = self.connection.prepare_cached(sql)?;
        let seq: Option<i64> = statement
            .query_row(same, |record| record.get(0))
            .optional()?;
        Ok(seq.map(i64::cast_unsigned))
    }

    fn append(&mut self, row: &Row, versions: i64) -> rusqlite::Result<()> {
        let place = self.known.tell(row.id, row.seq, versions);
        let sql = "INSERT INTO tail (place, id, seq, versions, changed, body)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        self.connection.prepare_cached(sql)?.execute(params![
            place,
            row.id.cast_signed(),
            row.seq.cast_signed(),
            versions,
            row.changed_unix_ms.cast_signed(),
            row.body,
        ])?;
        Ok(())
    }

    /// Puts the state of a row into `save`, with whatever of it has changed.
    fn place(&mut self, row: &Row, versions: i64) -> rusqlite::Result<()> {
        let head = self.head(row.id)?;
        let is_stale = |head: &Head| {
            let newest = self.known.seq(row.id).unwrap_or(0).max(head.seq);
            head.is_final() || newest > row.seq
        };
        if head.as_ref().is_some_and(is_stale) {
            return Ok(());
        }
        let (state, why) = self.settle(row.state, row.why.as_deref(), &row.key, row.id)?;
        match head {
            Some(head) => self.known.moved(head.state, number(state)),
            None => *self.known.rows(number(state)) += 1,
        }
        self.known.overtake(row.id);
        if state == State::Ended {
            self.forget_word(row.id)?;
        }
        self.write(row, versions, state, why)
    }

    fn write(
        &mut self,
        row: &Row,
        versions: i64,
        state: State,
        why: Option<String>,
    ) -> rusqlite::Result<()> {
        let sql = "INSERT INTO save (id, seq, state, versions, changed, key, name, why, body)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
            ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, state = excluded.state,
                versions = excluded.versions, changed = excluded.changed, key = excluded.key,
                name = excluded.name, why = excluded.why, body = excluded.body";
        self.connection.prepare_cached(sql)?.execute(params![
            row.id.cast_signed(),
            row.seq.cast_signed(),
            number(state),
            versions,
            row.changed_unix_ms.cast_signed(),
            row.key,
            row.name,
            why,
            row.body,
        ])?;
        Ok(())
    }

    fn mark(&mut self, mark: &Mark) -> rusqlite::Result<()> {
        let Some(head) = self.head(mark.id)?.filter(|head| !head.is_final()) else {
            return Ok(());
        };
        let (state, why) = self.settle(mark.state, mark.why.as_deref(), &head.key, mark.id)?;
        self.fold(mark.id)?;
        let sql = "UPDATE save SET state = ?1, why = ?2, changed = ?3 WHERE id = ?4";
        let (changed, id) = (mark.unix_ms.cast_signed(), mark.id.cast_signed());
        let mut statement = self.connection.prepare_cached(sql)?;
        statement.execute((number(state), why, changed, id))?;
        self.known.moved(head.state, number(state));
        match state {
            State::Ended => self.forget_word(mark.id),
            _ => Ok(()),
        }
    }

    /// Keeps the hash of a word, or removes it.
    fn word(&mut self, id: u64, hash: Option<&str>) -> rusqlite::Result<()> {
        let is_final = self.head(id)?.is_some_and(|head| head.is_final());
        let Some(hash) = hash.filter(|_| !is_final) else {
            return self.forget_word(id);
        };
        let sql = "INSERT INTO word (id, hash) VALUES (?1, ?2)
            ON CONFLICT (id) DO UPDATE SET hash = excluded.hash";
        let mut statement = self.connection.prepare_cached(sql)?;
        statement.execute((id.cast_signed(), hash))?;
        Ok(())
    }

    fn forget_word(&self, id: u64) -> rusqlite::Result<()> {
        let mut statement = self
            .connection
            .prepare_cached("DELETE FROM word WHERE id = ?1")?;
        statement.execute([id.cast_signed()])?;
        Ok(())
    }

    /// Takes a newer body from the tail into the row.
    fn fold(&mut self, id: u64) -> rusqlite::Result<()> {
        let Some(newest) = self.known.newest(id) else {
            return Ok(());
        };
        let sql = "UPDATE save SET (seq, versions, body) =
            (SELECT seq, versions, body FROM tail WHERE place = ?1) WHERE id = ?2";
        let mut statement = self.connection.prepare_cached(sql)?;
        statement.execute((newest.place, id.cast_signed()))?;
        self.known.overtake(id);
        Ok(())
    }

    /// Empties the row. Its number stays until its states have left the tail: otherwise they would be those of a row
    /// that does not exist.
    fn remove(&mut self, id: u64) -> rusqlite::Result<()> {
        let Some(head) = self.head(id)?.filter(|head| head.state != REMOVED) else {
            return Ok(());
        };
        let sql =
            "UPDATE save SET state = ?1, changed = 0, key = '', name = '', why = NULL, body = x''
            WHERE id = ?2";
        let mut statement = self.connection.prepare_cached(sql)?;
        statement.execute((REMOVED, id.cast_signed()))?;
        self.known.moved(head.state, REMOVED);
        self.known.overtake(id);
        self.forget_word(id)
    }

    fn head(&self, id: u64) -> rusqlite::Result<Option<Head>> {
        let sql = "SELECT seq, state, key FROM save WHERE id = ?1";
        let head = |record: &rusqlite::Row<'_>| {
            let seq: i64 = record.get(0)?;
            Ok(Head {
                seq: seq.cast_unsigned(),
                state: record.get(1)?,
                key: record.get(2)?,
            })
        };
        let mut statement = self.connection.prepare_cached(sql)?;
        statement.query_row([id.cast_signed()], head).optional()
    }

    /// The state in which a row is stored: it is set aside if another row holds its key.
    fn settle(
        &self,
        wanted: State,
        why: Option<&str>,
        key: &str,
        id: u64,
    ) -> rusqlite::Result<(State, Option<String>)> {
        let holder = match wanted.holds_key() {
            true => self.holder(key, id)?,
            false => None,
        };
        Ok(settled(wanted, why, key, holder))
    }

    /// Another row that holds this key.
    fn holder(&self, key: &str, id: u64) -> rusqlite::Result<Option<u64>> {
        let sql = "SELECT id FROM save WHERE key = ?1 AND state < 2 AND id <> ?2";
        let mut statement = self.connection.prepare_cached(sql)?;
        let other = statement.query_row((key, id.cast_signed()), |record| record.get(0));
        let other: Option<i64> = other.optional()?;
        Ok(other.map(i64::cast_unsigned))
    }

    /// The number of a text of versions, which is new at most once for each release.
    fn versions(&mut self, text: &Arc<str>) -> rusqlite::Result<i64> {
        if let Some(number) = self.known.versions(text) {
            return Ok(number);
        }
        let sql = "INSERT INTO versions (text) VALUES (?1)";
        self.connection.prepare_cached(sql)?.execute([&**text])?;
        let number = self.connection.last_insert_rowid();
        self.known.add_versions(number, text.clone());
        Ok(number)
    }
}
