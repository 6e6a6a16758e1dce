//! A saver over a store that fails, hangs, is slow or panics.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use pq_store::{
    Change, CommitNumber, Limits, Memory, Need, NotRead, Page, Read, Reason, Row, Saver, Settings,
    State, Stats, Store, StoreError, Upkeep,
};

use crate::row;

/// A bound for waits that end at once unless something hangs.
const PATIENCE: Duration = Duration::from_secs(60);

fn soon() -> Instant {
    Instant::now() + PATIENCE
}

/// How the store of a test behaves, and what became of it.
#[derive(Default)]
struct Plan {
    /// Commits that fail, from now on.
    failures: u64,
    /// Commits wait while this is set.
    is_shut: bool,
    panics: bool,
    /// The duration of each commit.
    takes: Duration,
    commits: Vec<Vec<Change>>,
    attempts: u64,
    is_closed: bool,
    model: Memory,
}

#[derive(Clone, Default)]
struct Handle(Arc<(Mutex<Plan>, Condvar)>);

impl Handle {
    fn set(&self, change: impl FnOnce(&mut Plan)) {
        change(&mut self.0.0.lock());
        self.0.1.notify_all();
    }

    fn get<T>(&self, question: impl FnOnce(&Plan) -> T) -> T {
        question(&self.0.0.lock())
    }

    fn wait(&self, until: impl Fn(&Plan) -> bool) {
        let mut plan = self.0.0.lock();
        while !until(&plan) {
            assert!(
                !self.0.1.wait_until(&mut plan, soon()).timed_out(),
                "nothing happens"
            );
        }
    }
}

struct Faulty(Handle);

impl Drop for Faulty {
    fn drop(&mut self) {
        self.0.set(|plan| plan.is_closed = true);
    }
}

impl Store for Faulty {
    fn commit(&mut self, changes: &[Change]) -> Result<Upkeep, StoreError> {
        self.0.set(|plan| plan.attempts += 1);
        self.0.wait(|plan| !plan.is_shut);
        let (takes, panics) = self.0.get(|plan| (plan.takes, plan.panics));
        std::thread::sleep(takes);
        assert!(!panics, "as planned");
        let mut result = Ok(Upkeep::Done);
        self.0.set(|plan| match plan.failures {
            0 => {
                plan.model.commit(changes).unwrap();
                plan.commits.push(changes.to_vec());
            }
            _ => {
                plan.failures -= 1;
                result = Err(StoreError::Failed {
                    step: "write",
                    file: "disk".into(),
                    source: "it is full".into(),
                });
            }
        });
        result
    }

    fn stats(&self) -> Stats {
        self.0.get(|plan| plan.model.stats())
    }
}

impl Read for Faulty {
    fn load(
        &mut self,
        states: &[State],
        each: &mut dyn FnMut(Row) -> std::ops::ControlFlow<()>,
    ) -> Result<(), StoreError> {
        self.0.0.0.lock().model.load(states, each)
    }

    fn keys(&mut self, each: &mut dyn FnMut(&str)) -> Result<(), StoreError> {
        self.0.0.0.lock().model.keys(each)
    }

    fn resting(&mut self, each: &mut dyn FnMut(u64, &str)) -> Result<(), StoreError> {
        self.0.0.0.lock().model.resting(each)
    }

    fn get(&mut self, key: &str) -> Result<Option<Row>, StoreError> {
        self.0.0.0.lock().model.get(key)
    }

    fn find(&mut self, id: u64) -> Result<Option<Row>, StoreError> {
        self.0.0.0.lock().model.find(id)
    }

    fn list(&mut self, page: Page) -> Result<Vec<Row>, StoreError> {
        self.0.0.0.lock().model.list(page)
    }

    fn needs_versions(&mut self) -> Result<Vec<Need>, StoreError> {
        self.0.0.0.lock().model.needs_versions()
    }

    fn word(&mut self, id: u64) -> Result<Option<String>, StoreError> {
        self.0.0.0.lock().model.word(id)
    }

    fn words(&mut self, each: &mut dyn FnMut(u64, &str)) -> Result<(), StoreError> {
        self.0.0.0.lock().model.words(each)
    }
}

fn settings(changes: usize) -> Settings {
    Settings {
        limits: Limits {
            changes,
            bytes: 1 << 20,
        },
        ..Settings::default()
    }
}

