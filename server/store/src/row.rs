//! The rows of a store, and the changes that a node makes to them.
//!
//! The meaning of each change is written down here once; `sqlite/work.rs` carries the changes out in a file, and
//! `memory.rs` in memory. A test compares the two.

use std::sync::Arc;

/// The state of a row; the table in the documentation of the crate says how a row gets from one to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Its processes run, or the next boot starts them.
    Playing,
    /// It has no processes; its key is taken.
    Resting,
    /// It is over, for good: no later change of the row counts. Its key is free.
    Ended,
    /// It could not be continued; [`Row::why`] has the reason. Another row may have its key; the caller decides whether it
    /// lets one.
    SetAside,
}

impl State {
    /// All states, in the order of [`Rows`](crate::Rows).
    pub const ALL: [State; 4] = [
        State::Playing,
        State::Resting,
        State::Ended,
        State::SetAside,
    ];

    /// Whether the key of a row in this state is taken: no other such row has it.
    pub fn holds_key(self) -> bool {
        matches!(self, State::Playing | State::Resting)
    }
}

/// One saved subtree of processes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The number that it got at its birth. Later births have higher numbers, and the sweep goes in their order.
    /// At most 2^63 - 1.
    pub id: u64,
    /// The folded name: equal for names that count as one. Unique among the rows that play or rest.
    pub key: String,
    /// The name as it was typed.
    pub name: String,
    /// Whether it plays, rests, has ended or is set aside.
    pub state: State,
    /// The modules in the body with their versions, in the caller's notation. The store compares it and counts it
    /// ([`Read::needs_versions`](crate::Read::needs_versions)), and keeps each different text once.
    pub versions: Arc<str>,
    /// The age of the body among the bodies of this row: a later one has a higher number. Changes may arrive in
    /// another order than they were made in; the highest number counts. At most 2^63 - 1.
    pub seq: u64,
    /// The encoded subtree; the store does not look inside.
    pub body: Vec<u8>,
    /// A sentence, only in a row that is set aside.
    pub why: Option<String>,
    /// The moment at which the caller made this state of the row, in milliseconds since 1970.
    pub changed_unix_ms: u64,
}

/// A change of the state of a row whose body stays the newest that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The number of the row; without such a row the mark is ignored.
    pub id: u64,
    /// The state in which the row is from then on.
    pub state: State,
    /// The reason, for [`State::SetAside`].
    pub why: Option<String>,
    /// The moment of the change in milliseconds since 1970.
    pub unix_ms: u64,
}

/// One change of a store. All changes of a commit are made, in their order, or none.
///
/// A row that has ended, or that was removed, ignores later changes. A row whose key another row holds is stored as set
/// aside, with a sentence that names the other: nothing is lost, and nothing has to be tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The state of a row as the sweep found it. Replaces a state with the same or a lower `seq`.
    Sweep(Row),
    /// The state of a row that somebody has been or will be told. It goes to the tail, which costs one write in order.
    /// A new row, or another key, name or state, goes to the rows themselves. Replaces a state with a lower `seq`;
    /// with the same `seq` only if its key, name or state differs.
    Tell(Row),
    /// Another state with the same body.
    Mark(Mark),
    /// The hash of the word by which the row's player is known; `None` removes it. It may come before the row, and goes
    /// with it: when the row ends or is removed. An ended row takes none.
    Word {
        /// The number of the row.
        id: u64,
        /// The hash; the store does not look inside.
        hash: Option<String>,
    },
    /// The row and everything in it goes. The number must not be used again.
    Remove {
        /// The number of the row.
        id: u64,
    },
    /// A round of the sweep begins. Rows that ended before the given moment, and removed ones, are forgotten when it
    /// is over, at most 10 000 in one round. A round that the process does not live to end counts for nothing.
    SweepBegins {
        /// The age limit in milliseconds since 1970.
        forget_before_unix_ms: u64,
    },
    /// The round is over: told states that it has overtaken leave the tail.
    SweepEnds {
        /// The end in milliseconds since 1970, kept in the file.
        unix_ms: u64,
    },
}

/// The largest number that a store keeps in `id` and `seq`: SQLite's integers are signed.
pub(crate) const NUMBER_MAX: u64 = i64::MAX as u64;

impl Change {
    /// The memory that the change takes while it waits, in bytes.
    pub fn bytes(&self) -> usize {
        let content = match self {
            Change::Sweep(row) | Change::Tell(row) => row.bytes(),
            Change::Mark(mark) => mark.why.as_ref().map_or(0, String::len),
            Change::Word { hash, .. } => hash.as_ref().map_or(0, String::len),
            Change::Remove { .. } | Change::SweepBegins { .. } | Change::SweepEnds { .. } => 0,
        };
        size_of::<Change>() + content
    }

    /// Whether its numbers fit the store.
    pub(crate) fn fits(&self) -> bool {
        match self {
            Change::Sweep(row) | Change::Tell(row) => {
                let largest = row.id.max(row.seq).max(row.changed_unix_ms);
                largest <= NUMBER_MAX
            }
            Change::Mark(mark) => mark.id.max(mark.unix_ms) <= NUMBER_MAX,
            Change::Remove { id } | Change::Word { id, .. } => *id <= NUMBER_MAX,
            Change::SweepBegins {
                forget_before_unix_ms: unix_ms,
            }
            | Change::SweepEnds { unix_ms } => *unix_ms <= NUMBER_MAX,
        }
    }
}

impl Row {
    fn bytes(&self) -> usize {
        let why = self.why.as_ref().map_or(0, String::len);
        self.body.len() + self.key.len() + self.name.len() + why
    }
}

/// The state in which a row is stored, with its sentence; `holder` is another row that holds its key.
pub(crate) fn settled(
    wanted: State,
    why: Option<&str>,
    key: &str,
    holder: Option<u64>,
) -> (State, Option<String>) {
    match (wanted, holder) {
        (State::Playing | State::Resting, Some(other)) => {
            let why = format!("the name {key:?} belongs to row {other}");
            (State::SetAside, Some(why))
        }
        (State::SetAside, _) => {
            let why = why.unwrap_or("no reason was given");
            (State::SetAside, Some(why.to_owned()))
        }
        (State::Playing | State::Resting | State::Ended, _) => (wanted, None),
    }
}
