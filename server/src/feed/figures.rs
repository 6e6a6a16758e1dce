//! A reading of a running node. It asks no process; the sample of processes asks the shards, only for viewers.

use std::collections::BTreeMap;

use pq_feed::Reading;
use pq_feed::reading::{
    Connections, Door, InProgress, Installs, Library, Processes, Program, Saves, Shard, Stalls,
};
use pq_histogram::Histogram;
use pq_otp::Lateness;

use crate::applications::NODE_VSN;
use crate::clock::unix_ms;
use crate::running::RunningNode;
use crate::stdio;

use super::usage;

/// The limit for the shards' sample of processes in milliseconds. A shard that does not answer in time has none in this frame.
const SAMPLE_TIMEOUT_MS: u64 = 50;

const NS_PER_MS: u64 = 1_000_000;

/// All figures of a node, with a sample of this many processes.
pub(crate) fn reading(node: &RunningNode, sample_max: u32) -> Reading {
    let (booted, views) = (node.booted(), node.views());
    let dropped = stdio::dropped();
    let (installs, last_install) = views.ended();
    Reading {
        node: program(node),
        processes: processes(node),
        shards: shards(node),
        callbacks: booted.callbacks(),
        lateness: lateness(&booted.lateness()),
        stalls: stalls(node),
        install: install(node),
        installs: Installs {
            conversions_given_up: node.node().conversions_given_up(),
            ..installs
        },
        last_install,
        door: door(node),
        connections: Connections {
            open: node.node().port_count() as u64,
            dropped: node.node().ports_dropped(),
        },
        saves: saves(node),
        libraries: libraries(node),
        output_lines_dropped: dropped.stdout + dropped.stderr,
        viewers: views.feed.viewers() as u64,
        sample: sample(node, sample_max),
    }
}

/// The reason why clients are not admitted; `None` when they are.
pub(crate) fn unready(node: &RunningNode) -> Option<&'static str> {
    match node.door() {
        _ if node.views().is_stopping() => Some("the node stops"),
        None => Some("the running release has no listeners for players"),
        Some(door) if door.is_locked() => Some("the node is locked (pq lock)"),
        Some(_) => None,
    }
}

fn program(node: &RunningNode) -> Program {
    let running = node.releases().running();
    Program {
        vsn: NODE_VSN.to_string(),
        release_name: running.name,
        release: running.vsn,
        pid: std::process::id(),
        since_unix_ms: unix_ms(node.started()),
        cpu_us: usage::cpu_us(),
        memory_bytes: usage::memory_bytes(),
        unready: unready(node).unwrap_or_default().to_string(),
    }
}

fn processes(node: &RunningNode) -> BTreeMap<String, Processes> {
    let counts = node.node().counts().into_iter();
    let processes = counts.map(|((module, vsn), count)| {
        let processes = Processes {
            living: count.living,
            started: count.started,
            ended: count.ended,
            failed: count.failed,
            module,
            vsn,
        };
        (version(&processes.module, &processes.vsn), processes)
    });
    processes.collect()
}

/// `Module-Vsn`, or the name alone for processes of the runtime itself.
fn version(module: &str, vsn: &str) -> String {
    match vsn.is_empty() {
        true => module.to_string(),
        false => format!("{module}-{vsn}"),
    }
}

fn shards(node: &RunningNode) -> BTreeMap<u64, Shard> {
    let counters = node.booted().counters().into_iter();
    let shard = |of: pq_otp::Counters| Shard {
        messages: of.envelopes,
        dropped: of.dropped,
        timers: of.timers,
        started: of.spawned,
        ended: of.exited,
        restarts: of.restarts,
        given_up: of.given_up,
    };
    (0..).zip(counters.map(shard)).collect()
}

fn lateness(lateness: &Lateness) -> Histogram {
    let mut histogram = Histogram::default();
    for (ms, timers) in lateness.by_ms() {
        histogram.add(ms * NS_PER_MS, timers);
    }
    histogram
}

fn stalls(node: &RunningNode) -> Stalls {
    use std::sync::atomic::Ordering::Relaxed;
    let (views, now) = (node.views(), node.node().stalls());
    let blocked = |stall: &&pq_otp::Stall| stall.shard.is_some() && stall.is_stalled;
    Stalls {
        slow: views.slow.load(Relaxed),
        stalled: views.stalled.load(Relaxed),
        shards: now.iter().filter(blocked).count() as u64,
        now: now.iter().map(ToString::to_string).collect(),
    }
}

fn install(node: &RunningNode) -> Option<InProgress> {
    let (status, record) = node.releases().install()?;
    Some(InProgress {
        check: status.check,
        total: status.total,
        held: status.held,
        swapped: status.swapped,
        record,
    })
}

fn door(node: &RunningNode) -> Option<Door> {
    node.door().map(|door| Door {
        clients: door.clients() as u64,
        players: door.players() as u64,
        abandoned: door.abandoned() as u64,
        locked: door.is_locked(),
        sessions: door.sessions(),
        lines: door.lines(),
        refused: door
            .refused()
            .filter(|(_, count)| *count > 0)
            .map(|(word, count)| (word.to_string(), count))
            .collect(),
    })
}

fn saves(node: &RunningNode) -> Option<Saves> {
    let status = node.saves()?.status();
    let (rows, commits) = (status.stats.rows, status.commits);
    Some(Saves {
        playing: rows.playing,
        set_aside: rows.set_aside,
        tail: status.stats.tail,
        queued: status.queued as u64,
        queued_bytes: status.queued_bytes as u64,
        lag_ms: status.lag.as_millis() as u64,
        bytes: status.stats.bytes_on_disk,
        swept_unix_ms: status.stats.swept_unix_ms.unwrap_or_default(),
        sweep_rows: status.sweep.map_or(0, |sweep| sweep.rows),
        commits: commits.all,
        errors: status.errors,
        trouble: status
            .trouble
            .map_or(String::new(), |trouble| trouble.sentence),
    })
}

fn libraries(node: &RunningNode) -> BTreeMap<String, Library> {
    let mut sums = BTreeMap::<String, Library>::new();
    for library in node.booted().code().libraries() {
        let sum = sums
            .entry(version(&library.application, &library.vsn))
            .or_default();
        sum.mapped_bytes += library.mapped_bytes;
        sum.allocated_bytes += library.allocated_bytes;
    }
    sums
}

fn sample(node: &RunningNode, max: u32) -> BTreeMap<String, String> {
    if max == 0 {
        return BTreeMap::new();
    }
    let sampled = node.node().sample(max, SAMPLE_TIMEOUT_MS).into_iter();
    let named = sampled.map(|(pid, module)| {
        let version = module.map_or("pq".to_string(), |module| {
            version(module.name(), module.vsn())
        });
        (pid.to_string(), version)
    });
    named.collect()
}
