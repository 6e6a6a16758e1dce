//! A planned shutdown: players are informed, it can be cancelled or changed, and it ends the node in order.

use pq_tests::running::{PATIENCE, PROMPT, Running, Signal, Tree, poll};
use serde_json::Value;

use crate::door::guest::Guest;
use crate::door::{done, past};

/// The planned shutdown in the output of `pq status`.
fn planned(tree: &Tree) -> Value {
    tree.answer(&["status"])["shutdown"].clone()
}

#[test]
fn a_shutdown_at_once_is_told_and_ends_in_order() {
    let tree = Tree::new();
    let mut node = Running::node_with(&tree, &[]);
    let ann = Guest::playing(&node, "Ann");
    let said = tree.operate(&["shutdown", "now", "New disks."]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(
        said.out.starts_with("stopped: release 1.0.0 ran"),
        "{said:?}"
    );
    assert!(
        ann.ends()
            .contains("*** The game stops now. New disks.\r\n")
    );
    assert_eq!(node.end().code(), Some(0));
    assert_eq!(past(&tree, 1), [done("shutdown", Some("New disks."))]);
}

#[test]
fn a_planned_shutdown_is_announced_shown_and_carried_out() {
    let tree = Tree::new();
    let mut node = Running::node_with(&tree, &[]);
    let (mut ann, mut asked) = (Guest::playing(&node, "Ann"), Guest::greeted(&node));
    let text = "Back\u{1b}[2J at nine.";
    let answer = tree.answer(&["shutdown", "+1h", text]);
    assert_eq!(answer["text"], "Back[2J at nine.");
    assert_eq!(planned(&tree), answer);
    let status = tree.does(&["status"]);
    let at = answer["at"].as_str().unwrap();
    assert!(status.contains(at), "{status}");
    for guest in [&mut ann, &mut asked] {
        guest.sees("*** The game stops in 1h. Back[2J at nine.\r\n");
    }
    // A client that connects meanwhile plays until the end.
    let mut bob = Guest::playing(&node, "Bob");
    // The shutdown is moved forward when all clients are connected, independent of the time that took.
    tree.does(&["shutdown", "+2s", text]);
    for guest in [&mut ann, &mut asked, &mut bob] {
        guest.sees("*** The game stops in 2s. Back[2J at nine.\r\n");
    }
    for guest in [ann, asked, bob] {
        let told = guest.ends();
        assert!(
            told.contains("*** The game stops now. Back[2J at nine.\r\n"),
            "{told}"
        );
    }
    assert_eq!(node.end().code(), Some(0));
    assert_eq!(node.complaints(), [""; 0]);
    assert_eq!(past(&tree, 1), [done("shutdown", Some("Back[2J at nine."))]);
}

#[test]
fn a_shutdown_that_is_cancelled_does_not_come_and_players_are_told() {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &[]);
    let mut ann = Guest::playing(&node, "Ann");
    let sentence = tree.refuses(&["shutdown", "--cancel"], 3);
    assert_eq!(sentence, "failed to cancel the shutdown: none is planned");
    tree.does(&["shutdown", "+1h"]);
    ann.sees("*** The game stops in 1h.\r\n");
    tree.does(&["shutdown", "--cancel"]);
    ann.sees("*** The game does not stop after all.\r\n");
    assert_eq!(planned(&tree), Value::Null);
    ann.sees("Executing a ");
    tree.refuses(&["shutdown", "--cancel"], 3);
}

#[test]
fn another_plan_takes_the_place_of_the_first() {
    let tree = Tree::new();
    let mut node = Running::node_with(&tree, &[]);
    let mut ann = Guest::playing(&node, "Ann");
    // 8 s are enough for a busy machine to start a command.
    tree.does(&["shutdown", "+8s", "Never mind."]);
    tree.does(&["shutdown", "+1h", "Tomorrow."]);
    ann.sees("*** The game stops in 8s. Never mind.\r\n");
    ann.sees("*** The game stops in 1h. Tomorrow.\r\n");
    assert_eq!(planned(&tree)["text"], "Tomorrow.");
    // Until the end of the first plan: each fight of the hero takes 1 600 ms.
    for _ in 0..6 {
        ann.sees("Executing a ");
    }
    tree.does(&["shutdown", "+1s", "Now really."]);
    let told = ann.ends();
    assert!(
        told.contains("*** The game stops now. Now really.\r\n"),
        "{told}"
    );
    assert!(!told.contains("Never mind."), "{told}");
    assert_eq!(node.end().code(), Some(0));
    assert_eq!(past(&tree, 1), [done("shutdown", Some("Now really."))]);
}

#[test]
fn a_signal_meanwhile_ends_the_node_at_once() {
    let tree = Tree::new();
    let mut node = Running::node_with(&tree, &[]);
    let ann = Guest::playing(&node, "Ann");
    tree.does(&["shutdown", "+1h"]);
    node.signal(Signal::TERM);
    assert_eq!(node.end().code(), Some(0));
    assert!(ann.ends().contains("*** The game stops in 1h.\r\n"));
    // A restart of the node drops the plan.
    let node = Running::node_with(&tree, &[]);
    assert_eq!(planned(&tree), Value::Null);
    Guest::connect(&node).sees(PROMPT);
}

#[test]
fn an_end_that_is_due_waits_for_an_upgrade_and_an_upgrade_may_come_before_it() {
    let tree = Tree::new();
    let mut node = Running::node_with(&tree, &[]);
    tree.does(&["unpack", "processquest-1.1.0"]);
    let ann = Guest::playing(&node, "Ann");
    // 8 s are enough for a busy machine to install a release.
    tree.does(&["shutdown", "+8s"]);
    tree.does(&["install", "1.1.0"]);
    assert!(ann.ends().contains("*** The game stops now.\r\n"));
    assert_eq!(node.end().code(), Some(0));
    assert_eq!(past(&tree, 2)[0], done("install 1.1.0", None));
    assert_eq!(past(&tree, 1), [done("shutdown", None)]);
}

#[test]
fn a_time_that_is_none_is_a_matter_of_usage() {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &[]);
    for odd in [
        &["+soon"][..],
        &["+8d"],
        &["5m", "x"],
        &["+1m", ""],
        &["+1m", "--cancel"],
    ] {
        let said = tree.operate(&[&["shutdown"], odd].concat());
        assert_eq!(said.code, 2, "{odd:?}: {said:?}");
    }
    assert_eq!(planned(&tree), Value::Null);
    let found = poll(PATIENCE, || Some(Guest::greeted(&node)));
    assert!(found.is_some());
}