fn start(handle: &Handle, changes: usize) -> Saver {
    Saver::start(Faulty(handle.clone()), settings(changes), |_| ()).unwrap()
}

fn tell(saver: &Saver, id: u64, seq: u64) -> Result<CommitNumber, Reason> {
    saver
        .try_tell(vec![row(id, seq)])
        .map_err(|refused| refused.reason)
}

#[test]
fn a_failing_commit_is_made_again_and_nothing_overtakes_it() {
    let handle = Handle::default();
    handle.set(|plan| plan.failures = 4);
    let saver = start(&handle, 100);
    let first = tell(&saver, 1, 1).unwrap();
    handle.wait(|plan| plan.attempts > 1);
    let status = saver.status();
    assert_eq!((status.durable.get(), status.accepted), (0, first));
    let trouble = status.trouble.unwrap();
    assert_eq!(
        trouble.sentence,
        "failed to write the saves disk: it is full"
    );
    assert!(trouble.since_unix_ms > 0 && status.lag > Duration::ZERO);
    let second = tell(&saver, 2, 1).unwrap();
    assert!(saver.wait_durable(second, soon()));
    let status = saver.status();
    assert_eq!((status.trouble, status.errors, status.queued), (None, 4, 0));
    assert_eq!(status.lag, Duration::ZERO);
    let told = |id| vec![Change::Tell(row(id, 1))];
    assert_eq!(handle.get(|plan| plan.commits.clone()), [told(1), told(2)]);
}

#[test]
fn a_full_queue_gives_changes_back_until_there_is_room() {
    let handle = Handle::default();
    handle.set(|plan| plan.is_shut = true);
    let saver = start(&handle, 3);
    let numbers: Vec<_> = (1..=3).map(|id| tell(&saver, id, 1).unwrap()).collect();
    let last = numbers[2];
    handle.wait(|plan| plan.attempts > 0);
    let refused = saver.try_tell(vec![row(4, 1)]).unwrap_err();
    assert_eq!(
        (refused.reason, &refused.changes),
        (Reason::Full, &vec![Change::Tell(row(4, 1))])
    );
    assert!(!saver.wait_for_room(&refused.changes, Instant::now() + Duration::from_millis(5)));
    assert!(!saver.wait_durable(last, Instant::now() + Duration::from_millis(5)));
    assert_eq!(saver.status().queued, 3);
    handle.set(|plan| plan.is_shut = false);
    assert!(saver.wait_for_room(&refused.changes, soon()) && saver.wait_durable(last, soon()));
    saver.try_submit(refused.changes).unwrap();
}

#[test]
fn the_queue_is_bounded_in_bytes_and_takes_nothing_that_never_fits() {
    let handle = Handle::default();
    handle.set(|plan| plan.is_shut = true);
    let saver = start(&handle, 100);
    let large = |id, bytes| Row {
        body: vec![0; bytes],
        ..row(id, 1)
    };
    saver.try_tell(vec![large(1, 600_000)]).unwrap();
    let reason = |rows| saver.try_tell(rows).unwrap_err().reason;
    assert_eq!(reason(vec![large(2, 600_000)]), Reason::Full);
    assert_eq!(reason(vec![large(2, 1 << 20)]), Reason::TooLarge);
    assert_eq!(reason(vec![row(3, 1); 101]), Reason::TooLarge);
    assert_eq!(reason(vec![row(1 << 63, 1)]), Reason::Number);
    let too_many: Vec<_> = vec![Change::Tell(row(3, 1)); 101];
    assert!(
        !saver.wait_for_room(&too_many, soon()),
        "it would wait for ever"
    );
    handle.set(|plan| plan.is_shut = false);
    assert!(saver.wait_for_room(&[Change::Tell(large(2, 600_000))], soon()));
}

#[test]
fn a_sweep_leaves_most_of_the_queue_to_what_is_told() {
    let handle = Handle::default();
    handle.set(|plan| plan.is_shut = true);
    let saver = start(&handle, 40);
    let sweep = |from: u64| saver.try_sweep((from..from + 10).map(|id| row(id, 1)).collect());
    sweep(1).unwrap();
    let refused = sweep(11).unwrap_err();
    assert_eq!(refused.reason, Reason::Full);
    let told: Vec<_> = (2..=31).map(|seq| tell(&saver, 1, seq).unwrap()).collect();
    assert_eq!(tell(&saver, 1, 99), Err(Reason::Full));
    handle.set(|plan| plan.is_shut = false);
    assert!(saver.wait_durable(told[29], soon()));
    assert!(saver.wait_for_room(&refused.changes, soon()));
}

