//! Limits that change with a release: they apply to connected and to new clients, after an upgrade and after a
//! downgrade.

use pq_tests::running::{PROMPT, Running, Tree};
use serde_json::json;

use crate::door::guest::Guest;
use crate::door::{has_refused, refused};

/// A node on release 1.0.0, with release 1.1.0 unpacked and these settings of `sockserv` in it.
fn ready(tree: &Tree, settings: &str) -> Running {
    let node = Running::node_with(tree, &[]);
    tree.does(&["unpack", "processquest-1.1.0"]);
    tree.configures("1.1.0", settings);
    node
}

/// A line of 61 bytes for the limit on lines.
fn line() -> String {
    "x".repeat(61)
}

/// Sends that line, and reads the line that answers it.
fn answer(guest: &mut Guest) -> String {
    guest.send(line() + "\n");
    let answers = ["That line is too long", "Unexpected input"];
    guest.sees_one_of(&answers)
}

#[test]
fn limits_come_with_a_release_and_go_with_it() {
    let tree = Tree::new();
    let node = ready(&tree, "{limits, [{line_bytes, 60}, {clients, 2}]}");
    let mut ann = Guest::playing(&node, "Ann");
    assert_eq!(answer(&mut ann), "Unexpected input");
    tree.does(&["install", "1.1.0"]);
    assert_eq!(answer(&mut ann), "That line is too long");
    let mut bob = Guest::playing(&node, "Bob");
    assert_eq!(answer(&mut bob), "That line is too long");
    let told = Guest::connect(&node).ends();
    assert_eq!(told, "The game is full. Try again later.\r\n");
    tree.does(&["install", "1.0.0"]);
    assert_eq!(answer(&mut ann), "Unexpected input");
    Guest::connect(&node).sees(PROMPT);
    // The counts of refusals survive the upgrade.
    has_refused(&tree, &json!({"line_length": 2, "full": 1}));
}

#[test]
fn who_is_in_beyond_a_new_limit_plays_on() {
    let tree = Tree::new();
    let node = ready(
        &tree,
        "{limits, [{clients, 1}, {login_ms, 1}, {outbox_bytes, 8192}]}",
    );
    let mut players = ["Ann", "Bob", "Eve"].map(|name| Guest::playing(&node, name));
    tree.does(&["install", "1.1.0"]);
    for player in &mut players {
        player.send("hello\n");
        player.sees("Unexpected input: hello\r\n");
    }
    let told = Guest::connect(&node).ends();
    assert_eq!(told, "The game is full. Try again later.\r\n");
}

#[test]
fn a_release_with_a_limit_that_cannot_be_meant_is_refused_before_anything_happens() {
    let tree = Tree::new();
    let node = ready(&tree, "{limits, [{clients, 1}, {lines, 10}]}");
    let mut ann = Guest::playing(&node, "Ann");
    let wrong = "lines of sockserv's limits is 10, where {PerSecond, AtOnce} is needed";
    for command in ["check-install", "install"] {
        let sentence = tree.refuses(&[command, "1.1.0"], 3);
        assert!(
            sentence.starts_with("failed to ") && sentence.ends_with(wrong),
            "{sentence}"
        );
    }
    tree.has_releases(&[("1.1.0", "unpacked"), ("1.0.0", "permanent")]);
    // The old settings are back, and Ann has not noticed the change.
    assert_eq!(answer(&mut ann), "Unexpected input");
    Guest::connect(&node).sees(PROMPT);
    assert_eq!(refused(&tree), json!({}));
    tree.configures("1.1.0", "{limits, [{clients, 1}, {lines, {10, 10}}]}");
    tree.does(&["install", "1.1.0"]);
    assert_eq!(answer(&mut ann), "Unexpected input");
}
