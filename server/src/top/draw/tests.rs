//! Pictures of the view in windows of several sizes.

use expect_test::{Expect, expect};
use pq_protocol::record::{InstallPhase, InstallRecord, PhaseTook};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use serde_json::json;

use super::*;
use crate::top::process::{Listing, Process, Query};
use crate::top::view::tests::{NOON, process};
use crate::top::view::{Key, Paint};

/// A shop that is being upgraded.
fn shop(paint: Paint) -> View {
    let mut view = View::new("ships", paint, NOON);
    let took = |phase, took_us| PhaseTook { phase, took_us };
    let record = InstallRecord {
        from: "1.0.0".to_string(),
        to: "1.1.0".to_string(),
        phases: vec![
            took(InstallPhase::Prepare, 20_140),
            took(InstallPhase::Copy, 3_100),
            took(InstallPhase::Follow, 812),
            took(InstallPhase::Hold, 35),
        ],
        converted: 300,
        ..InstallRecord::default()
    };
    let sample = (0..40).map(|n| {
        let vsn = if n < 25 { "1.1.0" } else { "1.0.0" };
        (format!("<0.{n}.0>"), json!(format!("till-{vsn}")))
    });
    let snapshot = json!({
        "node": {"vsn": "1.0.0", "release_name": "shop", "release": "1.0.0", "since_unix_ms": NOON - 245_000},
        "processes": {
            "pq": {"living": 3},
            "till-1.0.0": {"living": 15, "started": 40, "ended": 25},
            "till-1.1.0": {"living": 25, "failed": 2},
        },
        "shards": {"0": {"messages": 1_000, "started": 60, "ended": 17, "restarts": 2}},
        "door": {"clients": 12, "players": 10, "abandoned": 1},
        "install": {"total": 300, "held": 300, "swapped": 25, "record": record},
        "sample": sample.collect::<serde_json::Map<String, serde_json::Value>>(),
    });
    let line = json!({"frame": 0, "at_unix_ms": NOON, "snapshot": snapshot});
    view.hear(&line.to_string());
    for (frame, messages) in [1_010, 1_015, 1_040, 1_040, 1_080].into_iter().enumerate() {
        view.hear(
            &json!({
                "frame": frame + 1,
                "at_unix_ms": NOON + 100 * (frame as u64 + 1),
                "delta": {"shards": {"0": {"messages": messages}}},
                "events": [{"kind": "restarted", "supervisor": "shop_sup", "child": format!("till-{frame}")}],
            })
            .to_string(),
        );
    }
    view.listed(&Query::default(), Ok(listing()));
    view
}

fn listing() -> Listing {
    let mut rows: Vec<Process> = (0..30)
        .map(|n| process(&format!("<0.{n}.0>"), "till", &format!("ship_{n}"), 30 - n))
        .collect();
    rows[1].is_suspended = true;
    rows[2].name = "勇者の名前はとても長い".to_string();
    Listing {
        rows,
        more: 1_234,
        missing: None,
    }
}

fn picture(view: &View, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    let drawn = terminal.draw(|frame| draw(view, frame.area(), frame.buffer_mut()));
    drawn.unwrap();
    let buffer = terminal.backend().buffer();
    let mut text = String::new();
    for line in buffer.content().chunks(width.into()) {
        let mut skip = 0;
        let mut drawn = String::new();
        for cell in line {
            // A wide character covers the cell behind it.
            if skip == 0 {
                drawn.push_str(cell.symbol());
                skip = unicode_columns(cell.symbol());
            }
            skip -= 1;
        }
        text += drawn.trim_end();
        text += "\n";
    }
    text
}

fn unicode_columns(symbol: &str) -> usize {
    ratatui::text::Span::raw(symbol).width().max(1)
}

fn check(view: &View, (width, height): (u16, u16), expected: Expect) {
    expected.assert_eq(&picture(view, width, height));
}

#[test]
fn a_window_of_80_columns_and_24_lines_has_all_parts() {
    check(&shop(Paint::Letters), (80, 24), expect![[""]]);
}

#[test]
fn a_small_window_says_what_is_missing() {
    check(&shop(Paint::Letters), (40, 10), expect![[""]]);
    check(&shop(Paint::Letters), (19, 6), expect![[""]]);
}

#[test]
fn a_large_window_shows_more_of_everything() {
    check(&shop(Paint::Colours), (200, 60), expect![[""]]);
}

#[test]
fn a_question_the_filter_and_the_help_replace_parts() {
    let mut view = shop(Paint::Letters);
    view.press(Key::Down);
    view.press(Key::Char('S'));
    check(&view, (40, 10), expect![[""]]);
    view.press(Key::Char('n'));
    for key in "/ip_1".chars() {
        view.press(Key::Char(key));
    }
    check(&view, (40, 10), expect![[""]]);
    view.press(Key::Enter);
    view.press(Key::Char('?'));
    check(&view, (40, 10), expect![[""]]);
    check(&view, (80, 24), expect![[""]]);
}

#[test]
fn a_node_that_is_gone_leaves_its_last_figures() {
    let mut view = shop(Paint::Letters);
    view.lose();
    let picture = picture(&view, 80, 24);
    assert!(
        picture.starts_with("the node is gone; waiting\n"),
        "{picture}"
    );
    assert!(picture.contains("the node is gone\n"), "{picture}");
}

#[test]
fn a_view_without_any_line_and_any_size_is_drawn() {
    let (empty, shop) = (View::default(), shop(Paint::Colours));
    for (width, height) in [
        (0, 0),
        (1, 1),
        (20, 7),
        (21, 8),
        (70, 19),
        (300, 9),
        (33, 90),
    ] {
        picture(&empty, width, height);
        picture(&shop, width, height);
    }
}

#[test]
fn each_version_has_its_colour_and_without_colours_its_letter() {
    let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
    let view = shop(Paint::Colours);
    let drawn = terminal.draw(|frame| draw(&view, frame.area(), frame.buffer_mut()));
    drawn.unwrap();
    let cell = |column: u16, row: u16| terminal.backend().buffer()[(column, row)].clone();
    let first = cell(56, 3);
    assert_eq!(
        (first.symbol(), first.fg, first.bg),
        ("▀", colour(2), colour(1))
    );
    let last = cell(79, 3);
    assert_eq!((last.symbol(), last.fg), ("▀", colour(2)));
    let plain = picture(&shop(Paint::Letters), 80, 24);
    assert!(
        plain.contains("c 25 till-1.1.0") && plain.contains("b 15 till-1.0.0"),
        "{plain}"
    );
}

fn colour(place: usize) -> ratatui::style::Color {
    crowd::COLOURS[place]
}
