//! The fault that sockserv 1.0.1 repairs in running sessions: in 1.0.0 a hero whose client has disconnected plays
//! forever.

use pq_tests::running::{PATIENCE, Player, Running, Tree, poll, pq};

/// Whether a hero with this name plays.
fn plays(tree: &Tree, name: &str) -> bool {
    let names = tree.does(&["call", "regis", "get_names"]);
    names.contains(&format!("\"{name}\""))
}

/// Disconnects a client, and waits until the node has noticed that.
fn drop_client(node: &Running, player: Player) {
    let closed = |log: &str| log.matches("closed by the client").count();
    let before = closed(&node.log());
    player.drops();
    let seen = poll(PATIENCE, || (closed(&node.log()) > before).then_some(()));
    assert!(
        seen.is_some(),
        "the node does not notice that a client has disconnected"
    );
}

#[test]
fn a_client_that_goes_takes_its_hero_along_once_the_cure_is_installed() {
    let tree = Tree::new();
    let node = Running::listening(pq(tree.start()).env("RUST_LOG", "sockserv=debug"));
    let [leaked, cured, back] = ["leaked", "cured", "back"].map(|name| Player::enter(&node, name));
    drop_client(&node, leaked);
    assert!(plays(&tree, "leaked"), "1.0.0 leaks");

    tree.does(&["unpack", "processquest-1.1.0"]);
    tree.does(&["install", "1.1.0"]);
    drop_client(&node, cured);
    let gone = poll(PATIENCE, || (!plays(&tree, "cured")).then_some(()));
    assert!(gone.is_some(), "1.0.1 does not leak");
    assert!(plays(&tree, "leaked"), "a hero that leaked before stays");

    tree.does(&["install", "1.0.0"]);
    drop_client(&node, back);
    assert!(plays(&tree, "back"), "1.0.0 leaks again");
}
