//! Callbacks that do not end: detected from outside, named, and kept from blocking the other shards.
//!
//! ```text
//!   thread ─ at each callback ─► Post ◄─ each 20 ms ─ keeper ◄─ the system: processor time, asleep or not
//!                                                       │ Watch: passes, slow, stalled
//!                                                       ├─► Node::stalls, Node::stalled: `status`, installs, questions
//!                                                       ├─► births go to other shards, and those that wait are moved
//!                                                       └─► the node's hook: log, history, restart
//! ```
//! A shard whose callback loops cannot be freed: its thread runs code of a library, and only the end of the program can
//! end that. So this module keeps the other shards running, and names the callback at fault.
//!
//! Submodules: [`post`] (the activity of a thread), [`task`] (the system's data about a thread), [`watch`] (the
//! judgement of both; pure), [`keeper`] (the watching thread). A simulation has no watcher, and no stalls. Functions
//! that are called from outside have their own threads and posts (`calls`).

use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use pq_term::Pid;

use crate::unpoisoned::Unpoisoned;

mod keeper;
mod post;
mod task;
mod watch;

pub(crate) use keeper::keep;
pub(crate) use post::{Post, Work};
pub(crate) use task::{Task, yield_to_others};
pub(crate) use watch::Grade;

/// A callback or a function that does not end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stall {
    /// The shard that is blocked; `None` for a function that was called from outside of any process.
    pub shard: Option<usize>,
    /// The process that the callback runs for.
    pub pid: Option<Pid>,
    /// The name of the process, for messages.
    pub name: Option<String>,
    /// The running module; empty for the runtime itself.
    pub module: String,
    /// The version (`vsn`) of the module.
    pub vsn: String,
    /// The function by its author's name: `handle_event`, or a function of another module that the callback has called.
    pub function: String,
    /// How long the function has run, in milliseconds in which the program could run.
    pub age_ms: u64,
    /// The processor time of the function, in milliseconds.
    pub cpu_ms: u64,
    /// The time that the function slept, in milliseconds.
    pub asleep_ms: u64,
    /// The shard counts as blocked: installs are refused, and waits for the shard end. A callback that is slow but not
    /// stalled is only listed.
    pub is_stalled: bool,
}

impl Stall {
    /// The function and its process: `shop_till:handle_event of Ann (<0.4.1>)`.
    pub fn called(&self) -> String {
        let runs = match self.module.is_empty() {
            true => "the runtime itself".to_string(),
            false => format!("{}:{}", self.module, self.function),
        };
        let whose = match (self.pid, &self.name) {
            (Some(pid), Some(name)) => format!(" of {name} ({pid})"),
            (Some(pid), None) => format!(" of {pid}"),
            (None, _) => String::new(),
        };
        runs + &whose
    }

    /// How long the callback blocked its thread: its processor time or its time asleep, whichever is more.
    pub fn stood_ms(&self) -> u64 {
        self.cpu_ms.max(self.asleep_ms)
    }
}

/// A sentence: `shard 1 is blocked: shop_till:handle_event of Ann (<1.4.1>) has used 2300 ms of processor time and does
/// not end`.
impl fmt::Display for Stall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.shard {
            Some(shard) => write!(f, "shard {shard} is blocked: ")?,
            None => f.write_str("a thread for calls is taken: ")?,
        }
        let called = self.called();
        match self.cpu_ms >= self.asleep_ms {
            true => write!(
                f,
                "{called} has used {} ms of processor time and does not end",
                self.cpu_ms
            ),
            false => write!(
                f,
                "{called} has slept for {} ms and does not end",
                self.asleep_ms
            ),
        }
    }
}

/// The event that a [`StallHook`] reports.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StallEvent {
    /// The callback takes long.
    Slow,
    /// The callback does not end, as far as can be known.
    Stalled,
    /// The callback has ended after all.
    Over,
}

/// Called at each event of a stall; runs on the watching thread, and must not wait.
pub type StallHook = Box<dyn Fn(StallEvent, &Stall) + Send + Sync>;

/// The known stalls, readable by all threads.
pub(crate) struct Stalls {
    posts: Box<[Arc<Post>]>,
    /// The grade of each shard's current activity, apart from the posts: those are written often.
    grades: Box<[AtomicU8]>,
    now: Mutex<Vec<Stall>>,
}

impl Stalls {
    pub(crate) fn of(shards: usize) -> Stalls {
        Stalls {
            posts: (0..shards).map(|_| Arc::default()).collect(),
            grades: (0..shards).map(|_| AtomicU8::default()).collect(),
            now: Mutex::default(),
        }
    }

    /// The post of a shard.
    pub(crate) fn post(&self, shard: u8) -> &Arc<Post> {
        &self.posts[usize::from(shard)]
    }

    /// Whether a callback that takes long holds this shard up. False for a shard that does not exist.
    pub(crate) fn is_slow(&self, shard: usize) -> bool {
        self.grade(shard) >= Grade::Slow as u8
    }

    /// Whether a callback that does not end blocks this shard.
    pub(crate) fn is_stalled(&self, shard: usize) -> bool {
        self.grade(shard) >= Grade::Stalled as u8
    }

    fn grade(&self, shard: usize) -> u8 {
        let grade = self.grades.get(shard);
        grade.map_or(Grade::Passes as u8, |grade| grade.load(Ordering::Relaxed))
    }

    fn set(&self, shard: usize, grade: Grade) {
        self.grades[shard].store(grade as u8, Ordering::Relaxed);
    }

    pub(crate) fn now(&self) -> MutexGuard<'_, Vec<Stall>> {
        self.now.lock().unpoisoned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stall_is_a_sentence_that_says_whose_it_is() {
        let stall = Stall {
            shard: Some(1),
            pid: Some(Pid::new(1, 4, 1)),
            name: Some("Ann".to_string()),
            module: "pq_player".to_string(),
            vsn: "1.0.0".to_string(),
            function: "handle_event".to_string(),
            age_ms: 9_000,
            cpu_ms: 2_300,
            asleep_ms: 0,
            is_stalled: true,
        };
        assert_eq!(
            stall.to_string(),
            "shard 1 is blocked: pq_player:handle_event of Ann (<1.4.1>) has used 2300 ms of processor time and does not end"
        );
        let called = Stall {
            shard: None,
            pid: None,
            name: None,
            cpu_ms: 0,
            asleep_ms: 6_000,
            ..stall
        };
        assert_eq!(
            called.to_string(),
            "a thread for calls is taken: pq_player:handle_event has slept for 6000 ms and does not end"
        );
    }
}
