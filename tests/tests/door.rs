//! The listeners of a real node with strangers and operators: limits, bans, planned shutdowns, TLS, proxies, and
//! hostile clients.
//!
//! Each test starts a node on a release tree of its own. Tests in `sockserv` check the decisions; these tests check
//! that the message reaches the client, that the refusal is counted, and that other players continue.

mod abandoned;
mod bans;
mod descriptors;
mod ends;
mod guest;
mod harbour;
mod hostile;
mod limits;
mod page;
mod proxies;
mod shutdown;
mod tls;
mod upgrade;

use std::net::SocketAddr;

use pq_tests::running::{PATIENCE, Running, Tree, poll};
use serde_json::{Value, json};

/// The refusals so far, by kind and number.
fn refused(tree: &Tree) -> Value {
    tree.answer(&["status"])["door"]["refused"].clone()
}

/// Waits until exactly these refusals are counted: a client that is refused slowly is counted after its disconnection.
fn has_refused(tree: &Tree, expected: &Value) {
    let mut last = Value::Null;
    let found = poll(PATIENCE, || {
        last = refused(tree);
        (last == *expected).then_some(())
    });
    assert!(found.is_some(), "{last} instead of {expected}");
}

/// The newest entries of the history: operation, result, message. Asserts that this user caused each.
fn past(tree: &Tree, count: usize) -> Vec<[Value; 3]> {
    let past = tree.answer(&["history"]);
    let entries = past["entries"].as_array().unwrap();
    let entry = |entry: &Value| {
        assert_eq!(entry["who"]["uid"], rustix::process::geteuid().as_raw());
        ["operation", "result", "message"].map(|name| entry[name].clone())
    };
    entries[entries.len() - count..].iter().map(entry).collect()
}

/// An entry of the history with a successful result.
fn done(operation: &str, message: Option<&str>) -> [Value; 3] {
    [json!(operation), json!("done"), json!(message)]
}

/// The address of the web page, which the node prints at its start.
fn page_of(node: &Running) -> SocketAddr {
    let said = poll(PATIENCE, || {
        let out = node.out();
        let (_, rest) = out.split_once("page at http://")?;
        rest.split_once('/')?.0.parse().ok()
    });
    said.expect("the node has a page")
}
