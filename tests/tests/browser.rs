//! The entrance for browsers: its page in a real browser, and its WebSocket for programs of others.
//!
//! ```text
//!   node ─┬ HTTP ────────► files, as they are sent
//!         ├ WebSocket ───► a library for Python (`websocket`)
//!         ├ page ────────► Chromium, driven by WebDriver (`chromium`)
//!         └ all of it, telnet and TLS ─► each kind of client there is, at once (`together`)
//! ```
//! What frames mean bit by bit, and what happens to clients that hang, is tested in `sockserv` on a virtual clock.
#![allow(clippy::unwrap_used)]

#[path = "browser/chromium.rs"]
mod chromium;
#[path = "browser/page.rs"]
mod page;
#[allow(dead_code, reason = "clients of telnet are called with an address")]
#[path = "clients/program.rs"]
mod program;
#[path = "browser/together.rs"]
mod together;
#[path = "browser/websocket.rs"]
mod websocket;

use std::net::SocketAddr;

use pq_tests::running::{Running, Tree};

/// A node with a page, on this tree.
fn node(tree: &Tree) -> (Running, SocketAddr) {
    let node = Running::node_with(tree, &["--web-port", "0"]);
    let page = page_of(&node);
    (node, page)
}

/// Where a node has its page.
fn page_of(node: &Running) -> SocketAddr {
    node.wrote("page at http://");
    node.wrote("/\n");
    let out = node.out();
    let (_, rest) = out.split_once("page at http://").unwrap();
    rest.split_once('/').unwrap().0.parse().unwrap()
}
