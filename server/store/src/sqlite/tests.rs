//! Tests that look into a file: its settings, its tables and its damage.

use std::fs;
use std::ops::ControlFlow;
use std::path::PathBuf;

use tempfile::TempDir;

use super::file::beside;
use super::known::{REMOVED, number, state};
use super::{schema, *};
use crate::row::{Change, Mark, Row, State};
use crate::store::{Page, Read, Unusable};
use crate::{Snapshot, backup, check, restore};

mod model;
mod words;

/// A directory in memory where the machine has one: these tests do not ask what survives the machine.
fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap()
}

fn place(folder: &TempDir) -> PathBuf {
    folder.path().join("saves.db")
}

fn row(id: u64, seq: u64) -> Row {
    Row {
        id,
        key: format!("key {id}"),
        name: format!("Name {id}"),
        state: State::Playing,
        versions: "game 1".into(),
        seq,
        body: vec![id as u8; 400],
        why: None,
        changed_unix_ms: 1000 + seq,
    }
}

/// Lets the file grow by so many pages at most, as a disk that is nearly full does; `None` makes room again.
fn leave_pages(store: &Database, pages: Option<i64>) {
    let connection = &store.connection;
    let count = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
    let now = connection
        .query_row("PRAGMA page_count", (), count)
        .unwrap();
    let max = pages.map_or(1 << 30, |pages| now + pages);
    connection
        .pragma_update(None, "max_page_count", max)
        .unwrap();
}

fn all(store: &mut impl Read) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut each = |row| {
        rows.push(row);
        ControlFlow::Continue(())
    };
    store.load(&State::ALL, &mut each).unwrap();
    rows
}

fn upkeep(store: &mut impl Store) {
    while store.commit(&[]).unwrap() == Upkeep::Left {}
}

fn sweep(store: &mut impl Store, rows: &[Row]) {
    let begins = Change::SweepBegins {
        forget_before_unix_ms: 0,
    };
    store.commit(&[begins]).unwrap();
    let rows: Vec<_> = rows.iter().cloned().map(Change::Sweep).collect();
    store.commit(&rows).unwrap();
    store.commit(&[Change::SweepEnds { unix_ms: 5 }]).unwrap();
    upkeep(store);
}

/// What a person or another program does to a file.
fn meddle(store: &Path, sql: &str) {
    let connection = Connection::open(store).unwrap();
    connection.execute_batch(sql).unwrap();
}

#[test]
fn every_state_has_one_number() {
    for one in State::ALL {
        assert_eq!(state(number(one)), Some(one));
    }
    assert_eq!(state(REMOVED), None);
}

#[test]
fn a_commit_is_synced_and_goes_to_a_log() {
    let folder = folder();
    let store = Database::open(&place(&folder)).unwrap();
    let setting = |name| -> String {
        let sql = format!("SELECT CAST({name} AS TEXT) FROM pragma_{name}");
        store
            .connection
            .query_row(&sql, (), |row| row.get(0))
            .unwrap()
    };
    let full = "2";
    assert_eq!(
        (&*setting("journal_mode"), &*setting("synchronous")),
        ("wal", full)
    );
    assert!(rusqlite::version_number() >= schema::LIBRARY_MIN);
}

#[test]
fn a_sweep_overtakes_the_tail_and_only_the_rows_that_it_has_reached() {
    let folder = folder();
    let mut store = Database::open(&place(&folder)).unwrap();
    sweep(&mut store, &[row(1, 1), row(2, 1)]);
    store
        .commit(&[
            Change::Tell(row(1, 2)),
            Change::Tell(row(2, 2)),
            Change::Tell(row(2, 3)),
        ])
        .unwrap();
    assert_eq!(store.stats().tail, 3);
    sweep(&mut store, &[row(1, 3)]);
    assert_eq!(store.stats().tail, 1, "the newest state of row 2");
    assert_eq!(all(&mut store), [row(1, 3), row(2, 3)]);
    sweep(&mut store, &[row(1, 4), row(2, 4)]);
    assert_eq!(store.stats().tail, 0);
    assert_eq!(all(&mut store), [row(1, 4), row(2, 4)]);
}

