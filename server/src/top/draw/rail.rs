//! The rail: the phases of the install in progress, or of the last one, with their microseconds.

use pq_feed::Reading;
use pq_feed::reading::InProgress;
use pq_protocol::record::{InstallPhase, InstallRecord};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{faint, from, line, put, reversed, strong, title};
use crate::client::printable;

/// The phases in their order. An install without actions outside has no `Apply`.
const PHASES: [InstallPhase; 7] = [
    InstallPhase::Prepare,
    InstallPhase::Copy,
    InstallPhase::Follow,
    InstallPhase::Hold,
    InstallPhase::Commit,
    InstallPhase::Swap,
    InstallPhase::Apply,
];

pub(super) fn draw(reading: &Reading, area: Rect, to: &mut Buffer) {
    match (&reading.install, &reading.last_install) {
        (Some(install), _) => {
            title(to, area, &progress(install));
            let current = install.record.phases.last().map(|took| took.phase);
            steps(&install.record, current, area, to);
        }
        (None, Some(record)) => {
            title(to, area, &end(record));
            steps(record, None, area, to);
        }
        (None, None) => title(to, area, "no install since the start of the node"),
    }
}

fn progress(install: &InProgress) -> String {
    let what = match install.check {
        true => "check of an install",
        false => "install",
    };
    format!(
        "{what} {}, {} converted, {} held, {} swapped of {}",
        versions(&install.record),
        install.record.converted,
        install.held,
        install.swapped,
        install.total
    )
}

fn end(record: &InstallRecord) -> String {
    let end = match &record.failure {
        None => format!("done, paused {} us at most", record.pause_us.max),
        Some(failure) => printable(&failure.sentence).into_owned(),
    };
    format!("last install {}: {end}", versions(record))
}

fn versions(record: &InstallRecord) -> String {
    printable(&format!("{} to {}", record.from, record.to)).into_owned()
}

/// The phases side by side. A script with several exchanges repeats phases; their times are added.
fn steps(record: &InstallRecord, current: Option<InstallPhase>, area: Rect, to: &mut Buffer) {
    let width = area.width / PHASES.len() as u16;
    for (column, phase) in (0..).map(|at| at * width).zip(PHASES) {
        let took = record.phases.iter().filter(|took| took.phase == phase);
        let times: Vec<u64> = took.map(|took| took.took_us).collect();
        let (mark, style) = match times.is_empty() {
            _ if current == Some(phase) => ("▶", reversed()),
            true => ("·", faint()),
            false => ("✓", strong()),
        };
        let place = Rect {
            width: width.saturating_sub(1),
            ..from(area, column)
        };
        let name = format!("{mark} {}", phase.word());
        put(to, line(place, 1), &name, style);
        if !times.is_empty() && current != Some(phase) {
            let time = format!("  {} us", times.iter().sum::<u64>());
            put(to, line(place, 2), &time, Style::new());
        }
    }
}
