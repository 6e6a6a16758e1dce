//! Bans by address, network and name, for a time or forever, also after a restart of the node.

use pq_tests::running::{PATIENCE, PROMPT, Running, Signal, Tree, poll};
use serde_json::{Value, json};

use crate::door::guest::Guest;
use crate::door::{done, has_refused, past};

/// The targets of the bans in the output of `pq bans`.
fn banned(tree: &Tree) -> Vec<String> {
    let answer = tree.answer(&["bans"]);
    let rows = answer["rows"].as_array().unwrap().iter();
    rows.map(|row| row["whom"].as_str().unwrap().to_string())
        .collect()
}

/// The end of the first ban as text, to the second.
fn until(tree: &Tree) -> String {
    let rows = tree.answer(&["bans"])["rows"].clone();
    let until = rows[0]["until"].as_str().unwrap();
    until[..19].replace('T', " ")
}

#[test]
fn a_banned_address_is_closed_with_a_sentence_and_the_others_play_on() {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &[]);
    let mut ann = Guest::playing(&node, "Ann");
    let mut bot = Guest::from("127.0.0.9", &node);
    bot.sees(PROMPT);
    bot.plays("Bot");
    let out = tree.does(&["ban", "127.0.0.9", "Bots stay outside."]);
    assert!(out.contains("127.0.0.9") && out.contains('1'), "{out}");
    assert!(bot.ends().ends_with("\r\nYour address is banned.\r\n"));
    let told = Guest::from("127.0.0.9", &node).ends();
    assert_eq!(told, "Your address is banned.\r\n");
    Guest::from("127.0.0.8", &node).sees(PROMPT);
    ann.send("hello\n");
    ann.sees("Unexpected input: hello\r\n");
    has_refused(&tree, &json!({"banned_address": 2}));
    tree.does(&["unban", "127.0.0.9"]);
    Guest::from("127.0.0.9", &node).sees(PROMPT);
    let why = Some("Bots stay outside.");
    let expected = [done("ban 127.0.0.9", why), done("unban 127.0.0.9", None)];
    assert_eq!(past(&tree, 2), expected);
}

#[test]
fn a_network_is_banned_for_a_time_and_the_sentence_says_until_when() {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &[]);
    tree.does(&["ban", "127.0.7.9/24", "--for", "1h"]);
    assert_eq!(banned(&tree), ["127.0.7.0/24"]);
    let until = until(&tree);
    let told = Guest::from("127.0.7.200", &node).ends();
    assert_eq!(
        told,
        format!("Your address is banned until {until} UTC.\r\n")
    );
    Guest::from("127.0.8.1", &node).sees(PROMPT);
    // A ban of the same network in another notation replaces the ban.
    tree.does(&["ban", "127.0.7.0/24", "--for", "1s"]);
    let back = poll(PATIENCE, || {
        let first = Guest::from("127.0.7.1", &node).sees("\n");
        first.contains(PROMPT).then_some(())
    });
    assert!(back.is_some(), "the ban never ends");
    assert_eq!(banned(&tree), [""; 0]);
    assert_eq!(past(&tree, 1), [done("ban 127.0.7.0/24 for 1s", None)]);
}

#[test]
fn a_banned_name_is_closed_in_play_and_when_it_comes_again_in_any_case() {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &[]);
    // Sessions of 1.1.0 stop the heroes of disconnected clients.
    tree.does(&["unpack", "processquest-1.1.0"]);
    tree.does(&["install", "1.1.0"]);
    let mut ann = Guest::playing(&node, "Ann");
    let zoe = Guest::playing(&node, "Zoë");
    tree.does(&["ban", "zOË"]);
    assert!(zoe.ends().ends_with("\r\nThe name Zoë is banned.\r\n"));
    for name in ["Zoë", "ZOË"] {
        let mut again = Guest::greeted(&node);
        again.send(format!("{name}\n"));
        let told = again.ends();
        let sentence = format!("The name {name} is banned.\r\n");
        assert!(told.ends_with(&sentence), "{told}");
    }
    // A player whose name was banned may play with another name.
    Guest::playing(&node, "Zoe");
    ann.send("hello\n");
    ann.sees("Unexpected input: hello\r\n");
    has_refused(&tree, &json!({"banned_name": 3}));
    tree.does(&["unban", "Zoë"]);
    Guest::playing(&node, "Zoë");
}

#[test]
fn bans_survive_the_end_of_the_node_in_order_or_not() {
    let tree = Tree::new();
    let mut node = Running::node_with(&tree, &[]);
    tree.does(&["ban", "127.0.0.9", "--for", "1d", "flood"]);
    tree.does(&["stop"]);
    node.end();
    let mut node = Running::node_with(&tree, &[]);
    let sentence = format!("Your address is banned until {} UTC.\r\n", until(&tree));
    assert_eq!(Guest::from("127.0.0.9", &node).ends(), sentence);
    tree.does(&["ban", "Bob"]);
    let before = tree.answer(&["bans"]);
    node.signal(Signal::KILL);
    node.end();
    let node = Running::node_with(&tree, &[]);
    assert_eq!(tree.answer(&["bans"]), before);
    assert_eq!(before["rows"][0]["text"], "flood");
    assert_eq!(before["rows"][1]["until"], Value::Null);
    assert_eq!(Guest::from("127.0.0.9", &node).ends(), sentence);
    let mut bob = Guest::greeted(&node);
    bob.send("Bob\n");
    assert!(bob.ends().ends_with("The name Bob is banned.\r\n"));
}

#[test]
fn bans_survive_an_upgrade_and_what_comes_before_the_first_is_empty() {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &[]);
    assert_eq!(banned(&tree), [""; 0]);
    tree.does(&["ban", "127.0.0.9"]);
    tree.does(&["unpack", "processquest-1.1.0"]);
    tree.does(&["install", "1.1.0"]);
    let told = Guest::from("127.0.0.9", &node).ends();
    assert_eq!(told, "Your address is banned.\r\n");
}

#[test]
fn what_cannot_be_banned_is_refused_and_nothing_changes() {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &[]);
    let mut ann = Guest::playing(&node, "Ann");
    for odd in ["", "\u{7}", "10.0.0.0/40", "10.0.0.300/8", "::1/129", "  "] {
        let said = tree.operate(&["ban", odd]);
        assert_eq!(said.code, 2, "{odd:?}: {said:?}");
    }
    let said = tree.operate(&["ban", "Ann", "--for", "soon"]);
    assert_eq!(said.code, 2, "{said:?}");
    let sentence = tree.refuses(&["unban", "Ann"], 3);
    assert!(sentence.starts_with("failed to unban Ann: "), "{sentence}");
    assert_eq!(banned(&tree), [""; 0]);
    ann.send("hello\n");
    ann.sees("Unexpected input: hello\r\n");
    // Invalid commands are not in the history; failed commands are.
    let past = past(&tree, 1);
    assert_eq!(
        (&past[0][0], &past[0][1]),
        (&json!("unban Ann"), &json!(sentence))
    );
}
