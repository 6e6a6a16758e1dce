//! The work of operators on the rows of a node that does not run: they are changed in the store, and the next start of the
//! node starts their processes.

use pq_store::{Change, Database, Row, State, Store};

use crate::admission::{Keep, admit, replaced};
use crate::finding::find;
use crate::operations::{Import, Imported, NotDone};
use crate::rows::Numbers;
use crate::settings::Durable;

/// The release whose node does not run.
pub struct Stopped<'a> {
    /// The supervisors whose children it saves.
    pub durable: &'a [Durable],
    /// Whether the release has a module.
    pub is_known: &'a dyn Fn(&str) -> bool,
}

impl Stopped<'_> {
    /// Enters a child from a file in the store.
    ///
    /// # Errors
    /// When the file does not fit the release, or its name is not free.
    pub fn import(&self, store: &mut Database, import: Import<'_>) -> Result<Imported, NotDone> {
        let Import {
            exported,
            replace,
            keep,
        } = import;
        admit(&exported, self.durable, self.is_known).map_err(NotDone::Refused)?;
        let durable = self.durable.iter();
        let supervisors: Vec<String> = durable.map(|it| it.supervisor.clone()).collect();
        let found = find(store, &supervisors, &exported.row.name)?;
        let replaced = replaced(found, replace).map_err(NotDone::Refused)?;
        for row in &replaced {
            keep(row).map_err(NotDone::Refused)?;
        }
        let numbers = Numbers::of(store)?;
        let (state, imported) = match exported.row.state {
            State::Resting => (State::Resting, Imported::Rests),
            _ => (State::Playing, Imported::Plays),
        };
        let row = Row {
            id: numbers.next(),
            seq: numbers.next(),
            state,
            why: None,
            ..exported.row
        };
        let removed = replaced.iter().map(|row| Change::Remove { id: row.id });
        let changes: Vec<Change> = removed.chain([Change::Sweep(row)]).collect();
        store.commit(&changes)?;
        Ok(imported)
    }
}

/// Removes a row of a node that does not run.
///
/// # Errors
/// When the row could not be kept, or the store cannot be written.
pub fn remove(store: &mut Database, row: &Row, keep: Keep<'_>) -> Result<(), NotDone> {
    keep(row).map_err(NotDone::Refused)?;
    store.commit(&[Change::Remove { id: row.id }])?;
    Ok(())
}
