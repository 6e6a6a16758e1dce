//! The store as a file: backup, restore, check, and a full disk.

use pq_tests::running::{Disk, PATIENCE, Player, Running, Tree, poll};

use crate::saves::saved::{came_back, has_saved, is_saved_since, kill, now_ms, stop};

#[test]
fn a_backup_of_a_running_node_is_put_back_while_the_node_is_stopped() {
    let tree = Tree::new();
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.db");
    let copy = copy.to_str().unwrap();
    let node = Running::node_with(&tree, &["--heroes", "2", "--pace", "20"]);
    let ann = Player::enter(&node, "Ann");
    has_saved(&tree, &["Ann", "bot-0", "bot-1"]);
    tree.does(&["backup", copy]);
    let sentence = tree.refuses(&["backup", copy], 3);
    assert!(sentence.contains("it exists already"), "{sentence}");
    ann.quits();
    has_saved(&tree, &["bot-0", "bot-1"]);
    assert!(tree.does(&["store", "check"]).contains("nothing is wrong"));
    let sentence = tree.refuses(&["restore", copy], 3);
    assert!(
        sentence.contains("a node is already running on"),
        "{sentence}"
    );
    stop(node);
    let said = tree.does(&["restore", copy]);
    assert!(said.contains("the store before is kept as "), "{said}");
    has_saved(&tree, &["Ann", "bot-0", "bot-1"]);
    let node = Running::node_with(&tree, &[]);
    came_back(&node, "3 heroes");
}

#[test]
fn play_goes_on_while_the_disk_is_full_and_saving_goes_on_after_it() {
    let Some(disk) = Disk::small() else { return };
    let tree = Tree::on(&disk);
    let node = Running::node_with(&tree, &["--heroes", "2", "--pace", "20"]);
    let mut ann = Player::enter(&node, "Ann");
    has_saved(&tree, &["Ann", "bot-0", "bot-1"]);
    disk.leave(0);
    let trouble = || {
        let status = tree.answer(&["status"]);
        status["saves"]["trouble"].as_str().map(str::to_string)
    };
    let why = poll(PATIENCE, trouble).expect("the status has the reason");
    assert!(why.contains("failed to write the saves"), "{why}");
    ann.sees("[The world waits for its disk. The story goes on here when it is saved.]");
    node.logged("failed to write the saves");
    disk.clear();
    node.logged("saves are written again");
    ann.sees("[The world goes on.]");
    ann.plays_on();
    is_saved_since(&tree, "Ann", now_ms());
    assert_eq!(trouble(), None);
    assert_eq!(node.log().matches("failed to write the saves").count(), 1);
    kill(node);
    let node = Running::node_with(&tree, &[]);
    came_back(&node, "3 heroes");
}
