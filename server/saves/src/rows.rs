//! Copies become rows, and rows go to the store: with the ends of other children in their right order.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use foldhash::{HashMap, HashMapExt};
use pq_otp::moved::Subtree;
use pq_otp::{Node, Pid};
use pq_store::{
    Change, CommitNumber, Database, Mark, Reason, Refused, Row, Saver, State, StoreError,
};

use crate::key::Name;
use crate::roster::{Entry, Roster};

/// The way of a state to the disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Way {
    /// With the sweep, in the order of the rows.
    Sweep,
    /// With the tail: somebody watches.
    Tail,
}

/// A subtree that is to become a row.
pub(crate) struct Copied {
    pub(crate) child: Pid,
    pub(crate) under: u8,
    pub(crate) subtree: Subtree,
}

/// The numbers of rows and of their states. They grow over all runs of the node: they begin at the time, or above the highest
/// number in the store if the clock was set back.
#[derive(Debug)]
pub(crate) struct Numbers(AtomicU64);

/// The numbers of each millisecond, as bits: a node copies at most some hundred children in a millisecond.
const PER_MS_BITS: u32 = 20;

/// The numbers of one run: more than it can use, and little enough for eight million runs.
const PER_RUN: u64 = 1 << 40;

impl Numbers {
    /// Reserves the numbers of this run in the store.
    pub(crate) fn of(store: &mut Database) -> Result<Numbers, StoreError> {
        let first = store.reserve_numbers(unix_ms() << PER_MS_BITS, PER_RUN)?;
        Ok(Numbers(AtomicU64::new(first)))
    }

