//! The view with lines, keys and answers of a small shop.

use pq_protocol::Exit;

use super::*;
use crate::top::process::{Deed, Figure, Process, Shape};

/// The time 2023-11-14T22:13:20Z in milliseconds.
pub(in crate::top) const NOON: u64 = 1_700_000_000_000;

pub(in crate::top) fn process(pid: &str, module: &str, name: &str, waiting: u64) -> Process {
    Process {
        module: module.to_string(),
        vsn: "1.0.0".to_string(),
        pid: Some(pid.to_string()),
        name: name.to_string(),
        kind: "gen_server".to_string(),
        waiting,
        count: 1,
        ..Process::default()
    }
}

fn rows() -> Vec<Process> {
    vec![
        process("<0.9.0>", "till", "Ann", 7),
        process("<0.10.0>", "door", "", 3),
        process("<0.1.0>", "shop", "shop_sup", 0),
    ]
}

fn answer(rows: Vec<Process>) -> Result<Listing, Failure> {
    Ok(Listing {
        rows,
        ..Listing::default()
    })
}

/// A view that has a list.
fn view() -> View {
    let mut view = View::new("ships", Paint::Colours, NOON);
    view.listed(&Query::default(), answer(rows()));
    view
}

fn pids(view: &View) -> Vec<&str> {
    let rows = view.list.rows().into_iter();
    rows.filter_map(|row| row.pid.as_deref()).collect()
}

fn selected(view: &View) -> Option<&str> {
    view.list.selected()?.pid.as_deref()
}

fn types(view: &mut View, text: &str) {
    for c in text.chars() {
        assert_eq!(view.press(Key::Char(c)), None);
    }
}

fn notices(view: &View) -> Vec<String> {
    view.notices.newest(9).map(|notice| notice.line()).collect()
}

#[test]
fn three_keys_end_the_view_and_ctrl_c_does_so_in_every_mode() {
    for key in [Key::Char('q'), Key::Escape, Key::Interrupt] {
        assert_eq!(view().press(key), Some(Wish::Quit));
    }
    for mode in ["/", "?", "K", "S"] {
        let mut view = view();
        types(&mut view, mode);
        assert_ne!(view.mode, Mode::Look, "{mode}");
        assert_eq!(view.press(Key::Interrupt), Some(Wish::Quit));
    }
}

#[test]
fn the_selection_stays_with_its_process_and_inside_the_list() {
    let mut view = view();
    for (key, pid) in [
        (Key::Up, "<0.9.0>"),
        (Key::Char('j'), "<0.10.0>"),
        (Key::Down, "<0.1.0>"),
        (Key::Down, "<0.1.0>"),
        (Key::Char('k'), "<0.10.0>"),
        (Key::End, "<0.1.0>"),
        (Key::Home, "<0.9.0>"),
        (Key::PageDown, "<0.1.0>"),
        (Key::PageUp, "<0.9.0>"),
    ] {
        assert_eq!(view.press(key), None);
        assert_eq!(selected(&view), Some(pid), "{key:?}");
    }
    let mut busy = rows();
    busy[1].waiting = 100;
    view.listed(&Query::default(), answer(busy));
    assert_eq!(pids(&view), ["<0.10.0>", "<0.9.0>", "<0.1.0>"]);
    assert_eq!(selected(&view), Some("<0.9.0>"));
    view.press(Key::End);
    view.listed(&Query::default(), answer(rows()[..2].to_vec()));
    assert_eq!(selected(&view), Some("<0.10.0>"));
    view.listed(&Query::default(), answer(Vec::new()));
    assert_eq!(selected(&view), None);
}

#[test]
fn s_sorts_by_one_column_after_another() {
    let mut view = view();
    for (figure, first) in [(Figure::Callbacks, "<0.10.0>"), (Figure::Memory, "<0.1.0>")] {
        let query = Query {
            figure,
            ..Query::default()
        };
        assert_eq!(view.press(Key::Char('s')), Some(Wish::List(query.clone())));
        // An answer about the figure before says nothing about this one.
        view.listed(&Query::default(), answer(Vec::new()));
        let mut rows = rows();
        for row in &mut rows {
            row.figure = Some(u64::from(row.pid.as_deref() == Some(first)));
        }
        view.listed(&query, answer(rows));
        assert_eq!(pids(&view)[0], first);
    }
    let by_waiting = Some(Wish::List(Query::default()));
    assert_eq!(view.press(Key::Char('s')), by_waiting);
    view.listed(&Query::default(), answer(rows()));
    assert_eq!(pids(&view), ["<0.10.0>", "<0.1.0>", "<0.9.0>"]);
    let orders = [
        ["<0.9.0>", "<0.1.0>", "<0.10.0>"],
        ["<0.1.0>", "<0.9.0>", "<0.10.0>"],
        ["<0.9.0>", "<0.10.0>", "<0.1.0>"],
    ];
    for order in orders {
        types(&mut view, "s");
        assert_eq!(pids(&view), order);
        assert_eq!(selected(&view), Some("<0.9.0>"));
    }
}

