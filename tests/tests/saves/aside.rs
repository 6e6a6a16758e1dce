//! Rows and stores that cannot be opened.

use std::time::{Duration, Instant};

use pq_store::{Database, Read, Saver, Settings, State};
use pq_tests::running::{Running, Tree, pq};

use crate::saves::saved::{came_back, has_saved, names, stop};

/// Damages the saved state of a hero.
pub(crate) fn spoil(tree: &Tree, name: &str) {
    let file = tree.root().join("data/saves.db");
    let mut store = Database::open(&file).unwrap();
    let mut found = None;
    store
        .load(&[State::Playing], &mut |row| {
            if row.name == name {
                found = Some(row);
            }
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    let mut row = found.unwrap();
    row.seq += 1;
    row.body.truncate(100);
    let saver = Saver::start(store, Settings::default(), |_| ()).unwrap();
    saver.try_sweep(vec![row]).unwrap();
    let closed = saver.close(Instant::now() + Duration::from_secs(60));
    assert_eq!(closed.changes_not_durable, 0);
}

#[test]
fn a_row_that_cannot_be_opened_is_set_aside_and_all_others_come_back() {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &["--heroes", "3", "--pace", "20"]);
    has_saved(&tree, &["bot-0", "bot-1", "bot-2"]);
    stop(node);
    spoil(&tree, "bot-1");
    let node = Running::node_with(&tree, &[]);
    came_back(&node, "2 heroes");
    assert!(
        node.out()
            .contains("; 1 could not be opened and is set aside"),
        "{}",
        node.out()
    );
    node.logged("a saved child is set aside: the moved processes cannot be decoded");
    has_saved(&tree, &["bot-0", "bot-2"]);
    assert_eq!(names(&tree, "set aside"), ["bot-1"]);
    let aside = tree.does(&["heroes", "--set-aside"]);
    assert!(aside.contains("cannot be decoded"), "{aside}");
}

#[test]
fn a_store_that_cannot_be_opened_ends_the_start_unless_the_node_does_without() {
    let tree = Tree::new();
    let data = tree.root().join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("saves.db"), "no database at all, but a text\n").unwrap();
    let mut node = Running::start(&mut pq(tree.start()));
    assert!(!node.end().success());
    let log = node.log();
    assert!(
        log.contains("saves.db: it is not a SQLite database"),
        "{log}"
    );
    assert!(
        log.contains("--no-saves starts the node without its saves"),
        "{log}"
    );
    let node = Running::node_with(&tree, &["--no-saves", "--heroes", "1"]);
    node.wrote("1 heroes started");
    let text = std::fs::read_to_string(data.join("saves.db")).unwrap();
    assert!(text.starts_with("no database"));
}

#[test]
fn an_odd_setting_is_refused_with_what_would_be_right() {
    let tree = Tree::new();
    for (setting, words) in [
        (
            "{durable, [pq_supersup]}",
            "durable of sockserv has pq_supersup",
        ),
        (
            "{save, [{sweep_ms, 5}]}",
            "save of sockserv has {sweep_ms,5}",
        ),
    ] {
        let file = tree.root().join("releases/1.0.0/sys.config");
        let text = include_str!("../../../releases/1.0.0/sys.config");
        let text = match setting.starts_with("{durable") {
            true => text.replace("{durable, [{pq_supersup, 1}]}", setting),
            false => text.replace("{durable, ", &format!("{setting}, {{durable, ")),
        };
        std::fs::write(file, text).unwrap();
        let mut node = Running::start(&mut pq(tree.start()));
        assert!(!node.end().success());
        assert!(
            node.log().contains(words) && node.log().contains(" is needed"),
            "{}",
            node.log()
        );
    }
}
