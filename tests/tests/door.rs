//! The door of a real node as strangers and operators meet it: limits, bans, a planned end, TLS, proxies, and clients that
//! mean harm.
//!
//! Each test starts a node on a release tree of its own. What is decided is tested beside the code (`sockserv`); here is
//! that the sentence reaches the client, that it is counted, and that everybody else plays on.
#![allow(clippy::unwrap_used)]

#[path = "door/abandoned.rs"]
mod abandoned;
#[path = "door/bans.rs"]
mod bans;
#[path = "door/descriptors.rs"]
mod descriptors;
#[path = "door/ends.rs"]
mod ends;
#[path = "door/guest.rs"]
mod guest;
#[path = "door/harbour.rs"]
mod harbour;
#[path = "door/hostile.rs"]
mod hostile;
#[path = "door/limits.rs"]
mod limits;
#[path = "door/page.rs"]
mod page;
#[path = "door/proxies.rs"]
mod proxies;
#[path = "door/shutdown.rs"]
mod shutdown;
#[path = "door/tls.rs"]
mod tls;
#[path = "door/upgrade.rs"]
mod upgrade;

use std::net::SocketAddr;

use pq_tests::running::{PATIENCE, Running, Tree, poll};
use serde_json::{Value, json};

/// What was refused so far, and how often.
fn refused(tree: &Tree) -> Value {
    tree.answer(&["status"])["door"]["refused"].clone()
}

/// Waits until exactly this was refused: who is refused at leisure is counted when it has gone.
fn has_refused(tree: &Tree, expected: &Value) {
    let mut last = Value::Null;
    let found = poll(PATIENCE, || {
        last = refused(tree);
        (last == *expected).then_some(())
    });
    assert!(found.is_some(), "{last} instead of {expected}");
}

/// The newest entries of the history: operation, result, message, each by this user.
fn past(tree: &Tree, count: usize) -> Vec<[Value; 3]> {
    let past = tree.answer(&["history"]);
    let entries = past["entries"].as_array().unwrap();
    let entry = |entry: &Value| {
        assert_eq!(entry["who"]["uid"], rustix::process::geteuid().as_raw());
        ["operation", "result", "message"].map(|name| entry[name].clone())
    };
    entries[entries.len() - count..].iter().map(entry).collect()
}

/// An entry of the history that is done.
fn done(operation: &str, message: Option<&str>) -> [Value; 3] {
    [json!(operation), json!("done"), json!(message)]
}

/// Where the page of a node is, as it has said at its start.
fn page_of(node: &Running) -> SocketAddr {
    let said = poll(PATIENCE, || {
        let out = node.out();
        let (_, rest) = out.split_once("page at http://")?;
        rest.split_once('/')?.0.parse().ok()
    });
    said.expect("the node has a page")
}
