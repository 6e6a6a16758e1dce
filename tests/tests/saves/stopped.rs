//! An orderly stop loses nothing.

use pq_tests::running::{PATIENCE, Player, Running, Tree, poll};

use crate::saves::saved::{came_back, number, row, state, stop, suspend};

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
    let exp = |state: &str| number(state, "exp");
    let plays_on = || (exp(&state(&tree, "bot-1")) > exp(&before[2])).then_some(());
    assert!(poll(PATIENCE, plays_on).is_some());
    assert_eq!(state(&tree, "bot-0"), before[1]);
    assert_eq!(node.complaints(), [""; 0]);
}

#[test]
fn a_client_has_seen_nothing_that_a_stop_takes_back() {
    let tree = Tree::new();
    let mut node = Running::node_with(&tree, &["--heroes", "100", "--pace", "1"]);
    let mut ann = Player::enter(&node, "Ann");
    ann.plays_on();
    tree.does(&["stop"]);
    assert!(node.end().success());
    node.logged("heroes are saved: 101 in ");
    ann.ends();
    let seen = ann.tale().clone();
    let without = Running::node_with(&tree, &["--no-saves"]);
    assert!(tree.answer(&["status"])["saves"].is_null());
    assert_eq!(row(&tree, "Ann").unwrap()["state"], "playing");
    stop(without);
    let node = Running::node_with(&tree, &[]);
    came_back(&node, "101 heroes");
    let state = state(&tree, "Ann");
    assert!(number(&state, "exp") >= seen.exp, "{seen:?}\n{state}");
    let lvl = u64::from(seen.lvl);
    assert!(number(&state, "lvl") >= lvl, "{seen:?}\n{state}");
}
