//! The boot: rows become children of their supervisors.
//!
//! ```text
//!   store ─ rows in the order of their births ─► decoded ─► put in, some hundred at a time ─┬─► entered in the roster
//!                                                                                           └─► set aside, with a sentence
//! ```
//! Clients are admitted meanwhile; the names of rows that have not come back are reserved. An error of the file ends the boot, and
//! the names of the rest stay reserved.
//!
//! A row that cannot be opened never ends the boot. It is set aside, and the next boot tries it again: a library may be there
//! then. The memory does not grow with the number of rows.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use foldhash::HashSet;
use parking_lot::{Condvar, Mutex};
use pq_otp::moved::{Opens, PutIn, Subtree, Under};
use pq_otp::{Node, Pid};
use pq_store::{Change, Database, Mark, Page, Read, Row, Saver, Snapshot, State, StoreError};

use crate::booting::Booting;
use crate::key::{folded_of, supervisor_of};
use crate::operations::HELD_BACK;
use crate::reserved::Reserved;
use crate::restarts::{FAILED, is_current};
use crate::roster::{Born, Entry, Roster};
use crate::rows::{submit, unix_ms};
use crate::saves::OnEnd;

/// The children that are put in at the same time: enough for all shards, and few enough for the cache of a core.
const IN_FLIGHT_MAX: usize = 512;

/// The children that are set aside with a log line of their own: a version that is missing concerns all of them.
const NAMED_MAX: usize = 20;

/// The limit without progress; a slower node plays on without the rest, whose rows stay.
const PROGRESS_TIMEOUT: Duration = Duration::from_secs(60);

/// The reason why a node cannot save. The text continues "failed to ".
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The system starts no thread.
    #[error("start a thread for the saves: {0}")]
    Thread(#[from] std::io::Error),
}

/// The result of a boot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CameBack {
    /// Children that run again.
    pub came_back: u64,
    /// Rows that could not be opened.
    pub set_aside: u64,
    /// Rows whose processes had failed, and would run the same code again. They stay set aside.
    pub failed: u64,
    /// Rows of supervisors that are not durable, or do not run, and rows that came too late. They are as before.
    pub left: u64,
    /// How long it took.
    pub took: Duration,
}

/// The pairs of module and version in all rows that a boot opens.
pub(crate) fn needed(store: &mut Database) -> Result<Vec<(String, String)>, StoreError> {
    let mut needed = BTreeSet::new();
    for need in store.needs_versions()? {
        needed.extend(pairs(&need.versions));
    }
    Ok(needed.into_iter().collect())
}

/// The pairs of module and version in the text of a row: `market-1.0.0 ship-1.1.0`.
pub fn pairs(versions: &str) -> Vec<(String, String)> {
    let words = versions.split(' ');
    let pairs = words.filter_map(|word| {
        let (module, vsn) = word.split_once('-')?;
        Some((module.to_string(), vsn.to_string()))
    });
    pairs.collect()
}

/// The work of a boot, shared with the answers of shards.
struct Progress {
    /// The node has not answered for too long: no further row is put in.
    is_stuck: AtomicBool,
    state: Mutex<Counts>,
    changed: Condvar,
    node: Node,
    roster: Arc<Roster>,
}

#[derive(Default)]
struct Counts {
    in_flight: usize,
    came_back: u64,
    aside: Vec<Aside>,
    failed: u64,
    again: Vec<u64>,
}

/// A row that stays set aside.
struct Aside {
    id: u64,
    why: String,
}

/// The changes that the store is told at once after a boot.
const CHANGES_MAX: usize = 1_000;

/// Reserves the names of all rows that a boot puts in.
pub(crate) fn reserve(store: &mut Database, roster: &Roster) -> Result<(), StoreError> {
    let mut coming = HashSet::default();
    store.keys(&mut |key| {
        coming.insert(Reserved::coming(key));
    })?;
    roster.reserved.begin(coming);
    Ok(())
}

