//! Each limit: the message to the client, the count of refusals, and the clients that are not affected.

use std::time::{Duration, Instant};

use pq_tests::running::{PATIENCE, PROMPT, Running, Tree, poll};
use serde_json::json;

use crate::door::guest::Guest;
use crate::door::{has_refused, refused};

/// A rate of lines that delays no client, for tests of other limits.
const ANY_LINES: &str = "{lines, {1000000, 1000000}}";

/// Connects repeatedly until a client is admitted.
fn comes_in(node: &Running) -> Guest {
    let found = poll(PATIENCE, || {
        let mut guest = Guest::connect(node);
        guest.sees("\n").contains(PROMPT).then_some(guest)
    });
    found.expect("no client is admitted")
}

#[test]
fn two_hundred_clients_of_this_machine_come_in_at_once() {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &[]);
    let mut guests: Vec<Guest> = (0..200).map(|_| Guest::connect(&node)).collect();
    guests.iter_mut().for_each(|guest| drop(guest.sees(PROMPT)));
    assert_eq!(tree.answer(&["status"])["door"]["clients"], 200);
    assert_eq!(refused(&tree), json!({}));
}

#[test]
fn a_full_game_lets_in_whoever_comes_when_somebody_has_left() {
    let tree = Tree::with_limits("{clients, 2}");
    let node = Running::node_with(&tree, &[]);
    let [ann, _bob] = ["Ann", "Bob"].map(|name| Guest::playing(&node, name));
    let told = Guest::connect(&node).ends();
    assert_eq!(told, "The game is full. Try again later.\r\n");
    has_refused(&tree, &json!({"full": 1}));
    drop(ann);
    comes_in(&node);
}

#[test]
fn one_address_has_so_many_places_and_the_next_address_its_own() {
    let tree = Tree::with_limits("{per_address, 2}, {exempt, []}");
    let node = Running::node_with(&tree, &[]);
    let _inside = [Guest::greeted(&node), Guest::greeted(&node)];
    let told = Guest::connect(&node).ends();
    let sentence = "Too many connections come from your address: at most 2.\r\n";
    assert_eq!(told, sentence);
    has_refused(&tree, &json!({"per_address": 1}));
    Guest::from("127.0.0.2", &node).sees(PROMPT);
}

#[test]
fn one_address_knocks_only_so_often() {
    let tree = Tree::with_limits("{arrivals, {1, 2}}, {exempt, []}");
    let node = Running::node_with(&tree, &[]);
    let mut guests: Vec<Guest> = (0..20).map(|_| Guest::connect(&node)).collect();
    let firsts: Vec<String> = guests.iter_mut().map(|guest| guest.sees("\n")).collect();
    let sentence =
        "Too many connections came from your address just now. Try again in a minute.\r\n";
    let turned_away = firsts.iter().filter(|first| *first == sentence).count();
    // Two at once, and then one a second, so fewer than twenty, however slow this machine is.
    assert!((1..=18).contains(&turned_away), "{firsts:?}");
    // The client cannot control the order in which connections are accepted.
    let inside = firsts.iter().filter(|first| first.contains(PROMPT)).count();
    assert_eq!(inside + turned_away, firsts.len(), "{firsts:?}");
    has_refused(&tree, &json!({"arrivals": turned_away}));
    Guest::from("127.0.0.2", &node).sees(PROMPT);
    comes_in(&node);
}

#[test]
fn lines_that_come_too_fast_wait_and_none_is_lost() {
    let tree = Tree::with_limits("{lines, {5, 2}}");
    let node = Running::node_with(&tree, &[]);
    let mut ann = Guest::playing(&node, "Ann");
    let lines: Vec<String> = (0..8).map(|number| format!("line {number}")).collect();
    let began = Instant::now();
    ann.send(lines.join("\n") + "\n");
    let mut told = String::new();
    for line in &lines {
        told += &ann.sees(&format!("Unexpected input: {line}\r\n"));
    }
    assert!(began.elapsed() >= Duration::from_secs(1), "not paced");
    let sentence = "You write too fast: 5 lines a second are taken, the others wait.\r\n";
    assert_eq!(told.matches(sentence).count(), 1, "{told}");
    has_refused(&tree, &json!({"lines": 1}));
}

#[test]
fn a_line_that_is_too_long_is_not_taken_and_the_next_one_is() {
    let tree = Tree::with_limits("{line_bytes, 80}");
    let node = Running::node_with(&tree, &[]);
    let mut ann = Guest::playing(&node, "Ann");
    let most = "x".repeat(80);
    ann.send(format!("{most}y\n{most}\n"));
    let told = ann.sees(&format!("Unexpected input: {most}\r\n"));
    assert!(told.contains("That line is too long: at most 80 bytes.\r\n"));
    assert!(!told.contains("xy"), "{told}");
    has_refused(&tree, &json!({"line_length": 1}));
}

#[test]
fn who_does_not_begin_is_closed_and_who_plays_is_not() {
    let tree = Tree::with_limits("{login_ms, 3000}");
    let node = Running::node_with(&tree, &[]);
    let mut late = 0;
    // On a busy machine the hero may not play in time on the first attempt.
    let mut ann = loop {
        let mut ann = Guest::greeted(&node);
        ann.send("Ann\ny\n");
        let told = ann.sees_one_of(&["Executing a ", "You took longer than 3s to begin."]);
        if told.starts_with("Executing") {
            break ann;
        }
        late += 1;
    };
    let silent = Guest::greeted(&node);
    let mut undecided = Guest::greeted(&node);
    undecided.send("Bob\nn\nn\n");
    let sentence = "You took longer than 3s to begin. Come again!\r\n";
    for guest in [silent, undecided] {
        let told = guest.ends();
        assert!(told.ends_with(sentence), "{told}");
    }
    has_refused(&tree, &json!({"login": 2 + late}));
    // Ann has been connected for longer than both limits.
    ann.sees("Executing a ");
    ann.send("hello\n");
    ann.sees("Unexpected input: hello\r\n");
}

#[test]
fn who_reads_too_slowly_is_dropped_alone() {
    let tree = Tree::with_limits(&format!("{{outbox_bytes, 4096}}, {ANY_LINES}"));
    let node = Running::node_with(&tree, &[]);
    let mut ann = Guest::playing(&node, "Ann");
    let mut slow = Guest::with_little_room(&node);
    slow.send("Slow\ny\n");
    let flood = format!("{}\n", "x".repeat(1_000)).repeat(32 << 10);
    let taken = slow.floods(flood.as_bytes());
    assert!(
        taken < flood.len(),
        "the node took all input of a client that reads nothing"
    );
    has_refused(&tree, &json!({"slow": 1}));
    ann.send("hello\n");
    ann.sees("Unexpected input: hello\r\n");
    let who = tree.does(&["who"]);
    assert!(who.contains("Ann") && !who.contains("Slow"), "{who}");
}

#[test]
fn a_locked_door_counts_whom_it_turns_away() {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &[]);
    tree.does(&["lock", "on"]);
    for _ in 0..3 {
        let told = Guest::connect(&node).ends();
        assert_eq!(
            told,
            "The game lets nobody in for now. Try again later.\r\n"
        );
    }
    has_refused(&tree, &json!({"locked": 3}));
}

#[test]
fn a_limit_that_cannot_be_meant_ends_the_start_with_what_would_be_right() {
    let tree = Tree::with_limits("{lines, 10}");
    let mut node = Running::start(&mut pq_tests::running::pq(tree.start()));
    assert_eq!(node.end().code(), Some(1));
    node.logged("lines of sockserv's limits is 10, where {PerSecond, AtOnce} is needed");
}
