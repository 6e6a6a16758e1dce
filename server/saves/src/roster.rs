//! The children that have rows, and the notices about births and ends.
//!
//! Shards write here ([`Children`]), without waiting; the keeper reads. A child has an entry of 16 bytes, by its pid, from its
//! birth on: the number of its row, and 0 before it has one. INVARIANT: an end finds the entry of any child whose row has been
//! handed over, because the keeper enters the number before it looks whether the child lives (`rows`).

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};
use std::time::{Duration, Instant};

use foldhash::{HashMap, HashMapExt};
use parking_lot::Mutex;
use pq_otp::{Children, Comeback, EndOf, ExitCause, Node, Pid, Reason, Restart, Signal};

use crate::reserved::Reserved;
use crate::restarts::{Job, ended};
use crate::rows::unix_ms;
use crate::settings::Durable;
use crate::wake::Wake;
use crate::words::Words;

/// How long a child on its way in keeps rows from children that are not known.
const EXPECTED_FOR: Duration = Duration::from_secs(30);

/// The children of unknown supervisors that are kept until the supervisors have been looked up again.
const STRAYS_MAX: usize = 1_024;

/// A living child of a durable supervisor, with what is known of its row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    /// The number of the row; 0 before there is one.
    pub(crate) id: u64,
    /// The place of its supervisor in the setting `durable`.
    pub(crate) under: u8,
    /// Whether the row is set aside, and the processes are about to end: no further state of them counts.
    pub(crate) is_aside: bool,
    /// The birth of the child, or its return to the node, in seconds since 1970. It fits beside the fields above.
    pub(crate) since_unix_s: u32,
}

impl Entry {
    pub(crate) fn new(id: u64, under: u8) -> Entry {
        Entry {
            id,
            under,
            is_aside: false,
            since_unix_s: (unix_ms() / 1_000) as u32,
        }
    }
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
    /// Children and supervisors that were born since the supervisors were looked up.
    strays: Mutex<Vec<(Pid, Pid)>>,
    /// The rows of children that have ended: at most one for each row.
    ends: Mutex<Vec<u64>>,
    /// The rows that are to be set aside, with their sentences: at most one for each row.
    asides: Mutex<Vec<(u64, String)>>,
    pub(crate) reserved: Reserved,
    pub(crate) words: Words,
    /// Told of each child that is set aside while its client may be there.
    pub(crate) on_aside: OnceLock<OnAside>,
    /// Whether births count: not while the node stops.
    hears_births: AtomicBool,
    /// Whether ends count: not while the node stops.
    hears_ends: AtomicBool,
    /// Children on their way in from a row, which have no entry yet (`boot`, `operations`): how many, and the last time at which one
    /// was sent.
    expected: Mutex<(usize, Instant)>,
    wake: Wake,
    jobs: SyncSender<Job>,
}

/// Told of roots; [`crate::Saves::on_set_aside`] has its rules.
pub(crate) type OnAside = Box<dyn Fn(Pid) + Send + Sync>;

impl Roster {
    pub(crate) fn new(durable: Vec<Durable>, wake: Wake, jobs: SyncSender<Job>) -> Roster {
        Roster {
            supervisors: durable.iter().map(|_| AtomicU64::new(0)).collect(),
            durable,
            entries: Mutex::new(HashMap::new()),
            births: Mutex::default(),
            strays: Mutex::default(),
            ends: Mutex::default(),
            asides: Mutex::default(),
            reserved: Reserved::default(),
            words: Words::default(),
            on_aside: OnceLock::new(),
            hears_births: AtomicBool::new(true),
            hears_ends: AtomicBool::new(true),
            expected: Mutex::new((0, Instant::now())),
            wake,
            jobs,
        }
    }

    /// The node stops: no birth or end counts any more.
    pub(crate) fn close(&self) {
        self.hears_births.store(false, Ordering::Release);
        self.hears_ends.store(false, Ordering::Release);
    }

    /// Looks up the supervisors. The children of one that another process has replaced have ended with it.
    pub(crate) fn find_supervisors(&self, node: &Node) {
        let strays = std::mem::take(&mut *self.strays.lock());
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
        for (supervisor, child) in strays {
            if let Some(under) = self.under(supervisor)
                && node.is_alive(child)
            {
                self.note_born(Born { child, under });
            }
        }
    }

    /// The place of this supervisor in the setting `durable`.
    fn under(&self, supervisor: Pid) -> Option<u8> {
        let is_it = |known: &AtomicU64| known.load(Ordering::Relaxed) == supervisor.as_raw();
        let under = self.supervisors.iter().position(is_it)?;
        Some(under as u8)
    }

