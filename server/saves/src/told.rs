//! Told is durable: what waits to be told is released when the states that it tells of are on the disk.
//!
//! ```text
//!   output waits ─► a cycle: its roots are asked for ─► rows ─► store ─► the commit is on the disk ─► the output is released
//! ```
//! A root that has not run since its last copy costs nothing but the wait for the commit of that copy. Several cycles are
//! under way at a time, because a disk commits several of them at once.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use foldhash::HashMap;
use pq_otp::Pid;
use pq_store::CommitNumber;

/// The cycles of each shard whose commit is not on the disk yet. More output than that waits for the next cycle.
const COMMITTING_MAX: usize = 4;

/// The time after which those who wait are told so.
const PATIENCE: Duration = Duration::from_secs(3);

/// The time after which those who have begun to wait meanwhile are told, too.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// Those who wait to be told of states.
pub trait Audience: Send + Sync {
    /// All that has begun to wait since the last call.
    fn take_waiting(&self) -> Vec<Waiting>;

    /// The disk lets all that waits wait for longer than usual, or does so no longer. Repeated while it does.
    fn tell(&self, waits: bool);
}

/// Something that waits for the disk.
pub struct Waiting {
    /// The one who waits. The last that it waits for stands for all before.
    pub who: Pid,
    /// The roots of the subtrees whose states are told.
    pub roots: Vec<Pid>,
    /// Called when these states are on the disk, on the thread of the keeper; it must not wait.
    pub release: Box<dyn FnOnce() + Send>,
}

/// The cell for the audience, which comes after the keeper has begun.
pub(crate) type Cell = Arc<OnceLock<Box<dyn Audience>>>;

/// See the top of the file.
pub(crate) struct Told {
    audience: Cell,
    /// A group for each shard: those who wait for a shard that does not answer delay no others.
    groups: Vec<Group>,
    committing: VecDeque<Committing>,
    /// The time at which the audience was last told to wait; `None` while it need not wait.
    told_to_wait: Option<Instant>,
}

/// Those who wait for the states of one shard.
#[derive(Default)]
struct Group {
    /// Those for the next cycle.
    next: HashMap<Pid, Waiting>,
    asking: Option<Asking>,
}

/// A cycle whose roots are asked for.
struct Asking {
    waiting: Vec<Waiting>,
    /// The number of roots without an answer.
    left: usize,
}

/// A cycle whose states are handed over.
struct Committing {
    number: CommitNumber,
    since: Instant,
    waiting: Vec<Waiting>,
}

impl Told {
    pub(crate) fn new(audience: Cell, shards: usize) -> Told {
        Told {
            audience,
            groups: (0..shards).map(|_| Group::default()).collect(),
            committing: VecDeque::new(),
            told_to_wait: None,
        }
    }

    /// Begins a cycle for each group in which something waits. The caller asks for these roots, and calls [`Told::expect_one`]
    /// for each.
    pub(crate) fn begin(&mut self) -> Vec<(u8, Pid)> {
        let waiting = self.audience.get().map(|them| them.take_waiting());
        for one in waiting.unwrap_or_default() {
            let shard = one.roots.first().map_or(0, |root| root.shard());
            if let Some(group) = self.groups.get_mut(usize::from(shard)) {
                group.next.insert(one.who, one);
            }
        }
        let mut room = (COMMITTING_MAX * self.groups.len()).saturating_sub(self.committing.len());
        let mut roots = Vec::new();
        for (number, group) in (0..).zip(&mut self.groups) {
            if room > 0 && group.begin() {
                room -= 1;
                roots.extend(group.roots().map(|root| (number, root)));
            }
        }
        roots
    }

    /// One more root of this group's cycle is asked for.
    pub(crate) fn expect_one(&mut self, group: u8) {
        if let Some(asking) = self.asking(group) {
            asking.left += 1;
        }
    }

    /// This number of roots of the group's cycle has been answered, and their rows are handed over.
    pub(crate) fn note(&mut self, group: u8, roots: usize) {
        if let Some(asking) = self.asking(group) {
            asking.left = asking.left.saturating_sub(roots);
        }
    }

    fn asking(&mut self, group: u8) -> Option<&mut Asking> {
        self.groups.get_mut(usize::from(group))?.asking.as_mut()
    }

    /// Whether a cycle has all its answers.
    pub(crate) fn is_answered(&self) -> bool {
        self.groups.iter().any(Group::is_answered)
    }

    /// All states of the cycles with all answers are in this commit, or in earlier ones.
    pub(crate) fn commit(&mut self, number: CommitNumber, since: Instant) {
        for group in self.groups.iter_mut().filter(|group| group.is_answered()) {
            if let Some(Asking { waiting, .. }) = group.asking.take() {
                self.committing.push_back(Committing {
                    number,
                    since,
                    waiting,
                });
            }
        }
    }

    /// Releases all cycles up to this commit, and tells the audience of a long wait.
    pub(crate) fn release(&mut self, durable: CommitNumber, now: Instant) {
        let is_late = |it: &Committing| now.duration_since(it.since) >= PATIENCE;
        let waits = self.committing.front().filter(|it| it.number > durable);
        self.tell(waits.is_some_and(is_late), now);
        let is_durable = |cycle: &Committing| cycle.number <= durable;
        while self.committing.front().is_some_and(is_durable)
            && let Some(cycle) = self.committing.pop_front()
        {
            cycle.waiting.into_iter().for_each(|it| (it.release)());
        }
    }