#[test]
fn hand_overs_that_wait_share_a_commit() {
    let handle = Handle::default();
    handle.set(|plan| plan.is_shut = true);
    let saver = start(&handle, 1000);
    tell(&saver, 1, 1).unwrap();
    handle.wait(|plan| plan.attempts > 0);
    let numbers: Vec<_> = (2..=500).map(|id| tell(&saver, id, 1).unwrap()).collect();
    assert!(numbers.is_sorted_by(|one, next| one < next));
    handle.set(|plan| plan.is_shut = false);
    assert!(saver.wait_durable(numbers[498], soon()));
    let commits = handle.get(|plan| plan.commits.iter().map(Vec::len).collect::<Vec<_>>());
    assert_eq!(commits, [1, 499]);
}

#[test]
fn numbers_are_noticed_in_order_and_after_their_changes_are_made() {
    let handle = Handle::default();
    let noticed = Arc::new(Mutex::new(Vec::new()));
    let notice = {
        let (noticed, handle) = (noticed.clone(), handle.clone());
        move |number: CommitNumber| {
            let made: usize = handle.get(|plan| plan.commits.iter().map(Vec::len).sum());
            noticed.lock().push((number.get(), made as u64));
        }
    };
    let saver = Saver::start(Faulty(handle), settings(1000), notice).unwrap();
    for id in 1..=300 {
        let number = tell(&saver, id, 1).unwrap();
        assert_eq!(number.get(), id);
        assert!(id % 50 != 0 || saver.wait_durable(number, soon()));
    }
    assert_eq!(saver.close(soon()).durable.get(), 300);
    let noticed = noticed.lock();
    assert!(
        noticed.iter().all(|(number, made)| number == made),
        "{noticed:?}"
    );
    assert!(noticed.is_sorted() && noticed.last() == Some(&(300, 300)));
}

#[test]
fn closing_writes_everything_and_accepts_nothing_more() {
    let handle = Handle::default();
    handle.set(|plan| plan.failures = 2);
    let saver = start(&handle, 1000);
    for id in 1..=100 {
        tell(&saver, id, 1).unwrap();
    }
    let closed = saver.close(soon());
    assert_eq!((closed.durable.get(), closed.changes_not_durable), (100, 0));
    assert!(handle.get(|plan| plan.is_closed));
    assert_eq!(tell(&saver, 1, 2), Err(Reason::Closed));
    assert_eq!(saver.close(soon()), closed);
    assert!(!saver.wait_for_room(&[], soon()));
}

#[test]
fn closing_a_failing_store_says_what_is_not_durable() {
    let handle = Handle::default();
    let saver = start(&handle, 1000);
    let first = tell(&saver, 1, 1).unwrap();
    assert!(saver.wait_durable(first, soon()));
    handle.set(|plan| plan.failures = u64::MAX);
    let more: Vec<_> = (2..=9).map(|id| row(id, 1)).collect();
    let second = saver.try_tell(more).unwrap();
    let closed = saver.close(Instant::now() + Duration::from_millis(50));
    assert_eq!(
        (closed.durable, closed.accepted, closed.changes_not_durable),
        (first, second, 8)
    );
    handle.wait(|plan| plan.is_closed);
    assert!(!saver.wait_durable(second, soon()));
}

#[test]
fn closing_does_not_wait_for_a_store_that_hangs() {
    let handle = Handle::default();
    handle.set(|plan| plan.is_shut = true);
    let saver = start(&handle, 10);
    tell(&saver, 1, 1).unwrap();
    handle.wait(|plan| plan.attempts > 0);
    let closed = saver.close(Instant::now() + Duration::from_millis(20));
    assert_eq!(closed.changes_not_durable, 1);
    handle.set(|plan| plan.is_shut = false);
    handle.wait(|plan| plan.is_closed);
}