#[test]
fn a_state_that_was_told_during_a_round_stays_for_the_next() {
    let folder = folder();
    let mut store = Database::open(&place(&folder)).unwrap();
    store.commit(&[Change::Sweep(row(1, 1))]).unwrap();
    let begins = Change::SweepBegins {
        forget_before_unix_ms: 0,
    };
    let (told, swept) = (Change::Tell(row(1, 3)), Change::Sweep(row(1, 2)));
    let ends = Change::SweepEnds { unix_ms: 1 };
    store.commit(&[begins, told, swept, ends]).unwrap();
    upkeep(&mut store);
    assert_eq!((all(&mut store), store.stats().tail), (vec![row(1, 3)], 1));
}

#[test]
fn a_long_tail_goes_in_pieces() {
    let folder = folder();
    let mut store = Database::open(&place(&folder)).unwrap();
    let told: Vec<_> = (1..=4500).map(|seq| Change::Tell(row(1, seq))).collect();
    store.commit(&told).unwrap();
    assert_eq!(store.stats().tail, 4499);
    store
        .commit(&[Change::SweepBegins {
            forget_before_unix_ms: 0,
        }])
        .unwrap();
    let left = store.commit(&[
        Change::Sweep(row(1, 5000)),
        Change::SweepEnds { unix_ms: 1 },
    ]);
    assert_eq!((left.unwrap(), store.stats().tail), (Upkeep::Left, 2499));
    upkeep(&mut store);
    assert_eq!(store.stats().tail, 0);
}

#[test]
fn a_removed_row_does_not_come_back_from_the_tail() {
    let folder = folder();
    let path = place(&folder);
    let mut store = Database::open(&path).unwrap();
    let told = [
        Change::Tell(row(1, 1)),
        Change::Tell(row(1, 2)),
        Change::Remove { id: 1 },
    ];
    store.commit(&told).unwrap();
    drop(store);
    let mut store = Database::open(&path).unwrap();
    assert_eq!(all(&mut store), []);
    store.commit(&[Change::Tell(row(1, 9))]).unwrap();
    assert_eq!(all(&mut store), [], "its number is not free yet");
    sweep(&mut store, &[]);
    let left = |table: &str| -> i64 {
        let sql = format!("SELECT count(*) FROM {table}");
        store
            .connection
            .query_row(&sql, (), |row| row.get(0))
            .unwrap()
    };
    assert_eq!((left("save"), left("tail")), (0, 0));
}

#[test]
fn a_full_disk_changes_nothing_and_the_same_commit_succeeds_later() {
    let folder = folder();
    let mut store = Database::open(&place(&folder)).unwrap();
    sweep(&mut store, &[row(1, 1), row(2, 1)]);
    store.commit(&[Change::Tell(row(1, 2))]).unwrap();
    let (rows, stats) = (all(&mut store), store.known.stats());
    let big = Row {
        body: vec![7; 1 << 20],
        versions: "game 2".into(),
        ..row(3, 1)
    };
    let end = Mark {
        id: 1,
        state: State::Ended,
        why: None,
        unix_ms: 9,
    };
    let changes = [
        Change::Tell(row(2, 2)),
        Change::Mark(end),
        Change::Tell(big),
    ];
    leave_pages(&store, Some(4));
    for _ in 0..3 {
        let error = store.commit(&changes).unwrap_err().to_string();
        assert!(error.starts_with("write the saves /"), "{error}");
        assert!(error.ends_with("database or disk is full"), "{error}");
        assert_eq!(
            (all(&mut store), store.known.stats()),
            (rows.clone(), stats)
        );
    }
    leave_pages(&store, None);
    store.commit(&changes).unwrap();
    assert_eq!(store.stats().rows.ended, 1);
    assert_eq!(all(&mut store)[2].versions, "game 2".into());
    assert_eq!(store.stats().tail, stats.tail + 1);
}

#[test]
fn a_file_of_another_kind_is_refused_with_the_reason_and_stays_as_it_is() {
    let folder = folder();
    let path = place(&folder);
    let refused = |wanted: &str| {
        let before = fs::read(&path).ok();
        let error = Database::open(&path).unwrap_err().to_string();
        assert_eq!(
            error,
            format!("open the saves {}: {wanted}", path.display())
        );
        assert_eq!(fs::read(&path).ok(), before);
    };
    fs::write(&path, "").unwrap();
    refused("it is empty; if no saves are missing, remove it, and a new one is made");
    fs::write(&path, "Dear diary, ".repeat(400)).unwrap();
    refused("it is not a SQLite database");
    fs::remove_file(&path).unwrap();
    meddle(
        &path,
        "CREATE TABLE diary (text); PRAGMA application_id = 17;",
    );
    refused("it is a SQLite database of another program (application id 17)");
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    refused("it is a folder; a regular file would be right");
    fs::remove_dir(&path).unwrap();
    let kind = rustix::fs::FileType::Fifo;
    rustix::fs::mknodat(rustix::fs::CWD, &path, kind, rustix::fs::Mode::RWXU, 0).unwrap();
    let error = Database::open(&path).unwrap_err().to_string();
    assert!(
        error.ends_with("it is a pipe; a regular file would be right"),
        "{error}"
    );
}

