//! Commands while the hero plays, and the hero that plays without its player.

use pq_tests::running::{PATIENCE, Running, Tree, poll};

use crate::comeback::player::{comes_back, experience, is_in_state, with_word};

#[test]
fn commands_are_answered_while_the_story_goes_on() {
    let tree = Tree::with_third();
    let node = tree.starts_third(&[]);
    let bob = with_word(&node, "Bob", "a bee or not");
    let mut ann = with_word(&node, "Ann", "open sesame");
    ann.types("help\n");
    ann.sees("inventory  what your hero wears and carries");
    ann.types("who\n");
    ann.sees("2 heroes play now:");
    ann.sees("Bob");
    ann.sees("Obtained ");
    ann.types("score\n");
    ann.sees("Ann\r\n");
    ann.sees("Quest: ");
    ann.sees("XP:");
    ann.types("inventory\n");
    ann.sees("Carries:\r\n  1 ");
    ann.types("dance\n");
    ann.sees("Unexpected input: dance");
    ann.plays_on();
    bob.drops();
    assert_eq!(node.complaints(), [""; 0]);
}

#[test]
fn a_hero_plays_on_for_a_while_and_its_player_reads_what_happened() {
    let tree = Tree::with_third();
    let node = tree.starts_third(&[]);
    let mut ann = with_word(&node, "Ann", "open sesame");
    ann.sees("Obtained ");
    ann.drops();
    let before = experience(&tree, "Ann");
    let grows = || (experience(&tree, "Ann") > before + 1).then_some(());
    assert!(poll(PATIENCE, grows).is_some());
    let mut ann = comes_back(&node, "Ann", "open sesame");
    ann.sees("while you were away, and won.");
    ann.plays_on();
    assert_eq!(node.complaints(), [""; 0]);
}

#[test]
fn a_hero_without_its_player_rests_when_its_time_is_over() {
    let tree = Tree::with_third();
    let mut node = tree.starts_third(&[]);
    let file = tree.root().join("releases/1.2.0/sys.config");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("{linger_ms, 86400000}"));
    let text = text.replace("{linger_ms, 86400000}", "{linger_ms, 1000}");
    std::fs::write(&file, text).unwrap();
    let mut bob = with_word(&node, "Bob", "a bee or not");
    let mut ann = with_word(&node, "Ann", "open sesame");
    ann.sees("Obtained ");
    node.signal(pq_tests::running::Signal::HUP);
    node.logged("linger_ms of sockserv is 1000 now");
    ann.drops();
    is_in_state(&tree, "Ann", "resting");
    assert_eq!(tree.answer(&["status"])["door"]["abandoned"], 0);
    // Bob has a client, so he plays on.
    bob.plays_on();
    is_in_state(&tree, "Bob", "playing");
    bob.drops();
    is_in_state(&tree, "Bob", "resting");
    node.signal(pq_tests::running::Signal::TERM);
    assert!(node.end().success());
    // A hero that rests does so over a start, and is not started.
    let node = Running::node_with(&tree, &[]);
    is_in_state(&tree, "Ann", "resting");
    let mut ann = comes_back(&node, "Ann", "open sesame");
    ann.plays_on();
    // The node complains of the file that this test has edited.
    assert_eq!(node.errors(), [""; 0]);
}
