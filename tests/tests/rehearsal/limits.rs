//! A rehearsal that loops, needs too much memory or time, or is killed: it says so, the node plays on, and nothing is left.

use std::fs;

use pq_tests::running::{PATIENCE, Player, Running, Signal, Tree, poll, pq};
use serde_json::Value;

use super::faults::{choose, stage};
use super::rehearse;

const PLACES: &str = "{measures, {pq_player, [{level, [data, lvl]}]}},";

/// The reason for the early end of the new side.
fn ended(tree: &Tree, fault: &str, args: &[&str]) -> (String, Value) {
    choose(tree, fault, PLACES);
    let (code, report, _) = rehearse(tree, &[&["1.1.1", "--partial"], args].concat());
    assert_eq!(code, 3, "{fault}: {report}");
    let why = report["new"]["ended"].as_str();
    let why = why.unwrap_or_else(|| panic!("{fault}: {report}"));
    (why.to_string(), report)
}

/// The processes of rehearsals on this tree.
fn children(tree: &Tree) -> usize {
    let root = tree.root().to_str().unwrap();
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let lines = processes.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    let lines = lines.map(|line| String::from_utf8_lossy(&line).into_owned());
    lines
        .filter(|line| line.contains("rehearsal-side") && line.contains(root))
        .count()
}

#[test]
fn a_version_that_loops_ends_its_rehearsal_and_not_the_node() {
    let (tree, node) = stage();
    let mut player = Player::enter(&node, "Ann");
    let (why, report) = ended(&tree, "{loops, \"bot-2\"}", &["--for", "30days"]);
    assert!(why.contains("pq_player:handle_event of bot-2"), "{why}");
    assert!(why.contains("does not end"), "{why}");
    let beside = "the other side has ended before";
    assert_eq!(report["old"]["ended"], beside, "{report}");
    assert_eq!(report["against"].as_array().unwrap().len(), 1, "{report}");
    let (why, _) = ended(&tree, "{spins, \"bot-2\"}", &["--for", "5m"]);
    assert!(why.contains("still busy"), "{why}");
    assert!(why.ends_with(", a process of bot-2"), "{why}");
    player.plays_on();
    assert_eq!(children(&tree), 0);
    drop(node);
}

#[test]
fn a_rehearsal_above_its_limits_says_so_and_leaves_nothing() {
    let (tree, node) = stage();
    let args = ["--for", "30m", "--memory", "256"];
    let (why, _) = ended(&tree, "{leaks, 100000}", &args);
    assert!(why.contains("more than its 256 MiB of memory"), "{why}");
    let args = ["--for", "30days", "--processor", "2s"];
    let (why, _) = ended(&tree, "{none, all}", &args);
    assert!(why.contains("its 2 s of processor time"), "{why}");
    assert_eq!(children(&tree), 0);
    assert!(!tree.root().join("rehearsals").exists());
    drop(node);
}

#[test]
fn a_rehearsal_that_is_killed_leaves_nothing() {
    let (tree, node) = stage();
    let mut command = pq(["rehearse", "1.1.0", "--for", "30days", "--root"]);
    command.arg(tree.root());
    let mut rehearsal = Running::start(&mut command);
    let plays = || (rehearsal.log().contains("running release: ")).then_some(());
    assert!(poll(PATIENCE, plays).is_some(), "{}", rehearsal.log());
    assert_eq!(children(&tree), 2);
    rehearsal.signal(Signal::KILL);
    rehearsal.end();
    let are_gone = || (children(&tree) == 0).then_some(());
    assert!(
        poll(PATIENCE, are_gone).is_some(),
        "a child outlives its parent"
    );
    assert!(!tree.root().join("rehearsals").exists());
    drop(node);
}