#[test]
fn a_newer_format_is_refused_and_an_older_one_is_migrated_by_a_node_alone() {
    let folder = folder();
    let path = place(&folder);
    drop(Database::open(&path).unwrap());
    meddle(&path, "PRAGMA user_version = 9");
    let refused = |opened: Result<(), StoreError>| match opened {
        Err(StoreError::Open { reason, .. }) => reason,
        other => panic!("{other:?}"),
    };
    let newer = refused(Database::open(&path).map(drop));
    let wanted = "it has format 9, and this program knows formats up to 2: a newer pq can open it";
    assert_eq!(newer.to_string(), wanted);
    fs::remove_file(&path).unwrap();
    meddle(
        &path,
        &format!("PRAGMA application_id = {}", schema::APPLICATION_ID),
    );
    let older = refused(Snapshot::open(&path).map(drop));
    assert!(
        matches!(older, Unusable::Older { found: 0, known: 2 }),
        "{older}"
    );
    let mut store = Database::open(&path).unwrap();
    store.commit(&[Change::Tell(row(1, 1))]).unwrap();
}

#[test]
fn a_migration_happens_whole_or_not_at_all() {
    let mut connection = Connection::open_in_memory().unwrap();
    schema::migrate(&mut connection, 0, &["CREATE TABLE a (x)"]).unwrap();
    let steps = [
        "CREATE TABLE a (x)",
        "CREATE TABLE b (x)",
        "CREATE TABLE a (y)",
    ];
    schema::migrate(&mut connection, 1, &steps).unwrap_err();
    let tables = |connection: &Connection| -> (i64, i64) {
        let sql =
            "SELECT count(*), (SELECT user_version FROM pragma_user_version) FROM sqlite_schema";
        connection
            .query_row(sql, (), |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap()
    };
    assert_eq!(tables(&connection), (1, 1));
    schema::migrate(&mut connection, 1, &steps[..2]).unwrap();
    assert_eq!(tables(&connection), (2, 2));
    schema::migrate(&mut connection, 2, &steps[..2]).unwrap();
}

#[test]
fn a_store_has_one_writer_and_others_learn_its_pid() {
    let folder = folder();
    let path = folder.path().join("deep/saves.db");
    let store = Database::open(&path).unwrap();
    let refused = Database::open(&path).unwrap_err().to_string();
    let own = format!("process {} uses them", std::process::id());
    assert!(refused.ends_with(&own), "{refused}");
    assert!(matches!(
        restore(&path, &path),
        Err(StoreError::InUse { .. })
    ));
    Snapshot::open(&path).unwrap();
    drop(store);
    Database::open(&path).unwrap();
}

#[test]
fn a_link_leads_to_the_same_lock() {
    let folder = folder();
    let link = folder.path().join("link");
    let _store = Database::open(&place(&folder)).unwrap();
    std::os::unix::fs::symlink(place(&folder), &link).unwrap();
    assert!(matches!(
        Database::open(&link),
        Err(StoreError::InUse { .. })
    ));
}

#[test]
fn a_log_without_its_store_is_not_taken_for_that_of_another() {
    let folder = folder();
    let (path, copy) = (place(&folder), folder.path().join("backup"));
    let mut store = Database::open(&path).unwrap();
    backup(&path, &copy).unwrap();
    store.commit(&[Change::Tell(row(1, 1))]).unwrap();
    let log = fs::read(beside(&path, "-wal")).unwrap();
    drop(store);
    fs::remove_file(&path).unwrap();
    fs::write(beside(&path, "-wal"), &log).unwrap();
    let refused = Database::open(&path).unwrap_err().to_string();
    let wanted =
        "it is not there, but its log is: restore a backup, or remove the file that ends in -wal";
    assert!(refused.ends_with(wanted), "{refused}");
    let old = restore(&copy, &path).unwrap().unwrap();
    assert_eq!(fs::read(beside(&old, "-wal")).unwrap(), log);
    assert_eq!(all(&mut Database::open(&path).unwrap()), []);
}

#[test]
fn a_new_store_is_for_its_owner_alone_and_nothing_stays_beside_it() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder();
    let store = Database::open(&place(&folder)).unwrap();
    let names = || {
        let entries = fs::read_dir(folder.path()).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    for name in names() {
        let mode = fs::metadata(folder.path().join(&name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    drop(store);
    assert_eq!(names(), ["saves.db", "saves.db.lock"]);
}

#[test]
fn a_snapshot_shows_one_moment_of_a_store_that_is_written() {
    let folder = folder();
    let path = place(&folder);
    let mut store = Database::open(&path).unwrap();
    store
        .commit(&[Change::Sweep(row(1, 1)), Change::Tell(row(1, 2))])
        .unwrap();
    let mut snapshot = Snapshot::open(&path).unwrap();
    store
        .commit(&[Change::Tell(row(2, 1)), Change::Sweep(row(1, 3))])
        .unwrap();
    assert_eq!(all(&mut snapshot), [row(1, 2)]);
    assert_eq!(snapshot.get("key 1").unwrap(), Some(row(1, 2)));
    assert_eq!(
        all(&mut Snapshot::open(&path).unwrap()),
        [row(1, 3), row(2, 1)]
    );
}

#[test]
fn a_backup_of_a_store_that_is_written_is_one_moment_and_replaces_nothing() {
    let folder = folder();
    let (path, target) = (place(&folder), folder.path().join("backup"));
    let mut store = Database::open(&path).unwrap();
    store
        .commit(&[Change::Sweep(row(1, 1)), Change::Tell(row(1, 2))])
        .unwrap();
    backup(&path, &target).unwrap();
    store.commit(&[Change::Tell(row(1, 3))]).unwrap();
    assert!(matches!(
        backup(&path, &target),
        Err(StoreError::Exists { .. })
    ));
    assert_eq!(check(&target).unwrap(), Vec::<String>::new());
    assert_eq!(all(&mut Snapshot::open(&target).unwrap()), [row(1, 2)]);
    assert!(backup(&folder.path().join("none"), &folder.path().join("b")).is_err());
    let names = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    assert!(
        names
            .into_iter()
            .all(|name| !name.to_string_lossy().starts_with('.'))
    );
}

#[test]
fn a_restored_store_is_the_backup_and_the_old_one_is_beside_it() {
    let folder = folder();
    let (path, copy) = (place(&folder), folder.path().join("backup"));
    let mut store = Database::open(&path).unwrap();
    store.commit(&[Change::Tell(row(1, 1))]).unwrap();
    backup(&path, &copy).unwrap();
    store
        .commit(&[Change::Tell(row(1, 2)), Change::Tell(row(2, 1))])
        .unwrap();
    // A crash: the newest states are only in the log, and nobody has closed the connection.
    let log = fs::read(folder.path().join("saves.db-wal")).unwrap();
    let main = fs::read(&path).unwrap();
    drop(store);
    fs::write(&path, main).unwrap();
    fs::write(folder.path().join("saves.db-wal"), log).unwrap();

    let old = restore(&copy, &path).unwrap().unwrap();
    assert_eq!(all(&mut Database::open(&path).unwrap()), [row(1, 1)]);
    assert_eq!(
        all(&mut Database::open(&old).unwrap()),
        [row(1, 2), row(2, 1)]
    );
    let fresh = folder.path().join("elsewhere/saves.db");
    assert_eq!(restore(&copy, &fresh).unwrap(), None);
    assert_eq!(all(&mut Database::open(&fresh).unwrap()), [row(1, 1)]);
}

#[test]
fn a_damaged_backup_is_not_restored_and_a_damaged_store_is_kept() {
    let folder = folder();
    let (path, copy) = (place(&folder), folder.path().join("backup"));
    let mut store = Database::open(&path).unwrap();
    store.commit(&[Change::Tell(row(1, 1))]).unwrap();
    backup(&path, &copy).unwrap();
    store.commit(&[Change::Tell(row(1, 2))]).unwrap();
    let log = fs::read(beside(&path, "-wal")).unwrap();
    drop(store);
    let wrong = folder.path().join("wrong");
    fs::copy(&copy, &wrong).unwrap();
    meddle(&wrong, "UPDATE save SET versions = 77");
    let error = restore(&wrong, &path).unwrap_err().to_string();
    let wanted =
        "1 things are wrong with it; the first: row 1 refers to versions 77, which are not there";
    assert!(error.ends_with(wanted), "{error}");
    fs::write(&path, "spilt coffee").unwrap();
    fs::write(beside(&path, "-wal"), &log).unwrap();
    let old = restore(&copy, &path).unwrap().unwrap();
    assert_eq!(fs::read(&old).unwrap(), b"spilt coffee");
    assert_eq!(fs::read(beside(&old, "-wal")).unwrap(), log);
    assert_eq!(all(&mut Database::open(&path).unwrap()), [row(1, 1)]);
}

#[test]
fn a_check_names_everything_that_is_wrong() {
    let folder = folder();
    let path = place(&folder);
    let mut store = Database::open(&path).unwrap();
    let rows: Vec<_> = (1..=3).map(|id| Change::Sweep(row(id, 5))).collect();
    store.commit(&rows).unwrap();
    store
        .commit(&[Change::Tell(row(1, 6)), Change::Tell(row(1, 7))])
        .unwrap();
    assert_eq!(check(&path).unwrap(), Vec::<String>::new());
    drop(store);
    meddle(
        &path,
        "DROP INDEX save_key; UPDATE save SET key = 'key 2' WHERE id = 3; UPDATE save SET state = 3 WHERE id = 1;
        UPDATE save SET why = 'because' WHERE id = 2; UPDATE tail SET seq = 9 WHERE place = 1;
        INSERT INTO tail VALUES (3, 8, 1, 5, 0, x'');",
    );
    let found = [
        "2 rows hold the key 'key 2', the first is row 2",
        "row 1 is set aside without a reason",
        "row 2 has a reason, and is not set aside",
        "place 3 of the tail is a state of row 8, which is not there",
        "place 3 of the tail refers to versions 5, which are not there",
        "place 2 of the tail has seq 7 of row 1, and an earlier place has seq 9",
    ];
    assert_eq!(check(&path).unwrap(), found);
}

#[test]
fn a_damaged_page_is_found() {
    let folder = folder();
    let path = place(&folder);
    let mut store = Database::open(&path).unwrap();
    let rows: Vec<_> = (1..=100).map(|id| Change::Sweep(row(id, 5))).collect();
    store.commit(&rows).unwrap();
    drop(store);
    let mut bytes = fs::read(&path).unwrap();
    let page = bytes.len() - 4096;
    bytes[page..page + 100].fill(0xA5);
    fs::write(&path, bytes).unwrap();
    assert_eq!(check(&path).unwrap(), ["database disk image is malformed"]);
    assert!(matches!(
        restore(&path, &folder.path().join("b")),
        Err(StoreError::Damaged { .. })
    ));
}

#[test]
fn the_keys_of_rows_that_play_or_rest_are_read_without_the_rows() {
    let folder = folder();
    let mut store = Database::open(&place(&folder)).unwrap();
    let rests = Row {
        state: State::Resting,
        ..row(2, 2)
    };
    let changes = [row(1, 1), rests, row(3, 3)].map(Change::Sweep);
    store.commit(&changes).unwrap();
    store
        .commit(&[Change::Mark(Mark {
            id: 3,
            state: State::Ended,
            why: None,
            unix_ms: 9,
        })])
        .unwrap();
    let mut keys = Vec::new();
    store.keys(&mut |key| keys.push(key.to_string())).unwrap();
    keys.sort();
    assert_eq!(keys, ["key 1", "key 2"]);
}

#[test]
fn numbers_are_above_all_that_were_reserved_and_all_that_are_in_the_file() {
    let folder = folder();
    let mut store = Database::open(&place(&folder)).unwrap();
    store.commit(&[Change::Tell(row(7, 5_000))]).unwrap();
    store.commit(&[Change::Tell(row(7, 6_000))]).unwrap();
    assert_eq!(store.reserve_numbers(100, 1_000).unwrap(), 6_001);
    drop(store);
    // The clock has been set back.
    let mut store = Database::open(&place(&folder)).unwrap();
    assert_eq!(store.reserve_numbers(50, 10).unwrap(), 7_002);
    assert_eq!(store.reserve_numbers(90_000, 10).unwrap(), 90_000);
}

#[test]
fn the_seed_of_a_file_stays() {
    let folder = folder();
    let mut store = Database::open(&place(&folder)).unwrap();
    assert_eq!(store.seed(u64::MAX - 3).unwrap(), u64::MAX - 3);
    drop(store);
    let mut store = Database::open(&place(&folder)).unwrap();
    assert_eq!(store.seed(1).unwrap(), u64::MAX - 3);
}