/// Reserves the names of rows that rest, and of those with words, for as long as they do.
pub(crate) fn reserve_absent(store: &mut Database, roster: &Roster) -> Result<(), StoreError> {
    store.words(&mut |id, key| {
        roster.words.add(id, folded_of(key), None);
        roster.reserved.add(id, key);
    })?;
    store.resting(&mut |id, key| roster.reserved.add(id, key))
}

/// A boot under way.
pub(crate) struct Boot {
    pub(crate) node: Node,
    pub(crate) file: PathBuf,
    pub(crate) saver: Saver,
    pub(crate) roster: Arc<Roster>,
    pub(crate) opens: Arc<dyn Opens>,
    pub(crate) booting: Booting,
    /// Told of the end of the boot.
    pub(crate) on_end: OnEnd,
}

impl Boot {
    /// Puts all rows in, and tells the store and the caller what has become of them.
    pub(crate) fn run(self) {
        let loaded = Snapshot::open(&self.file).and_then(|mut store| self.put_all(&mut store));
        let counts = match loaded {
            Ok((counts, changes)) => {
                for chunk in changes.chunks(CHANGES_MAX) {
                    let _ = submit(&self.saver, chunk.to_vec(), || !self.booting.is_cancelled());
                }
                self.roster.reserved.end();
                counts
            }
            Err(why) => {
                tracing::error!(
                    "failed to {why}: the saved children behind that place stay as they are"
                );
                CameBack::default()
            }
        };
        self.booting.end(counts);
        (self.on_end)(counts);
    }

    /// Puts all rows in. Returns the counts, and what the store is to be told.
    fn put_all(&self, store: &mut Snapshot) -> Result<(CameBack, Vec<Change>), StoreError> {
        let began = Instant::now();
        let progress = Arc::new(Progress {
            is_stuck: AtomicBool::new(false),
            state: Mutex::default(),
            changed: Condvar::new(),
            node: self.node.clone(),
            roster: self.roster.clone(),
        });
        let mut left = 0;
        store.load(&[State::Playing], &mut |row| {
            left += u64::from(!self.put(row, &progress));
            self.goes_on(&progress)
        })?;
        left += self.put_aside(store, &progress)?;
        if !progress.wait_down_to(0) {
            tracing::error!("failed to put all saved children in: the node does not answer");
        }
        let counts = std::mem::take(&mut *progress.state.lock());
        let set_aside = counts.aside.len() as u64;
        for Aside { id, why } in counts.aside.iter().take(NAMED_MAX) {
            tracing::error!(row = id, "a saved child is set aside: {why}");
        }
        if counts.aside.len() > NAMED_MAX {
            let more = counts.aside.len() - NAMED_MAX;
            tracing::error!("{more} more saved children are set aside; the store has the reasons");
        }
        let came_back = CameBack {
            came_back: counts.came_back,
            set_aside,
            failed: counts.failed,
            left,
            took: began.elapsed(),
        };
        Ok((came_back, counts.changes()))
    }

    /// Tries the rows that are set aside once more, a page at a time. Returns how many stay as they are.
    fn put_aside(&self, store: &mut Snapshot, progress: &Arc<Progress>) -> Result<u64, StoreError> {
        let (mut left, mut after) = (0, 0);
        while self.goes_on(progress).is_continue() {
            let rows = store.list(Page {
                state: State::SetAside,
                after,
                limit: IN_FLIGHT_MAX,
            })?;
            let Some(last) = rows.last() else { break };
            after = last.id;
            for row in rows {
                match self.stays_aside(&row) {
                    true => {
                        self.roster.reserved.add(row.id, &row.key);
                        progress.state.lock().failed += 1;
                    }
                    false => left += u64::from(!self.put(row, progress)),
                }
            }
        }
        Ok(left)
    }

    /// Whether a row that is set aside is not tried: its processes have failed, or have blocked a shard.
    fn stays_aside(&self, row: &Row) -> bool {
        let why = row.why.as_deref().unwrap_or_default();
        why.starts_with(HELD_BACK) || self.would_fail(row)
    }

