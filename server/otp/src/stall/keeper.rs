//! The watching thread: it reads each post, and the system's data about a thread whose post has not changed.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use pq_abi::crash::watch_thread;
use pq_term::Pid;

use super::post::{Doing, Post, Work};
use super::task::{Task, yield_to_others};
use super::watch::{Grade, Seen, Watch};
use super::{Stall, StallEvent};
use crate::node::Node;
use crate::run_clock::RunClock;

/// The interval between two readings; times of callbacks are known with this precision.
const BEAT: Duration = Duration::from_millis(20);

/// How much processor time a function that was called from outside may use before its thread gets the lowest
/// priority: as long as an operator waits for it.
const CALL_CPU_MS: u64 = 5_000;

/// Reads all posts every [`BEAT`], until the node is dropped.
pub(crate) fn keep(node: &Node, started: Instant, stop: &Receiver<()>) {
    watch_thread();
    let (mut keeper, mut clock) = (Keeper::default(), RunClock::default());
    while stop.recv_timeout(BEAT) == Err(RecvTimeoutError::Timeout) {
        let now_ms = started.elapsed().as_millis() as u64;
        keeper.look(node, clock.look(now_ms));
    }
}

/// A thread that is watched.
#[derive(Default)]
struct Looked {
    watch: Watch,
    /// The last reported stall of the thread.
    stall: Option<Stall>,
}

/// The name of a thread: a shard, or a thread for calls by its number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Thread {
    Shard(usize),
    Calls(u64),
}

#[derive(Default)]
struct Keeper {
    threads: BTreeMap<Thread, Looked>,
}

impl Keeper {
    fn look(&mut self, node: &Node, now_ms: u64) {
        let calls = node.calls().posts();
        let shards = (0..node.shards()).map(|shard| {
            let post = node.watched().post(shard as u8).clone();
            (Thread::Shard(shard), post)
        });
        let calls = calls.into_iter();
        let calls = calls.map(|(number, post)| (Thread::Calls(number), post));
        let posts: BTreeMap<Thread, _> = shards.chain(calls).collect();
        // A thread for calls that has ended has no activity any more.
        self.threads.retain(|thread, looked| {
            let goes_on = posts.contains_key(thread);
            if !goes_on {
                tell_over(node, looked.stall.take());
            }
            goes_on
        });
        let mut stalls = Vec::new();
        for (thread, post) in &posts {
            let looked = self.threads.entry(*thread).or_default();
            looked.look(node, *thread, post, now_ms);
            stalls.extend(looked.stall.clone());
        }
        *node.watched().now() = stalls;
        for shard in 0..node.shards() {
            node.watched().set(shard, self.grade(shard));
        }
        (0..node.shards())
            .filter(|shard| node.watched().is_slow(*shard))
            .for_each(|shard| node.move_births(shard));
    }

    fn grade(&self, shard: usize) -> Grade {
        let looked = self.threads.get(&Thread::Shard(shard));
        looked.map_or(Grade::Passes, |looked| looked.watch.grade)
    }
}

impl Looked {
    fn look(&mut self, node: &Node, thread: Thread, post: &Post, now_ms: u64) {
        let (turn, work) = post.state();
        let is_at = self.watch.is_at(turn, work);
        let task = post.thread().filter(|_| is_at).and_then(Task::of);
        let before = self.watch.grade;
        self.watch.look(now_ms, Seen { turn, work, task });
        let now = self.watch.grade;
        if before > now {
            tell_over(node, self.stall.take());
        }
        if now == Grade::Passes {
            return;
        }
        let stall = match self.stall.take() {
            Some(stall) => stall,
            None => named(node, thread, post),
        };
        // Between those readings the thread may have turned to another callback: then this names the wrong one, and
        // ends next time.
        let stall = Stall {
            age_ms: self.watch.age_ms(),
            cpu_ms: self.watch.cpu_ms,
            asleep_ms: self.watch.asleep_ms,
            is_stalled: now == Grade::Stalled,
            ..stall
        };
        if now > before {
            let event = match now {
                Grade::Stalled => StallEvent::Stalled,
                _ => StallEvent::Slow,
            };
            node.tell_stall(event, &stall);
        }
        if matches!(thread, Thread::Calls(_)) && stall.cpu_ms >= CALL_CPU_MS && post.give_up() {
            post.thread().into_iter().for_each(yield_to_others);
        }
        self.stall = Some(stall);
    }
}

fn tell_over(node: &Node, stall: Option<Stall>) {
    if let Some(stall) = stall {
        node.tell_stall(StallEvent::Over, &stall);
    }
}

/// Names the callback that runs on the thread.
fn named(node: &Node, thread: Thread, post: &Post) -> Stall {
    // The post still has the previous callback, which is not at fault when the runtime itself works.
    let doing = match post.state() {
        (_, Work::Library) => post.doing(),
        (_, Work::Own | Work::None) => Doing::default(),
    };
    let pid = Some(post.pid()).filter(|pid| *pid != Pid::from_raw(0) && doing.module() != 0);
    let module = node.config().modules.at(doing.module());
    Stall {
        shard: match thread {
            Thread::Shard(shard) => Some(shard),
            Thread::Calls(_) => None,
        },
        name: pid.and_then(|pid| node.name_of(pid)),
        pid,
        module: module.map_or("", |module| module.name()).to_string(),
        vsn: module.map_or("", |module| module.vsn()).to_string(),
        function: doing.function(),
        age_ms: 0,
        cpu_ms: 0,
        asleep_ms: 0,
        is_stalled: false,
    }
}
