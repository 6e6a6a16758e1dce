//! The first two lines: the release with its clients, and the heartbeat.

use std::time::Duration;

use pq_feed::reading::Door;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{fitting, from, line, put, reversed, strong};
use crate::client::{counted, printable};
use crate::clock::span;
use crate::top::view::View;

/// The heights of one column of the heartbeat.
const BARS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

pub(super) fn draw(view: &View, area: Rect, to: &mut Buffer) {
    match view.is_gone {
        true => put(to, area, "the node is gone; waiting", reversed()),
        false => put(to, area, &fitting(&release(view), area.width), strong()),
    }
    let figures = fitting(&figures(view), area.width);
    put(to, line(area, 1), &figures, Style::new());
    let rest = from(line(area, 1), figures.chars().count() as u16 + 1);
    put(to, rest, &heartbeat(view, rest.width), Style::new());
}

/// The parts of the first line, the most important first.
fn release(view: &View) -> Vec<String> {
    let reading = view.reading();
    let node = &reading.node;
    let mut parts = vec![format!("{} {}", node.release_name, node.release)];
    if let Some(door) = &reading.door {
        parts.push(counted(door.clients, "client", "clients"));
        parts.push(format!("{} {}", avatars(view, door), view.avatars));
    }
    if !node.unready.is_empty() {
        parts.push(node.unready.clone());
    }
    let up_ms = view.now_unix_ms.saturating_sub(node.since_unix_ms);
    parts.push(format!("up {}", span(Duration::from_millis(up_ms))));
    parts.push(format!("pq {}", node.vsn));
    parts
        .iter()
        .map(|part| printable(part).into_owned())
        .collect()
}

/// The saves count all avatars that play; without saves only those of clients are known, also of clients that have left.
fn avatars(view: &View, door: &Door) -> u64 {
    let saves = view.reading().saves.as_ref();
    saves.map_or(door.players + door.abandoned, |saves| saves.playing)
}

fn figures(view: &View) -> Vec<String> {
    let reading = view.reading();
    let restarts: u64 = reading.shards.values().map(|shard| shard.restarts).sum();
    let failed: u64 = reading.processes.values().map(|of| of.failed).sum();
    let (started, ended) = (view.started.per_second(), view.ended.per_second());
    let processes = counted(reading.living(), "process", "processes");
    vec![
        format!("{processes} +{started} -{ended}/s"),
        format!("{failed} failed"),
        format!("{restarts} restarted"),
        format!("{} messages/s", view.messages.per_second()),
    ]
}

/// The messages of each tenth of a second, the newest at the right; the largest has a full column.
fn heartbeat(view: &View, room: u16) -> String {
    let beats = view.messages.newest(room.into());
    let most = beats.iter().copied().max().unwrap_or(0).max(1);
    let bar = |beat: u64| BARS[(beat * 8).div_ceil(most) as usize];
    beats.into_iter().map(bar).collect()
}