    /// Whether the processes of a row had failed, and would run the same versions again.
    fn would_fail(&self, row: &Row) -> bool {
        let has_failed = row.why.as_ref().is_some_and(|why| why.starts_with(FAILED));
        let mut versions = pairs(&row.versions).into_iter();
        has_failed && versions.all(|(module, vsn)| is_current(&self.node, &module, &vsn))
    }

    fn goes_on(&self, progress: &Progress) -> ControlFlow<()> {
        let is_stuck = progress.is_stuck.load(Ordering::Relaxed);
        match is_stuck || self.booting.is_cancelled() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }

    /// Begins to put a row in. `false` for a row that stays as it is.
    fn put(&self, row: Row, progress: &Arc<Progress>) -> bool {
        let name = supervisor_of(&row.key);
        let under = (0..)
            .zip(&self.roster.durable)
            .find(|(_, it)| it.supervisor == name);
        let Some((under, supervisor)) =
            under.and_then(|(under, _)| Some((under, self.roster.supervisor(under)?)))
        else {
            return false;
        };
        let (id, was) = (row.id, row.state);
        let subtree = match Subtree::from_bytes(&row.body) {
            Ok(subtree) => subtree,
            Err(why) => {
                progress.set_aside(id, &row.key, why.to_string());
                return true;
            }
        };
        if !progress.wait_down_to(IN_FLIGHT_MAX - 1) {
            return false;
        }
        progress.state.lock().in_flight += 1;
        self.roster.expect();
        let put = PutIn {
            subtree,
            under: Some(Under {
                supervisor,
                id: None,
            }),
            opens: self.opens.clone(),
        };
        let (progress, key) = (progress.clone(), row.key);
        let entry = Entry::new(id, under);
        self.node.put_in(put, move |result| match result {
            Ok(child) => progress.is_put(entry, was, child),
            Err(why) => progress.is_refused(entry, &key, why.to_string()),
        });
        true
    }
}

impl Progress {
    fn is_put(&self, entry: Entry, was: State, child: Pid) {
        self.roster.arrived(Some((child, entry)), &self.node);
        let mut counts = self.state.lock();
        counts.came_back += 1;
        if was == State::SetAside {
            counts.again.push(entry.id);
            let under = entry.under;
            self.roster.save_soon(Born { child, under });
        }
        self.is_through(&mut counts);
    }

    fn is_refused(&self, entry: Entry, key: &str, why: String) {
        self.roster.arrived(None, &self.node);
        self.set_aside(entry.id, key, why);
        self.is_through(&mut self.state.lock());
    }

    fn is_through(&self, counts: &mut Counts) {
        counts.in_flight -= 1;
        // Waking the thread that waits costs as much as one child.
        if [0, IN_FLIGHT_MAX / 2].contains(&counts.in_flight) {
            self.changed.notify_one();
        }
    }

    fn set_aside(&self, id: u64, key: &str, why: String) {
        self.roster.reserved.add(id, key);
        self.state.lock().aside.push(Aside { id, why });
    }

    /// Waits until at most so many children are on their way. `false` when nothing has moved for too long.
    fn wait_down_to(&self, limit: usize) -> bool {
        let mut counts = self.state.lock();
        while counts.in_flight > limit {
            let before = counts.in_flight;
            let waited = self.changed.wait_for(&mut counts, PROGRESS_TIMEOUT);
            if waited.timed_out() && counts.in_flight >= before {
                self.is_stuck.store(true, Ordering::Relaxed);
                return false;
            }
        }
        true
    }
}

impl Counts {
    /// The changes of states for the store.
    fn changes(self) -> Vec<Change> {
        let unix_ms = unix_ms();
        let mark = |id, state, why| {
            Change::Mark(Mark {
                id,
                state,
                why,
                unix_ms,
            })
        };
        let aside = self.aside.into_iter();
        let aside = aside.map(|Aside { id, why }| mark(id, State::SetAside, Some(why)));
        let again = self
            .again
            .into_iter()
            .map(|id| mark(id, State::Playing, None));
        aside.chain(again).collect()
    }
}
