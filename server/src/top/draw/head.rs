//! The first two lines: the release with its clients, and the heartbeat.

use std::time::Duration;

use pq_feed::reading::Door;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{from, line, put, reversed, strong};
use crate::client::{counted, printable};
use crate::clock::span;
use crate::top::view::View;

/// The heights of one column of the heartbeat.
const BARS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

pub(super) fn draw(view: &View, area: Rect, to: &mut Buffer) {
    let (first, style) = match view.is_gone {
        true => ("the node is gone; waiting".to_string(), reversed()),
        false => (release(view), strong()),
    };
    put(to, area, &printable(&first), style);
    let figures = figures(view);
    put(to, line(area, 1), &figures, Style::new());
    let column = figures.chars().count() as u16 + 1;
    let rest = from(line(area, 1), column);
    put(to, rest, &heartbeat(view, rest.width), Style::new());
}

fn release(view: &View) -> String {
    let reading = view.reading();
    let node = &reading.node;
    let up_ms = view.now_unix_ms.saturating_sub(node.since_unix_ms);
    let mut parts = vec![
        format!("{} {}", node.release_name, node.release),
        format!("pq {}", node.vsn),
        format!("up {}", span(Duration::from_millis(up_ms))),
    ];
    if let Some(door) = &reading.door {
        parts.push(counted(door.clients, "client", "clients"));
        parts.push(format!("{} {}", avatars(view, door), view.avatars));
    }
    if !node.unready.is_empty() {
        parts.push(node.unready.clone());
    }
    parts.join(", ")
}

/// The saves count all avatars that play; without saves only those of clients are known, also of clients that have left.
fn avatars(view: &View, door: &Door) -> u64 {
    let saves = view.reading().saves.as_ref();
    saves.map_or(door.players + door.abandoned, |saves| saves.playing)
}

fn figures(view: &View) -> String {
    let reading = view.reading();
    let restarts: u64 = reading.shards.values().map(|shard| shard.restarts).sum();
    let failed: u64 = reading.processes.values().map(|of| of.failed).sum();
    format!(
        "{} +{} -{}/s, {failed} failed, {restarts} restarted, {} messages/s",
        counted(reading.living(), "process", "processes"),
        view.started.per_second(),
        view.ended.per_second(),
        view.messages.per_second()
    )
}

/// The messages of each tenth of a second, the newest at the right; the largest has a full column.
fn heartbeat(view: &View, room: u16) -> String {
    let beats = view.messages.newest(room.into());
    let most = beats.iter().copied().max().unwrap_or(0).max(1);
    let bar = |beat: u64| BARS[(beat * 8).div_ceil(most) as usize];
    beats.into_iter().map(bar).collect()
}
