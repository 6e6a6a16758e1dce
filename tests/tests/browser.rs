//! The listener for browsers: its page in a real browser, and its WebSocket for other programs.
//!
//! ```text
//!   node ─┬ HTTP ────────► files as the node sends them
//!         ├ WebSocket ───► a library for Python (`websocket`)
//!         ├ page ────────► Chromium, driven by WebDriver (`chromium`)
//!         ├ broken lines ► Chromium behind a wire that a test cuts (`comeback`)
//!         ├ both pages ──► Chromium, for keyboards, screen readers and projectors (`access`)
//!         ├ both pages ──► Chromium that keeps no data (`memory`)
//!         ├ live page ───► Chromium, and requests that are refused (`live`)
//!         └ all of these, telnet and TLS ─► all kinds of clients at once (`together`)
//! ```
//! The bits of frames, and the treatment of clients that hang, are tested in `sockserv` on a virtual clock.

mod access;
mod chromium;
mod comeback;
mod live;
mod memory;
mod page;
mod together;
mod websocket;

use std::net::SocketAddr;

use pq_tests::running::{Running, Tree};

/// A node with a page on this tree, and the address of the page.
fn node(tree: &Tree) -> (Running, SocketAddr) {
    let node = Running::node_with(tree, &["--web-port", "0"]);
    let page = page_of(&node);
    (node, page)
}

/// The address of a node's page.
fn page_of(node: &Running) -> SocketAddr {
    node.wrote("page at http://");
    node.wrote("/\n");
    let out = node.out();
    let (_, rest) = out.split_once("page at http://").unwrap();
    rest.split_once('/').unwrap().0.parse().unwrap()
}