#[test]
fn a_filter_holds_at_once_and_is_sent_with_enter() {
    let mut view = view();
    types(&mut view, "/qs");
    assert_eq!(pids(&view), [""; 0]);
    view.press(Key::Backspace);
    view.press(Key::Backspace);
    types(&mut view, "Ann");
    assert_eq!(pids(&view), ["<0.9.0>"]);
    // An answer to an earlier question says nothing about this one.
    view.listed(&Query::default(), answer(Vec::new()));
    assert_eq!(pids(&view), ["<0.9.0>"]);
    let query = Query {
        containing: "Ann".to_string(),
        ..Query::default()
    };
    assert_eq!(view.press(Key::Enter), Some(Wish::List(query.clone())));
    view.listed(
        &query,
        answer(vec![process("<1.7.0>", "till", "Annika", 0)]),
    );
    assert_eq!(pids(&view), ["<1.7.0>"]);
    types(&mut view, "/");
    assert_eq!(view.press(Key::Escape), Some(Wish::List(Query::default())));
    assert_eq!((view.list.filter.as_str(), &view.mode), ("", &Mode::Look));
}

#[test]
fn t_changes_between_list_and_tree_and_a_tree_is_not_sorted() {
    let mut view = view();
    let tree = Query {
        shape: Shape::Tree,
        ..Query::default()
    };
    assert_eq!(view.press(Key::Char('t')), Some(Wish::List(tree.clone())));
    assert_eq!(pids(&view), [""; 0]);
    view.listed(&tree, answer(rows()));
    types(&mut view, "s");
    assert_eq!(pids(&view), ["<0.9.0>", "<0.10.0>", "<0.1.0>"]);
    assert_eq!(
        notices(&view),
        ["22:13:20 a tree is not sorted: t shows the list"]
    );
    let list = Some(Wish::List(Query::default()));
    assert_eq!(view.press(Key::Char('t')), list);
}

#[test]
fn an_order_needs_a_yes() {
    let order = |deed| Order {
        deed,
        pid: "<0.9.0>".to_string(),
        label: "till Ann".to_string(),
    };
    for (key, deed) in [('K', Deed::Kill), ('S', Deed::Suspend)] {
        let mut view = view();
        for no in [
            Key::Char('n'),
            Key::Char('Y'),
            Key::Enter,
            Key::Escape,
            Key::Other,
        ] {
            types(&mut view, &key.to_string());
            assert_eq!(view.mode, Mode::Sure(order(deed)));
            assert_eq!(view.press(no), None);
            assert_eq!(view.mode, Mode::Look);
        }
        types(&mut view, &key.to_string());
        assert_eq!(view.press(Key::Char('y')), Some(Wish::Do(order(deed))));
    }
    let mut suspended = rows();
    suspended[0].is_suspended = true;
    let mut view = view();
    view.listed(&Query::default(), answer(suspended));
    types(&mut view, "S");
    assert_eq!(view.mode, Mode::Sure(order(Deed::Resume)));
    view.done(&order(Deed::Resume), Ok(()));
    view.done(
        &order(Deed::Kill),
        Err(Failure::new(Exit::Refused, "failed to kill\n")),
    );
    assert_eq!(
        notices(&view),
        [
            "22:13:20 resume till Ann <0.9.0>: done",
            "22:13:20 failed to kill\\n"
        ]
    );
}

#[test]
fn an_order_needs_one_process() {
    let mut view = view();
    let mut group = process("", "till", "", 0);
    (group.pid, group.count) = (None, 20);
    view.listed(&Query::default(), answer(vec![group]));
    types(&mut view, "K");
    view.listed(&Query::default(), answer(Vec::new()));
    types(&mut view, "S");
    assert_eq!(view.mode, Mode::Look);
    assert_eq!(
        notices(&view),
        [
            "22:13:20 a group has no pid: t shows the list, and / finds one process",
            "22:13:20 no process is selected"
        ]
    );
}

#[test]
fn lines_of_the_feed_become_figures_beats_and_notices() {
    let mut view = view();
    view.hear(r#"{"frame":0,"at_unix_ms":1700000000000,"snapshot":{"processes":{"till-1.0.0":{"living":4}},
        "shards":{"0":{"messages":10}}}}"#);
    view.hear(r#"{"frame":1,"at_unix_ms":1700000000100,"delta":{"processes":{"door-2.0.0":{"living":1}},
        "shards":{"0":{"messages":15}}},"events":[{"kind":"restarted","supervisor":"shop_sup","child":"till"}]}"#);
    assert_eq!(view.messages.per_second(), 5);
    assert_eq!(view.versions, ["till-1.0.0", "door-2.0.0"]);
    view.tick(NOON + 300);
    assert_eq!(view.messages.newest(9), [5]);
    view.tick(NOON + 1_100);
    assert_eq!(view.messages.per_second(), 0);
    view.lose();
    assert!(view.is_gone);
    view.hear(
        r#"{"frame":0,"at_unix_ms":1700000002000,"snapshot":{"shards":{"0":{"messages":3}}}}"#,
    );
    view.hear("{}");
    assert!(!view.is_gone);
    assert_eq!(
        notices(&view),
        [
            "22:13:20 till of shop_sup is started again",
            "22:13:21 the node is gone",
            "22:13:22 the node is back",
            &format!("22:13:21 {UNREADABLE}")
        ]
    );
}