    fn end_all(&self, under: u8, node: &Node) {
        let mut ended = Vec::new();
        self.entries.lock().retain(|child, entry| {
            let stays = entry.under != under || node.is_alive(*child);
            if !stays && entry.id != 0 {
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
        self.words.set_root(entry.id, Some(child));
    }

    /// The child that plays for this row. Looks at all.
    pub(crate) fn child_of(&self, id: u64) -> Option<Pid> {
        let entries = self.entries.lock();
        let mut entries = entries.iter();
        let found = entries.find(|(_, entry)| entry.id == id);
        found.map(|(child, _)| *child)
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
            if self.entry(child).is_none_or(|known| known.id == 0) {
                self.enter(child, entry);
            }
            if !node.is_alive(child) && self.entries.lock().remove(&child).is_some() {
                self.ends.lock().push(entry.id);
            }
        }
        self.expected.lock().0 -= 1;
    }

    pub(crate) fn forget(&self, child: Pid) {
        self.entries.lock().remove(&child);
    }

    /// All children that are not set aside, in the order of their rows, those without a row first.
    pub(crate) fn all(&self) -> Vec<(Pid, Entry)> {
        let entries = self.entries.lock();
        let mut all: Vec<_> = entries
            .iter()
            .filter(|(_, entry)| !entry.is_aside)
            .map(|(child, entry)| (*child, *entry))
            .collect();
        drop(entries);
        all.sort_unstable_by_key(|(_, entry)| entry.id);
        all
    }

    pub(crate) fn take_births(&self) -> Vec<Born> {
        std::mem::take(&mut *self.births.lock())
    }

    /// A child is to be saved soon, because it has just been born, or as if it had.
    pub(crate) fn note_born(&self, born: Born) {
        let Born { child, under } = born;
        let mut entries = self.entries.lock();
        entries.entry(child).or_insert(Entry::new(0, under));
        drop(entries);
        self.save_soon(born);
    }

    /// A child with an entry is to be saved soon, as if it had just been born.
    pub(crate) fn save_soon(&self, born: Born) {
        self.births.lock().push(born);
    }

    pub(crate) fn take_ends(&self) -> Vec<u64> {
        std::mem::take(&mut *self.ends.lock())
    }

    pub(crate) fn take_asides(&self) -> Vec<(u64, String)> {
        std::mem::take(&mut *self.asides.lock())
    }

    /// The store has accepted that these rows are set aside: their names are to be reserved.
    pub(crate) fn reserve(&self, asides: &[(u64, String)]) {
        for (id, _) in asides {
            if self.jobs.try_send(Job::Reserve(*id)).is_err() {
                tracing::warn!(
                    row = id,
                    "failed to reserve the name of a child that is set aside"
                );
            }
        }
    }

    /// Rows that could not be set aside yet.
    pub(crate) fn put_back_asides(&self, asides: Vec<(u64, String)>) {
        self.asides.lock().extend(asides);
    }

    /// Sets a living child aside: its row has the sentence, its client is told, and its processes end in order.
    pub(crate) fn set_aside(&self, node: &Node, root: Pid, why: String) {
        let mut entries = self.entries.lock();
        let Some(entry) = entries.get_mut(&root).filter(|entry| !entry.is_aside) else {
            return;
        };
        entry.is_aside = true;
        let entry = *entry;
        if !node.is_alive(root) {
            entries.remove(&root);
        }
        drop(entries);
        self.note_aside(entry, root, why);
        if let Some(from) = self.supervisor(entry.under) {
            node.signal(Signal::Exit {
                to: root,
                from,
                reason: Reason::Shutdown,
                cause: ExitCause::Explicit,
            });
        }
    }

    fn note_aside(&self, entry: Entry, root: Pid, why: String) {
        tracing::error!(row = entry.id, %root, "a saved child is set aside: {why}");
        self.asides.lock().push((entry.id, why));
        if let Some(tell) = self.on_aside.get() {
            tell(root);
        }
        self.wake.wake();
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
        if let Some(under) = self.under(supervisor) {
            // A child that came from a row has its entry already.
            let is_known = self.entry(child).is_some_and(|entry| entry.id != 0);
            return match is_known {
                true => (),
                false => self.note_born(Born { child, under }),
            };
        }
        let mut strays = self.strays.lock();
        if strays.len() < STRAYS_MAX {
            strays.push((supervisor, child));
        }
    }

    fn ended(&self, _: &Node, child: Pid, end: EndOf<'_>) {
        if end == EndOf::Restart || !self.hears_ends.load(Ordering::Acquire) {
            return;
        }
        let Some(entry) = self.entries.lock().remove(&child) else {
            return;
        };
        self.words.set_root(entry.id, None);
        match end {
            _ if entry.is_aside || entry.id == 0 => (),
            EndOf::Failure(why) => self.note_aside(entry, child, ended(why)),
            EndOf::Order | EndOf::Restart => {
                self.ends.lock().push(entry.id);
                self.wake.wake();
            }
        }
    }

    fn replaced(&self, supervisor: Pid, old: Pid, new: Pid) {
        let mut entries = self.entries.lock();
        let entry = entries.remove(&old).filter(|entry| entry.id != 0);
        entries.extend(entry.map(|entry| (new, entry)));
        drop(entries);
        if let Some(entry) = entry {
            self.words.set_root(entry.id, Some(new));
        }
        if entry.is_none() {
            self.started(supervisor, new);
        }
    }

    fn keeps(&self, child: Pid) -> bool {
        self.entry(child).is_some_and(|entry| entry.id != 0)
    }

    fn restart(&self, node: &Node, restart: Restart) {
        if self.entry(restart.root).is_some_and(|entry| entry.is_aside) {
            return node.go_on(&restart, Comeback::Never);
        }
        let job = Job::Restart(Box::new(restart));
        if let Err(TrySendError::Full(job) | TrySendError::Disconnected(job)) =
            self.jobs.try_send(job)
            && let Job::Restart(restart) = job
        {
            let why = "too many processes were restarted at the same time".to_string();
            self.set_aside(node, restart.root, why);
            node.go_on(&restart, Comeback::Never);
        }
    }

    fn is_late(&self, node: &Node, child: Pid) {
        let why = "its saved state could not be read within 5 s, to restart it".to_string();
        self.set_aside(node, child, why);
    }
}