    /// The number that comes next.
    pub(crate) fn first(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

/// The writer of rows.
pub(crate) struct Rows {
    pub(crate) node: Node,
    pub(crate) roster: Arc<Roster>,
    pub(crate) saver: Saver,
    pub(crate) numbers: Arc<Numbers>,
    /// The texts of versions, each once.
    texts: HashMap<String, Arc<str>>,
    /// The last changes that the store has accepted.
    accepted: CommitNumber,
}

/// How long the writer waits for room in the queue of the store before it looks whether the node stops.
const ROOM_TIMEOUT: Duration = Duration::from_millis(200);

impl Rows {
    pub(crate) fn new(
        node: Node,
        roster: Arc<Roster>,
        saver: Saver,
        numbers: Arc<Numbers>,
    ) -> Rows {
        Rows {
            accepted: saver.durable(),
            node,
            roster,
            saver,
            numbers,
            texts: HashMap::new(),
        }
    }

    /// The number up to which everything is to be on the disk, until all that was handed over is.
    pub(crate) fn accepted(&self) -> CommitNumber {
        self.accepted
    }

    /// The row of a copied child; a child without one gets the next number. `None` for a child that has ended
    /// meanwhile, or is set aside.
    ///
    /// # Errors
    /// A sentence, when the child has no name.
    pub(crate) fn row(&mut self, copied: Copied) -> Result<Option<Row>, String> {
        let (child, under) = (copied.child, copied.under);
        let known = self.roster.entry(child);
        if known.is_some_and(|entry| entry.is_aside) {
            return Ok(None);
        }
        let known = known.filter(|entry| entry.id != 0);
        let id = known.map_or_else(|| self.numbers.next(), |entry| entry.id);
        let row = self.row_with(id, copied)?;
        if known.is_none() {
            self.roster.enter(child, Entry::new(id, under));
            // The notice of an end that came before finds no entry; see `roster`.
            if !self.node.is_alive(child) {
                self.roster.forget(child);
                return Ok(None);
            }
        }
        Ok(Some(row))
    }

    /// Whether a child gets no new row now: one is on its way in from a row, and it may be this one. A child that was born
    /// otherwise has an entry from the start.
    pub(crate) fn must_wait(&self, child: Pid) -> bool {
        let entry = self.roster.entry(child);
        self.roster.expects() && entry.is_none()
    }

    /// The row with this number of a copied child.
    ///
    /// # Errors
    /// A sentence, when the child has no name.
    pub(crate) fn row_with(&mut self, id: u64, copied: Copied) -> Result<Row, String> {
        let durable = &self.roster.durable[usize::from(copied.under)];
        let name = Name::of(&copied.subtree, durable)?;
        Ok(Row {
            id,
            key: name.key,
            name: name.name,
            state: State::Playing,
            versions: self.versions(&copied.subtree),
            seq: self.numbers.next(),
            body: copied.subtree.to_bytes(),
            why: None,
            changed_unix_ms: unix_ms(),
        })
    }

    /// The modules of a copy with their versions, sorted: `market-1.0.0 ship-1.1.0`.
    fn versions(&mut self, subtree: &Subtree) -> Arc<str> {
        let shared = self
            .texts
            .entry(versions_of(subtree))
            .or_insert_with_key(|text| text.as_str().into());
        shared.clone()
    }

    /// Hands over rows, all ends, and all that is set aside. The end of a child without a row among these comes first: another
    /// child may have its name now. Waits while the store is full; `goes_on` says whether to wait longer. `false` when the rows were not accepted.
    pub(crate) fn hand_over(
        &mut self,
        rows: Vec<Row>,
        way: Way,
        goes_on: impl Fn() -> bool,
    ) -> bool {
        let (ends, asides) = (self.roster.take_ends(), self.roster.take_asides());
        if rows.is_empty() && ends.is_empty() && asides.is_empty() {
            return true;
        }
        let unix_ms = unix_ms();
        let in_hand: HashSet<u64> = rows.iter().map(|row| row.id).collect();
        let (after, before): (Vec<u64>, Vec<u64>) =
            ends.iter().partition(|id| in_hand.contains(id));
        let mark = |id, state, why| {
            Change::Mark(Mark {
                id,
                state,
                why,
                unix_ms,
            })
        };
        // The player of a row with a word may come back.
        let ended = |id: u64| match self.roster.words.has(id) {
            true => mark(id, State::Resting, None),
            false => mark(id, State::Ended, None),
        };
        let set_aside = |(id, why): &(u64, String)| mark(*id, State::SetAside, Some(why.clone()));
        let rows = rows.into_iter().map(|row| match way {
            Way::Sweep => Change::Sweep(row),
            Way::Tail => Change::Tell(row),
        });
        let changes = before
            .into_iter()
            .map(ended)
            .chain(rows)
            .chain(after.into_iter().map(ended))
            .chain(asides.iter().map(set_aside));
        let accepted = submit(&self.saver, changes.collect(), goes_on);
        match accepted {
            Some(number) => {
                self.accepted = number;
                self.roster.reserve(&asides);
            }
            None => {
                self.roster.put_back_ends(&ends);
                self.roster.put_back_asides(asides);
            }
        }
        accepted.is_some()
    }
}

/// The text of the versions in a subtree, as in [`Rows::versions`].
pub(crate) fn versions_of(subtree: &Subtree) -> String {
    let mut versions: Vec<(&str, &str)> = subtree.versions().collect();
    versions.sort_unstable();
    versions.dedup();
    let words = versions
        .iter()
        .map(|(module, vsn)| format!("{module}-{vsn}"));
    words.collect::<Vec<_>>().join(" ")
}

/// Hands over changes, and waits while the store is full. `None` when they were not accepted.
pub(crate) fn submit(
    saver: &Saver,
    mut changes: Vec<Change>,
    goes_on: impl Fn() -> bool,
) -> Option<CommitNumber> {
    loop {
        match saver.try_submit(changes) {
            Ok(number) => return Some(number),
            Err(Refused {
                reason: Reason::Full,
                changes: back,
            }) if goes_on() => {
                changes = back;
                saver.wait_for_room(&changes, Instant::now() + ROOM_TIMEOUT);
            }
            Err(refused) => {
                tracing::warn!("failed to {refused}");
                return None;
            }
        }
    }
}

/// Milliseconds since 1970; 0 for a clock before that.
pub(crate) fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as u64)
}
