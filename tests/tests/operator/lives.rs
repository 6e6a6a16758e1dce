//! The boots and ends of a node: the reason of each boot, the kind of each end, and signals during a restart.

use std::time::{Duration, Instant};

use pq_tests::running::{PATIENCE, Running, Signal, Tree, poll};
use serde_json::Value;

use crate::operator::again::restarting;
use crate::operator::typed::{command, done, json, run, typed};

/// The number of moments of a restart that are tested.
const POINTS: u32 = 16;

/// The operations in the history with their messages.
fn past(tree: &Tree) -> Vec<(String, String)> {
    let past = json(tree, &["history"]);
    let text = |entry: &Value, of: &str| entry[of].as_str().unwrap_or_default().to_string();
    let entries = past["entries"].as_array().unwrap().iter();
    entries
        .map(|entry| (text(entry, "operation"), text(entry, "message")))
        .collect()
}

/// Asserts that the history has these operations after entry `since`, and that their messages contain these texts.
fn has_since(tree: &Tree, since: usize, expected: &[(&str, &str)]) {
    let past = past(tree);
    let new = &past[since..];
    assert_eq!(new.len(), expected.len(), "{new:?}");
    for ((operation, message), (wanted, words)) in new.iter().zip(expected) {
        assert_eq!(operation, wanted, "{new:?}");
        assert!(message.contains(words), "no {words:?} in {message:?}");
    }
}

#[test]
fn the_history_tells_of_each_boot_and_why_it_was() {
    let tree = Tree::new();
    let mut first = Running::node_with(&tree, &[]);
    first.signal(Signal::TERM);
    assert!(first.end().success());
    let mut second = Running::node_with(&tree, &[]);
    let killed = second.process();
    second.signal(Signal::KILL);
    second.end();
    let mut third = Running::node_with(&tree, &[]);
    has_since(
        &tree,
        0,
        &[
            ("boot", "started by system"),
            ("stop", "SIGTERM from process "),
            ("boot", "started by "),
            ("boot", &format!("(process {killed}, since ")),
        ],
    );
    let (_, crash) = &past(&tree)[3];
    assert!(
        crash.contains("left no record of its end: the node was killed by SIGKILL, or "),
        "{crash}"
    );
    restarting(&tree);
    let since = past(&tree).len();
    done(&tree, &["install", "1.1.0"]);
    let again = || (third.out().matches("listening on").count() == 2).then_some(());
    assert!(poll(PATIENCE, again).is_some(), "the node does not restart");
    done(&tree, &["stop", "-m", "enough"]);
    assert!(third.end().success());
    has_since(
        &tree,
        since,
        &[
            ("install 1.1.0", ""),
            ("restart", "`install 1.1.0` requires a restart"),
            (
                "boot",
                "the node restarted itself: `install 1.1.0` requires a restart",
            ),
            ("stop", "enough"),
        ],
    );
    let boot = &json(&tree, &["history"])["entries"][since + 2];
    assert_eq!(
        (&boot["from"], &boot["to"]),
        (&"1.0.0".into(), &"1.1.0".into())
    );
    // The kernel has another boot id after each start of the machine.
    let file = tree.root().join("releases/history.jsonl");
    let text = std::fs::read_to_string(&file).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_string).collect();
    lines.pop();
    let system = boot["node"]["system"].as_str().unwrap();
    let last = lines.last_mut().unwrap();
    *last = last.replace(system, "of yesterday");
    std::fs::write(&file, lines.join("\n")).unwrap();
    let _fourth = Running::node_with(&tree, &[]);
    let (_, cause) = past(&tree).pop().unwrap();
    assert!(cause.contains("the machine went down"), "{cause}");
}

#[test]
fn a_release_that_does_not_boot_is_in_the_history_with_what_ran_in_its_place() {
    let tree = Tree::new();
    let args = ["start", "--release", "9.9.9"];
    assert_eq!(typed(&tree, &args).code, 1);
    let _node = starting_again(&tree);
    let again = || typed(&tree, &["status"]).code == 0;
    assert!(poll(PATIENCE, || again().then_some(())).is_some());
    has_since(
        &tree,
        0,
        &[
            ("boot", "started by"),
            ("boot", "the previous boot had failed"),
            ("restart", "release 9.9.9 failed to boot"),
            (
                "boot",
                "the node restarted itself: release 9.9.9 failed to boot",
            ),
        ],
    );
    let past = json(&tree, &["history"]);
    let (failed, last) = (&past["entries"][1], &past["entries"][3]);
    assert_eq!(
        (&failed["to"], &failed["exit"]),
        (&"9.9.9".into(), &1.into())
    );
    assert!(
        failed["result"].as_str().unwrap().contains("9.9.9"),
        "{failed}"
    );
    assert_eq!((&last["to"], &last["exit"]), (&"1.0.0".into(), &0.into()));
}

