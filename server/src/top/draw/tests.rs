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
    for line in buffer.content().chunks(usize::from(width).max(1)) {
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
    check(
        &shop(Paint::Letters),
        (80, 24),
        expect![[r#"
            shop 1.0.0, 12 clients, 11 ships, up 4 min 5 s, pq 1.0.0
            43 processes +0 -0/s, 2 failed, 2 restarted, 80 messages/s ▂▁▅ █
            processes by waiting messages: 30, and 1234 more ────── versions, 40 of 43 ─────
              MODULE        VSN    PID        NAME          WAITING cccccccccccccccccccccccc
            > till          1.0.0  <0.0.0>    ship_0        30      cbbbbbbbbbbbbbbb
            ‖ till          1.0.0  <0.1.0>    ship_1        29
              till          1.0.0  <0.2.0>    勇者の名前は  28
              till          1.0.0  <0.3.0>    ship_3        27
              till          1.0.0  <0.4.0>    ship_4        26
              till          1.0.0  <0.5.0>    ship_5        25
              till          1.0.0  <0.6.0>    ship_6        24
              till          1.0.0  <0.7.0>    ship_7        23
              till          1.0.0  <0.8.0>    ship_8        22      c 25 till-1.1.0
              till          1.0.0  <0.9.0>    ship_9        21      b 15 till-1.0.0
              till          1.0.0  <0.10.0>   ship_10       20      a 3 pq
            install 1.0.0 to 1.1.0, 300 converted, 300 held, 25 swapped of 300 ─────────────
            ✓ prepare  ✓ copy     ✓ follow   ▶ hold     · commit   · swap     · apply
              20140 us   3100 us    812 us
            notices ────────────────────────────────────────────────────────────────────────
            22:13:20 till-1 of shop_sup is started again
            22:13:20 till-2 of shop_sup is started again
            22:13:20 till-3 of shop_sup is started again
            22:13:20 till-4 of shop_sup is started again
            q quit  ↑↓ move  / filter  s sort  t tree  K kill  S suspend  ? help
        "#]],
    );
}

#[test]
fn a_small_window_says_what_is_missing() {
    check(
        &shop(Paint::Letters),
        (40, 10),
        expect![[r#"
            shop 1.0.0, 12 clients, 11 ships
            43 processes +0 -0/s, 2 failed ▂▁▅ █
            processes by waiting messages: 30, and 1
              MODULE              PID        WAITING
            > till                <0.0.0>    30
            ‖ till                <0.1.0>    29
              till                <0.2.0>    28
              till                <0.3.0>    27
            no room: notices, install, versions
            q quit  ↑↓ move  / filter  ? help
        "#]],
    );
    check(
        &shop(Paint::Letters),
        (19, 6),
        expect![[r#"
            too small: 19x6
            at least 20x7
            q quits



        "#]],
    );
}

#[test]
fn a_large_window_shows_more_of_everything() {
    check(
        &shop(Paint::Colours),
        (200, 60),
        expect![[r#"
            shop 1.0.0, 12 clients, 11 ships, up 4 min 5 s, pq 1.0.0
            43 processes +0 -0/s, 2 failed, 2 restarted, 80 messages/s ▂▁▅ █
            processes by waiting messages: 30, and 1234 more ────────────────────────────────────────────────────────────────────────────────────────── versions, 40 of 43 ─────────────────────────────────────────
              MODULE                                               VSN    PID        NAME                                           KIND        WAITING ▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀
            > till                                                 1.0.0  <0.0.0>    ship_0                                         gen_server  30
            ‖ till                                                 1.0.0  <0.1.0>    ship_1                                         gen_server  29
              till                                                 1.0.0  <0.2.0>    勇者の名前はとても長い                         gen_server  28
              till                                                 1.0.0  <0.3.0>    ship_3                                         gen_server  27
              till                                                 1.0.0  <0.4.0>    ship_4                                         gen_server  26
              till                                                 1.0.0  <0.5.0>    ship_5                                         gen_server  25
              till                                                 1.0.0  <0.6.0>    ship_6                                         gen_server  24
              till                                                 1.0.0  <0.7.0>    ship_7                                         gen_server  23
              till                                                 1.0.0  <0.8.0>    ship_8                                         gen_server  22
              till                                                 1.0.0  <0.9.0>    ship_9                                         gen_server  21
              till                                                 1.0.0  <0.10.0>   ship_10                                        gen_server  20
              till                                                 1.0.0  <0.11.0>   ship_11                                        gen_server  19
              till                                                 1.0.0  <0.12.0>   ship_12                                        gen_server  18
              till                                                 1.0.0  <0.13.0>   ship_13                                        gen_server  17
              till                                                 1.0.0  <0.14.0>   ship_14                                        gen_server  16
              till                                                 1.0.0  <0.15.0>   ship_15                                        gen_server  15
              till                                                 1.0.0  <0.16.0>   ship_16                                        gen_server  14
              till                                                 1.0.0  <0.17.0>   ship_17                                        gen_server  13
              till                                                 1.0.0  <0.18.0>   ship_18                                        gen_server  12
              till                                                 1.0.0  <0.19.0>   ship_19                                        gen_server  11
              till                                                 1.0.0  <0.20.0>   ship_20                                        gen_server  10
              till                                                 1.0.0  <0.21.0>   ship_21                                        gen_server  9
              till                                                 1.0.0  <0.22.0>   ship_22                                        gen_server  8
              till                                                 1.0.0  <0.23.0>   ship_23                                        gen_server  7
              till                                                 1.0.0  <0.24.0>   ship_24                                        gen_server  6
              till                                                 1.0.0  <0.25.0>   ship_25                                        gen_server  5
              till                                                 1.0.0  <0.26.0>   ship_26                                        gen_server  4
              till                                                 1.0.0  <0.27.0>   ship_27                                        gen_server  3
              till                                                 1.0.0  <0.28.0>   ship_28                                        gen_server  2
              till                                                 1.0.0  <0.29.0>   ship_29                                        gen_server  1









                                                                                                                                                        ■ 25 till-1.1.0
                                                                                                                                                        ■ 15 till-1.0.0
                                                                                                                                                        ■ 3 pq
            install 1.0.0 to 1.1.0, 300 converted, 300 held, 25 swapped of 300 ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
            ✓ prepare                   ✓ copy                      ✓ follow                    ▶ hold                      · commit                    · swap                      · apply
              20140 us                    3100 us                     812 us
            notices ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
            22:13:20 till-0 of shop_sup is started again
            22:13:20 till-1 of shop_sup is started again
            22:13:20 till-2 of shop_sup is started again
            22:13:20 till-3 of shop_sup is started again
            22:13:20 till-4 of shop_sup is started again




            q quit  ↑↓ move  / filter  s sort  t tree  K kill  S suspend  ? help
        "#]],
    );
}

#[test]
fn a_question_and_the_filter_replace_the_keys() {
    let mut view = shop(Paint::Letters);
    view.press(Key::Down);
    view.press(Key::Char('S'));
    check(
        &view,
        (40, 10),
        expect![[r#"
            shop 1.0.0, 12 clients, 11 ships
            43 processes +0 -0/s, 2 failed ▂▁▅ █
            processes by waiting messages: 30, and 1
              MODULE              PID        WAITING
              till                <0.0.0>    30
            ‖ till                <0.1.0>    29
              till                <0.2.0>    28
              till                <0.3.0>    27
            no room: notices, install, versions
            resume <0.1.0>? y/n (till ship_1)
        "#]],
    );
    view.press(Key::Char('n'));
    for key in "/ip_1".chars() {
        view.press(Key::Char(key));
    }
    check(
        &view,
        (40, 10),
        expect![[r#"
            shop 1.0.0, 12 clients, 11 ships
            43 processes +0 -0/s, 2 failed ▂▁▅ █
            processes by waiting messages, with ip_1
              MODULE              PID        WAITING
            ‖ till                <0.1.0>    29
              till                <0.10.0>   20
              till                <0.11.0>   19
              till                <0.12.0>   18
            no room: notices, install, versions
            /ip_1_  Enter keeps, Esc clears
        "#]],
    );
}

#[test]
fn the_help_has_all_keys_or_says_that_it_has_not() {
    let mut view = shop(Paint::Letters);
    view.press(Key::Char('?'));
    check(
        &view,
        (40, 10),
        expect![[r#"
            shop 1.0.0, 12 clients, 11 ships
            43 processes +0 -0/s, 2 failed ▂▁▅ █
            keys ───────────────────────────────────
            q, Esc, Ctrl-C  quit
            ↑, ↓, j, k      select a process; PageUp
            /               filter by module, versio
            s               sort by waiting messages
            t               tree or list
            … more lines in a higher window
            any key closes the help
        "#]],
    );
    check(
        &view,
        (80, 24),
        expect![[r#"
            shop 1.0.0, 12 clients, 11 ships, up 4 min 5 s, pq 1.0.0
            43 processes +0 -0/s, 2 failed, 2 restarted, 80 messages/s ▂▁▅ █
            keys ───────────────────────────────────────────────────────────────────────────
            q, Esc, Ctrl-C  quit
            ↑, ↓, j, k      select a process; PageUp, PageDown, Home, End
            /               filter by module, version, pid or name: Enter keeps, Esc clears
            s               sort by waiting messages, callbacks, memory, module, name or pid
            t               tree or list
            K               kill the selected process, after a question
            S               suspend or resume the selected process, after a question
            ?               this help; any key closes it
            marks           ‖ suspended process, ▶ current phase of an install











            any key closes the help
        "#]],
    );
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
    let first = cell(57, 3);
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
