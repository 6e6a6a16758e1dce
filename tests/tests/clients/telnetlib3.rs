//! telnetlib3, a library for Python, and its program that examines servers.

use pq_tests::needs::{Need, has};
use pq_tests::running::{Running, Tree};
use serde_json::{Value, json};

use crate::clients::node;
use crate::clients::program::Program;

/// A Python client that plays a session and prints the negotiated options; described in the file.
const PLAY: &str = include_str!("play.py");

/// Whether the library is installed for this interpreter.
#[track_caller]
pub(crate) fn has_library() -> bool {
    has(&[Need::Telnetlib3])
}

#[test]
fn telnetlib3_plays_a_session_and_agrees_to_all_it_has() {
    let tree = Tree::new();
    let node = node(&tree);
    if !has_library() {
        return;
    }
    let Some(python) = Program::client("python3", &["-c", PLAY], &node) else {
        return;
    };
    let told = python.end();
    let agreed: Value = serde_json::from_str(told.lines().last().unwrap()).unwrap();
    let expected = json!({
        "will_echo": false,
        "eor": true,
        "charset": "UTF-8",
        "naws": true,
        "ping": true,
    });
    assert_eq!(agreed, expected, "{told}");
    node.logged("100x30");
}

/// The findings of the program as JSON.
fn fingerprint(node: &Running) -> Option<Value> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("found.json");
    let file_name = file.to_str().unwrap();
    let args = ["--silent", "--scan-type", "full", "--save-json", file_name];
    Program::client("telnetlib3-fingerprint", &args, node)?.end();
    Some(serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap())
}

#[test]
fn a_scan_of_all_options_finds_none_that_is_wrong() {
    let node = Running::node();
    let Some(found) = fingerprint(&node) else {
        return;
    };
    let probe = &found["server-probe"];
    let data = &probe["fingerprint-data"];
    for fault in [
        "looped-negotiation",
        "directional-refusals",
        "wrong-direction-offered",
    ] {
        assert_eq!(data[fault], json!([]), "{fault} of {data}");
    }
    let offered = json!(["CHARSET", "ECHO", "EOR", "GMCP", "MCCP2", "MSSP", "SGA"]);
    assert_eq!(data["offered-options"], offered);
    assert_eq!(data["requested-options"], json!(["NAWS", "TTYPE"]));
    let status = &probe["session_data"]["mssp"];
    assert_eq!(status["PLAYERS"], "0", "{status}");
    assert!(
        status["UPTIME"].is_string() && status["NAME"].is_string(),
        "{status}"
    );
}
