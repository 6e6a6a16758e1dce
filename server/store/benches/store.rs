//! The costs of a store on this disk: the first sweep, a later one, what is told, a boot, a backup beside a writer.
//!
//! `cargo bench -p pq-store --bench store -- rows 1000000 commits 4000 bytes 414 in DIRECTORY`; without `in` the store
//! is in the target directory, as that for temporary files is often memory.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use pq_store::{
    Change, Database, Read, Row, Saver, Settings, Snapshot, State, Store, Upkeep, backup, check,
};

/// Rows in a commit of the sweep: the largest batch of the writer.
const SWEEP: u64 = 5000;

/// Rows in a commit of what is told.
const TELL: u64 = 240;

/// Clock ticks per second in `/proc/PID/stat`.
const TICKS_PER_SECOND: f64 = 100.0;

struct Asked {
    rows: u64,
    commits: u64,
    bytes: u64,
    folder: PathBuf,
}

fn asked() -> Asked {
    let words: Vec<String> = std::env::args().collect();
    let value = |name: &str| {
        let at = words.iter().position(|word| word == name)?;
        words.get(at + 1).cloned()
    };
    let number = |name, otherwise| {
        value(name).map_or(otherwise, |text| {
            text.parse().expect("a number follows the word")
        })
    };
    Asked {
        rows: number("rows", 1_000_000),
        commits: number("commits", 4000),
        bytes: number("bytes", 414),
        folder: value("in").map_or_else(|| env!("CARGO_TARGET_TMPDIR").into(), PathBuf::from),
    }
}

/// A state of a row. Names are in no order; bodies do not repeat.
fn row(asked: &Asked, id: u64, seq: u64) -> Row {
    let mixed = |x: u64| x.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23) ^ x;
    let words = (0..asked.bytes.div_ceil(8)).flat_map(|word| mixed(id + seq + word).to_le_bytes());
    let name = format!("Name{:012x}", mixed(id) >> 16);
    Row {
        id,
        key: name.to_lowercase(),
        name,
        state: State::Playing,
        versions: "processquest 1.1.0, sockserv 1.0.1".into(),
        seq,
        body: words.take(asked.bytes as usize).collect(),
        why: None,
        changed_unix_ms: 1_800_000_000_000 + seq,
    }
}

/// What the process has used until now.
#[derive(Clone, Copy)]
struct Usage {
    cpu_s: f64,
    written: f64,
}

impl Usage {
    fn now() -> Usage {
        let stat = fs::read_to_string("/proc/self/stat").unwrap();
        let fields: Vec<&str> = stat
            .rsplit(')')
            .next()
            .unwrap()
            .split_whitespace()
            .collect();
        let ticks = |field: usize| fields[field].parse::<f64>().unwrap();
        let io = fs::read_to_string("/proc/self/io").unwrap_or_default();
        let written = io
            .lines()
            .find_map(|line| line.strip_prefix("write_bytes: "));
        Usage {
            cpu_s: (ticks(11) + ticks(12)) / TICKS_PER_SECOND,
            written: written.map_or(f64::NAN, |bytes| bytes.parse().unwrap()),
        }
    }
}

/// Measures commits and prints a row of the table. The rows of a commit are made before its time begins.
fn commits(
    what: &str,
    asked: &Asked,
    store: &mut Database,
    next: &mut dyn FnMut() -> Option<Vec<Change>>,
) {
    let (mut rows, mut took) = (0, Vec::new());
    let (mut cpu_s, mut written, mut time) = (0.0, 0.0, Duration::ZERO);
    while let Some(changes) = next() {
        rows += changes.len();
        let before = Usage::now();
        let begun = Instant::now();
        store.commit(&changes).unwrap();
        took.push(begun.elapsed());
        let after = Usage::now();
        time += begun.elapsed();
        cpu_s += after.cpu_s - before.cpu_s;
        written += after.written - before.written;
    }
    took.sort();
    let part =
        |percent: usize| took[(took.len() * percent / 100).min(took.len() - 1)].as_secs_f64() * 1e3;
    println!(
        "| {what} | {:.0} rows/s; {:.1} us of processor per row; {:.1} bytes written per byte; commit p50 {:.1}, p99 {:.0}, longest {:.0} ms |",
        rows as f64 / time.as_secs_f64(),
        cpu_s * 1e6 / rows as f64,
        written / (rows as u64 * asked.bytes) as f64,
        part(50),
        part(99),
        part(100)
    );
}

