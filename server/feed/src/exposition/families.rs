//! The families of metrics: names, units and sentences.

use std::fmt;

use pq_histogram::Histogram;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeCounterValue, EncodeGaugeValue, MetricEncoder, NoLabelSet,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;

use crate::reading::{Door, Installs, Reading, Saves, Shard};

type Labels<'a> = Vec<(&'static str, &'a str)>;

/// Writes families one after another.
struct Writer<'a>(DescriptorEncoder<'a>);

/// Writes all families of a reading.
pub(super) fn write(reading: &Reading, encoder: DescriptorEncoder<'_>) -> fmt::Result {
    let mut to = Writer(encoder);
    program(reading, &mut to)?;
    processes(reading, &mut to)?;
    shards(reading, &mut to)?;
    callbacks(reading, &mut to)?;
    installs(&reading.installs, reading.install.is_some(), &mut to)?;
    connections(reading, &mut to)?;
    if let Some(door) = &reading.door {
        listeners(door, &mut to)?;
    }
    if let Some(saves) = &reading.saves {
        saved(saves, &mut to)?;
    }
    libraries(reading, &mut to)
}

fn program(reading: &Reading, to: &mut Writer<'_>) -> fmt::Result {
    let node = &reading.node;
    let labels = vec![
        ("version", node.vsn.as_str()),
        ("release_name", node.release_name.as_str()),
        ("release", node.release.as_str()),
    ];
    to.gauges(
        "node_info",
        "The program and the running release",
        None,
        [(labels, 1_u64)],
    )?;
    let since_s = node.since_unix_ms as f64 / 1e3;
    to.seconds(
        "node_start_time",
        "The start of the node, in seconds since 1970",
        since_s,
    )?;
    let cpu_s = node.cpu_us as f64 / 1e6;
    to.counters_of_seconds(
        "processor",
        "The processor time that the program has used",
        [(Vec::new(), cpu_s)],
    )?;
    to.bytes(
        "memory_resident",
        "The resident memory of the program",
        node.memory_bytes,
    )?;
    let is_ready = node.unready.is_empty();
    to.gauge(
        "ready",
        "Whether clients are admitted: 1 or 0",
        u64::from(is_ready),
    )?;
    to.gauge("feed_viewers", "Viewers of the feed", reading.viewers)?;
    let dropped = reading.output_lines_dropped;
    to.counter(
        "output_lines_dropped",
        "Lines of output and log that no reader took",
        dropped,
    )
}

fn processes(reading: &Reading, to: &mut Writer<'_>) -> fmt::Result {
    let all = reading.processes.values();
    let all = || {
        all.clone().map(|it| {
            (
                vec![("module", it.module.as_str()), ("vsn", it.vsn.as_str())],
                it,
            )
        })
    };
    let living = all().map(|(labels, it)| (labels, it.living));
    to.gauges(
        "processes",
        "Living processes by version of their module",
        None,
        living,
    )?;
    let started = all().map(|(labels, it)| (labels, it.started));
    to.counters(
        "processes_started",
        "Processes that started with a version",
        started,
    )?;
    let ended = all().map(|(labels, it)| (labels, it.ended));
    to.counters(
        "processes_ended",
        "Processes that ended with a version",
        ended,
    )?;
    let failed = all().map(|(labels, it)| (labels, it.failed));
    let help = "Processes that ended with a version and had no orderly reason";
    to.counters("processes_failed", help, failed)
}

fn shards(reading: &Reading, to: &mut Writer<'_>) -> fmt::Result {
    let numbers: Vec<(String, &Shard)> = reading
        .shards
        .iter()
        .map(|(number, shard)| (number.to_string(), shard))
        .collect();
    let by_shard = |of: fn(&Shard) -> u64| {
        let labelled = numbers.iter();
        labelled.map(move |(number, shard)| (vec![("shard", number.as_str())], of(shard)))
    };
    to.counters(
        "messages",
        "Messages handled by processes",
        by_shard(|it| it.messages),
    )?;
    let help = "Messages dropped because a mailbox was full";
    to.counters("messages_dropped", help, by_shard(|it| it.dropped))?;
    to.counters("timers", "Timers fired", by_shard(|it| it.timers))?;
    let help = "Children that supervisors started again";
    to.counters("restarts", help, by_shard(|it| it.restarts))?;
    let help = "Supervisors that ended because a child failed too often";
    to.counters("supervisors_given_up", help, by_shard(|it| it.given_up))
}

