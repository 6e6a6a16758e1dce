//! The handle through which a node saves: a bounded queue, and one thread that writes.
//!
//! ```text
//! shards ─ try_sweep, try_tell, … ─► queue ─► writer thread ─ commit ─► store
//!            │ a commit number         │ full: the caller         │ on failure: the same changes again,
//!            ▼                         ▼ gets its changes back    ▼ after a pause that grows to 1 s
//!        notice(number) ◄──────────────────── all changes up to the number are on the disk
//! ```
//!
//! All changes go through one queue in the order in which they were accepted, and a commit takes several of them. So
//! one number says how far the store is.

use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant, SystemTime};
use std::{io, thread};

use crate::row::{Change, Mark, Row, State};
use crate::store::{Store, StoreError};

mod queue;
mod status;
mod writer;

pub use queue::{Closed, CommitNumber, Limits, Reason, Refused};
pub use status::{Commits, Status, Sweep, Trouble};

use queue::{Asked, Queue};
use status::Report;
use writer::{End, Writer};

/// How a saver works.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Bounds of the queue.
    pub limits: Limits,
    /// The shortest time from one commit to the next: changes that arrive meanwhile share an fsync.
    pub group: Duration,
    /// The age at which ended rows are forgotten.
    pub keep_ended: Duration,
}

impl Default for Settings {
    /// 64 MiB and 65 536 changes: two thirds of a second of the largest load that a disk of 100 MB/s takes. Commits
    /// each 10 ms; a player does not notice that delay. Ended rows are kept for a week, in which somebody may ask.
    fn default() -> Settings {
        Settings {
            limits: Limits {
                changes: 1 << 16,
                bytes: 64 << 20,
            },
            group: Duration::from_millis(10),
            keep_ended: Duration::from_secs(7 * 24 * 3600),
        }
    }
}

/// The reason why rows were not read. The text continues "failed to ".
#[derive(Debug, thiserror::Error)]
pub enum NotRead {
    /// Earlier changes are not on the disk at the deadline, or the saver has ended.
    #[error("read saved rows: the store has not answered in time")]
    Late,
    /// Too many questions wait, or the saver has ended.
    #[error("read saved rows: the store is closed, or too many ask it")]
    Refused,
    /// The file is damaged, or cannot be read now.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The time for which a failing store is tried again when nobody has the saver any more.
const DROPPED: Duration = Duration::from_secs(10);

/// The handle; clones are cheap and mean the same writer. When the last one is dropped, the writer writes what it has
/// accepted, and ends; a store that fails then is tried again for 10 s.
#[derive(Debug, Clone)]
pub struct Saver {
    handle: Arc<Handle>,
}

#[derive(Debug)]
struct Handle {
    shared: Arc<Shared>,
    keep_ended: Duration,
}

/// The writer and its handles have this in common.
#[derive(Debug)]
struct Shared {
    queue: Queue,
    report: Report,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.queue.close(Instant::now() + DROPPED);
    }
}

impl Saver {
    /// Starts the writer. After each commit it calls `notice` with the number up to which everything is on the disk;
    /// the writer waits while `notice` runs.
    ///
    /// # Errors
    /// Returns the error of the system if it starts no thread.
    pub fn start(
        store: impl Store + 'static,
        settings: Settings,
        notice: impl Fn(CommitNumber) + Send + 'static,
    ) -> io::Result<Saver> {
        let shared = Arc::new(Shared {
            queue: Queue::new(settings.limits),
            report: Report::new(store.stats()),
        });
        let writer = Writer {
            store,
            group: settings.group,
            notice: Box::new(notice),
            end: End(shared.clone()),
        };
        let thread = thread::Builder::new().name("saves".to_owned());
        thread.spawn(move || writer.run())?;
        let keep_ended = settings.keep_ended;
        let handle = Arc::new(Handle { shared, keep_ended });
        Ok(Saver { handle })
    }

    /// Hands over the states that the sweep has found, best in the order of their ids. They may fill a quarter of the
    /// queue.
    ///
    /// # Errors
    /// Returns the changes with the reason for which none of them was accepted.
    pub fn try_sweep(&self, rows: Vec<Row>) -> Result<CommitNumber, Refused> {
        self.try_submit(rows.into_iter().map(Change::Sweep).collect())
    }

    /// Hands over states that are told to somebody when the returned number is on the disk.
    ///
    /// # Errors
    /// See [`Saver::try_sweep`].
    pub fn try_tell(&self, rows: Vec<Row>) -> Result<CommitNumber, Refused> {
        self.try_submit(rows.into_iter().map(Change::Tell).collect())
    }

    /// Lets a row rest, with its last state.
    ///
    /// # Errors
    /// See [`Saver::try_sweep`].
    pub fn try_rest(&self, row: Row) -> Result<CommitNumber, Refused> {
        let state = State::Resting;
        self.try_tell(vec![Row { state, ..row }])
    }

