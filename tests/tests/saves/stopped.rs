//! An orderly stop loses nothing.

use pq_tests::running::{Player, Running, Tree};

use crate::saved::{has_saved, number, row, state, stop, suspend};

const ALL: [&str; 4] = ["Ann", "bot-0", "bot-1", "bot-2"];

#[test]
fn after_a_stop_and_a_start_all_heroes_are_as_they_were() {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &["--heroes", "3", "--pace", "20"]);
    let mut ann = Player::enter(&node, "Ann");
    ann.plays_on();
    suspend(&tree, &ALL);
    let before = ALL.map(|name| state(&tree, name));
    stop(node);
    let node = Running::node_with(&tree, &[]);
    let after = ALL.map(|name| state(&tree, name));
    assert_eq!(after, before);
    // Suspended heroes are suspended still.
    tree.does(&["sys", "resume", "bot-1"]);
    let plays_on =
        || (number(&state(&tree, "bot-1"), "exp") > number(&before[2], "exp")).then_some(());
    assert!(pq_tests::running::poll(pq_tests::running::PATIENCE, plays_on).is_some());
    assert_eq!(state(&tree, "bot-0"), before[1]);
    assert_eq!(node.complaints(), [""; 0]);
}

#[test]
fn a_client_has_seen_nothing_that_a_stop_takes_back() {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &["--heroes", "100", "--pace", "1"]);
    let mut ann = Player::enter(&node, "Ann");
    ann.plays_on();
    let log = {
        let mut node = node;
        tree.does(&["stop"]);
        assert!(node.end().success());
        node.log()
    };
    assert!(log.contains("heroes are saved: 101 in "), "{log}");
    ann.ends();
    let seen = ann.tale().clone();
    let _node = Running::node_with(&tree, &["--no-saves"]);
    assert!(tree.answer(&["status"])["saves"].is_null());
    assert_eq!(row(&tree, "Ann").unwrap()["state"], "playing");
    drop(_node);
    let node = Running::node_with(&tree, &[]);
    assert!(
        node.out().contains("101 heroes came back in "),
        "{}",
        node.out()
    );
    let state = state(&tree, "Ann");
    assert!(
        number(&state, "exp") >= seen.exp && number(&state, "money") + seen.money > 0
            || seen.money == 0,
        "{seen:?}\n{state}"
    );
    let _ = has_saved;
}