fn callbacks(reading: &Reading, to: &mut Writer<'_>) -> fmt::Result {
    let help = "Durations of callbacks: one callback of each 16 turns of a shard";
    to.histogram("callback_duration", help, &reading.callbacks)?;
    let help = "Lateness of timers, from the due time to the end of their process's turn";
    to.histogram("timer_lateness", help, &reading.lateness)?;
    let stalls = &reading.stalls;
    to.gauge(
        "stalled_shards",
        "Shards that a callback blocks",
        stalls.shards,
    )?;
    to.counter("callbacks_slow", "Callbacks that took long", stalls.slow)?;
    to.counter(
        "callbacks_stalled",
        "Callbacks that counted as endless",
        stalls.stalled,
    )
}

fn installs(installs: &Installs, is_running: bool, to: &mut Writer<'_>) -> fmt::Result {
    to.gauge(
        "install_in_progress",
        "Whether an install is in progress: 1 or 0",
        u64::from(is_running),
    )?;
    let results = [("done", installs.done), ("failed", installs.failed)];
    let results = results.map(|(result, count)| (vec![("result", result)], count));
    to.counters("installs", "Installs that have ended, by result", results)?;
    let help = "Converted states, counting repeated conversions";
    to.counter("conversions", help, installs.converted)?;
    to.counter(
        "conversions_failed",
        "States that did not convert",
        installs.conversions_failed,
    )?;
    let help = "Conversions that do not end, each on a thread of its own";
    to.gauge("conversions_given_up", help, installs.conversions_given_up)?;
    to.counter(
        "install_processes_killed",
        "Processes that installs killed",
        installs.killed,
    )?;
    let help = "Connections closed during installs because their process failed or was ended";
    to.counter(
        "install_connections_dropped",
        help,
        installs.connections_dropped,
    )?;
    let phases = installs.phases_us.iter();
    let phases = phases.map(|(phase, us)| (vec![("phase", phase.as_str())], *us as f64 / 1e6));
    to.counters_of_seconds(
        "install_phase_duration",
        "Durations of the phases of installs",
        phases,
    )?;
    let help = "Times for which an install kept processes from running";
    to.histogram("install_pause", help, &installs.pauses)?;
    let help = "Turns of shards during installs: other processes waited no longer than one";
    to.histogram("install_stall", help, &installs.stalls)
}

fn connections(reading: &Reading, to: &mut Writer<'_>) -> fmt::Result {
    let connections = &reading.connections;
    to.gauge(
        "connections",
        "Open connections of players",
        connections.open,
    )?;
    let help = "Connections closed because their process failed or was killed";
    to.counter("connections_dropped", help, connections.dropped)
}

fn listeners(door: &Door, to: &mut Writer<'_>) -> fmt::Result {
    to.gauge("clients", "Connected clients", door.clients)?;
    to.gauge("players", "Connected clients with an avatar", door.players)?;
    to.gauge(
        "abandoned_avatars",
        "Avatars whose clients have left",
        door.abandoned,
    )?;
    to.gauge(
        "locked",
        "Whether new clients are refused: 1 or 0",
        u64::from(door.locked),
    )?;
    to.counter(
        "sessions",
        "Sessions that were started for clients",
        door.sessions,
    )?;
    to.counter(
        "lines",
        "Lines of clients passed to their processes",
        door.lines,
    )?;
    let refused = door.refused.iter();
    let refused = refused.map(|(reason, count)| (vec![("reason", reason.as_str())], *count));
    to.counters("refusals", "Refusals by reason", refused)
}

