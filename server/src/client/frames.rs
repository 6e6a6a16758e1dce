//! The lines of the feed as readings, and the sentences about changes between two of them.
//!
//! ```text
//!   {"frame": 0, …, "snapshot": {…}} ─► Frames ─► Reading
//!   {"frame": 1, …, "delta": {…}}    ─►   │   ─► Frame: the time, the reading before, news in words
//! ```
//! `pq events` writes the news as lines, `pq top` shows the last ones.

use pq_feed::patch::apply;
use pq_feed::{Happening, Kind, Reading};
use pq_protocol::record::{InstallPhase, InstallRecord};
use serde::Deserialize;
use serde_json::Value;

use super::table::{counted, printable};

/// The sentence about a line that this program does not understand.
pub(crate) const UNREADABLE: &str =
    "a line of the node cannot be read; use the `pq` program that runs the node";

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
pub(crate) struct Frames {
    state: Value,
    reading: Reading,
}

/// The change that one line has made.
pub(crate) struct Frame {
    /// The time of the reading.
    pub(crate) at_unix_ms: u64,
    /// Whether the line was a snapshot: the lines before it may belong to another run of the node.
    pub(crate) is_snapshot: bool,
    /// Events, and the changes of installs, as sentences; empty for a snapshot.
    pub(crate) news: Vec<String>,
}

impl Frames {
    /// The figures of the last line.
    pub(crate) fn reading(&self) -> &Reading {
        &self.reading
    }

    /// Takes a line; `None` for one that cannot be read.
    pub(crate) fn hear(&mut self, line: &str) -> Option<Frame> {
        let line: Line = serde_json::from_str(line).ok()?;
        let is_snapshot = line.snapshot.is_some();
        match (line.snapshot, line.delta) {
            (Some(snapshot), _) => self.state = snapshot,
            (None, Some(delta)) => apply(&mut self.state, delta),
            (None, None) => (),
        }
        let reading = Reading::deserialize(&self.state).unwrap_or_default();
        let before = std::mem::replace(&mut self.reading, reading);
        let mut news = Vec::new();
        if !is_snapshot {
            news.extend(line.events.iter().map(event));
            if line.more_events > 0 {
                let more = counted(line.more_events, "event", "events");
                news.push(format!("and {more} more"));
            }
            news.extend(installs(&before, &self.reading));
        }
        Some(Frame {
            at_unix_ms: line.at_unix_ms,
            is_snapshot,
            news,
        })
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
    let begun = begun(before, now).into_iter();
    begun.chain(ended(before, now)).collect()
}

fn begun(before: &Reading, now: &Reading) -> Option<String> {
    let install = now.install.as_ref()?;
    let (_, word) = phase(now).filter(|_| phase(before) != phase(now))?;
    let InstallRecord {
        from,
        to,
        converted,
        ..
    } = &install.record;
    let what = match install.check {
        true => "check of an install",
        false => "install",
    };
    let word = word.word();
    Some(format!(
        "{what}, {from} to {to}: {word}, {converted} converted"
    ))
}

/// The number of phases so far, and the current one.
fn phase(reading: &Reading) -> Option<(usize, InstallPhase)> {
    let phases = &reading.install.as_ref()?.record.phases;
    Some((phases.len(), phases.last()?.phase))
}

fn ended(before: &Reading, now: &Reading) -> Option<String> {
    let last = now.last_install.as_ref();
    let record = last.filter(|_| before.last_install != now.last_install)?;
    let failure = record.failure.as_ref();
    let end = failure.map_or("done".to_string(), |failure| failure.sentence.clone());
    Some(printable(&format!("install {record}: {end}")).to_string())
}
