//! The door of a real node as strangers and operators meet it: limits, bans, a planned end, TLS, and clients that mean
//! harm.
//!
//! Each test starts a node on a release tree of its own. What is decided is tested beside the code (`sockserv`); here is
//! that the sentence reaches the client, that it is counted, and that everybody else plays on.
#![allow(clippy::unwrap_used)]

#[path = "door/bans.rs"]
mod bans;
#[path = "door/guest.rs"]
mod guest;
#[path = "door/hostile.rs"]
mod hostile;
#[path = "door/limits.rs"]
mod limits;
#[path = "door/shutdown.rs"]
mod shutdown;
#[path = "door/tls.rs"]
mod tls;
#[path = "door/upgrade.rs"]
mod upgrade;

use pq_tests::running::{PATIENCE, Tree, poll};
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
