//! Callbacks that do not end: seen from outside, named, and kept from holding up the other shards.
//!
//! ```text
//!   thread ─ at each callback ─► Post ◄─ each 20 ms ─ keeper ◄─ the system: processor time, asleep or not
//!                                                       │ Watch: passes, slow, stalled
//!                                                       ├─► Node::stalls, Node::stalled: `status`, installs, questions
//!                                                       ├─► births go to other shards, and those that wait are moved
//!                                                       └─► the node's hook: log, history, restart
//! ```
//! A shard whose callback loops cannot be helped: its thread runs code of a library, and nothing can end that but the end
//! of the program. So what is here keeps everybody else going, and says whose fault it is.
//!
//! Rooms: [`post`] (what a thread is at), [`task`] (what the system says of it), [`watch`] (what is made of both; pure),
//! [`keeper`] (the thread that looks). In a simulation nobody looks, and nothing ever stalls. Functions that are called from
//! outside have threads and posts of their own (`calls`).

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
pub(crate) use task::yield_to_others;
pub(crate) use watch::Grade;

/// A callback or a function that does not end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stall {
    /// The shard that it holds up; `None` for a function that was called from outside of any process.
    pub shard: Option<usize>,
    /// The process whose callback it is.
    pub pid: Option<Pid>,
    /// Its name, for people.
    pub name: Option<String>,
    /// The module that runs; empty when it is the runtime itself.
    pub module: String,
    /// The version of the module.
    pub vsn: String,
    /// The function, as its author calls it: `handle_event`, or that of another module which a callback has called.
    pub function: String,
    /// For how long it runs, in milliseconds in which the program could run.
    pub age_ms: u64,
    /// How much of that it had a processor.
    pub cpu_ms: u64,
    /// How much of that it slept.
    pub asleep_ms: u64,
    /// It stands in everybody's way: installs are refused, and nobody waits for the shard any more. Before that it is
    /// only named.
    pub is_stalled: bool,
}

impl Stall {
    /// `shop_till:handle_event of Ann (<0.4.1>)`.
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

    /// How long it stood in the way: the time of a processor, or that asleep, whichever is more.
    pub fn stood_ms(&self) -> u64 {
        self.cpu_ms.max(self.asleep_ms)
    }
}

/// A sentence: `shard 1 stands still: shop_till:handle_event of Ann (<1.4.1>) has had 2300 ms of a processor and does not end`.
impl fmt::Display for Stall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.shard {
            Some(shard) => write!(f, "shard {shard} stands still: ")?,
            None => f.write_str("a thread for calls is taken: ")?,
        }
        let called = self.called();
        match self.cpu_ms >= self.asleep_ms {
            true => write!(
                f,
                "{called} has had {} ms of a processor and does not end",
                self.cpu_ms
            ),
            false => write!(
                f,
                "{called} sleeps since {} ms and does not end",
                self.asleep_ms
            ),
        }
    }
}

/// What is told of a stall.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StallEvent {
    /// It takes long.
    Slow,
    /// It does not end.
    Stalled,
    /// It has ended after all.
    Over,
}

/// Told of each stall; runs on the thread that looks, and must not wait.
pub type StallHook = Box<dyn Fn(StallEvent, &Stall) + Send + Sync>;

/// What is known of stalls, for all threads.
pub(crate) struct Stalls {
    posts: Box<[Arc<Post>]>,
    /// How long each shard is at something, apart from the posts: those are written often.
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

    /// Whether this shard is held up by something that takes long. A shard that does not exist never is.
    pub(crate) fn is_slow(&self, shard: usize) -> bool {
        self.grade(shard) >= Grade::Slow as u8
    }

    /// Whether it stands still.
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
            "shard 1 stands still: pq_player:handle_event of Ann (<1.4.1>) has had 2300 ms of a processor and does not end"
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
            "a thread for calls is taken: pq_player:handle_event sleeps since 6000 ms and does not end"
        );
    }
}
