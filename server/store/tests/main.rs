//! Tests of the store from outside: crashes of the process and of the machine, and a store that fails.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use pq_store::{Change, Mark, Read, Row, State};

mod faults;
mod killed;
mod power;
mod refused;

/// SplitMix64: its whole state is the seed that a failing test prints.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }
}

/// The first seed of a test: `PQ_SEED` if it is set, else the argument.
pub(crate) fn seed(otherwise: u64) -> u64 {
    let from_env = std::env::var("PQ_SEED").ok();
    from_env.map_or(otherwise, |text| text.parse().expect("PQ_SEED is a number"))
}

/// The length of a proof: `sample`, or `all` under `PQ_FULL=1`.
pub(crate) fn length(sample: u64, all: u64) -> u64 {
    match std::env::var_os("PQ_FULL").is_some_and(|full| full == "1") {
        true => all,
        false => sample,
    }
}

/// A row that plays, whose body follows from its numbers.
pub(crate) fn row(id: u64, seq: u64) -> Row {
    Row {
        id,
        key: format!("key {id}"),
        name: format!("Name {id}"),
        state: State::Playing,
        versions: "game 1.0.0, quests 1.1.0".into(),
        seq,
        body: seq.to_le_bytes().repeat(30 + id as usize % 40),
        why: None,
        changed_unix_ms: seq,
    }
}

/// The rows in all states.
pub(crate) fn all(store: &mut impl Read) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut each = |row| {
        rows.push(row);
        ControlFlow::Continue(())
    };
    store.load(&State::ALL, &mut each).unwrap();
    rows
}

/// The changes of the hand-over `number` of the run `run`, always the same: states with rising `seq`, rounds of the
/// sweep over everything that was born, births, rests and ends.
pub(crate) fn hand_over(run: u64, number: u64) -> Vec<Change> {
    let mut dice = Dice(run.wrapping_mul(1 << 32) + number);
    let mut changes = match number % 16 {
        3 => vec![Change::SweepBegins {
            forget_before_unix_ms: number,
        }],
        4..=7 => sweep(number),
        9 => vec![Change::SweepEnds { unix_ms: number }],
        13 => vec![mark(number, &mut dice)],
        _ => tell(number, &mut dice),
    };
    changes.retain(|change| match change {
        Change::Sweep(row) | Change::Tell(row) => is_alive(row.id, number),
        Change::Mark(mark) => is_alive(mark.id, number),
        _ => true,
    });
    changes.extend(death(number));
    changes
}

/// The number of rows that are born by then; in a long run 300.
fn born(number: u64) -> u64 {
    (number / 4 + 8).min(300)
}

/// Each fifth row lives for a while only. Its number is not used again.
fn is_alive(id: u64, number: u64) -> bool {
    !id.is_multiple_of(5) || number < 4 * id + 40
}

fn death(number: u64) -> Option<Change> {
    let id = number.checked_sub(40)? / 4;
    let dies = number.is_multiple_of(20) && id > 0;
    let ends = Change::Mark(Mark {
        id,
        state: State::Ended,
        why: None,
        unix_ms: number,
    });
    dies.then_some(match id % 2 {
        0 => ends,
        _ => Change::Remove { id },
    })
}

/// A quarter of a round.
fn sweep(number: u64) -> Vec<Change> {
    let part = born(number) / 4;
    let from = (number % 16 - 4) * part;
    let ids = from + 1..=from + part;
    ids.map(|id| Change::Sweep(row(id, number * 100))).collect()
}

fn mark(number: u64, dice: &mut Dice) -> Change {
    let states = [State::Playing, State::Resting, State::SetAside];
    Change::Mark(Mark {
        id: dice.below(born(number)) + 1,
        state: states[dice.below(3) as usize],
        why: None,
        unix_ms: number,
    })
}

fn tell(number: u64, dice: &mut Dice) -> Vec<Change> {
    let rows = dice.below(20) + 1;
    let told = |more| {
        let id = dice.below(born(number)) + 1;
        Change::Tell(row(id, number * 100 + more))
    };
    (0..rows).map(told).collect()
}

/// The numbers of the rows in which two stores differ, with state and `seq`.
pub(crate) fn differences(one: &[Row], other: &[Row]) -> Vec<(u64, State, u64)> {
    let by_id = |rows: &[Row]| {
        rows.iter()
            .map(|row| (row.id, row.clone()))
            .collect::<BTreeMap<_, _>>()
    };
    let (one, other) = (by_id(one), by_id(other));
    let only = |of: &BTreeMap<u64, Row>, than: &BTreeMap<u64, Row>| {
        let rows = of.values().filter(|row| than.get(&row.id) != Some(row));
        rows.map(|row| (row.id, row.state, row.seq))
            .collect::<Vec<_>>()
    };
    [only(&one, &other), only(&other, &one)].concat()
}
