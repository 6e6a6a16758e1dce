//! The end of a node, requested or not: `stop`, signals, `kill -9`, and its entries in the history.

use std::io::Write;

use pq_tests::running::{PATIENCE, Running, Signal, Tree, poll};
use serde_json::Value;

use crate::operator::player::Player;
use crate::operator::typed::{command, done, json, node_with_heroes, refused, told, typed, until};
use crate::operator::wire;

#[test]
fn stop_returns_when_the_node_has_gone() {
    let tree = Tree::new();
    let mut node = node_with_heroes(&tree, 100);
    let stop = typed(&tree, &["stop", "-m", "the cellar is flooded"]);
    assert_eq!(
        (stop.code, stop.err.as_str()),
        (0, "pq: stop: stopping\n"),
        "{stop:?}"
    );
    assert!(
        stop.out.starts_with("stopped: release 1.0.0 ran"),
        "{stop:?}"
    );
    // After the command, the tree is unlocked and the socket is removed.
    assert!(!tree.root().join("run/pq.sock").exists());
    let next = Running::node_with(&tree, &[]);
    assert_eq!(node.end().code(), Some(0));
    let log = node.log();
    assert_eq!(node.complaints(), [""; 0]);
    assert!(
        log.contains("application stopped application=\"processquest\""),
        "see the log"
    );
    drop(next);
}

/// The application controller does not answer: the node ends nevertheless, but not in order, which a service manager
/// and the operator learn.
#[test]
fn a_node_that_cannot_stop_in_order_ends_all_the_same_and_says_so() {
    let (told_by_signal, told_by_operator) = (Tree::new(), Tree::new());
    let mut nodes = [&told_by_signal, &told_by_operator].map(|tree| {
        let node = node_with_heroes(tree, 1);
        assert_eq!(
            told(tree, &["sys", "suspend", "application_controller"]),
            "ok\n"
        );
        node
    });
    nodes[0].signal(Signal::TERM);
    let stop = typed(&told_by_operator, &["stop"]);
    let sentence = "failed to stop the node in order: the application controller does not list";
    assert_eq!(stop.code, 5, "{stop:?}");
    assert!(stop.err.contains(sentence), "{stop:?}");
    for node in &mut nodes {
        assert_eq!(node.end().code(), Some(1));
        assert!(
            node.log().contains(&format!("pq: {sentence}")),
            "see the log"
        );
    }
}

#[test]
fn a_shutdown_during_an_install_announces_only_what_happens() {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &[]);
    done(&tree, &["unpack", "processquest-1.1.0"]);
    let mut ann = Player::playing(&node, "Ann");
    // The release handler waits for the application controller.
    done(&tree, &["sys", "suspend", "application_controller"]);
    let mut install = Running::start(&mut command(tree.root(), &["install", "1.1.0"]));
    until(
        &tree,
        &["status", "--json"],
        r#""operation":"install 1.1.0""#,
    );
    refused(&tree, &["shutdown", "now"], 8);
    // A planned shutdown waits for the end of the install, and can be cancelled meanwhile.
    told(&tree, &["shutdown", "+1s"]);
    let mut heard = ann.until(b"*** The game stops in 1s.\r\n");
    // Each fight of the hero takes 1 600 ms.
    for _ in 0..3 {
        heard.extend(ann.until(b"Executing a "));
    }
    done(&tree, &["shutdown", "--cancel"]);
    heard.extend(ann.until(b"*** The game does not stop after all.\r\n"));
    done(&tree, &["sys", "resume", "application_controller"]);
    assert_eq!(install.end().code(), Some(0), "{}", install.log());
    told(&tree, &["wall", "Tea"]);
    heard.extend(ann.until(b"*** Tea\r\n"));
    let heard = String::from_utf8_lossy(&heard);
    assert!(!heard.contains("stops now"), "{heard}");
}

#[test]
fn a_stop_is_in_the_history_with_who_and_why() {
    let tree = Tree::new();
    assert_eq!(json(&tree, &["history"])["entries"], Value::Array(vec![]));
    for message in ["first", "second"] {
        let _node = Running::node_with(&tree, &[]);
        let stopped = typed(&tree, &["stop", "--json", "-m", message]);
        let answer: Value = serde_json::from_str(&stopped.out).unwrap();
        assert_eq!(answer["vsn"], "1.0.0");
    }
    let past = json(&tree, &["history"]);
    let entries = past["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 4, "two boots, two stops");
    let last = &entries[3];
    assert_eq!(last["id"], 4);
    assert_eq!(last["operation"], "stop");
    assert_eq!(last["from"], "1.0.0");
    assert_eq!(last["result"], "done");
    assert_eq!(last["exit"], 0);
    assert_eq!(last["message"], "second");
    let own = rustix::process::getuid().as_raw();
    assert_eq!(last["who"]["uid"], own);
    assert!(last["who"]["pid"].as_i64().unwrap() > 0);
    let text = told(&tree, &["history"]);
    let line = text.lines().nth(2).unwrap();
    assert!(
        line.contains("  stop       1.0.0  ") && line.ends_with("first"),
        "{text}"
    );
}

#[test]
fn one_entry_is_shown_whole_also_when_no_node_runs() {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &[]);
    assert_eq!(typed(&tree, &["install", "9.9.9"]).code, 3);
    drop(node);
    let all = &json(&tree, &["history"])["entries"][1];
    assert_eq!(&json(&tree, &["history", "2"]), all);
    let shown = told(&tree, &["history", "2"]);
    let result = all["result"].as_str().unwrap();
    assert!(
        shown.contains(&format!("\nresult     {result}\n")),
        "{shown}"
    );
    let sentence = refused(&tree, &["history", "3"], 3);
    assert_eq!(sentence, "failed to find entry 3: the history has 2");
}