/// A node that restarts as soon as it has started.
fn starting_again(tree: &Tree) -> Running {
    let args = [
        "start",
        "--release",
        "9.9.9",
        "--or-permanent",
        "--port",
        "0",
    ];
    Running::start(&mut command(tree.root(), &args))
}

/// Waits until the node has blocked the signals that end it; before that it has done nothing. Signals are also blocked
/// for a short time earlier, while threads are started. So the test waits for the descriptor from which the node reads
/// signals.
fn holds_signals(node: &Running) {
    let has_descriptor = || {
        let descriptors = std::fs::read_dir(format!("/proc/{}/fd", node.process())).ok()?;
        let mut links = descriptors.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
        links
            .any(|link| link.as_os_str() == "anon_inode:[signalfd]")
            .then_some(())
    };
    let held = || {
        has_descriptor()?;
        let status = std::fs::read_to_string(format!("/proc/{}/status", node.process())).ok()?;
        let mask = status
            .lines()
            .find_map(|line| line.strip_prefix("SigBlk:"))?;
        let mask = u64::from_str_radix(mask.trim(), 16).ok()?;
        let bit = |signal: Signal| 1 << (signal.as_raw() - 1);
        (mask & bit(Signal::TERM) != 0).then_some(())
    };
    assert!(
        poll(PATIENCE, held).is_some(),
        "the node does not block its signals"
    );
}

#[test]
fn a_signal_at_any_point_of_a_restart_ends_the_node_in_order() {
    let tree = Tree::new();
    let began = Instant::now();
    let mut node = starting_again(&tree);
    node.listens(PATIENCE);
    let whole = began.elapsed();
    node.signal(Signal::TERM);
    assert!(node.end().success());
    for point in 0..POINTS {
        let signal = if point % 2 == 0 {
            Signal::TERM
        } else {
            Signal::INT
        };
        let name = if point % 2 == 0 { "SIGTERM" } else { "SIGINT" };
        let mut node = starting_again(&tree);
        holds_signals(&node);
        // The moment differs from run to run, but the expectation is the same.
        poll(whole * point / POINTS, || None::<()>);
        node.signal(signal);
        let status = node.end();
        assert_eq!(
            status.code(),
            Some(0),
            "point {point}: {status}, {}",
            node.log()
        );
        let (operation, message) = past(&tree).pop().unwrap();
        assert_eq!(operation, "stop", "point {point}: {}", node.log());
        assert!(message.starts_with(name), "point {point}: {message}");
    }
}

#[test]
fn a_stop_that_is_asked_for_during_a_restart_is_done() {
    let tree = Tree::new();
    let mut node = Running::node_with(&tree, &[]);
    restarting(&tree);
    done(&tree, &["install", "1.1.0"]);
    // The node is about to restart.
    let stopped = run(&mut command(tree.root(), &["stop", "-m", "now"]));
    assert_eq!(stopped.code, 0, "{stopped:?} {}", node.log());
    let status = node.ends_within(Duration::from_secs(60));
    assert_eq!(status.code(), Some(0), "{}", node.log());
    let (operation, message) = past(&tree).pop().unwrap();
    assert_eq!((&*operation, &*message), ("stop", "now"));
}

#[test]
fn no_text_from_outside_ends_or_forges_a_line() {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &[]);
    let evil = "evil\n{\"id\":77}\r\u{1b}[2J\u{9b}1m\u{202e}";
    for args in [
        &["unpack", evil][..],
        &["install", evil, "-m", evil],
        &["install-file", evil, evil],
        &["kick", evil, evil],
        &["sys", "get-state", evil],
        &["call", evil, evil],
        &["status", evil],
    ] {
        for args in [args, &[args, &["--json"]].concat()] {
            let said = typed(&tree, args);
            assert_ne!(said.code, 0, "{args:?}");
            for text in [&said.out, &said.err] {
                is_harmless(text);
            }
        }
    }
    let past = typed(&tree, &["history"]);
    is_harmless(&past.out);
    is_harmless(&node.log());
    let file = std::fs::read_to_string(tree.root().join("releases/history.jsonl")).unwrap();
    is_harmless(&file);
    assert!(file.contains("evil"), "{file}");
    for line in file.lines() {
        let entry: Value = serde_json::from_str(line).unwrap();
        assert_ne!(entry["id"], 77, "{file}");
    }
}

/// Asserts that lines are complete and contain no character that a terminal obeys, so that a message cannot forge
/// another line.
fn is_harmless(text: &str) {
    let is_plain = |c: char| c == '\n' || !c.is_control() && c != '\u{202e}';
    assert!(text.chars().all(is_plain), "{text:?}");
    assert!(
        !text.lines().any(|line| line.starts_with("{\"id\":77}")),
        "{text}"
    );
}
