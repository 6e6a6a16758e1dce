//! The workshop: its lessons are done as a participant does them, and each check is asked before, in the middle and afterwards.
//!
//! | module | content |
//! |---|---|
//! | this file | the lessons on a node and in a checkout |
//! | [`faults`] | the releases with faults: what an operator sees, and who is hurt |

mod faults;

use pq_tests::running::{Player, Running, Tree};

use crate::authors::desk::Desk;

/// The heroes of lesson 6.
const HEROES: &str = "1000";

/// Asks a check that finds something missing, and returns its text.
#[track_caller]
fn misses(tree: &Tree, lesson: &str, words: &[&str]) {
    let said = tree.operate(&["lesson", "check", lesson]);
    assert_eq!(said.code, 3, "{said:?}");
    let is_short = format!("lesson {lesson} is not done");
    for word in words.iter().chain(&[is_short.as_str(), "next: "]) {
        let is_said = said.out.contains(word) || said.err.contains(word);
        assert!(is_said, "no {word:?} in {said:?}");
    }
}

#[track_caller]
fn is_done(tree: &Tree, lesson: &str) {
    let answer = tree.answer(&["lesson", "check", lesson]);
    assert_eq!(answer["is_done"], true, "{answer}");
}

#[test]
fn a_participant_plays_upgrades_and_goes_back_under_a_thousand_heroes() {
    let tree = Tree::new();
    misses(
        &tree,
        "1",
        &["missing  a node runs", "cargo run --release -- demo"],
    );
    let node = Running::node_with(&tree, &["--heroes", HEROES]);
    misses(
        &tree,
        "1",
        &["done     a node runs", "no client is connected"],
    );
    let mut ann = Player::enter(&node, "Ann");
    is_done(&tree, "1");

    misses(
        &tree,
        "2",
        &["the history has no `unpack processquest-1.1.0`"],
    );
    tree.does(&["unpack", "processquest-1.1.0"]);
    misses(
        &tree,
        "2",
        &[
            "done     `pq unpack",
            "1.1.0 is unpacked, and the history has no",
        ],
    );
    tree.does(&["install", "1.1.0"]);
    is_done(&tree, "2");
    ann.plays_on();

    misses(&tree, "3", &["the history has no `make-permanent 1.1.0`"]);
    tree.does(&["make-permanent", "1.1.0"]);
    misses(&tree, "3", &["missing  1.0.0 was installed over 1.1.0"]);
    tree.does(&["install", "1.0.0"]);
    misses(&tree, "3", &["the node runs release 1.0.0"]);
    tree.does(&["install", "1.1.0"]);
    is_done(&tree, "3");
    is_done(&tree, "6");
    assert!(!ann.is_gone());
    drop(node);
}

#[test]
fn an_install_without_a_crowd_is_no_upgrade_under_load() {
    let tree = Tree::new();
    let _node = Running::node_with(&tree, &["--heroes", "3"]);
    misses(&tree, "6", &["no install of 1.0.0 has a recording"]);
    tree.does(&["unpack", "processquest-1.1.0"]);
    tree.does(&["install", "1.1.0"]);
    misses(&tree, "6", &["the largest install of 1.1.0 had 3 heroes"]);
}

#[test]
fn the_list_and_the_pages_are_shown_without_a_node() {
    let desk = Desk::empty();
    let list = desk.does("pq lesson");
    assert!(
        list.starts_with("1  Play\n2  The first upgrade\n"),
        "{list}"
    );
    for number in 1..=6 {
        let page = desk.does(&format!("pq lesson {number}"));
        assert!(page.starts_with("# ") && !page.contains("<!--"), "{page}");
    }
    desk.fails("pq lesson 7", &["7", "1..=6"]);
    desk.fails("pq lesson check 1", &["--root"]);
}

/// The page has the text of the file, so the page is tried: the version that it writes builds, and its tests pass. Nothing is
/// downloaded.
#[test]
fn the_version_of_lesson_four_is_written_as_its_page_says() {
    let desk = Desk::of_project();
    let check = "pq lesson check 4 --root rel";
    desk.fails(check, &["lesson 4 is not done: 4 of 4 points"]);
    desk.does("pq new 1.1.1 --from 1.1.0 --module pq_enemy");
    desk.fails(check, &["lesson 4 is not done: 3 of 4 points"]);
    let page = desk.does("pq lesson 4");
    let (_, rest) = page.split_once("```rust,lesson\n").unwrap();
    let (source, _) = rest.split_once("```\n").unwrap();
    desk.write("game-plugins/processquest-1.1.1/src/pq_enemy.rs", source);
    desk.fails(check, &["lesson 4 is not done: 2 of 4 points"]);
    desk.cargo(&["test", "--offline", "-p", "processquest-1_1_1"]);
}