    fn tell(&mut self, waits: bool, now: Instant) {
        let Some(audience) = self.audience.get() else {
            return;
        };
        let is_due = |last: Instant| now.duration_since(last) >= TELL_EVERY;
        match (waits, self.told_to_wait) {
            (true, last) if last.is_none_or(is_due) => {
                self.told_to_wait = Some(now);
                audience.tell(true);
            }
            (false, Some(_)) => {
                self.told_to_wait = None;
                audience.tell(false);
            }
            _ => (),
        }
    }
}

impl Group {
    /// Begins a cycle, if something waits and none is under way.
    fn begin(&mut self) -> bool {
        let begins = self.asking.is_none() && !self.next.is_empty();
        if begins {
            let waiting = self.next.drain().map(|(_, one)| one).collect();
            self.asking = Some(Asking { waiting, left: 0 });
        }
        begins
    }

    fn roots(&self) -> impl Iterator<Item = Pid> {
        let waiting = self.asking.iter().flat_map(|asking| &asking.waiting);
        waiting.flat_map(|one| &one.roots).copied()
    }

    fn is_answered(&self) -> bool {
        self.asking.as_ref().is_some_and(|asking| asking.left == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parking_lot::Mutex;

    /// What the keeper and its audience say to each other.
    #[derive(Clone, Default)]
    struct Stage {
        waiting: Arc<Mutex<Vec<Waiting>>>,
        heard: Arc<Mutex<Vec<String>>>,
    }

    impl Audience for Stage {
        fn take_waiting(&self) -> Vec<Waiting> {
            std::mem::take(&mut *self.waiting.lock())
        }

        fn tell(&self, waits: bool) {
            self.heard.lock().push(format!("waits {waits}"));
        }
    }

    impl Stage {
        /// A client waits to be told of a root on this shard.
        fn waits(&self, who: u32, shard: u8) {
            let heard = self.heard.clone();
            self.waiting.lock().push(Waiting {
                who: Pid::new(0, who, 1),
                roots: vec![Pid::new(shard, who, 1)],
                release: Box::new(move || heard.lock().push(format!("told {who}"))),
            });
        }

        fn heard(&self) -> Vec<String> {
            std::mem::take(&mut *self.heard.lock())
        }

        fn told(&self, shards: usize) -> Told {
            let cell = Cell::default();
            let _ = cell.set(Box::new(self.clone()));
            Told::new(cell, shards)
        }
    }

    /// Asks for all roots of the next cycles; returns the groups that began.
    fn begin(told: &mut Told) -> Vec<u8> {
        let roots = told.begin();
        roots.iter().for_each(|(group, _)| told.expect_one(*group));
        roots.into_iter().map(|(group, _)| group).collect()
    }

    /// The numbers of a store, in their order.
    fn numbers(count: usize) -> Vec<CommitNumber> {
        let store = pq_store::Memory::default();
        let saver = pq_store::Saver::start(store, pq_store::Settings::default(), |_| ()).unwrap();
        let submit = |id: usize| saver.try_end(id as u64).unwrap();
        (0..count).map(submit).collect()
    }

    #[test]
    fn output_is_released_when_its_commit_is_on_the_disk() {
        let (stage, numbers, now) = (Stage::default(), numbers(3), Instant::now());
        let mut told = stage.told(1);
        stage.waits(7, 0);
        assert_eq!(begin(&mut told), [0]);
        told.release(numbers[2], now);
        assert!(!told.is_answered() && stage.heard().is_empty());
        told.note(0, 1);
        told.commit(numbers[1], now);
        told.release(numbers[0], now);
        assert!(stage.heard().is_empty());
        told.release(numbers[1], now);
        assert_eq!(stage.heard(), ["told 7"]);
    }

    #[test]
    fn a_shard_without_an_answer_delays_no_client_of_another() {
        let (stage, numbers, now) = (Stage::default(), numbers(1), Instant::now());
        let mut told = stage.told(2);
        stage.waits(1, 0);
        stage.waits(2, 1);
        assert_eq!(begin(&mut told), [0, 1]);
        told.note(1, 1);
        told.commit(numbers[0], now);
        told.release(numbers[0], now);
        assert_eq!(stage.heard(), ["told 2"]);
        // Meanwhile the same client says more: the last stands for all.
        stage.waits(1, 0);
        stage.waits(1, 0);
        assert!(begin(&mut told).is_empty());
        assert_eq!(told.groups[0].next.len(), 1);
    }

    #[test]
    fn a_disk_that_answers_late_is_announced_once_a_second_until_it_answers() {
        let (stage, numbers, now) = (Stage::default(), numbers(2), Instant::now());
        let mut told = stage.told(1);
        stage.waits(7, 0);
        begin(&mut told);
        told.note(0, 1);
        told.commit(numbers[1], now);
        for ms in [0, 2_900, 3_000, 3_500, 4_000] {
            told.release(numbers[0], now + Duration::from_millis(ms));
        }
        assert_eq!(stage.heard(), ["waits true"; 2]);
        told.release(numbers[1], now + Duration::from_secs(5));
        assert_eq!(stage.heard(), ["waits false", "told 7"]);
    }

    #[test]
    fn cycles_that_are_not_on_the_disk_are_bounded() {
        let (stage, numbers, now) = (Stage::default(), numbers(1), Instant::now());
        let mut told = stage.told(1);
        for who in 0..10 {
            stage.waits(who, 0);
            begin(&mut told);
            told.note(0, 1);
            told.commit(numbers[0], now);
        }
        assert_eq!(told.committing.len(), COMMITTING_MAX);
        told.release(numbers[0], now);
        assert_eq!(stage.heard().len(), COMMITTING_MAX);
        begin(&mut told);
        assert_eq!(told.groups[0].roots().count(), 10 - COMMITTING_MAX);
    }
}
