//! The work of operators on rows while the node saves.
//!
//! ```text
//!   import ─► a row, set aside, on the disk ─┐
//!   retry ───────────────────────────────────┴─► put in ─┬─► entered in the roster ─► the row is playing
//!                                                        └─► set aside, with the sentence
//!   remove ─► kept by the caller ─► the row is deleted
//! ```
//! One operation runs at a time, and none while the node stops. An import is a row before it is a child, so a crash in between
//! loses nothing. INVARIANT: a child that is on its way in has no second row, because the keeper gives new
//! rows to none while one is expected (`Rows::must_wait`).

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use parking_lot::MutexGuard;
use pq_otp::Pid;
use pq_otp::moved::{NotMoved, PutIn, Subtree, Under};
use pq_store::{Change, Mark, Row, Snapshot, State, StoreError};

use crate::admission::{Keep, admit, replaced};
use crate::boot::pairs;
use crate::export::Exported;
use crate::finding::find;
use crate::key::supervisor_of;
use crate::opening::{Opening, Versions};
use crate::roster::{Born, Entry};
use crate::rows::{submit, unix_ms};
use crate::saves::Saves;

/// The limit for a child on its way in: an upgrade may keep births back for some seconds.
const PUT_IN_TIMEOUT: Duration = Duration::from_secs(10);

/// The limit for a change on its way to the disk.
const DISK_TIMEOUT: Duration = Duration::from_secs(10);

/// The reason of a row that was imported, until its processes run.
const IS_IMPORTED: &str = "it has been imported, and the node ended before it ran";

/// The beginning of the reason of a row that boots do not try again.
pub(crate) const HELD_BACK: &str = "held back: ";

/// The reason why an operation on a row did not happen.
#[derive(Debug, thiserror::Error)]
pub enum NotDone {
    /// Nothing has changed, for the reason in the sentence.
    #[error("{0}")]
    Refused(String),
    /// The operation may still happen.
    #[error("{0}")]
    Unknown(String),
    /// The store cannot be read, or not be written in a stopped node. Nothing has changed.
    #[error("failed to {0}")]
    Store(#[from] StoreError),
}

/// The result of an import.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Imported {
    /// Its processes run, or the next start of a stopped node starts them.
    Plays,
    /// It has a row and no processes, as when it was exported.
    Rests,
    /// It has a row, and this sentence says why its processes do not run.
    IsSetAside(String),
}

/// A child that is to come from a file.
pub struct Import<'a> {
    /// The child as it was read from the file.
    pub exported: Exported,
    /// Whether it may replace rows with its name that are set aside.
    pub replace: bool,
    /// Keeps the rows that it replaces.
    pub keep: Keep<'a>,
}

impl Saves {
    /// All rows with this name, or one that looks the same.
    ///
    /// # Errors
    /// The error of the store.
    pub fn find(&self, name: &str) -> Result<Vec<Row>, StoreError> {
        let durable = self.roster.durable.iter();
        let supervisors: Vec<String> = durable.map(|it| it.supervisor.clone()).collect();
        find(&mut Snapshot::open(self.file())?, &supervisors, name)
    }

    /// Tries to start the processes of a row that is set aside.
    ///
    /// # Errors
    /// The reason why they do not run; it is that of the row from then on.
    pub fn retry(&self, row: &Row, versions: &dyn Versions) -> Result<(), NotDone> {
        let _one = self.begin()?;
        let row = self.unchanged(row)?;
        let put_in = self.put_in(&row, versions)?;
        put_in.map(drop).map_err(NotDone::Refused)
    }

    /// Brings a child in from a file, as a boot would.
    ///
    /// # Errors
    /// When the file does not fit the node, or its name is not free.
    pub fn import(&self, import: Import<'_>, versions: &dyn Versions) -> Result<Imported, NotDone> {
        let Import {
            exported,
            replace,
            keep,
        } = import;
        let _one = self.begin()?;
        let is_known = |module: &str| self.node.module(module).is_some();
        admit(&exported, &self.roster.durable, &is_known).map_err(NotDone::Refused)?;
        let replaced = replaced(self.find(&exported.row.name)?, replace);
        let replaced = replaced.map_err(NotDone::Refused)?;
        for row in &replaced {
            keep(row).map_err(NotDone::Refused)?;
        }
        let rests = exported.row.state == State::Resting;
        let (state, why) = match rests {
            true => (State::Resting, None),
            false => (State::SetAside, Some(IS_IMPORTED.to_string())),
        };
        let row = Row {
            id: self.numbers.next(),
            seq: self.numbers.next(),
            state,
            why,
            ..exported.row
        };
        let removed = replaced.iter().map(|row| Change::Remove { id: row.id });
        self.commit(removed.chain([Change::Sweep(row.clone())]).collect())?;
        let reserved = &self.roster.reserved;
        for row in &replaced {
            self.roster.words.remove(row.id);
            reserved.remove(row.id);
        }
        if rests {
            reserved.add(row.id, &row.key);
            return Ok(Imported::Rests);
        }
        let put_in = self.put_in(&row, versions)?;
        Ok(put_in.map_or_else(Imported::IsSetAside, |_| Imported::Plays))
    }

    /// Removes a row that has no processes.
    ///
    /// # Errors
    /// When the row plays or has changed, or could not be kept.
    pub fn remove(&self, row: &Row, keep: Keep<'_>) -> Result<(), NotDone> {
        let _one = self.begin()?;
        let row = self.unchanged(row)?;
        if row.state == State::Playing {
            let why = format!("row {} is playing", row.id);
            return Err(NotDone::Refused(why));
        }
        keep(&row).map_err(NotDone::Refused)?;
        self.commit(vec![Change::Remove { id: row.id }])?;
        self.roster.words.remove(row.id);
        self.roster.reserved.remove(row.id);
        Ok(())
    }

