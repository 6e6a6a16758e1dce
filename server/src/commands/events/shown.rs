//! The feed as lines for people: the figures once a second, and events and phases of installs as they come.

use std::time::{Duration, SystemTime};

use pq_feed::patch::apply;
use pq_feed::reading::{Door, Saves};
use pq_feed::{Happening, Kind, Reading};
use pq_protocol::record::InstallRecord;
use serde::Deserialize;
use serde_json::Value;

use crate::client::{counted, printable};
use crate::clock::rfc3339;

/// The shortest time between two lines with figures.
const FIGURES_MS: u64 = 1_000;

/// A line of the node.
#[derive(Deserialize)]
struct Line {
    at_unix_ms: u64,
    #[serde(default)]
    snapshot: Option<Value>,
    #[serde(default)]
    delta: Option<Value>,
    #[serde(default)]
    events: Vec<Happening>,
    #[serde(default)]
    more_events: u64,
}

/// The figures that the lines so far have told.
#[derive(Default)]
pub(super) struct Told {
    state: Value,
    reading: Reading,
    /// The last reading with a line of figures, and its time.
    shown: Option<(Reading, u64)>,
}

impl Told {
    /// Takes a line, and returns the lines to show.
    pub(super) fn hear(&mut self, line: &str) -> Vec<String> {
        let read = serde_json::from_str::<Line>(line);
        let Ok(line) = read else {
            return vec![
                "a line of the node cannot be read; use the `pq` program that runs the node"
                    .to_string(),
            ];
        };
        let is_first = line.snapshot.is_some();
        match (line.snapshot, line.delta) {
            (Some(snapshot), _) => self.state = snapshot,
            (None, Some(delta)) => apply(&mut self.state, delta),
            (None, None) => (),
        }
        let reading = serde_json::from_value(self.state.clone()).unwrap_or_default();
        let before = std::mem::replace(&mut self.reading, reading);
        let mut lines = Vec::new();
        if !is_first {
            lines.extend(line.events.iter().map(event));
            if line.more_events > 0 {
                lines.push(format!(
                    "and {} more",
                    counted(line.more_events, "event", "events")
                ));
            }
            lines.extend(installs(&before, &self.reading));
        }
        lines.extend(self.figures(line.at_unix_ms, is_first));
        let time = time(line.at_unix_ms);
        lines.iter().map(|text| format!("{time}  {text}")).collect()
    }

    /// The line of figures, when it is due.
    fn figures(&mut self, at_unix_ms: u64, is_first: bool) -> Option<String> {
        let (now, mut since) = (&self.reading, None);
        if let Some((before, at)) = self.shown.as_ref().filter(|_| !is_first) {
            if at_unix_ms < at + FIGURES_MS {
                return None;
            }
            since = Some((before, at_unix_ms - at));
        }
        let text = figures(now, since);
        self.shown = Some((now.clone(), at_unix_ms));
        Some(text)
    }
}

fn time(unix_ms: u64) -> String {
    rfc3339(SystemTime::UNIX_EPOCH + Duration::from_millis(unix_ms))
}

/// The figures, and the work since an earlier reading.
fn figures(now: &Reading, since: Option<(&Reading, u64)>) -> String {
    let node = &now.node;
    let mut parts = vec![
        format!("{} {}", node.release_name, node.release),
        counted(now.living(), "process", "processes"),
    ];
    if let Some((before, ms)) = since {
        let sum = |reading: &Reading, of: fn(&pq_feed::reading::Shard) -> u64| {
            reading.shards.values().map(of).sum::<u64>()
        };
        let more = |of| sum(now, of).saturating_sub(sum(before, of));
        let (started, ended) = (more(|it| it.started), more(|it| it.ended));
        if started + ended > 0 {
            parts.push(format!("+{started} -{ended}"));
        }
        parts.push(format!(
            "{} messages/s",
            more(|it| it.messages) * 1_000 / ms.max(1)
        ));
    }
    parts.extend(now.door.as_ref().map(door));
    parts.extend(now.saves.as_ref().map(saves));
    if !node.unready.is_empty() {
        parts.push(node.unready.clone());
    }
    parts.extend(
        now.stalls
            .now
            .iter()
            .map(|stall| printable(stall).to_string()),
    );
    parts.join(", ")
}

fn door(door: &Door) -> String {
    let clients = counted(door.clients, "client", "clients");
    format!("{clients}, {}", counted(door.players, "player", "players"))
}

