//! The last line with the keys, a question or the filter; and the help.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{line, put, reversed, title};
use crate::client::printable;
use crate::top::view::{Mode, View};

/// The keys of the last line; those that do not fit are left out from the end, before the help.
const KEYS: [&str; 7] = [
    "q quit",
    "↑↓ move",
    "/ filter",
    "s sort",
    "t tree",
    "K kill",
    "S suspend",
];
const HELP_KEY: &str = "? help";

const HELP: [(&str, &str); 9] = [
    ("q, Esc, Ctrl-C", "quit"),
    (
        "↑, ↓, j, k",
        "select a process; PageUp, PageDown, Home, End",
    ),
    (
        "/",
        "filter by module, version, pid or name: Enter keeps, Esc clears",
    ),
    (
        "s",
        "sort by waiting messages, callbacks, memory, module, name or pid",
    ),
    ("t", "tree or list"),
    ("K", "kill the selected process, after a question"),
    (
        "S",
        "suspend or resume the selected process, after a question",
    ),
    ("?", "this help; any key closes it"),
    (
        "marks",
        "‖ suspended process, ▶ current phase of an install",
    ),
];

/// The column of the second part of the help.
const HELP_COLUMN: usize = 16;

pub(super) fn draw(view: &View, area: Rect, to: &mut Buffer) {
    let (text, style) = match &view.mode {
        Mode::Look => (keys(area.width.into()), Style::new()),
        Mode::Help => ("any key closes the help".to_string(), Style::new()),
        Mode::Filter => (
            format!("/{}_  Enter keeps, Esc clears", view.list.filter),
            reversed(),
        ),
        Mode::Sure(order) => {
            let question = format!("{} {}? y/n", order.deed.word(), order.pid);
            (format!("{question} ({})", order.label), reversed())
        }
    };
    put(to, area, &printable(&text), style);
}

fn keys(room: usize) -> String {
    let mut keys = HELP_KEY.to_string();
    for count in 1..=KEYS.len() {
        let longer = [&KEYS[..count], &[HELP_KEY]].concat().join("  ");
        if longer.chars().count() <= room {
            keys = longer;
        }
    }
    keys
}

pub(super) fn help(area: Rect, to: &mut Buffer) {
    title(to, area, "keys");
    let room = usize::from(area.height.saturating_sub(1));
    for (row, (key, text)) in (1..).zip(HELP.iter().take(room)) {
        let text = format!("{key:HELP_COLUMN$}{text}");
        put(to, line(area, row), &text, Style::new());
    }
    if HELP.len() > room {
        let last = line(area, area.height - 1);
        put(to, last, &" ".repeat(area.width.into()), Style::new());
        put(to, last, "… more lines in a higher window", Style::new());
    }
}
