//! `kill -9`: heroes come back as their clients have last seen them, and those that have quit do not.

use pq_tests::running::{PATIENCE, Player, Running, Tree, poll, pq};

use crate::saves::saved::{came_back, has_saved, is_saved_since, kill, now_ms, number, row, state};

#[test]
fn a_watched_hero_comes_back_with_all_that_its_client_saw_a_moment_before() {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &["--heroes", "3", "--pace", "20"]);
    let mut ann = Player::enter(&node, "Ann");
    ann.sees("Executing a ");
    has_saved(&tree, &["Ann", "bot-0", "bot-1", "bot-2"]);
    ann.plays_on();
    let seen = ann.tale().clone();
    is_saved_since(&tree, "Ann", now_ms());
    kill(node);

    let node = Running::node_with(&tree, &["--heroes", "5"]);
    came_back(&node, "4 heroes");
    node.wrote("\n2 heroes started in ");
    has_saved(&tree, &["Ann", "bot-0", "bot-1", "bot-2", "bot-3", "bot-4"]);
    let back = state(&tree, "Ann");
    assert!(number(&back, "exp") >= seen.exp, "{seen:?}\n{back}");
    assert!(
        number(&back, "lvl") >= u64::from(seen.lvl),
        "{seen:?}\n{back}"
    );
    let before = number(&back, "exp");
    // The hero plays on from its own next event, and its name is taken.
    let plays_on = || (number(&state(&tree, "Ann"), "exp") > before).then_some(());
    assert!(poll(PATIENCE, plays_on).is_some());
    let mut other = Player::connect(&node);
    other.gives("Ann");
    other.types("y\n");
    other.sees("That name is taken.");
    assert_eq!(node.errors(), [""; 0]);
    // As before, a tree has one node.
    let mut second = Running::start(&mut pq(tree.start()));
    assert!(!second.end().success() && second.log().contains("a node is already running on"));
}

#[test]
fn a_hero_that_has_quit_is_gone_also_after_a_kill() {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &[]);
    let ann = Player::enter(&node, "Ann");
    let bob = Player::enter(&node, "Bob");
    let eve = Player::enter(&node, "Eve");
    has_saved(&tree, &["Ann", "Bob", "Eve"]);
    ann.quits();
    has_saved(&tree, &["Bob", "Eve"]);
    tree.does(&["end-hero", "Eve"]);
    has_saved(&tree, &["Bob"]);
    // Another hero with the name of one that has ended is another row.
    let before = row(&tree, "Bob").unwrap()["id"].clone();
    bob.quits();
    let _bob = Player::enter(&node, "Bob");
    has_saved(&tree, &["Bob"]);
    assert_ne!(row(&tree, "Bob").unwrap()["id"], before);
    drop(eve);
    kill(node);
    let node = Running::node_with(&tree, &[]);
    came_back(&node, "1 hero");
    let names = tree.does(&["names"]);
    assert!(
        names.contains("Bob") && !names.contains("Ann") && !names.contains("Eve"),
        "{names}"
    );
}
