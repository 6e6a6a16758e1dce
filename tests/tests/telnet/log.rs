//! The content of the log, and the data that must not be in it.

use pq_tests::running::{Running, Signal, Tree, pq};
use serde_json::Value;

use crate::telnet::client::Client;

/// A word that is in no log line by chance.
const MARKER: &str = "xyzzyplugh";

/// Sends the marker at every prompt and during play.
fn type_the_marker(node: &Running) {
    let mut client = Client::greeted(node);
    client.send(format!(
        "{MARKER}\n{MARKER}\ny\n{MARKER}\n{}\n",
        MARKER.repeat(200)
    ));
    client.until("That line is too long");
    client.until("Executing a ");
    client.quit();
    let mut client = Client::greeted(node);
    client.send(format!("{MARKER}\u{7}\n"));
    client.until("can be seen");
    client.quit();
}

/// The log lines as JSON objects.
fn json(log: &str) -> Vec<Value> {
    log.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .inspect(|line: &Value| assert!(line.is_object(), "{line}"))
        .collect()
}

#[test]
fn what_players_type_is_not_logged() {
    let node = Running::node();
    type_the_marker(&node);
    assert!(!node.log().contains(MARKER), "see the log");
}

#[test]
fn at_most_the_level_of_debugging_tells_what_players_type() {
    let tree = Tree::new();
    let args = ["--log-format", "json"];
    let node = Running::listening(pq(tree.start()).args(args).env("RUST_LOG", "trace"));
    type_the_marker(&node);
    node.logged("client gone");
    for line in json(&node.log()) {
        let shown = line.to_string();
        let level = line["level"].as_str().unwrap();
        let is_detail = matches!(level, "DEBUG" | "TRACE");
        assert!(is_detail || !shown.contains(MARKER), "{shown}");
    }
}

#[test]
fn json_lines_have_a_time_a_level_a_place_and_a_message() {
    let tree = Tree::new();
    let mut node = Running::node_with(&tree, &["--log-format", "json"]);
    node.signal(Signal::TERM);
    assert!(node.end().success());
    let lines = json(&node.log());
    for line in &lines {
        for key in ["timestamp", "level", "target"] {
            assert!(line[key].is_string(), "no {key}: {line}");
        }
    }
    let said = |message: &str| {
        let is_it = |line: &&Value| line["fields"]["message"] == message;
        lines.iter().filter(is_it).count()
    };
    assert_eq!(said("booting"), 1);
    assert_eq!(said("application started"), 3);
    assert_eq!(said("told to terminate: stopping"), 1);
    assert_eq!(said("application stopped"), 3);
}

#[test]
fn the_log_goes_to_stderr_and_what_programs_read_to_stdout() {
    let node = Running::node();
    assert_eq!(node.out(), format!("listening on {}\n", node.address()));
    let log = node.log();
    assert!(log.contains("application started"), "see the log");
    assert!(
        !log.contains('\u{1b}'),
        "colours, although no terminal reads: see the log"
    );
}
