//! The node under the real clock: one thread per shard.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use pq_abi::crash::watch_thread;

use crate::lateness::{Histogram, Lateness};
use crate::message::Signal;
use crate::node::{Config, Node};
use crate::pulse::BEAT_MS;
use crate::run_clock::RunClock;
use crate::shard::{Counters, Shard};

/// A shard's stack. A callback of a library runs on it; 8 MiB is what a main thread has, and costs only what
/// is touched.
const STACK_BYTES: usize = 8 << 20;

/// How long an idle shard sleeps at most. Signals and timers wake it earlier; this bounds how long a lost
/// wake-up could last.
const IDLE_MAX: Duration = Duration::from_millis(500);

/// The counters of a shard, for everybody.
#[derive(Default)]
struct Published {
    envelopes: AtomicU64,
    spawned: AtomicU64,
    exited: AtomicU64,
    dropped: AtomicU64,
    timers: AtomicU64,
    lateness: Histogram,
}

/// A running node and its threads.
pub struct Threads {
    node: Node,
    threads: Vec<JoinHandle<()>>,
    published: Vec<Arc<Published>>,
    /// Ends the thread that keeps the pulse, by being dropped.
    _pulse: SyncSender<()>,
}

impl Threads {
    /// Starts a node; fails when the system gives no thread.
    pub fn start(config: Config) -> std::io::Result<Threads> {
        let node = Node::new(config);
        let started = Instant::now();
        let mut threads = Vec::new();
        let mut published = Vec::new();
        for id in 0..node.shards() {
            let (shard_node, counters) = (node.clone(), Arc::new(Published::default()));
            published.push(counters.clone());
            let builder = std::thread::Builder::new()
                .name(format!("pq-shard-{id}"))
                .stack_size(STACK_BYTES);
            threads.push(
                builder.spawn(move || run(Shard::new(shard_node, id as u8), started, &counters))?,
            );
        }
        let (pulse, stop) = sync_channel(0);
        let keeper = node.clone();
        let builder = std::thread::Builder::new().name("pq-pulse".to_string());
        builder.spawn(move || keep_pulse(&keeper, started, &stop))?;
        Ok(Threads {
            node,
            threads,
            published,
            _pulse: pulse,
        })
    }

    /// The node.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// What each shard has done.
    pub fn counters(&self) -> Vec<Counters> {
        self.published
            .iter()
            .map(|published| published.read())
            .collect()
    }

    /// How late timers were handled since this was last asked.
    pub fn take_lateness(&self) -> Lateness {
        let mut sum = Lateness::default();
        for published in &self.published {
            published.lateness.take_into(&mut sum);
        }
        sum
    }

    /// Ends the threads, after what they are doing. Applications are to be stopped before.
    pub fn stop(self) {
        for shard in 0..self.node.shards() {
            if let Some(inbox) = self.node.inbox(shard as u8) {
                inbox.push(Signal::Quit);
            }
        }
        for thread in self.threads {
            // A shard that panics ends the program: there is no result to look at.
            let _ = thread.join();
        }
    }
}

/// Keeps the coarse clock until the node is dropped, and names callbacks that do not end.
fn keep_pulse(node: &Node, started: Instant, stop: &Receiver<()>) {
    watch_thread();
    let beat = Duration::from_millis(BEAT_MS);
    let (mut named, mut clock) = (Vec::new(), RunClock::default());
    while stop.recv_timeout(beat) == Err(RecvTimeoutError::Timeout) {
        let now_ms = started.elapsed().as_millis() as u64;
        node.pulse().beat(clock.look(now_ms));
        let late: Vec<_> = node.pulse().late().collect();
        for (shard, pid, age_ms) in &late {
            if !named.contains(pid) {
                let name = node.name_of(*pid);
                tracing::error!(shard, %pid, name, age_ms, "a callback does not end: its shard stands still");
            }
        }
        named = late.into_iter().map(|(_, pid, _)| pid).collect();
    }
}

/// A node that has lost a shard is no node: its processes would wait for ever. Whoever started the program
/// starts it again.
struct AbortOnPanic;

impl Drop for AbortOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!("a shard has panicked: the node ends");
            std::process::abort();
        }
    }
}

fn run(mut shard: Shard, started: Instant, published: &Published) {
    watch_thread();
    let _guard = AbortOnPanic;
    let now_ms = || started.elapsed().as_millis() as u64;
    while !shard.quit {
        let transaction = shard.has_transaction().then(Instant::now);
        shard.turn(now_ms());
        if let Some(began) = transaction {
            shard.note_turn(began.elapsed());
        }
        shard.timers_handled(|due_ms, timers| {
            published
                .lateness
                .note(now_ms().saturating_sub(due_ms), timers);
        });
        published.write(&shard.counters);
        if shard.is_busy() || shard.is_staging() {
            continue;
        }
        let sleep = match shard.next_timer_ms() {
            Some(next) => Duration::from_millis(next)
                .saturating_sub(started.elapsed())
                .min(IDLE_MAX),
            None => IDLE_MAX,
        };
        shard.wait(sleep);
    }
}

impl Published {
    fn write(&self, counters: &Counters) {
        self.envelopes.store(counters.envelopes, Ordering::Relaxed);
        self.spawned.store(counters.spawned, Ordering::Relaxed);
        self.exited.store(counters.exited, Ordering::Relaxed);
        self.dropped.store(counters.dropped, Ordering::Relaxed);
        self.timers.store(counters.timers, Ordering::Relaxed);
    }

    fn read(&self) -> Counters {
        Counters {
            envelopes: self.envelopes.load(Ordering::Relaxed),
            spawned: self.spawned.load(Ordering::Relaxed),
            exited: self.exited.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
            timers: self.timers.load(Ordering::Relaxed),
        }
    }
}
