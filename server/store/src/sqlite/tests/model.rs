//! The store in a file against the store in memory, with random changes, failures and new starts.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::memory::Memory;

#[derive(Debug, Clone)]
enum Step {
    Commit(Vec<Change>),
    /// The commit fails at its end, on a disk that is full, and is made again.
    FailingCommit(Vec<Change>),
    Reopen,
    /// The process ends without closing the file.
    Crash,
}

/// Few numbers, keys and versions, so that changes meet.
fn any_row() -> impl Strategy<Value = Row> {
    let state = prop::sample::select(vec![
        State::Playing,
        State::Playing,
        State::Playing,
        State::Resting,
        State::Ended,
        State::SetAside,
    ]);
    let numbers = (1..6_u64, 0..12_u64, 0..40_u64);
    let body = prop_oneof![9 => 0..50_usize, 1 => 4000..9000_usize];
    let why = prop::option::of(Just("it is too old".to_owned()));
    let parts = (numbers, state, 0..4_u8, 0..2_u8, body, why);
    parts.prop_map(|((id, seq, time), state, key, versions, body, why)| Row {
        id,
        // Mostly a key of its own; a key of another row is a conflict.
        key: match key {
            0 => "shared".to_owned(),
            _ => format!("key {id}"),
        },
        name: format!("Name {}", key / 2),
        state,
        versions: format!("game {versions}").into(),
        seq,
        body: vec![(seq + id) as u8; body],
        why,
        changed_unix_ms: time,
    })
}

fn any_mark() -> impl Strategy<Value = Mark> {
    let state = prop::sample::select(State::ALL.to_vec());
    (1..6_u64, state, 0..40_u64).prop_map(|(id, state, unix_ms)| Mark {
        id,
        state,
        why: Some("a test says so".to_owned()),
        unix_ms,
    })
}

fn any_change() -> impl Strategy<Value = Change> {
    prop_oneof![
        6 => any_row().prop_map(Change::Sweep),
        8 => any_row().prop_map(Change::Tell),
        3 => any_mark().prop_map(Change::Mark),
        1 => (1..6_u64).prop_map(|id| Change::Remove { id }),
        2 => (1..6_u64, prop::option::of("[a-c]{1,3}")).prop_map(|(id, hash)| Change::Word { id, hash }),
        3 => (0..40_u64).prop_map(|forget_before_unix_ms| Change::SweepBegins { forget_before_unix_ms }),
        3 => (0..40_u64).prop_map(|unix_ms| Change::SweepEnds { unix_ms }),
    ]
}

fn any_step() -> impl Strategy<Value = Step> {
    let changes = || prop::collection::vec(any_change(), 0..8);
    prop_oneof![
        6 => changes().prop_map(Step::Commit),
        2 => changes().prop_map(Step::FailingCommit),
        1 => Just(Step::Reopen),
        1 => Just(Step::Crash),
    ]
}

/// The changes that the model has made. Changes of a row are left out when its number is not free any more: such a row
/// would be born again.
fn made(model: &mut Memory, gone: &mut BTreeSet<u64>, mut changes: Vec<Change>) -> Vec<Change> {
    changes.retain(|change| {
        match change {
            Change::Sweep(row) | Change::Tell(row) if gone.contains(&row.id) => return false,
            Change::Word { id, .. } if gone.contains(id) => return false,
            Change::SweepEnds { .. } => gone.extend(model.to_be_forgotten()),
            _ => (),
        }
        model.commit(std::slice::from_ref(change)).is_ok()
    });
    changes
}

/// A store that is full when the changes have been made and one more comes.
fn fail(store: &mut Database, changes: &[Change]) {
    let before = (all(store), store.known.stats());
    let needs = store.needs_versions().unwrap();
    let big = Row {
        body: vec![0; 4 << 20],
        ..row(99, 1)
    };
    let mut with_big = changes.to_vec();
    with_big.push(Change::Tell(big));
    leave_pages(store, Some(100));
    store.commit(&with_big).unwrap_err();
    leave_pages(store, None);
    assert_eq!((all(store), store.known.stats()), before);
    assert_eq!(store.needs_versions().unwrap(), needs);
}

/// The files as they are, in another directory: that is how a new process finds them.
fn crash(store: Database, folder: &mut TempDir) -> Database {
    let next = super::folder();
    for name in ["saves.db", "saves.db-wal"] {
        fs::copy(folder.path().join(name), next.path().join(name)).unwrap();
    }
    drop(store);
    *folder = next;
    Database::open(&place(folder)).unwrap()
}

/// The numbers and keys that a reader hands out.
fn names(
    read: impl FnOnce(&mut dyn FnMut(u64, &str)) -> Result<(), StoreError>,
) -> Vec<(u64, String)> {
    let mut all = Vec::new();
    read(&mut |id, key| all.push((id, key.to_owned()))).unwrap();
    all
}

fn equal(store: &mut Database, model: &mut Memory) -> Result<(), TestCaseError> {
    let rows = all(model);
    prop_assert_eq!(&all(store), &rows);
    prop_assert_eq!(
        store.needs_versions().unwrap(),
        model.needs_versions().unwrap()
    );
    let stats = store.stats();
    prop_assert_eq!(
        (stats.rows, stats.swept_unix_ms),
        (model.stats().rows, model.stats().swept_unix_ms)
    );
    for key in rows.iter().map(|row| &row.key).collect::<BTreeSet<_>>() {
        prop_assert_eq!(store.get(key).unwrap(), model.get(key).unwrap());
    }
    for id in 1..6 {
        prop_assert_eq!(store.word(id).unwrap(), model.word(id).unwrap());
    }
    let of_store = names(|each| store.words(each));
    prop_assert_eq!(of_store, names(|each| model.words(each)));
    let of_store = names(|each| store.resting(each));
    prop_assert_eq!(of_store, names(|each| model.resting(each)));
    for state in State::ALL {
        let page = Page {
            state,
            after: 2,
            limit: 2,
        };
        prop_assert_eq!(store.list(page).unwrap(), model.list(page).unwrap());
    }
    Ok(())
}

/// The length of a proof: `PQ_FULL=1` in the environment asks for all of it.
fn cases() -> ProptestConfig {
    let is_full = std::env::var_os("PQ_FULL").is_some_and(|full| full == "1");
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(if is_full { 20_000 } else { 400 })
    }
}

proptest! {
    #![proptest_config(cases())]
    #[test]
    fn a_store_in_a_file_is_one_in_memory(steps in prop::collection::vec(any_step(), 1..20)) {
        let mut folder = super::folder();
        let mut store = Database::open(&place(&folder)).unwrap();
        let mut model = Memory::new();
        let mut gone = BTreeSet::new();
        for step in steps {
            match step {
                Step::Commit(changes) => {
                    let changes = made(&mut model, &mut gone, changes);
                    store.commit(&changes).unwrap();
                }
                Step::FailingCommit(changes) => {
                    let changes = made(&mut model, &mut gone, changes);
                    fail(&mut store, &changes);
                    store.commit(&changes).unwrap();
                }
                Step::Reopen => {
                    drop(store);
                    store = Database::open(&place(&folder)).unwrap();
                    model.restart();
                }
                Step::Crash => {
                    store = crash(store, &mut folder);
                    model.restart();
                }
            }
            upkeep(&mut store);
            equal(&mut store, &mut model)?;
        }
        prop_assert_eq!(check(&place(&folder)).unwrap(), Vec::<String>::new());
    }
}
