//! The children that have rows, and the notices about births and ends.
//!
//! Shards write here ([`Children`]), without waiting; the keeper reads. A child has an entry of 16 bytes, by its pid: the number
//! of its row. INVARIANT: an end finds the entry of any child whose row has been handed over, because the keeper enters the
//! child before it looks whether the child lives (`rows`).

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use foldhash::{HashMap, HashMapExt};
use parking_lot::Mutex;
use pq_otp::{Children, Node, Pid};

use crate::keeper::News;
use crate::settings::Durable;

/// How long a child on its way in keeps rows from children that are not known.
const EXPECTED_FOR: Duration = Duration::from_secs(30);

/// A child with a row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    /// The number of the row.
    pub(crate) id: u64,
    /// The place of its supervisor in the setting `durable`.
    pub(crate) under: u8,
}

/// A child that has just been born.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Born {
    pub(crate) child: Pid,
    pub(crate) under: u8,
}

/// See the top of the file.
pub(crate) struct Roster {
    pub(crate) durable: Vec<Durable>,
    /// The processes of the durable supervisors, as raw pids; 0 for one that does not run.
    supervisors: Vec<AtomicU64>,
    entries: Mutex<HashMap<Pid, Entry>>,
    /// At most one for each living child.
    births: Mutex<Vec<Born>>,
    /// The rows of children that have ended: at most one for each row.
    ends: Mutex<Vec<u64>>,
    /// Whether births count: not while rows come back, and not while the node stops.
    hears_births: AtomicBool,
    /// Whether ends count: not while the node stops.
    hears_ends: AtomicBool,
    /// Children on their way in from a row, which have no entry yet (`operations`): how many, and the last time at which one
    /// was sent.
    expected: Mutex<(usize, Instant)>,
    wakes: SyncSender<News>,
}

impl Roster {
    pub(crate) fn new(durable: Vec<Durable>, wakes: SyncSender<News>) -> Roster {
        Roster {
            supervisors: durable.iter().map(|_| AtomicU64::new(0)).collect(),
            durable,
            entries: Mutex::new(HashMap::new()),
            births: Mutex::default(),
            ends: Mutex::default(),
            hears_births: AtomicBool::new(false),
            hears_ends: AtomicBool::new(true),
            expected: Mutex::new((0, Instant::now())),
            wakes,
        }
    }

    /// All rows have come back: from now on births count.
    pub(crate) fn open(&self) {
        self.hears_births.store(true, Ordering::Release);
    }

    /// The node stops: no birth or end counts any more.
    pub(crate) fn close(&self) {
        self.hears_births.store(false, Ordering::Release);
        self.hears_ends.store(false, Ordering::Release);
    }

    /// Looks up the supervisors. The children of one that another process has replaced have ended with it.
    pub(crate) fn find_supervisors(&self, node: &Node) {
        for (under, durable) in (0..).zip(&self.durable) {
            let Some(pid) = node.whereis(&durable.supervisor) else {
                continue;
            };
            let known = &self.supervisors[usize::from(under)];
            let before = known.swap(pid.as_raw(), Ordering::Relaxed);
            if before != 0 && before != pid.as_raw() {
                self.end_all(under, node);
            }
        }
    }

    fn end_all(&self, under: u8, node: &Node) {
        let mut ended = Vec::new();
        self.entries.lock().retain(|child, entry| {
            let stays = entry.under != under || node.is_alive(*child);
            if !stays {
                ended.push(entry.id);
            }
            stays
        });
        self.ends.lock().extend(ended);
    }

    /// The process of this supervisor.
    pub(crate) fn supervisor(&self, under: u8) -> Option<Pid> {
        let raw = self.supervisors.get(usize::from(under))?;
        Some(Pid::from_raw(raw.load(Ordering::Relaxed))).filter(|pid| pid.as_raw() != 0)
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.lock().len()
    }

    pub(crate) fn entry(&self, child: Pid) -> Option<Entry> {
        self.entries.lock().get(&child).copied()
    }

    pub(crate) fn enter(&self, child: Pid, entry: Entry) {
        self.entries.lock().insert(child, entry);
    }

    /// A child with a row is about to come in.
    pub(crate) fn expect(&self) {
        let mut expected = self.expected.lock();
        *expected = (expected.0 + 1, Instant::now());
    }

    /// Whether a living child without an entry may have a row. A shard that is blocked may never answer, and other children are
    /// to be saved then.
    pub(crate) fn expects(&self) -> bool {
        let (children, since) = *self.expected.lock();
        children > 0 && since.elapsed() < EXPECTED_FOR
    }

    /// An expected child runs, or will not come. A child that has ended already is told as an end: its notice found no entry.
    pub(crate) fn arrived(&self, child: Option<(Pid, Entry)>, node: &Node) {
        if let Some((child, entry)) = child {
            // One that came too late has a row of its own already.
            self.entries.lock().entry(child).or_insert(entry);
            let under = entry.under;
            self.note_born(Born { child, under });
            if !node.is_alive(child) && self.entries.lock().remove(&child).is_some() {
                self.ends.lock().push(entry.id);
            }
        }
        self.expected.lock().0 -= 1;
    }

    pub(crate) fn forget(&self, child: Pid) {
        self.entries.lock().remove(&child);
    }

    /// All children with rows, in the order of their rows.
    pub(crate) fn all(&self) -> Vec<(Pid, Entry)> {
        let entries = self.entries.lock();
        let mut all: Vec<_> = entries
            .iter()
            .map(|(child, entry)| (*child, *entry))
            .collect();
        drop(entries);
        all.sort_unstable_by_key(|(_, entry)| entry.id);
        all
    }

    pub(crate) fn take_births(&self) -> Vec<Born> {
        std::mem::take(&mut *self.births.lock())
    }

    /// A child is to be saved soon, as if it had just been born.
    pub(crate) fn note_born(&self, born: Born) {
        self.births.lock().push(born);
    }

    pub(crate) fn take_ends(&self) -> Vec<u64> {
        std::mem::take(&mut *self.ends.lock())
    }

    /// Ends that could not be handed over.
    pub(crate) fn put_back_ends(&self, ends: &[u64]) {
        self.ends.lock().extend(ends);
    }
}

impl Children for Roster {
    fn started(&self, supervisor: Pid, child: Pid) {
        if !self.hears_births.load(Ordering::Acquire) {
            return;
        }
        let is_it = |known: &AtomicU64| known.load(Ordering::Relaxed) == supervisor.as_raw();
        if let Some(under) = self.supervisors.iter().position(is_it) {
            let under = under as u8;
            self.births.lock().push(Born { child, under });
        }
    }

    fn ended(&self, _: Pid, child: Pid) {
        if !self.hears_ends.load(Ordering::Acquire) {
            return;
        }
        let Some(entry) = self.entries.lock().remove(&child) else {
            return;
        };
        self.ends.lock().push(entry.id);
        // A full channel has other news, with which the keeper looks at the ends, too.
        let _ = self.wakes.try_send(News::Look);
    }
}