    /// Sets the row of the playing child with this name aside until an operator tries it again (`retry`): boots leave it alone.
    /// `None` for a name without such a row.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub fn hold_back(&self, name: &str, why: &str) -> Result<Option<Row>, NotDone> {
        let _one = self.begin()?;
        let mut rows = self.find(name)?.into_iter();
        let Some(row) = rows.find(|row| row.state == State::Playing) else {
            return Ok(None);
        };
        self.commit(vec![Change::Mark(Mark {
            id: row.id,
            state: State::SetAside,
            why: Some(format!("{HELD_BACK}{why}")),
            unix_ms: unix_ms(),
        })])?;
        Ok(Some(row))
    }

    /// Waits until no other operation runs.
    pub(crate) fn begin(&self) -> Result<MutexGuard<'_, ()>, NotDone> {
        let refused = |why: &str| NotDone::Refused(why.to_string());
        let one = self.operations.try_lock_for(PUT_IN_TIMEOUT);
        let one = one.ok_or_else(|| refused("another operation on saves does not end"))?;
        match self.hurries.load(Ordering::Acquire) {
            true => Err(refused("the node stops")),
            false => Ok(one),
        }
    }

    /// The row as it is now.
    pub(crate) fn unchanged(&self, row: &Row) -> Result<Row, NotDone> {
        let mut rows = self.find(&row.name)?.into_iter();
        let found = rows.find(|it| it.id == row.id && it.state == row.state);
        found.ok_or_else(|| NotDone::Refused(format!("row {} has changed meanwhile", row.id)))
    }

    /// Starts the processes of a row that is set aside or rests. The inner error is the reason for which the row is set aside
    /// now.
    pub(crate) fn put_in(
        &self,
        row: &Row,
        versions: &dyn Versions,
    ) -> Result<Result<Pid, String>, NotDone> {
        let put_in = match self.parts(row, versions) {
            Ok((put, entry)) => self.arrives(put, entry)?,
            Err(why) => Err(why),
        };
        let reserved = &self.roster.reserved;
        match put_in.is_ok() && !self.roster.words.has(row.id) {
            // The processes have the name that the row has reserved.
            true => reserved.remove(row.id),
            false => reserved.add(row.id, &row.key),
        }
        let (state, why) = match &put_in {
            Ok(_) => (State::Playing, None),
            Err(why) => (State::SetAside, Some(why.clone())),
        };
        self.commit(vec![Change::Mark(Mark {
            id: row.id,
            state,
            why,
            unix_ms: unix_ms(),
        })])?;
        Ok(put_in)
    }

    fn parts(&self, row: &Row, versions: &dyn Versions) -> Result<(PutIn, Entry), String> {
        let name = supervisor_of(&row.key);
        let mut places = (0..).zip(&self.roster.durable);
        let place = places.find(|(_, it)| it.supervisor == name);
        let (under, _) = place.ok_or_else(|| format!("{name} is not durable in this release"))?;
        let supervisor = self.roster.supervisor(under);
        let supervisor = supervisor.ok_or_else(|| format!("the supervisor {name} does not run"))?;
        let subtree = Subtree::from_bytes(&row.body).map_err(|why| why.to_string())?;
        let opening = Opening::new(versions.versions(&pairs(&row.versions)));
        let put = PutIn {
            subtree,
            under: Some(Under {
                supervisor,
                id: None,
            }),
            opens: Arc::new(opening),
        };
        Ok((put, Entry::new(row.id, under)))
    }

    /// Puts a child in and enters it in the roster.
    fn arrives(&self, put: PutIn, entry: Entry) -> Result<Result<Pid, String>, NotDone> {
        let (sender, answer) = sync_channel(1);
        let (node, roster) = (self.node.clone(), self.roster.clone());
        roster.expect();
        self.node.put_in(put, move |result: Result<Pid, NotMoved>| {
            let child = result.as_ref().ok().copied();
            roster.arrived(child.map(|child| (child, entry)), &node);
            let under = entry.under;
            child.inspect(|child| {
                roster.save_soon(Born {
                    child: *child,
                    under,
                })
            });
            // The channel has a place for the only answer.
            let _ = sender.try_send(result);
        });
        match answer.recv_timeout(PUT_IN_TIMEOUT) {
            Ok(Ok(child)) => Ok(Ok(child)),
            Ok(Err(why)) => Ok(Err(why.to_string())),
            Err(_) => {
                let limit = PUT_IN_TIMEOUT.as_secs();
                let why =
                    format!("the node has not answered within {limit} s, and may still do it");
                Err(NotDone::Unknown(why))
            }
        }
    }

    /// Makes changes, and waits until they are on the disk.
    pub(crate) fn commit(&self, changes: Vec<Change>) -> Result<(), NotDone> {
        let deadline = Instant::now() + DISK_TIMEOUT;
        let number = submit(&self.saver, changes, || Instant::now() < deadline);
        let number = number.ok_or_else(|| {
            NotDone::Refused("the store accepts no changes now; see `pq status`".to_string())
        })?;
        match self.saver.wait_durable(number, deadline) {
            true => Ok(()),
            false => {
                let limit = DISK_TIMEOUT.as_secs();
                Err(NotDone::Unknown(format!(
                    "it is not on the disk after {limit} s, and may still get there; see `pq status`"
                )))
            }
        }
    }
}
