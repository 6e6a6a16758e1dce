//! The next start boots the permanent release, whatever release ran before.

use pq_tests::running::{Player, Running, Signal, Tree};
use pq_tests::story::Version;

/// The way in which a node ends.
#[derive(Clone, Copy, Debug)]
enum End {
    Stop,
    Kill,
}

/// Ends a node, starts another on its tree, and plays.
fn start_again(tree: &Tree, mut node: Running, end: End, version: Version) -> Running {
    match end {
        End::Stop => drop(tree.does(&["stop"])),
        End::Kill => node.signal(Signal::KILL),
    }
    node.end();
    let node = Running::node_with(tree, &[]);
    let mut player = Player::connect(&node).of_version(version);
    player.join("Ann");
    player.plays_on();
    player.story();
    player.quits();
    node
}

fn the_permanent_release_boots(end: End) {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &[]);
    tree.does(&["unpack", "processquest-1.1.0"]);
    tree.does(&["install", "1.1.0"]);
    let node = start_again(&tree, node, end, Version::Old);
    tree.has_releases(&[("1.1.0", "unpacked"), ("1.0.0", "permanent")]);

    tree.does(&["install", "1.1.0"]);
    tree.does(&["make-permanent", "1.1.0"]);
    let node = start_again(&tree, node, end, Version::New);
    tree.has_releases(&[("1.1.0", "permanent"), ("1.0.0", "old")]);

    tree.does(&["install", "1.0.0"]);
    let _node = start_again(&tree, node, end, Version::New);
    tree.has_releases(&[("1.1.0", "permanent"), ("1.0.0", "old")]);
}

#[test]
fn after_a_stop_the_permanent_release_boots() {
    the_permanent_release_boots(End::Stop);
}

#[test]
fn after_a_kill_the_permanent_release_boots() {
    the_permanent_release_boots(End::Kill);
}