    /// Ends a row; its key is free afterwards.
    ///
    /// # Errors
    /// See [`Saver::try_sweep`].
    pub fn try_end(&self, id: u64) -> Result<CommitNumber, Refused> {
        self.try_mark(id, State::Ended, None)
    }

    /// Sets a row aside with the reason for which it could not be continued.
    ///
    /// # Errors
    /// See [`Saver::try_sweep`].
    pub fn try_set_aside(&self, id: u64, why: String) -> Result<CommitNumber, Refused> {
        self.try_mark(id, State::SetAside, Some(why))
    }

    /// Takes back that a row was set aside: it rests, and its key is taken again.
    ///
    /// # Errors
    /// See [`Saver::try_sweep`].
    pub fn try_put_back(&self, id: u64) -> Result<CommitNumber, Refused> {
        self.try_mark(id, State::Resting, None)
    }

    /// Removes a row with everything in it.
    ///
    /// # Errors
    /// See [`Saver::try_sweep`].
    pub fn try_remove(&self, id: u64) -> Result<CommitNumber, Refused> {
        self.try_submit(vec![Change::Remove { id }])
    }

    /// A round of the sweep begins: call it before the first state of the round is taken.
    ///
    /// # Errors
    /// See [`Saver::try_sweep`].
    pub fn try_begin_sweep(&self) -> Result<CommitNumber, Refused> {
        let keep_ms = u64::try_from(self.handle.keep_ended.as_millis()).unwrap_or(u64::MAX);
        let forget_before_unix_ms = unix_ms().saturating_sub(keep_ms);
        self.try_submit(vec![Change::SweepBegins {
            forget_before_unix_ms,
        }])
    }

    /// The round is over: all of its states have been handed over.
    ///
    /// # Errors
    /// See [`Saver::try_sweep`].
    pub fn try_end_sweep(&self) -> Result<CommitNumber, Refused> {
        let unix_ms = unix_ms();
        self.try_submit(vec![Change::SweepEnds { unix_ms }])
    }

    /// Hands over changes that are made together, in their order, or not at all.
    ///
    /// # Errors
    /// See [`Saver::try_sweep`].
    pub fn try_submit(&self, changes: Vec<Change>) -> Result<CommitNumber, Refused> {
        self.handle.shared.queue.push(changes)
    }

    /// Waits until refused changes would be accepted. Returns false at the deadline, when the saver is closed, and for
    /// changes that are too large.
    pub fn wait_for_room(&self, changes: &[Change], deadline: Instant) -> bool {
        self.handle.shared.queue.wait_for_room(changes, deadline)
    }

    /// The number up to which all changes are on the disk.
    pub fn durable(&self) -> CommitNumber {
        self.handle.shared.queue.durable()
    }

    /// Waits until this number is on the disk. Returns false at the deadline, or when the writer has ended before.
    pub fn wait_durable(&self, number: CommitNumber, deadline: Instant) -> bool {
        self.handle.shared.queue.wait_durable(number, deadline)
    }

    /// Reads rows as they are with all changes that were accepted before; a number without a row is left out.
    ///
    /// # Errors
    /// At the deadline, when too many threads ask, and when the file fails.
    pub fn read(&self, ids: Vec<u64>, deadline: Instant) -> Result<Vec<Row>, NotRead> {
        let (answer, rows) = sync_channel(1);
        if !self.handle.shared.queue.ask(Asked::Rows(ids, answer)) {
            return Err(NotRead::Refused);
        }
        let wait = deadline.saturating_duration_since(Instant::now());
        let rows = rows.recv_timeout(wait).map_err(|_| NotRead::Late)?;
        Ok(rows?)
    }

    /// Reads the hash of the word of this row, as [`Saver::read`] reads rows.
    ///
    /// # Errors
    /// See [`Saver::read`].
    pub fn word(&self, id: u64, deadline: Instant) -> Result<Option<String>, NotRead> {
        let (answer, word) = sync_channel(1);
        if !self.handle.shared.queue.ask(Asked::Word(id, answer)) {
            return Err(NotRead::Refused);
        }
        let wait = deadline.saturating_duration_since(Instant::now());
        let word = word.recv_timeout(wait).map_err(|_| NotRead::Late)?;
        Ok(word?)
    }

    /// How the store is; cheap enough for each second.
    pub fn status(&self) -> Status {
        let shared = &self.handle.shared;
        shared.report.status(shared.queue.load())
    }

    /// Accepts nothing more, writes what is queued, closes the store, and returns what is not on the disk at the
    /// deadline. A failing store is tried again until then; the first deadline counts.
    pub fn close(&self, deadline: Instant) -> Closed {
        self.handle.shared.queue.close(deadline);
        self.handle.shared.queue.wait_end(deadline)
    }

    fn try_mark(
        &self,
        id: u64,
        state: State,
        why: Option<String>,
    ) -> Result<CommitNumber, Refused> {
        let unix_ms = unix_ms();
        self.try_submit(vec![Change::Mark(Mark {
            id,
            state,
            why,
            unix_ms,
        })])
    }
}

/// Milliseconds since 1970; 0 for a clock before that.
fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}