#[test]
fn the_last_handle_closes_the_store_after_everything_is_written() {
    let handle = Handle::default();
    let saver = start(&handle, 1000);
    let clone = saver.clone();
    for id in 1..=50 {
        tell(&clone, id, 1).unwrap();
    }
    drop(saver);
    tell(&clone, 51, 1).unwrap();
    drop(clone);
    handle.wait(|plan| plan.is_closed);
    assert_eq!(handle.get(|plan| plan.model.stats().rows.playing), 51);
}

#[test]
fn a_writer_that_panics_is_noticed_by_everybody() {
    let handle = Handle::default();
    handle.set(|plan| plan.panics = true);
    let saver = start(&handle, 10);
    let number = tell(&saver, 1, 1).unwrap();
    assert!(!saver.wait_durable(number, soon()));
    let trouble = saver.status().trouble.unwrap().sentence;
    assert_eq!(
        trouble,
        "the writer of the saves has panicked, and nothing is saved any more"
    );
    assert_eq!(tell(&saver, 2, 1), Err(Reason::Closed));
    assert_eq!(saver.close(soon()).changes_not_durable, 1);
}

#[test]
fn slow_commits_and_the_sweep_are_in_the_status() {
    let handle = Handle::default();
    let slow = Duration::from_millis(20);
    handle.set(|plan| plan.takes = slow);
    let saver = start(&handle, 1000);
    saver.try_begin_sweep().unwrap();
    saver
        .try_sweep((1..=30).map(|id| row(id, 1)).collect())
        .unwrap();
    saver.try_rest(row(31, 1)).unwrap();
    saver.try_end(1).unwrap();
    saver.try_set_aside(2, "it is too old".to_owned()).unwrap();
    saver.try_remove(3).unwrap();
    saver.try_set_aside(4, "by mistake".to_owned()).unwrap();
    saver.try_put_back(4).unwrap();
    let last = saver.try_end_sweep().unwrap();
    assert!(saver.wait_durable(last, soon()));
    let status = saver.status();
    assert!(
        status.commits.all.count() > 0 && status.commits.p50 >= slow && status.commits.max >= slow
    );
    let rows = status.stats.rows;
    assert_eq!(
        (rows.playing, rows.resting, rows.ended, rows.set_aside),
        (26, 2, 1, 1)
    );
    let sweep = status.sweep.unwrap();
    assert_eq!(
        (sweep.rows, sweep.ended_unix_ms),
        (30, status.stats.swept_unix_ms)
    );
}

#[test]
fn a_reader_gets_what_was_accepted_before_and_waits_for_it_until_its_deadline() {
    let handle = Handle::default();
    handle.set(|plan| plan.is_shut = true);
    let saver = start(&handle, 100);
    assert!(saver.read(vec![1], soon()).unwrap().is_empty());
    tell(&saver, 1, 1).unwrap();
    tell(&saver, 1, 2).unwrap();
    let late = saver.read(vec![1], Instant::now() + Duration::from_millis(5));
    assert!(matches!(late, Err(NotRead::Late)), "{late:?}");
    let asking = saver.clone();
    let reader = std::thread::spawn(move || asking.read(vec![3, 1, 2], soon()));
    handle.set(|plan| plan.is_shut = false);
    let rows = reader.join().unwrap().unwrap();
    assert_eq!(rows, [row(1, 2)]);
    saver.try_set_aside(1, "it fell".to_owned()).unwrap();
    let rows = saver.read(vec![1], soon()).unwrap();
    assert_eq!((rows[0].state, rows[0].seq), (State::SetAside, 2));
}

#[test]
fn questions_are_bounded_and_end_with_the_saver() {
    let handle = Handle::default();
    handle.set(|plan| plan.is_shut = true);
    let saver = start(&handle, 100);
    tell(&saver, 1, 1).unwrap();
    handle.wait(|plan| plan.attempts > 0);
    for _ in 0..16 {
        let late = saver.read(vec![1], Instant::now());
        assert!(matches!(late, Err(NotRead::Late)), "{late:?}");
    }
    let refused = saver.read(vec![1], soon());
    assert!(matches!(refused, Err(NotRead::Refused)), "{refused:?}");
    handle.set(|plan| plan.is_shut = false);
    while saver.read(vec![1], soon()).is_err() {}
    saver.close(soon());
    assert!(saver.read(vec![1], soon()).is_err());
}
