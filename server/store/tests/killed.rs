//! A process that saves, and is killed. The child is this test program with its work in the environment; it reports
//! each number that is on the disk.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use pq_store::{
    Change, Database, Limits, Memory, Reason, Row, Saver, Settings, State, Store, StoreError, check,
};

use crate::{Dice, all, differences, hand_over, length, row, seed};

const FILE: &str = "PQ_STORE_FILE";
const SEED: &str = "PQ_STORE_RUN";
const AFTER: &str = "PQ_STORE_AFTER";

/// A bound for waits that end at once unless something hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// The row whose `seq` is the number of the last hand-over: each hand-over tells it.
const COUNTER: u64 = 1 << 40;

/// All changes of a hand-over.
fn changes(seed: u64, number: u64) -> Vec<Change> {
    let mut changes = hand_over(seed, number);
    changes.push(Change::Tell(row(COUNTER, number)));
    changes
}

#[test]
fn the_work_that_the_environment_asks_for() {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let (Some(file), Some(seed), Some(after)) =
        (std::env::var_os(FILE), number(SEED), number(AFTER))
    else {
        return;
    };
    save(&PathBuf::from(file), seed, after);
}

/// Hands over without end, faster than the disk is. The writer reports to the standard output.
fn save(file: &Path, seed: u64, after: u64) {
    let settings = Settings {
        group: Duration::from_millis(1),
        limits: Limits {
            changes: 3000,
            bytes: 4 << 20,
        },
        ..Settings::default()
    };
    let reported = AtomicU64::new(0);
    let report = move |number: pq_store::CommitNumber| {
        if reported.swap(number.get(), Ordering::Relaxed) < number.get() {
            println!("durable {}", after + number.get());
        }
    };
    let saver = Saver::start(opened(file), settings, report).unwrap();
    for number in after + 1.. {
        let mut next = changes(seed, number);
        while let Err(refused) = saver.try_submit(next) {
            assert_eq!(refused.reason, Reason::Full);
            next = refused.changes;
            saver.wait_for_room(&next, Instant::now() + PATIENCE);
        }
    }
}

/// Opens the store. A program that another test of the parent just starts holds the parent's lock for a moment, until it runs.
fn opened(file: &Path) -> Database {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match Database::open(file) {
            Err(StoreError::InUse { .. }) if Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(5));
            }
            opened => return opened.unwrap(),
        }
    }
}

fn child(file: &Path, seed: u64, after: u64) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "killed::the_work_that_the_environment_asks_for"]);
    command.args(["--nocapture", "--test-threads=1"]);
    command
        .env(FILE, file)
        .env(SEED, seed.to_string())
        .env(AFTER, after.to_string());
    command
        .stdout(Stdio::piped())
        .stdin(Stdio::null())
        .spawn()
        .unwrap()
}

/// Kills a child after so many reports. Returns the last number that it reported.
fn kill_after(mut child: Child, reports: u64, after: u64) -> u64 {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let (mut seen, mut durable) = (0, after);
    // The reports before the kill are still in the pipe: the loop goes on to its end.
    for line in lines.map_while(Result::ok) {
        let Some(number) = line.strip_prefix("durable ") else {
            continue;
        };
        durable = number.parse().unwrap();
        seen += 1;
        if seen == reports {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    durable
}

#[test]
fn a_killed_process_has_saved_everything_that_it_reported() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("saves.db");
    let seed = seed(7);
    let mut dice = Dice(seed);
    let (mut model, mut number) = (Memory::new(), 0);
    for _ in 0..length(25, 400) {
        let reports = 1 + dice.below(12);
        let durable = kill_after(child(&file, seed, number), reports, number);
        assert!(durable > number, "seed {seed}: the child has saved nothing");
        number = found(&file, &mut model, number, seed);
        assert!(
            number >= durable,
            "seed {seed}: {durable} was reported, and {number} is there"
        );
    }
}

/// Compares the store with the model, which goes on to the hand-over that is the last in the store.
fn found(file: &Path, model: &mut Memory, after: u64, seed: u64) -> u64 {
    assert_eq!(check(file).unwrap(), Vec::<String>::new(), "seed {seed}");
    let mut store = Database::open(file).unwrap();
    let rows = all(&mut store);
    let last = rows
        .last()
        .filter(|row| row.id == COUNTER)
        .map_or(0, |row| row.seq);
    for number in after + 1..=last {
        model.commit(&changes(seed, number)).unwrap();
    }
    // The model forgets rows that are over at the end of a round, and the store a little later.
    let is_over = |row: &Row| row.state == State::Ended;
    let [mut rows, mut wanted] = [rows, all(model)];
    rows.retain(|row| !is_over(row));
    wanted.retain(|row| !is_over(row));
    assert_eq!(
        differences(&rows, &wanted),
        [],
        "seed {seed}, hand-overs {after} to {last}"
    );
    last
}
