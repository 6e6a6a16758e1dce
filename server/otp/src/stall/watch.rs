//! The judgement of a thread's activity: it passes, is slow, or blocks its shard.
//!
//! Pure: the clock and the system's data come from the caller (`keeper`).
//!
//! ```text
//!   passes ─ 0.1 s of a processor, or 0.5 s asleep ─► slow ─ 1 s of a processor, or 5 s asleep ─► stalled
//!     ▲                                                 └────────────── it ends ───────────────────┘ │
//!     └───────────────────────────────────────────────────────────────────────────────────────────────┘
//! ```
//! Work of the runtime itself has no name and ends: it is never slow, and stalled only after 10 s.

use super::post::Work;
use super::task::Task;

/// The processor time of a callback before it is named. The longest callback of the game takes some tens of
/// microseconds; at this length all other processes of the shard notice the delay.
pub(super) const SLOW_CPU_MS: u64 = 100;

/// The processor time after which a callback counts as one that does not end: ten times that.
pub(super) const STALLED_CPU_MS: u64 = 1_000;

/// How long a callback may sleep. No callback has a reason to, except for pages and locks of the system, which on a bad
/// day take several tenths of a second.
pub(super) const SLOW_ASLEEP_MS: u64 = 500;
pub(super) const STALLED_ASLEEP_MS: u64 = 5_000;

/// How long the runtime's own work may take: listing a million processes takes two seconds.
pub(super) const STALLED_OWN_MS: u64 = 10_000;

/// The grade of an activity by its duration.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(crate) enum Grade {
    /// The activity is short, or there is none.
    #[default]
    Passes,
    /// The activity is named, and new processes are born on other shards.
    Slow,
    /// The activity does not end, as far as can be known.
    Stalled,
}

/// One reading of a thread.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) turn: u64,
    pub(super) work: Work,
    /// The system's data, which are read only where [`Watch::is_at`].
    pub(super) task: Option<Task>,
}

/// The known facts about a thread's current activity.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Watch {
    turn: u64,
    since_ms: u64,
    looked_ms: u64,
    began_cpu_ms: Option<u64>,
    /// The processor time of the activity.
    pub(super) cpu_ms: u64,
    /// The time that the activity slept.
    pub(super) asleep_ms: u64,
    pub(super) grade: Grade,
}

impl Watch {
    /// Whether the activity is the same as before: only then the system's data are worth reading.
    pub(super) fn is_at(&self, turn: u64, work: Work) -> bool {
        work != Work::None && turn == self.turn
    }

    /// The known duration of the activity.
    pub(super) fn age_ms(&self) -> u64 {
        self.looked_ms - self.since_ms
    }

    /// Adds a reading; `now_ms` counts the time in which the program could run.
    pub(super) fn look(&mut self, now_ms: u64, seen: Seen) {
        if !self.is_at(seen.turn, seen.work) {
            *self = Watch {
                turn: seen.turn,
                since_ms: now_ms,
                looked_ms: now_ms,
                ..Watch::default()
            };
            return;
        }
        let passed_ms = now_ms.saturating_sub(self.looked_ms);
        self.looked_ms = self.looked_ms.max(now_ms);
        match seen.task {
            Some(task) => {
                let began = *self.began_cpu_ms.get_or_insert(task.cpu_ms);
                self.cpu_ms = task.cpu_ms.saturating_sub(began);
                self.asleep_ms += if task.waits { passed_ms } else { 0 };
            }
            // The system gives no data: then only the time is known.
            None => self.asleep_ms += passed_ms,
        }
        self.grade = self.graded(seen.work);
    }

