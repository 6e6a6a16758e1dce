//! The machine goes down in the middle of a commit. The files of a store are compared before and after a commit; of
//! the bytes that differ, any part may be on the disk, within the order that SQLite's syncs enforce:
//!
//! 1. A log that is begun again gets a new header, which is synced before anything else.
//! 2. The frames of the commit are written to the log and synced.
//! 3. At a checkpoint, pages are written to the file and synced.
//!
//! In each step, each sector of 512 bytes is the old one, the new one, or zeros where the file grew. A disk that breaks
//! its promise of a sync is not covered.
//!
//! Seed 276 showed once that the rest of a commit that a crash had interrupted could be completed by the next one: the
//! store empties its log when it is opened.

use std::fs;
use std::path::Path;

use pq_store::{Change, Database, Memory, Store, check};
use tempfile::TempDir;

use crate::{Dice, all, differences, hand_over, length, seed};

const SECTOR: usize = 512;

/// Bytes of the log's header, which are synced alone.
const HEADER: usize = 32;

/// The two files of a store.
#[derive(Clone, PartialEq)]
struct Disk {
    main: Vec<u8>,
    log: Vec<u8>,
}

impl Disk {
    fn of(folder: &Path) -> Disk {
        Disk {
            main: fs::read(folder.join("saves.db")).unwrap(),
            log: fs::read(folder.join("saves.db-wal")).unwrap_or_default(),
        }
    }

    fn write(&self, folder: &Path) {
        fs::write(folder.join("saves.db"), &self.main).unwrap();
        fs::write(folder.join("saves.db-wal"), &self.log).unwrap();
    }
}

/// The disk after power failed somewhere between the two.
fn cut(before: &Disk, after: &Disk, dice: &mut Dice) -> Disk {
    if before == after {
        return after.clone();
    }
    let is_new_log = before.log.get(..HEADER) != after.log.get(..HEADER);
    let headed = match is_new_log {
        true => with_header(&before.log, &after.log),
        false => before.log.clone(),
    };
    match dice.below(4) {
        0 if is_new_log && dice.below(2) == 0 => before.clone(),
        0 => Disk {
            main: before.main.clone(),
            log: headed,
        },
        1 if before.main != after.main => Disk {
            main: mixed(&before.main, &after.main, dice),
            log: after.log.clone(),
        },
        _ => {
            let mut log = mixed(&headed, &after.log, dice);
            log[..HEADER].copy_from_slice(&after.log[..HEADER]);
            Disk {
                main: before.main.clone(),
                log,
            }
        }
    }
}

fn with_header(old: &[u8], new: &[u8]) -> Vec<u8> {
    let mut log = old.to_vec();
    log.resize(log.len().max(HEADER), 0);
    log[..HEADER].copy_from_slice(&new[..HEADER]);
    log
}

/// Any mixture of the sectors of two files.
fn mixed(old: &[u8], new: &[u8], dice: &mut Dice) -> Vec<u8> {
    // Mostly old, mostly new, or both alike.
    let share = [1, 5, 9][dice.below(3) as usize];
    let mut file = new.to_vec();
    file.resize(old.len().max(new.len()), 0);
    for (at, sector) in file.chunks_mut(SECTOR).enumerate() {
        let old = old.get(at * SECTOR..).unwrap_or_default();
        if dice.below(10) < share {
            continue;
        }
        sector.fill(0);
        let length = sector.len().min(old.len());
        sector[..length].copy_from_slice(&old[..length]);
    }
    if dice.below(3) == 0 && new.len() > old.len() {
        file.truncate(old.len().max(HEADER) + dice.below((new.len() - old.len()) as u64) as usize);
    }
    file
}

/// In memory where the machine has such a directory: the crash is computed, and nothing asks the disk.
fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap()
}

/// A store and what it has to contain, before and after its last commit.
struct Run {
    folder: TempDir,
    store: Database,
    model: Memory,
}

impl Run {
    fn open(folder: TempDir, model: Memory) -> Run {
        // Pages until a checkpoint: few, so that each run has several.
        let store = Database::open_with(&folder.path().join("saves.db"), 12).unwrap();
        Run {
            folder,
            store,
            model,
        }
    }

    fn commit(&mut self, changes: &[Change]) {
        self.store.commit(changes).unwrap();
        self.model.commit(changes).unwrap();
    }

    /// Goes on with the disk after the cut. It is the store before the last commit or after it.
    fn crash(self, disk: &Disk, before: Memory) -> Run {
        let folder = folder();
        disk.write(folder.path());
        drop(self.store);
        let mut run = Run::open(folder, before);
        let found = all(&mut run.store);
        if found != all(&mut run.model) {
            run.model = self.model;
            let differences = differences(&found, &all(&mut run.model));
            assert_eq!(differences, [], "neither before nor after the commit");
        }
        let findings = check(&run.folder.path().join("saves.db")).unwrap();
        assert_eq!(findings, Vec::<String>::new());
        run
    }
}

fn play(seed: u64) {
    let mut dice = Dice(seed);
    let mut run = Run::open(folder(), Memory::new());
    for number in 1..60 {
        let changes = hand_over(seed, number);
        let (before, model) = (Disk::of(run.folder.path()), run.model.clone());
        run.commit(&changes);
        let after = Disk::of(run.folder.path());
        run = match dice.below(8) {
            0 => run.crash(&after.clone(), after_only()),
            1 | 2 => run.crash(&cut(&before, &after, &mut dice), model),
            _ => run,
        };
    }
}

/// A commit that has returned is there: the state before it would be wrong.
fn after_only() -> Memory {
    let mut nothing = Memory::new();
    nothing
        .commit(&[Change::Tell(crate::row(u64::MAX >> 1, 1))])
        .unwrap();
    nothing
}

#[test]
fn a_power_cut_leaves_a_commit_whole_or_not_at_all() {
    let first = seed(1);
    for seed in first..first + length(60, 5000) {
        println!("seed {seed}");
        play(seed);
    }
}