fn saved(saves: &Saves, to: &mut Writer<'_>) -> fmt::Result {
    let rows = [("playing", saves.playing), ("set_aside", saves.set_aside)];
    let rows = rows.map(|(state, count)| (vec![("state", state)], count));
    to.gauges("saved_rows", "Saved rows by state", None, rows)?;
    to.gauge(
        "save_tail_states",
        "States that the next round of the sweep overtakes",
        saves.tail,
    )?;
    to.gauge(
        "save_sweep_rows",
        "Rows that the current or last round of the sweep has saved",
        saves.sweep_rows,
    )?;
    let swept_s = saves.swept_unix_ms as f64 / 1e3;
    let help = "The end of the last complete round of the sweep, in seconds since 1970";
    to.seconds("save_swept_time", help, swept_s)?;
    to.gauge(
        "save_queue_changes",
        "Changes that are not on the disk",
        saves.queued,
    )?;
    to.bytes(
        "save_queue_size",
        "The memory of changes that are not on the disk",
        saves.queued_bytes,
    )?;
    let help = "The age of the oldest change that is not on the disk";
    to.seconds("save_lag", help, saves.lag_ms as f64 / 1e3)?;
    to.bytes(
        "save_file_size",
        "The size of the saves with their log",
        saves.bytes,
    )?;
    to.histogram(
        "save_commit_duration",
        "Durations of commits with their fsync",
        &saves.commits,
    )?;
    to.counter("save_commits_failed", "Commits that failed", saves.errors)?;
    let is_failing = !saves.trouble.is_empty();
    to.gauge(
        "save_failing",
        "Whether nothing can be written: 1 or 0",
        u64::from(is_failing),
    )
}

fn libraries(reading: &Reading, to: &mut Writer<'_>) -> fmt::Result {
    let by_library = |of: fn(&crate::reading::Library) -> u64| {
        let all = reading.libraries.iter();
        all.map(move |(name, library)| (vec![("library", name.as_str())], of(library)))
    };
    let (mapped, allocated) = (
        by_library(|it| it.mapped_bytes),
        by_library(|it| it.allocated_bytes),
    );
    to.gauges(
        "library_mapped",
        "The address space of a library",
        Some(Unit::Bytes),
        mapped,
    )?;
    to.gauges(
        "library_allocated",
        "The memory that the code of a library has allocated",
        Some(Unit::Bytes),
        allocated,
    )
}

impl Writer<'_> {
    fn gauge(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        self.gauges(name, help, None, [(Vec::new(), value)])
    }

    fn seconds(&mut self, name: &str, help: &str, value: f64) -> fmt::Result {
        self.gauges(name, help, Some(Unit::Seconds), [(Vec::new(), value)])
    }

    fn bytes(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        self.gauges(name, help, Some(Unit::Bytes), [(Vec::new(), value)])
    }

    fn gauges<'s, V: EncodeGaugeValue>(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<Unit>,
        samples: impl IntoIterator<Item = (Labels<'s>, V)>,
    ) -> fmt::Result {
        let unit = unit.as_ref();
        let family = self
            .0
            .encode_descriptor(name, help, unit, MetricType::Gauge)?;
        each(family, samples, |mut sample, value| {
            sample.encode_gauge(&value)
        })
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        self.counters(name, help, [(Vec::new(), value)])
    }

    fn counters<'s>(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = (Labels<'s>, u64)>,
    ) -> fmt::Result {
        let family = self
            .0
            .encode_descriptor(name, help, None, MetricType::Counter)?;
        each(family, samples, total)
    }

    fn counters_of_seconds<'s>(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = (Labels<'s>, f64)>,
    ) -> fmt::Result {
        let unit = Some(&Unit::Seconds);
        let family = self
            .0
            .encode_descriptor(name, help, unit, MetricType::Counter)?;
        each(family, samples, total)
    }

    fn histogram(&mut self, name: &str, help: &str, histogram: &Histogram) -> fmt::Result {
        let unit = Some(&Unit::Seconds);
        let mut family = self
            .0
            .encode_descriptor(name, help, unit, MetricType::Histogram)?;
        let buckets: Vec<(f64, u64)> = histogram.buckets().collect();
        family.encode_histogram::<NoLabelSet>(histogram.sum_s(), histogram.count(), &buckets, None)
    }
}

/// Writes the samples of a family. A sample without labels has no braces.
fn each<'s, V>(
    mut family: MetricEncoder<'_>,
    samples: impl IntoIterator<Item = (Labels<'s>, V)>,
    write: impl Fn(MetricEncoder<'_>, V) -> fmt::Result,
) -> fmt::Result {
    for (labels, value) in samples {
        match labels.is_empty() {
            true => return write(family, value),
            false => write(family.encode_family(&labels)?, value)?,
        }
    }
    Ok(())
}

fn total(mut sample: MetricEncoder<'_>, value: impl EncodeCounterValue) -> fmt::Result {
    sample.encode_counter::<NoLabelSet, _, u64>(&value, None)
}
