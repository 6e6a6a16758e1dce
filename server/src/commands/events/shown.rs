//! The feed as lines for people: the figures once a second, and events and phases of installs as they come.

use std::time::{Duration, SystemTime};

use pq_feed::Reading;
use pq_feed::reading::{Door, Saves};

use crate::client::{Frames, UNREADABLE, counted, printable};
use crate::clock::rfc3339;

/// The shortest time between two lines with figures.
const FIGURES_MS: u64 = 1_000;

/// The figures that the lines so far have told.
#[derive(Default)]
pub(super) struct Told {
    frames: Frames,
    /// The last reading with a line of figures, and its time.
    shown: Option<(Reading, u64)>,
}

impl Told {
    /// Takes a line, and returns the lines to show.
    pub(super) fn hear(&mut self, line: &str) -> Vec<String> {
        let Some(frame) = self.frames.hear(line) else {
            return vec![UNREADABLE.to_string()];
        };
        let mut lines = frame.news;
        lines.extend(self.figures(frame.at_unix_ms, frame.is_snapshot));
        let time = time(frame.at_unix_ms);
        lines.iter().map(|text| format!("{time}  {text}")).collect()
    }

    /// The line of figures, when it is due.
    fn figures(&mut self, at_unix_ms: u64, is_first: bool) -> Option<String> {
        let (now, mut since) = (self.frames.reading(), None);
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
