//! The crowd: one half of a cell for each process of the feed's sample, coloured by version; with the versions below.
//!
//! Without colours a process is a whole cell with the letter of its version.

use pq_otp::Pid;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};

use super::{faint, from, line, put, title};
use crate::client::printable;
use crate::top::view::{Paint, View};

/// Colours that every terminal has. The eight of an old one come first.
pub(super) const COLOURS: [Color; 12] = [
    Color::Green,
    Color::Yellow,
    Color::Cyan,
    Color::Magenta,
    Color::Blue,
    Color::Red,
    Color::LightGreen,
    Color::LightYellow,
    Color::LightCyan,
    Color::LightMagenta,
    Color::LightBlue,
    Color::LightRed,
];

const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

pub(super) fn draw(view: &View, area: Rect, to: &mut Buffer) {
    let processes = &view.reading().processes;
    let legend = (processes.len() as u16).min(area.height.saturating_sub(1) / 2);
    let room = area.height.saturating_sub(legend + 1);
    let crowd = Rect {
        y: area.y + 1,
        height: room,
        ..area
    };
    let shown = people(view, crowd, to);
    let living = view.reading().living().max(shown as u64);
    title(to, area, &format!("versions, {shown} of {living}"));
    let mut most: Vec<_> = processes.iter().collect();
    most.sort_by_key(|(version, of)| (std::cmp::Reverse(of.living), *version));
    for (row, (version, of)) in (room + 1..area.height).zip(most) {
        let place = line(area, row);
        put(to, place, mark(view, version), style(view, version));
        let text = format!("{} {}", of.living, printable(version));
        put(to, from(place, 2), &text, Style::new());
    }
}

/// Draws the crowd, and returns the number of its processes.
fn people(view: &View, area: Rect, to: &mut Buffer) -> usize {
    let halves = match view.paint {
        Paint::Colours => 2,
        Paint::Letters => 1,
    };
    let room = usize::from(area.width) * usize::from(area.height) * halves;
    let mut sample: Vec<(Option<Pid>, &str)> = Vec::new();
    for (pid, version) in &view.reading().sample {
        sample.push((pid.parse().ok(), version));
    }
    sample.sort_unstable();
    sample.truncate(room);
    let of_line = usize::from(area.width).max(1) * halves;
    for (row, of_row) in (0..).zip(sample.chunks(of_line)) {
        let (upper, lower) = of_row.split_at(of_row.len().min(area.width.into()));
        for (column, (_, version)) in (0..).zip(upper) {
            let style = match lower.get(usize::from(column)) {
                Some((_, below)) => style(view, version).bg(colour(view, below)),
                None => style(view, version),
            };
            let place = from(line(area, row), column);
            put(to, place, half(view, version), style);
        }
    }
    sample.len()
}

fn half<'a>(view: &View, version: &'a str) -> &'a str {
    match view.paint {
        Paint::Colours => "▀",
        Paint::Letters => mark(view, version),
    }
}

fn mark(view: &View, version: &str) -> &'static str {
    match view.paint {
        Paint::Colours => "■",
        Paint::Letters => {
            let at = place(view, version) % LETTERS.len();
            std::str::from_utf8(&LETTERS[at..=at]).expect("letters are ASCII")
        }
    }
}

fn style(view: &View, version: &str) -> Style {
    match (view.paint, is_of_runtime(version)) {
        (Paint::Colours, _) => Style::new().fg(colour(view, version)),
        (Paint::Letters, true) => faint(),
        (Paint::Letters, false) => Style::new(),
    }
}

fn colour(view: &View, version: &str) -> Color {
    match is_of_runtime(version) {
        true => Color::DarkGray,
        false => COLOURS[place(view, version) % COLOURS.len()],
    }
}

/// The processes of the runtime itself have one version, that of the program.
fn is_of_runtime(version: &str) -> bool {
    version == "pq"
}

fn place(view: &View, version: &str) -> usize {
    let place = view.versions.iter().position(|seen| seen == version);
    place.unwrap_or(view.versions.len())
}