    fn graded(&self, work: Work) -> Grade {
        let (cpu_ms, asleep_ms) = (self.cpu_ms, self.asleep_ms);
        match work {
            Work::None => Grade::Passes,
            Work::Own if cpu_ms.max(asleep_ms) >= STALLED_OWN_MS => Grade::Stalled,
            Work::Own => Grade::Passes,
            Work::Library if cpu_ms >= STALLED_CPU_MS || asleep_ms >= STALLED_ASLEEP_MS => {
                Grade::Stalled
            }
            Work::Library if cpu_ms >= SLOW_CPU_MS || asleep_ms >= SLOW_ASLEEP_MS => Grade::Slow,
            Work::Library => Grade::Passes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a thread every 20 ms, whose processor time grows by this much each time.
    fn looks(
        watch: &mut Watch,
        times: u64,
        (turn, work): (u64, Work),
        (step_ms, waits): (u64, bool),
    ) {
        for _ in 0..times {
            let task = Some(Task {
                cpu_ms: watch
                    .began_cpu_ms
                    .map_or(7_000, |began| began + watch.cpu_ms + step_ms),
                waits,
            });
            let seen = Seen { turn, work, task };
            watch.look(watch.looked_ms + 20, seen);
        }
    }

    const LOOPS: (u64, Work) = (5, Work::Library);

    #[test]
    fn a_callback_that_works_is_slow_after_a_tenth_of_a_second_and_stalled_after_one() {
        let mut watch = Watch::default();
        looks(&mut watch, 1, LOOPS, (20, false));
        let mut grades = Vec::new();
        for _ in 0..60 {
            looks(&mut watch, 1, LOOPS, (20, false));
            grades.push((watch.grade, watch.cpu_ms));
        }
        let first = |grade| {
            grades
                .iter()
                .find(|(at, _)| *at == grade)
                .map(|(_, cpu)| *cpu)
        };
        assert_eq!(first(Grade::Slow), Some(SLOW_CPU_MS));
        assert_eq!(first(Grade::Stalled), Some(STALLED_CPU_MS));
        assert!(watch.age_ms() >= 1_000);
    }

    #[test]
    fn a_callback_that_waits_for_a_processor_or_was_stopped_is_neither() {
        let mut watch = Watch::default();
        looks(&mut watch, 100_000, LOOPS, (0, false));
        assert_eq!((watch.grade, watch.cpu_ms), (Grade::Passes, 0));
        // A tenth of a processor means a busy machine: the callback is named after its processor time.
        let mut watch = Watch::default();
        looks(&mut watch, 1 + 49, LOOPS, (2, false));
        assert_eq!(watch.grade, Grade::Passes);
    }

    #[test]
    fn a_callback_that_sleeps_is_named_later() {
        let mut watch = Watch::default();
        looks(&mut watch, 1, LOOPS, (0, true));
        looks(&mut watch, SLOW_ASLEEP_MS / 20, LOOPS, (0, true));
        assert_eq!((watch.grade, watch.cpu_ms), (Grade::Slow, 0));
        looks(&mut watch, STALLED_ASLEEP_MS / 20, LOOPS, (0, true));
        assert_eq!(watch.grade, Grade::Stalled);
    }

    #[test]
    fn what_ends_is_forgotten_and_the_next_begins_at_nothing() {
        let mut watch = Watch::default();
        looks(&mut watch, 80, LOOPS, (20, false));
        assert_eq!(watch.grade, Grade::Stalled);
        looks(&mut watch, 1, (6, Work::Library), (20, false));
        assert_eq!(
            (watch.grade, watch.cpu_ms, watch.age_ms()),
            (Grade::Passes, 0, 0)
        );
        looks(&mut watch, 1_000, (7, Work::None), (0, true));
        assert_eq!(watch.grade, Grade::Passes, "nothing to do is no stall");
    }

    #[test]
    fn the_runtimes_own_work_may_take_longer_and_has_no_name() {
        let mut watch = Watch::default();
        let own = (5, Work::Own);
        looks(&mut watch, 1 + (STALLED_OWN_MS - 20) / 20, own, (20, false));
        assert_eq!(watch.grade, Grade::Passes);
        looks(&mut watch, 2, own, (20, false));
        assert_eq!(watch.grade, Grade::Stalled);
    }

    #[test]
    fn where_the_system_does_not_say_the_time_decides() {
        let mut watch = Watch::default();
        for now_ms in (0..=SLOW_ASLEEP_MS + 20).step_by(20) {
            let (turn, work) = LOOPS;
            let seen = Seen {
                turn,
                work,
                task: None,
            };
            watch.look(now_ms, seen);
        }
        assert_eq!(watch.grade, Grade::Slow);
    }
}
