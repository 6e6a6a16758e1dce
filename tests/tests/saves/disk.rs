//! Disks that fail: read-only, and full while an operator works or the node stops. `files` has a disk that is full during play.

use pq_tests::running::{Access, Disk, PATIENCE, Player, Running, Signal, Tree, pq};

use crate::saves::aside::spoil;
use crate::saves::saved::{came_back, has_saved, is_set_aside, names, stop};

#[test]
fn a_read_only_disk_ends_the_start_with_a_sentence_and_loses_nothing() {
    let Some(disk) = Disk::small() else { return };
    let tree = Tree::new();
    let data = tree.root().join("data");
    std::os::unix::fs::symlink(disk.folder(), &data).unwrap();
    let node = Running::node_with(&tree, &["--heroes", "2", "--pace", "20"]);
    has_saved(&tree, &["bot-0", "bot-1"]);
    stop(node);
    disk.permits(Access::Reading);
    let mut node = Running::start(&mut pq(tree.start()));
    assert_eq!(node.end().code(), Some(1));
    let log = node.log();
    assert!(
        log.contains("Read-only file system")
            && log.contains("--no-saves starts the node without its saves"),
        "{log}"
    );
    let said = tree.refuses(&["heroes", "remove", "bot-0"], 1);
    assert!(said.contains("Read-only file system"), "{said}");
    let node = Running::node_with(&tree, &["--no-saves", "--heroes", "1"]);
    node.wrote("1 heroes started");
    let said = tree.refuses(&["heroes", "remove", "bot-0"], 3);
    assert!(said.contains("the node does not save"), "{said}");
    stop(node);
    disk.permits(Access::Writing);
    let node = Running::node_with(&tree, &[]);
    came_back(&node, "2 heroes");
    stop(node);
}

#[test]
fn a_full_disk_loses_no_hero_of_an_operator_and_a_second_signal_ends_the_last_save() {
    let Some(disk) = Disk::small() else { return };
    let tree = Tree::on(&disk);
    let node = Running::node_with(&tree, &["--heroes", "2", "--pace", "20"]);
    has_saved(&tree, &["bot-0", "bot-1"]);
    stop(node);
    spoil(&tree, "bot-0");
    let mut node = Running::node_with(&tree, &[]);
    is_set_aside(&tree, &["bot-0"]);
    let mut ann = Player::enter(&node, "Ann");
    has_saved(&tree, &["Ann", "bot-1"]);
    disk.leave(0);
    // What cannot be kept is not removed.
    let said = tree.refuses(&["heroes", "remove", "bot-0"], 3);
    assert!(said.contains("No space left on device"), "{said}");
    assert_eq!(names(&tree, "set aside"), ["bot-0"]);
    let target = disk.folder().join("one.json");
    let said = tree.refuses(&["heroes", "export", "bot-1", target.to_str().unwrap()], 3);
    assert!(said.contains("No space left on device"), "{said}");
    assert!(!target.exists());
    ann.plays_on();
    // The last save waits for the disk, until the second signal.
    node.signal(Signal::TERM);
    node.logged("told to terminate: stopping");
    node.signal(Signal::TERM);
    assert_eq!(node.ends_within(PATIENCE).code(), Some(1));
    node.logged("second signal: the node ends without an orderly stop");
    disk.clear();
    let node = Running::node_with(&tree, &[]);
    came_back(&node, "2 heroes");
    has_saved(&tree, &["Ann", "bot-1"]);
    assert!(tree.does(&["store", "check"]).contains("nothing is wrong"));
    stop(node);
}

#[test]
fn a_fresh_demo_begins_without_heroes_and_keeps_the_saves_beside_it() {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &["--heroes", "2", "--pace", "20"]);
    has_saved(&tree, &["bot-0", "bot-1"]);
    let mut second = Running::start(pq(["demo", "--fresh", "--root"]).arg(tree.root()));
    assert!(!second.end().success());
    let log = second.log();
    assert!(log.contains("a node is already running on"), "{log}");
    stop(node);
    let node = Running::demo(tree.root(), &["--web-port", "0", "--fresh"]);
    node.wrote("the saves so far are in ");
    assert!(!node.out().contains(" came back in "), "{}", node.out());
    assert_eq!(names(&tree, "playing"), [""; 0]);
    stop(node);
    let entries = std::fs::read_dir(tree.root()).unwrap().flatten();
    let kept: Vec<_> = entries
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("data."))
        .collect();
    let data = tree.root().join("data");
    std::fs::remove_dir_all(&data).unwrap();
    std::fs::rename(kept[0].path(), &data).unwrap();
    let node = Running::node_with(&tree, &[]);
    came_back(&node, "2 heroes");
    stop(node);
}
