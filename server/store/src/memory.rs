//! A store in memory: for nodes without a file, such as simulations, and the model that the store in a file is
//! compared with.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::take;
use std::ops::ControlFlow;

use crate::row::{Change, Mark, Row, State, settled};
use crate::store::{Need, Page, Read, Rows, Stats, Store, StoreError, Upkeep};

/// Rows that end with their process. It has no tail: a told row replaces the old one at once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Memory {
    rows: BTreeMap<u64, Row>,
    /// Ids of removed rows, which ignore changes until a round of the sweep is over.
    removed: BTreeSet<u64>,
    /// Rows to be forgotten at the end of the round.
    forget: Vec<u64>,
    swept_unix_ms: Option<u64>,
    /// The hashes of words, by the ids of rows.
    words: BTreeMap<u64, String>,
}

/// The largest number of rows that are forgotten in one round.
pub(crate) const FORGET_MAX: usize = 10_000;

impl Memory {
    /// A store without rows.
    pub fn new() -> Memory {
        Memory::default()
    }

    /// A round of an earlier run counts for nothing: this is how a test begins a new run.
    #[cfg(test)]
    pub(crate) fn restart(&mut self) {
        self.forget.clear();
    }

    /// Rows whose numbers may not be used again from the end of this round on.
    #[cfg(test)]
    pub(crate) fn to_be_forgotten(&self) -> &[u64] {
        &self.forget
    }

    fn apply(&mut self, change: &Change) {
        match change {
            Change::Sweep(row) => self.put(row, row.seq),
            Change::Tell(row) => self.tell(row),
            Change::Mark(mark) => self.mark(mark),
            Change::Word { id, hash } => self.word(*id, hash.as_ref()),
            Change::Remove { id } => self.remove(*id),
            Change::SweepBegins {
                forget_before_unix_ms,
            } => self.begin_round(*forget_before_unix_ms),
            Change::SweepEnds { unix_ms } => self.end_round(*unix_ms),
        }
    }

    fn tell(&mut self, row: &Row) {
        let is_same = |old: &Row| {
            (&old.key, &old.name, old.state) == (&row.key, &row.name, row.state)
                && row.state.holds_key()
        };
        match self.rows.get(&row.id).is_some_and(is_same) {
            true if row.seq == 0 => (),
            true => self.put(row, row.seq - 1),
            false => self.put(row, row.seq),
        }
    }

    /// Stores the row unless a state after `replaces` is known.
    fn put(&mut self, row: &Row, replaces: u64) {
        let is_newer = |old: &Row| old.state == State::Ended || old.seq > replaces;
        if self.removed.contains(&row.id) || self.rows.get(&row.id).is_some_and(is_newer) {
            return;
        }
        let holder = self.holder(&row.key, row.id);
        let (state, why) = settled(row.state, row.why.as_deref(), &row.key, holder);
        let row = Row {
            state,
            why,
            ..row.clone()
        };
        self.insert(row);
    }

    /// A row that has ended has no word.
    fn insert(&mut self, row: Row) {
        if row.state == State::Ended {
            self.words.remove(&row.id);
        }
        self.rows.insert(row.id, row);
    }

    fn word(&mut self, id: u64, hash: Option<&String>) {
        let has_ended = |row: &Row| row.state == State::Ended;
        let is_final = self.removed.contains(&id) || self.rows.get(&id).is_some_and(has_ended);
        match hash.filter(|_| !is_final) {
            Some(hash) => drop(self.words.insert(id, hash.clone())),
            None => drop(self.words.remove(&id)),
        }
    }

    fn mark(&mut self, mark: &Mark) {
        let Some(old) = self.rows.get(&mark.id).cloned() else {
            return;
        };
        if old.state == State::Ended {
            return;
        }
        let holder = self.holder(&old.key, old.id);
        let (state, why) = settled(mark.state, mark.why.as_deref(), &old.key, holder);
        let row = Row {
            state,
            why,
            changed_unix_ms: mark.unix_ms,
            ..old
        };
        self.insert(row);
    }

