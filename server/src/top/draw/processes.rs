//! The list or tree of processes.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{faint, from, line, put, reversed, title};
use crate::client::printable;
use crate::top::process::{Figure, Process, Shape};
use crate::top::view::{List, View};

/// A column with its heading, its least width, and the width of the list from which on it is shown.
struct Column {
    heading: &'static str,
    width: u16,
    from: u16,
    /// The share of the room beyond `from`, in tenths.
    tenths: u16,
    cell: fn(&Process, Figure) -> String,
}

/// The column of the figure by which the list is sorted, and its heading for waiting messages.
const FIGURE: &str = "WAITING";

/// The columns behind the module, which takes the room that they leave.
const COLUMNS: [Column; 5] = [
    Column {
        heading: "VSN",
        width: 7,
        from: 44,
        tenths: 0,
        cell: |row, _| row.vsn.clone(),
    },
    Column {
        heading: "PID",
        width: 11,
        from: 34,
        tenths: 0,
        cell: |row, _| row.pid.clone().unwrap_or_default(),
    },
    Column {
        heading: "NAME",
        width: 13,
        from: 52,
        tenths: 4,
        cell: |row, _| row.name.clone(),
    },
    Column {
        heading: "KIND",
        width: 12,
        from: 80,
        tenths: 0,
        cell: |row, _| row.kind.clone(),
    },
    Column {
        heading: FIGURE,
        width: 8,
        from: 0,
        tenths: 0,
        cell: |row, figure| match row.value(figure) {
            0 => String::new(),
            value => value.to_string(),
        },
    },
];

/// The column of marks in front of the module.
const MARKS: u16 = 2;

pub(super) fn draw(view: &View, area: Rect, to: &mut Buffer) {
    let list = &view.list;
    let rows = list.rows();
    title(to, area, &heading(list, rows.len()));
    let headings = line(area, 1);
    put(to, from(headings, MARKS), "MODULE", faint());
    let figure = list.figure();
    columns(to, headings, faint(), |column| {
        match (column.heading, figure) {
            (FIGURE, Figure::Callbacks) => "CALLS/S".to_string(),
            (FIGURE, Figure::Memory) => "BYTES".to_string(),
            (heading, _) => heading.to_string(),
        }
    });
    let room = usize::from(area.height.saturating_sub(2));
    // The selected row stays visible.
    let first = (list.selected + 1).saturating_sub(room);
    let visible = rows.into_iter().enumerate().skip(first).take(room);
    for (place, (at, row)) in (2..).zip(visible) {
        let area = line(area, place);
        draw_row(to, area, row, at == list.selected);
        let style = style(at == list.selected);
        columns(to, area, style, |column| (column.cell)(row, figure));
    }
    if let Some(why) = list.trouble() {
        let last = line(area, area.height.saturating_sub(1));
        put(to, last, &printable(why), reversed());
    }
}

fn heading(list: &List, rows: usize) -> String {
    let shape = match list.shape {
        Shape::List => format!("processes by {}", list.sort.word()),
        Shape::Tree => "processes as a tree".to_string(),
    };
    let filter = match list.filter.as_str() {
        "" => String::new(),
        filter => format!(", with {}", printable(filter)),
    };
    match list.more() {
        0 => format!("{shape}{filter}: {rows}"),
        more => format!("{shape}{filter}: {rows}, and {more} more"),
    }
}

/// Draws the marks and the module of a row.
fn draw_row(to: &mut Buffer, area: Rect, row: &Process, is_selected: bool) {
    let style = style(is_selected);
    let mark = match (row.is_suspended, is_selected) {
        (true, _) => "‖",
        (false, true) => ">",
        (false, false) => " ",
    };
    put(to, area, &" ".repeat(area.width.into()), style);
    put(to, area, mark, style);
    put(to, from(area, MARKS), &printable(&row.label()), style);
}

fn style(is_selected: bool) -> Style {
    match is_selected {
        true => reversed(),
        false => Style::new(),
    }
}

/// Writes the columns behind the module, from the right to the left.
fn columns(to: &mut Buffer, area: Rect, style: Style, cell: impl Fn(&Column) -> String) {
    let mut rest = area;
    let shown = COLUMNS.iter().rev();
    for column in shown.filter(|column| area.width >= column.from) {
        let more = (area.width - column.from) * column.tenths / 10;
        let left = rest.width.saturating_sub(column.width + more);
        let place = from(rest, left);
        rest.width = left;
        // The blank in front separates the cell from a longer one before it.
        put(to, place, &" ".repeat(place.width.into()), style);
        put(to, from(place, 1), &printable(&cell(column)), style);
    }
}
