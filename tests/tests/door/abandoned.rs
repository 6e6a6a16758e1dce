//! Heroes that clients of 1.0.0 leave behind: their limit, and the commands that end them.

use pq_tests::running::{PATIENCE, PROMPT, Running, Tree, poll};
use serde_json::json;

use crate::door::guest::Guest;
use crate::door::{done, has_refused, past};

const FULL: &str =
    "So many heroes play here for nobody that nobody new is let in. Try again later.\r\n";

/// Waits until the node has this number of abandoned heroes.
fn abandoned(tree: &Tree, count: u64) {
    let mut last = json!(null);
    let found = poll(PATIENCE, || {
        last = tree.answer(&["status"])["door"]["abandoned"].clone();
        (last == count).then_some(())
    });
    assert!(found.is_some(), "{last} instead of {count}");
}

#[test]
fn beyond_the_limit_nobody_is_let_in_until_a_hero_has_ended() {
    let tree = Tree::with_limits("{abandoned, 2}");
    // Heroes that the operator has started do not count.
    let node = Running::node_with(&tree, &["--heroes", "5"]);
    let mut zoe = Guest::playing(&node, "Zoe");
    drop(Guest::playing(&node, "Ann"));
    abandoned(&tree, 1);
    // A client that disconnects before its hero plays also leaves its hero behind.
    let mut bob = Guest::greeted(&node);
    bob.send("Bob\ny\n");
    drop(bob);
    abandoned(&tree, 2);
    assert_eq!(Guest::connect(&node).ends(), FULL);
    has_refused(&tree, &json!({"abandoned": 1}));
    let status = tree.does(&["status"]);
    assert!(
        status.contains("1 of them playing; 2 heroes without a client; refused: abandoned 1"),
        "{status}"
    );
    // Connected clients continue, and may leave their heroes behind.
    zoe.send("hello\n");
    zoe.sees("Unexpected input: hello\r\n");
    drop(zoe);
    abandoned(&tree, 3);
    assert_eq!(Guest::connect(&node).ends(), FULL);
    // The count is two above the limit, so a client is admitted after the end of two heroes.
    tree.does(&["end-hero", "Ann"]);
    abandoned(&tree, 2);
    assert_eq!(Guest::connect(&node).ends(), FULL);
    tree.does(&["end-hero", "Bob"]);
    abandoned(&tree, 1);
    let mut eve = Guest::playing(&node, "Eve");
    eve.send("quit\n");
    eve.ends();
    abandoned(&tree, 1);
    assert_eq!(
        tree.does(&["end-hero", "--abandoned"]),
        "1 hero without a client has ended\n"
    );
    abandoned(&tree, 0);
    let bots = tree.does(&["names", "\"bot-"]);
    assert_eq!(bots.matches("pq_player").count(), 5, "{bots}");
    let entries = [
        done("end-hero Bob", None),
        done("end-hero --abandoned", None),
    ];
    assert_eq!(past(&tree, 2), entries);
    has_refused(&tree, &json!({"abandoned": 3}));
}

#[test]
fn the_limit_comes_with_a_release_and_counts_who_was_left_before() {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &[]);
    tree.does(&["unpack", "processquest-1.1.0"]);
    drop(Guest::playing(&node, "Ann"));
    abandoned(&tree, 1);
    for odd in ["0", "-1", "many", "{1,2}"] {
        tree.configures("1.1.0", &format!("{{limits, [{{abandoned, {odd}}}]}}"));
        let sentence = tree.refuses(&["install", "1.1.0"], 3);
        assert!(
            sentence.contains("abandoned of sockserv's limits is "),
            "{sentence}"
        );
    }
    tree.configures("1.1.0", "{limits, [{abandoned, 1}]}");
    let mut bob = Guest::playing(&node, "Bob");
    tree.does(&["install", "1.1.0"]);
    assert_eq!(Guest::connect(&node).ends(), FULL);
    bob.send("hello\n");
    bob.sees("Unexpected input: hello\r\n");
    // Sessions of 1.1.0 stop their heroes.
    drop(bob);
    let gone = poll(PATIENCE, || {
        (!tree.does(&["names"]).contains("Bob")).then_some(())
    });
    assert!(gone.is_some());
    abandoned(&tree, 1);
    tree.does(&["install", "1.0.0"]);
    Guest::connect(&node).sees(PROMPT);
    tree.does(&["install", "1.1.0"]);
    assert_eq!(Guest::connect(&node).ends(), FULL);
    tree.does(&["end-hero", "Ann"]);
    Guest::connect(&node).sees(PROMPT);
}