    fn remove(&mut self, id: u64) {
        if self.rows.remove(&id).is_some() {
            self.removed.insert(id);
            self.words.remove(&id);
        }
    }

    fn begin_round(&mut self, before: u64) {
        let is_over = |row: &&Row| row.state == State::Ended && row.changed_unix_ms < before;
        let ended = self.rows.values().filter(is_over).map(|row| row.id);
        let removed = self.removed.iter().copied();
        self.forget = removed.chain(ended).take(FORGET_MAX).collect();
    }

    fn end_round(&mut self, unix_ms: u64) {
        for id in take(&mut self.forget) {
            self.rows.remove(&id);
            self.removed.remove(&id);
        }
        self.swept_unix_ms = Some(unix_ms);
    }

    fn holder(&self, key: &str, id: u64) -> Option<u64> {
        let mut rows = self.rows.values();
        let holds = |row: &&Row| row.state.holds_key() && row.key == key && row.id != id;
        rows.find(holds).map(|row| row.id)
    }
}

impl Read for Memory {
    fn load(
        &mut self,
        states: &[State],
        each: &mut dyn FnMut(Row) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let wanted = self.rows.values().filter(|row| states.contains(&row.state));
        let _ = wanted.cloned().try_for_each(each);
        Ok(())
    }

    fn keys(&mut self, each: &mut dyn FnMut(&str)) -> Result<(), StoreError> {
        let rows = self.rows.values().filter(|row| row.state.holds_key());
        rows.for_each(|row| each(&row.key));
        Ok(())
    }

    fn resting(&mut self, each: &mut dyn FnMut(u64, &str)) -> Result<(), StoreError> {
        let rows = self.rows.values();
        let rest = rows.filter(|row| row.state == State::Resting);
        rest.for_each(|row| each(row.id, &row.key));
        Ok(())
    }

    fn get(&mut self, key: &str) -> Result<Option<Row>, StoreError> {
        let holds = |row: &&Row| row.state.holds_key() && row.key == key;
        Ok(self.rows.values().find(holds).cloned())
    }

    fn find(&mut self, id: u64) -> Result<Option<Row>, StoreError> {
        Ok(self.rows.get(&id).cloned())
    }

    fn list(&mut self, page: Page) -> Result<Vec<Row>, StoreError> {
        let rows = self.rows.values();
        let wanted = rows.filter(|row| row.id > page.after && row.state == page.state);
        Ok(wanted.take(page.limit).cloned().collect())
    }

    fn needs_versions(&mut self) -> Result<Vec<Need>, StoreError> {
        let mut needs = BTreeMap::new();
        let needed = self.rows.values().filter(|row| row.state != State::Ended);
        for row in needed {
            *needs.entry((row.versions.clone(), row.state)).or_default() += 1;
        }
        let need = |((versions, state), rows)| Need {
            versions,
            state,
            rows,
        };
        Ok(needs.into_iter().map(need).collect())
    }

    fn word(&mut self, id: u64) -> Result<Option<String>, StoreError> {
        Ok(self.words.get(&id).cloned())
    }

    fn words(&mut self, each: &mut dyn FnMut(u64, &str)) -> Result<(), StoreError> {
        for id in self.words.keys() {
            if let Some(row) = self.rows.get(id) {
                each(*id, &row.key);
            }
        }
        Ok(())
    }
}

impl Store for Memory {
    fn commit(&mut self, changes: &[Change]) -> Result<Upkeep, StoreError> {
        changes.iter().for_each(|change| self.apply(change));
        Ok(Upkeep::Done)
    }

    fn stats(&self) -> Stats {
        let count = |state| self.rows.values().filter(|row| row.state == state).count() as u64;
        Stats {
            rows: Rows::counted(count),
            swept_unix_ms: self.swept_unix_ms,
            ..Stats::default()
        }
    }
}
