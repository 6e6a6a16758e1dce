//! A word is chosen, and leads back to the hero.

use pq_tests::running::{Disk, PATIENCE, Player, RawClient, Running, Signal, Tree, poll};

use crate::comeback::player::{
    asks, chooses, comes_back, counted, experience, is_in_state, state, with_word,
};

#[test]
fn a_word_leads_back_after_a_broken_line_and_from_elsewhere() {
    let tree = Tree::with_third();
    let node = tree.starts_third(&[]);
    let mut ann = with_word(&node, "Ann", "open sesame");
    ann.sees("Obtained ");
    ann.drops();
    let alone = || (tree.answer(&["status"])["door"]["abandoned"] == 1).then_some(());
    assert!(poll(PATIENCE, alone).is_some());
    let before = experience(&tree, "Ann");
    // A name that looks the same is the same hero: this one begins with a Cyrillic letter.
    let mut back = comes_back(&node, "\u{410}nn", "open sesame");
    back.plays_on();
    assert!(experience(&tree, "Ann") >= before);
    assert_eq!(tree.answer(&["status"])["door"]["abandoned"], 0);
    let mut elsewhere = comes_back(&node, "Ann", "open sesame");
    back.sees("You play from elsewhere now.");
    back.ends();
    elsewhere.plays_on();
    elsewhere.plays_on();
    assert_eq!(tree.answer(&["status"])["door"]["players"], 1);
    assert_eq!(counted(&tree, "right"), 2);
    assert_eq!(node.complaints(), [""; 0]);
}

#[test]
fn a_hero_with_a_word_rests_when_its_player_quits_and_wakes_where_it_was() {
    let tree = Tree::with_third();
    let node = tree.starts_third(&[]);
    let mut ann = with_word(&node, "Ann", "open sesame");
    ann.sees("Obtained ");
    ann.sees("Obtained ");
    assert!(ann.quits().contains("Your hero rests until you come back."));
    is_in_state(&tree, "Ann", "resting");
    let process = tree.operate(&["sys", "get-state", "Ann"]);
    assert_ne!(process.code, 0, "{process:?}");
    let mut back = comes_back(&node, "Ann", "open sesame");
    assert!(experience(&tree, "Ann") > 0);
    back.plays_on();
    is_in_state(&tree, "Ann", "playing");
    assert_eq!(node.complaints(), [""; 0]);
}

#[test]
fn words_survive_a_kill_and_a_stop() {
    let tree = Tree::with_third();
    let mut node = tree.starts_third(&[]);
    let mut ann = with_word(&node, "Ann", "open sesame");
    ann.sees("Obtained ");
    let bob = with_word(&node, "Bob", "a bee or not");
    bob.quits();
    is_in_state(&tree, "Bob", "resting");
    node.signal(Signal::KILL);
    node.end();
    let mut node = Running::node_with(&tree, &[]);
    node.wrote("1 hero came back in ");
    comes_back(&node, "Ann", "open sesame").plays_on();
    comes_back(&node, "Bob", "a bee or not").plays_on();
    node.signal(Signal::TERM);
    assert!(node.end().success());
    let node = Running::node_with(&tree, &[]);
    comes_back(&node, "Bob", "a bee or not").plays_on();
    assert_eq!(node.complaints(), [""; 0]);
}

#[test]
fn a_hero_without_a_word_ends_with_its_client_and_its_name_is_free() {
    let tree = Tree::with_third();
    let node = tree.starts_third(&[]);
    let mut ann = chooses(&node, "Ann");
    ann.types("\n");
    ann.sees("Executing a ");
    ann.drops();
    let free = || (state(&tree, "Ann").is_empty()).then_some(());
    assert!(poll(PATIENCE, free).is_some());
    chooses(&node, "Ann");
    assert_eq!(node.complaints(), [""; 0]);
}

#[test]
fn a_word_is_hidden_while_it_is_typed() {
    let tree = Tree::with_third();
    let node = tree.starts_third(&[]);
    let mut ann = RawClient::connect(&node);
    ann.send(b"\xff\xfc\x18Ann\r\n");
    ann.until(b"y/n\r\n");
    ann.send(b"y\r\n");
    ann.until(b"none.)\r\n\xff\xfb\x01");
    ann.send(b"\xff\xfd\x01open ses");
    ann.send(b"ame\r\n");
    ann.until(b"\xff\xfc\x01\r\n");
    let shown = ann.until(b"Your word is kept.");
    assert!(!String::from_utf8_lossy(&shown).contains("sesame"));
    assert!(!node.log().contains("sesame"), "{}", node.log());
}

#[test]
fn an_operator_gives_a_new_word() {
    let tree = Tree::with_third();
    let node = tree.starts_third(&[]);
    with_word(&node, "Ann", "open sesame").quits();
    is_in_state(&tree, "Ann", "resting");
    let answer = tree.answer(&["heroes", "reset-word", "Ann"]);
    let word = answer["word"].as_str().unwrap();
    let history = tree.does(&["history", "--json"]);
    assert!(
        history.contains("heroes reset-word Ann") && !history.contains(word),
        "{history}"
    );
    let mut ann = asks(&node, "Ann");
    ann.types("open sesame\n");
    ann.sees("That is not its word.");
    ann.types(format!("{word}\n"));
    ann.sees("Welcome back, Ann.");
    tree.does(&["end-hero", "Ann"]);
    ann.sees("has fallen for the last time");
    let gone = || state(&tree, "Ann").is_empty().then_some(());
    assert!(poll(PATIENCE, gone).is_some());
    Player::connect(&node).gives("Ann");
    let refused = tree.refuses(&["heroes", "reset-word", "Cid"], 3);
    assert!(refused.contains("no saved hero has this name"), "{refused}");
    assert_eq!(node.complaints(), [""; 0]);
}

#[test]
fn a_new_word_that_the_disk_does_not_take_leaves_the_old_one() {
    let Some(disk) = Disk::small() else { return };
    let tree = Tree::with_third();
    std::os::unix::fs::symlink(disk.folder(), tree.root().join("data")).unwrap();
    let node = tree.starts_third(&[]);
    with_word(&node, "Ann", "open sesame").quits();
    is_in_state(&tree, "Ann", "resting");
    disk.leave(0);
    let refused = tree.refuses(&["heroes", "reset-word", "Ann"], 3);
    assert!(refused.contains("the word stays as it was"), "{refused}");
    disk.clear();
    comes_back(&node, "Ann", "open sesame").plays_on();
}