fn saves(saves: &Saves) -> String {
    match saves.trouble.is_empty() {
        true => format!("{} not on the disk", saves.queued),
        false => printable(&saves.trouble).to_string(),
    }
}

fn event(event: &Happening) -> String {
    let process = match (event.pid.as_str(), event.name.as_str()) {
        ("", _) => String::new(),
        (pid, "") => format!(" ({pid})"),
        (pid, name) => format!(" ({pid}, {name})"),
    };
    let child = format!("{} of {}{process}", event.child, event.supervisor);
    let text = match event.kind {
        Kind::Failed => format!("{child} has failed: {}", event.why),
        Kind::Restarted => format!("{child} is started again"),
        Kind::GivenUp => format!("{child} has failed too often: its supervisor ends"),
        Kind::Slow | Kind::Stalled | Kind::Over => event.why.clone(),
    };
    printable(&text).to_string()
}

/// The changes of installs: a new phase, and the end.
fn installs(before: &Reading, now: &Reading) -> Vec<String> {
    let phase = |reading: &Reading| {
        let install = reading.install.as_ref()?;
        Some((
            install.record.phases.len(),
            install.record.phases.last()?.phase,
        ))
    };
    let mut lines = Vec::new();
    if let (Some(install), Some((_, word))) = (&now.install, phase(now))
        && phase(before) != phase(now)
    {
        let InstallRecord {
            from,
            to,
            converted,
            ..
        } = &install.record;
        let what = if install.check {
            "check of an install"
        } else {
            "install"
        };
        lines.push(format!(
            "{what}, {from} to {to}: {}, {converted} converted",
            word.word()
        ));
    }
    if let Some(record) = now
        .last_install
        .as_ref()
        .filter(|_| before.last_install != now.last_install)
    {
        let failure = record.failure.as_ref();
        let end = failure.map_or("done".to_string(), |failure| failure.sentence.clone());
        lines.push(printable(&format!("install {record}: {end}")).to_string());
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_read_the_snapshot_then_events_at_once_and_figures_each_second() {
        let mut told = Told::default();
        let snapshot = r#"{"frame":0,"at_unix_ms":1700000000000,"snapshot":{
            "node":{"release_name":"shop","release":"1.0.0"},"shards":{"0":{"started":5,"ended":1,"messages":100}},
            "door":{"clients":2,"players":1}}}"#;
        assert_eq!(
            told.hear(snapshot),
            ["2023-11-14T22:13:20.000Z  shop 1.0.0, 4 processes, 2 clients, 1 player"]
        );
        let event = r#"{"frame":1,"at_unix_ms":1700000000100,"delta":{"shards":{"0":{"messages":150}}},
            "events":[{"kind":"failed","supervisor":"shop_sup","child":"till","pid":"<0.4.1>","why":"killed"}]}"#;
        assert_eq!(
            told.hear(event),
            ["2023-11-14T22:13:20.100Z  till of shop_sup (<0.4.1>) has failed: killed"]
        );
        let figures = r#"{"frame":2,"at_unix_ms":1700000002000,"delta":{"shards":{"0":{"messages":300,"started":6}}}}"#;
        assert_eq!(
            told.hear(figures),
            [
                "2023-11-14T22:13:22.000Z  shop 1.0.0, 5 processes, +1 -0, 100 messages/s, 2 clients, 1 player"
            ]
        );
    }

    #[test]
    fn an_install_is_told_phase_by_phase() {
        let mut told = Told::default();
        told.hear(r#"{"frame":0,"at_unix_ms":0,"snapshot":{}}"#);
        let phase = r#"{"frame":1,"at_unix_ms":10,"delta":{"install":{"record":{"from":"1","to":"2","direction":"up","killed":0,
            "processes":{},"connections_dropped":0,"pause_us":{"median":0,"p99":0,"max":0},"stall_us":{"median":0,"p99":0,"max":0},
            "bytes_loaded":0,"unpurged":[],"warnings":[],"restart":false,"took_ms":0,"converted":7,
            "phases":[{"phase":"copy","took_us":5}]}}}}"#;
        assert_eq!(
            told.hear(phase),
            ["1970-01-01T00:00:00.010Z  install, 1 to 2: copy, 7 converted"]
        );
        assert_eq!(
            told.hear(r#"{"frame":2,"at_unix_ms":20,"delta":{}}"#),
            [""; 0]
        );
    }
}
