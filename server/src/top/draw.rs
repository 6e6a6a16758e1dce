//! The view as cells of a terminal. Everything here is a function of the state and the size.
//!
//! ```text
//!   release, versions, uptime, clients, avatars      ┐ head
//!   processes, births, deaths, messages, heartbeat   ┘
//!   processes                     │ versions: crowd and legend
//!   …                             │ …
//!   install                         rail, phase by phase
//!   notices
//!   keys, a question, or the filter                    foot
//! ```
//! [`mod@plan`] decides which parts have room; the others are named in a line.

mod crowd;
mod foot;
mod head;
mod plan;
mod processes;
mod rail;

#[cfg(test)]
mod tests;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::view::{Mode, View};
use plan::{HEIGHT_MIN, Plan, WIDTH_MIN, plan};

/// Draws the view into this area.
pub(super) fn draw(view: &View, area: Rect, to: &mut Buffer) {
    let Some(plan) = plan(area) else {
        return too_small(area, to);
    };
    head::draw(view, plan.head, to);
    match view.mode {
        Mode::Help => foot::help(plan.middle, to),
        _ => middle(view, &plan, to),
    }
    foot::draw(view, plan.foot, to);
}

fn middle(view: &View, plan: &Plan, to: &mut Buffer) {
    processes::draw(view, plan.processes, to);
    if let Some(area) = plan.crowd {
        crowd::draw(view, area, to);
    }
    if let Some(area) = plan.rail {
        rail::draw(view.reading(), area, to);
    }
    if let Some(area) = plan.notices {
        notices(view, area, to);
    }
    if let Some(area) = plan.absent {
        let text = format!("no room: {}", plan.missing.join(", "));
        put(to, area, &text, faint());
    }
}

fn notices(view: &View, area: Rect, to: &mut Buffer) {
    title(to, area, "notices");
    let lines = view
        .notices
        .newest(usize::from(area.height.saturating_sub(1)));
    for (row, notice) in (1..).zip(lines) {
        put(to, line(area, row), &notice.line(), Style::new());
    }
}

fn too_small(area: Rect, to: &mut Buffer) {
    let lines = [
        format!("too small: {}x{}", area.width, area.height),
        format!("at least {WIDTH_MIN}x{HEIGHT_MIN}"),
        "q quits".to_string(),
    ];
    for (row, text) in (0..).zip(&lines) {
        put(to, line(area, row), text, Style::new());
    }
}

/// Writes the first line of an area, cut at its end; nothing for an empty area.
fn put(to: &mut Buffer, area: Rect, text: &str, style: Style) {
    if !area.is_empty() {
        to.set_stringn(area.x, area.y, text, area.width.into(), style);
    }
}

/// The part of an area from this line on, which is empty below the area.
fn line(area: Rect, row: u16) -> Rect {
    let row = row.min(area.height);
    Rect {
        y: area.y + row,
        height: area.height - row,
        ..area
    }
}

/// Joins the parts up to the first that does not fit.
fn fitting(parts: &[String], room: u16) -> String {
    let mut text = String::new();
    for part in parts {
        let separator = if text.is_empty() { "" } else { ", " };
        let columns = text.chars().count() + separator.len() + part.chars().count();
        if columns > room.into() {
            break;
        }
        text = text + separator + part;
    }
    text
}

/// The part of an area from this column on, which is empty behind the area.
fn from(area: Rect, column: u16) -> Rect {
    let column = column.min(area.width);
    Rect {
        x: area.x + column,
        width: area.width - column,
        ..area
    }
}

/// Writes the title of an area with a line behind.
fn title(to: &mut Buffer, area: Rect, text: &str) {
    put(to, area, &"─".repeat(area.width.into()), faint());
    put(to, area, &format!("{text} "), strong());
}

fn strong() -> Style {
    Style::new().add_modifier(Modifier::BOLD)
}

fn faint() -> Style {
    Style::new().add_modifier(Modifier::DIM)
}

fn reversed() -> Style {
    Style::new().add_modifier(Modifier::REVERSED)
}
