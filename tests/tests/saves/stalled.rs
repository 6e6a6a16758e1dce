//! A callback that does not end in a node that saves.

use std::time::Duration;

use pq_tests::running::{BROKEN, BROKEN_VSN, Draft, Player, Running, Tree};

use crate::saves::saved::{came_back, has_saved, is_set_aside, names, stop};

/// The hero whose events do not end in that release.
const CAUGHT: &str = "Stalls";

const OTHERS: [&str; 3] = ["bot-0", "bot-1", "bot-2"];

#[test]
fn a_shard_that_is_blocked_restarts_the_node_and_all_heroes_but_the_one_at_fault_are_back() {
    let tree = Tree::new();
    tree.offers(&Draft::broken().package());
    let node = Running::node_with(&tree, &["--heroes", "3", "--pace", "20"]);
    let caught = Player::enter(&node, CAUGHT);
    has_saved(&tree, &[CAUGHT, "bot-0", "bot-1", "bot-2"]);
    tree.does(&["unpack", "processquest-1.1.0"]);
    tree.does(&["unpack", BROKEN]);
    stop(node);
    caught.ends();
    let node = Running::node_with(&tree, &["--release", BROKEN_VSN, "--shards", "2"]);
    came_back(&node, "4 heroes");
    let again = node.poll(Duration::from_secs(120), || {
        let past = tree.operate(&["history", "--json"]).out;
        past.contains("shard_stall_ms of kernel is 10000")
            .then_some(())
    });
    assert!(again.is_some(), "the node does not restart: {}", node.log());
    node.wrote_within(Duration::from_secs(60), "3 heroes came back");
    is_set_aside(&tree, &[CAUGHT]);
    has_saved(&tree, &OTHERS);
    let why = &tree.answer(&["heroes", "--set-aside"])["rows"][0]["why"];
    let why = why.as_str().unwrap();
    assert!(
        why.starts_with("held back: ")
            && why.contains("is blocked: pq_player:handle_event of Stalls"),
        "{why}"
    );
    stop(node);
    // A boot leaves the hero alone, in any release, until an operator tries it again.
    let node = Running::node_with(&tree, &[]);
    came_back(&node, "3 heroes");
    assert_eq!(names(&tree, "set aside"), [CAUGHT]);
    tree.does(&["heroes", "retry", CAUGHT]);
    has_saved(&tree, &[CAUGHT, "bot-0", "bot-1", "bot-2"]);
    stop(node);
}
