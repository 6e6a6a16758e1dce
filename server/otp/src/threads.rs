//! The node under the real clock: one thread per shard.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use pq_abi::crash::watch_thread;

use crate::durations::Recorder;
use crate::lateness::{Histogram, Lateness};
use crate::message::Signal;
use crate::node::{Config, Node};
use crate::shard::{Counters, Shard};
use crate::stall::{self, Work};

/// A shard's stack. Callbacks of libraries run on it; 8 MiB is the size of a main thread's stack, and only touched
/// pages cost memory.
pub(crate) const STACK_BYTES: usize = 8 << 20;

/// How long an idle shard sleeps at most. Signals and timers wake it earlier; this bounds the effect of a lost
/// wake-up.
const IDLE_MAX: Duration = Duration::from_millis(500);

/// The counters of a shard, readable on every thread.
#[derive(Default)]
struct Published {
    envelopes: AtomicU64,
    spawned: AtomicU64,
    exited: AtomicU64,
    dropped: AtomicU64,
    timers: AtomicU64,
    restarts: AtomicU64,
    given_up: AtomicU64,
    lateness: Histogram,
    callbacks: Recorder,
}

/// A running node and its threads; [`Threads::stop`] ends them.
pub struct Threads {
    node: Node,
    threads: Vec<JoinHandle<()>>,
    published: Vec<Arc<Published>>,
    /// Dropped at the end, which ends the thread that watches for callbacks that do not end.
    _keeper: SyncSender<()>,
}

impl Threads {
    /// Starts a node; fails when the system cannot start a thread.
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
        let (keeper, stop) = sync_channel(0);
        let watched = node.clone();
        let builder = std::thread::Builder::new().name("pq-stall".to_string());
        builder.spawn(move || stall::keep(&watched, started, &stop))?;
        node.calls().open(started);
        Ok(Threads {
            node,
            threads,
            published,
            _keeper: keeper,
        })
    }

    /// The node that the threads run.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// The counters of each shard.
    pub fn counters(&self) -> Vec<Counters> {
        self.published
            .iter()
            .map(|published| published.read())
            .collect()
    }

    /// How late timers were handled since the start of the node.
    pub fn lateness(&self) -> Lateness {
        let mut sum = Lateness::default();
        for published in &self.published {
            published.lateness.add_to(&mut sum);
        }
        sum
    }

    /// The durations of the callbacks that were timed since the start of the node: a sample.
    pub fn callbacks(&self) -> pq_histogram::Histogram {
        let mut sum = pq_histogram::Histogram::default();
        for published in &self.published {
            sum.merge(&published.callbacks.read());
        }
        sum
    }

    /// Ends the threads after their current work. The caller stops the applications before.
    pub fn stop(self) {
        self.node.calls().close();
        for shard in 0..self.node.shards() {
            if let Some(inbox) = self.node.inbox(shard as u8) {
                inbox.push(Signal::Quit);
            }
        }
        for thread in self.threads {
            // A shard that panics ends the program: the result is always `Ok`.
            let _ = thread.join();
        }
    }
}

/// Ends the program when a shard panics: its processes would wait for ever. The service manager starts the program
/// again.
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
    shard.core.clock = Some(started);
    let _guard = AbortOnPanic;
    let now_ms = || started.elapsed().as_millis() as u64;
    let post = shard.core.post.clone();
    post.take();
    while !shard.quit {
        post.turn_to(Work::Own);
        let transaction = shard.has_transaction().then(Instant::now);
        shard.begin_timing();
        shard.turn(now_ms());
        if let Some(took_ns) = shard.take_timing() {
            published.callbacks.note(took_ns);
        }
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
        post.turn_to(Work::None);
        shard.wait(sleep);
    }
    post.turn_to(Work::None);
}

impl Published {
    fn write(&self, counters: &Counters) {
        self.envelopes.store(counters.envelopes, Ordering::Relaxed);
        self.spawned.store(counters.spawned, Ordering::Relaxed);
        self.exited.store(counters.exited, Ordering::Relaxed);
        self.dropped.store(counters.dropped, Ordering::Relaxed);
        self.timers.store(counters.timers, Ordering::Relaxed);
        self.restarts.store(counters.restarts, Ordering::Relaxed);
        self.given_up.store(counters.given_up, Ordering::Relaxed);
    }

    fn read(&self) -> Counters {
        Counters {
            envelopes: self.envelopes.load(Ordering::Relaxed),
            spawned: self.spawned.load(Ordering::Relaxed),
            exited: self.exited.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
            timers: self.timers.load(Ordering::Relaxed),
            restarts: self.restarts.load(Ordering::Relaxed),
            given_up: self.given_up.load(Ordering::Relaxed),
        }
    }
}
