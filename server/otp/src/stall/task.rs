//! The system's data about a thread: its processor time, and whether it wants a processor.
//!
//! The processor time distinguishes a callback that works for ever from one that waits for its turn on a busy machine,
//! or in a program that was stopped.

use rustix::process::{Pid, setpriority_process};

/// The lowest priority of the system (`setpriority(2)`).
const LOWEST: i32 = 19;

/// The ticks per second in `proc_pid_stat(5)`: `USER_HZ`, which Linux keeps stable for programs.
const TICKS_PER_S: u64 = 100;

/// The system's data about a thread at one moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Task {
    /// The processor time since the thread's start, in milliseconds.
    pub(crate) cpu_ms: u64,
    /// The thread sleeps: it neither runs nor wants to run, nor was it stopped.
    pub(crate) waits: bool,
}

impl Task {
    /// Reads the data of this thread now; `None` when it has ended, or where the system does not provide them.
    pub(crate) fn of(thread: Pid) -> Option<Task> {
        let number = thread.as_raw_nonzero();
        let stat = std::fs::read_to_string(format!("/proc/self/task/{number}/stat")).ok()?;
        read(&stat)
    }
}

/// Reads fields 3, 14 and 15 of `proc_pid_stat(5)`; the name in field 2 may contain any character.
fn read(stat: &str) -> Option<Task> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace();
    let state = fields.next()?;
    let mut ticks = fields.skip(10).map(str::parse::<u64>);
    let (in_program, in_kernel) = (ticks.next()?.ok()?, ticks.next()?.ok()?);
    Some(Task {
        cpu_ms: (in_program + in_kernel) * 1_000 / TICKS_PER_S,
        waits: matches!(state, "S" | "D"),
    })
}

/// Gives a thread the lowest priority: a thread that does not return cannot be ended, but can be made to yield.
pub(crate) fn yield_to_others(thread: Pid) {
    // When the system refuses, the thread keeps its priority.
    let _ = setpriority_process(Some(thread), LOWEST);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stat(state: &str) -> String {
        format!("7 (pq-shard) S 1 (0)) {state} 1 7 7 0 -1 4194560 1 0 0 0 250 50 9 9 20 0 5 0 4711")
    }

    #[test]
    fn a_thread_is_read_whatever_its_name() {
        let task = |state| read(&stat(state));
        let at = |waits| {
            Some(Task {
                cpu_ms: 3_000,
                waits,
            })
        };
        assert_eq!(task("R"), at(false));
        assert_eq!((task("S"), task("D")), (at(true), at(true)));
        assert_eq!(
            task("T"),
            at(false),
            "it was stopped, and waits for nothing"
        );
        for odd in ["", "7", "7 (pq)", "7 (pq) R 1 2 3"] {
            assert_eq!(read(odd), None, "{odd}");
        }
    }

    #[test]
    fn this_very_thread_runs_and_its_time_grows_while_it_works() {
        let own = rustix::thread::gettid();
        let before = Task::of(own).unwrap();
        assert!(!before.waits);
        // Processor time, so the loop ends on any machine.
        while Task::of(own).unwrap().cpu_ms < before.cpu_ms + 30 {}
    }
}