fn sweep(what: &str, asked: &Asked, store: &mut Database, seq: u64) {
    let forget_before_unix_ms = 0;
    store
        .commit(&[Change::SweepBegins {
            forget_before_unix_ms,
        }])
        .unwrap();
    let mut from = 1;
    commits(what, asked, store, &mut || {
        let ids = from..(from + SWEEP).min(asked.rows + 1);
        from += SWEEP;
        let rows = ids.map(|id| Change::Sweep(row(asked, id, seq)));
        Some(rows.collect::<Vec<_>>()).filter(|rows| !rows.is_empty())
    });
    store.commit(&[Change::SweepEnds { unix_ms: seq }]).unwrap();
}

fn tell(asked: &Asked, store: &mut Database, seq: u64) {
    let mut commit = 0;
    commits("told, 240 rows a commit", asked, store, &mut || {
        commit += 1;
        // 5 000 rows are watched.
        let ids = (0..TELL).map(|i| (commit * TELL + i) * 7919 % 5000 % asked.rows + 1);
        let rows = ids.map(|id| Change::Tell(row(asked, id, seq + commit)));
        (commit <= asked.commits).then(|| rows.collect())
    });
}

fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let begun = Instant::now();
    let result = work();
    println!("| {what} | {:.3} s |", begun.elapsed().as_secs_f64());
    result
}

fn boot(asked: &Asked, file: &Path) -> Database {
    let mut store = timed("open", || Database::open(file).unwrap());
    timed("versions that are needed", || {
        store.needs_versions().unwrap()
    });
    let (mut rows, mut bytes) = (0, 0);
    timed("read all rows", || {
        let mut each = |row: Row| {
            (rows, bytes) = (rows + 1, bytes + row.body.len() as u64);
            std::ops::ControlFlow::Continue(())
        };
        store.load(&[State::Playing], &mut each).unwrap();
    });
    assert_eq!((rows, bytes), (asked.rows, asked.rows * asked.bytes));
    store
}

/// A backup while a saver tells; the durations of commits are the saver's own.
fn beside_a_writer(asked: &Asked, file: &Path, store: Database, seq: u64) {
    let saver = Saver::start(store, Settings::default(), |_| ()).unwrap();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let ids = (0..).map(|i| i * 7919 % 5000 % asked.rows + 1);
            for (at, id) in ids.enumerate() {
                if is_over.load(Ordering::Relaxed) {
                    break;
                }
                // 3 000 rows per second, as 5 000 watched avatars act.
                std::thread::sleep(Duration::from_micros(330));
                saver
                    .try_tell(vec![row(asked, id, seq + at as u64)])
                    .unwrap();
            }
        });
        timed("backup beside a writer", || {
            backup(file, &file.with_extension("copy")).unwrap()
        });
        is_over.store(true, Ordering::Relaxed);
    });
    let commits = saver.status().commits;
    println!(
        "| commits beside the backup | p50 {:?}, p99 {:?}, longest {:?} |",
        commits.p50, commits.p99, commits.max
    );
    let closed = timed("close", || {
        saver.close(Instant::now() + Duration::from_secs(600))
    });
    assert_eq!(closed.changes_not_durable, 0);
}

fn main() {
    let asked = asked();
    let folder = tempfile::tempdir_in(&asked.folder).unwrap();
    let file = folder.path().join("saves.db");
    println!(
        "| {} rows of {} bytes, SQLite | |\n|---|---|",
        asked.rows, asked.bytes
    );
    let mut store = Database::open(&file).unwrap();
    sweep(
        "first sweep, 5 000 rows a commit: births",
        &asked,
        &mut store,
        1,
    );
    sweep("next sweep", &asked, &mut store, 2);
    tell(&asked, &mut store, 10);
    let mut store = crash(&asked, &folder, store);
    sweep("sweep that overtakes a tail", &asked, &mut store, 1 << 20);
    timed("upkeep behind it", || {
        while store.commit(&[]).unwrap() == Upkeep::Left {}
    });
    println!(
        "| on the disk | {:.0} MB |",
        store.stats().bytes_on_disk as f64 / 1e6
    );
    beside_a_writer(&asked, &file, store, 1 << 30);
    timed("check", || assert!(check(&file).unwrap().is_empty()));
    timed("open a snapshot", || Snapshot::open(&file).unwrap());
}

/// The files as a killed process leaves them, and a boot from them.
fn crash(asked: &Asked, folder: &tempfile::TempDir, store: Database) -> Database {
    let killed = folder.path().join("killed");
    fs::create_dir(&killed).unwrap();
    for name in ["saves.db", "saves.db-wal"] {
        fs::copy(folder.path().join(name), killed.join(name)).unwrap();
    }
    drop(boot(asked, &killed.join("saves.db")));
    fs::remove_dir_all(&killed).unwrap();
    store
}