#[test]
fn half_an_entry_is_left_out_and_said() {
    let tree = Tree::new();
    let stop = || {
        let _node = Running::node_with(&tree, &[]);
        assert_eq!(typed(&tree, &["stop"]).code, 0);
    };
    stop();
    let file = tree.root().join("releases/history.jsonl");
    let mut history = std::fs::OpenOptions::new()
        .append(true)
        .open(&file)
        .unwrap();
    history.write_all(b"{\"id\":3,\"when\":\"20").unwrap();
    stop();
    let shown = typed(&tree, &["history"]);
    assert_eq!(shown.code, 0);
    assert_eq!(shown.out.lines().count(), 5, "{shown:?}");
    assert!(
        shown
            .err
            .contains("1 line that is no entry is left out of "),
        "{shown:?}"
    );
    let shown = typed(&tree, &["history", "--json"]);
    let past: Value = serde_json::from_str(&shown.out).unwrap();
    assert_eq!(past["unreadable"], 1);
    assert_eq!(past["entries"][2]["id"], 3);
}

#[test]
fn a_message_is_one_line_of_the_history() {
    let tree = Tree::new();
    let _node = Running::node_with(&tree, &[]);
    let typed_in = typed(&tree, &["stop", "-m", &"x".repeat(241)]);
    assert_eq!(typed_in.code, 2, "{typed_in:?}");
    told(&tree, &["status"]);
}

/// Whether this process sleeps with an open socket: it has sent its request and waits for the answer.
fn waits_for_an_answer(process: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let sleeps = stat.rsplit(") ").next().unwrap().starts_with('S');
    let files = std::fs::read_dir(format!("/proc/{process}/fd")).unwrap();
    let is_socket = |file: std::fs::DirEntry| {
        std::fs::read_link(file.path()).is_ok_and(|to| to.to_string_lossy().starts_with("socket:"))
    };
    sleeps && files.flatten().any(is_socket)
}

#[test]
fn a_node_that_is_killed_before_it_has_answered_leaves_the_outcome_unknown() {
    let tree = Tree::new();
    let mut node = Running::node_with(&tree, &[]);
    node.signal(Signal::STOP);
    for args in [&["status"][..], &["call", "regis", "get_names"], &["stop"]] {
        let mut asking = Running::start(&mut command(tree.root(), args));
        let waits = || waits_for_an_answer(asking.process()).then_some(());
        assert!(poll(PATIENCE, waits).is_some(), "{args:?}");
        node.signal(Signal::KILL);
        node.end();
        assert_eq!(asking.end().code(), Some(6), "{args:?}");
        let said = asking.log();
        assert!(
            said.contains("the connection was lost") && said.contains("`pq history`"),
            "{said}"
        );
        assert_eq!(asking.out(), "");
        node = Running::node_with(&tree, &[]);
        node.signal(Signal::STOP);
    }
}

#[test]
fn a_node_that_says_nothing_any_more_leaves_the_outcome_unknown() {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &[]);
    node.signal(Signal::STOP);
    let asked = typed(&tree, &["status"]);
    assert_eq!(asked.code, 6, "{asked:?}");
    assert!(
        asked.err.contains("the node sends nothing any more"),
        "{asked:?}"
    );
}

#[test]
fn the_socket_of_a_killed_node_is_replaced_by_the_next_one() {
    let tree = Tree::new();
    let mut node = Running::node_with(&tree, &[]);
    node.signal(Signal::KILL);
    node.end();
    assert!(tree.root().join("run/pq.sock").exists());
    assert_eq!(typed(&tree, &["status"]).code, 7);
    let next = Running::node_with(&tree, &[]);
    told(&tree, &["status"]);
    drop(next);
}

#[test]
fn an_operator_who_only_listens_does_not_hold_up_the_end() {
    let tree = Tree::new();
    let mut node = Running::node_with(&tree, &[]);
    let mut idle = wire::connect(&tree);
    let mut half = wire::connect(&tree);
    half.write_all(&[0, 0]).unwrap();
    node.signal(Signal::TERM);
    assert_eq!(node.end().code(), Some(0));
    assert_eq!(wire::event(&mut idle), None);
}
