//! The web page: clients of the page have the same limits and bans as players, and do not block each other.

use std::net::SocketAddr;

use pq_tests::running::{PATIENCE, Running, Tree, poll};
use serde_json::json;

use crate::door::guest::Guest;
use crate::door::{has_refused, page_of};

/// A request with an incomplete head.
const HALF: &str = "GET / HTTP/1.1\r\nHost: pq\r\n";

/// A complete request that closes the connection.
const WHOLE: &str = "GET / HTTP/1.1\r\nHost: pq\r\nConnection: close\r\n\r\n";

fn node(tree: &Tree) -> (Running, SocketAddr) {
    let node = Running::node_with(tree, &["--web-port", "0"]);
    let page = page_of(&node);
    (node, page)
}

/// The answer of the page to this source address.
fn loads(ip: &str, page: SocketAddr) -> String {
    let mut browser = Guest::between(ip, page);
    browser.send(WHOLE);
    browser.ends()
}

#[test]
fn an_address_has_the_connections_of_its_browsers_and_the_next_its_own() {
    let tree = Tree::with_limits("{per_address, 1}, {arrivals, {1, 2}}, {exempt, []}");
    let (_node, page) = node(&tree);
    let mut browser: Vec<Guest> = (0..6).map(|_| Guest::between("127.0.0.1", page)).collect();
    browser.iter_mut().for_each(|half| half.send(HALF));
    let told = loads("127.0.0.1", page);
    assert!(
        told.starts_with("HTTP/1.1 429 Too Many Requests\r\n"),
        "{told}"
    );
    assert!(told.ends_with("Too many connections come from your address: at most 6.\n"));
    let other = loads("127.0.0.2", page);
    assert!(other.starts_with("HTTP/1.1 200 OK\r\n"), "{other}");
    // A request that is incomplete after five seconds is refused with a message.
    for half in browser {
        let told = half.ends();
        assert!(
            told.starts_with("HTTP/1.1 408 Request Timeout\r\n"),
            "{told}"
        );
        assert!(
            told.ends_with("Your request was not whole within 5s.\n"),
            "{told}"
        );
    }
    has_refused(&tree, &json!({"per_address": 1, "request": 6}));
    let again = poll(PATIENCE, || {
        loads("127.0.0.1", page)
            .starts_with("HTTP/1.1 200 OK")
            .then_some(())
    });
    assert!(again.is_some(), "the page is never served again");
    tree.does(&["ban", "127.0.0.2"]);
    let banned = loads("127.0.0.2", page);
    assert!(banned.starts_with("HTTP/1.1 403 Forbidden\r\n"), "{banned}");
    assert!(banned.ends_with("Your address is banned.\n"), "{banned}");
}

#[test]
fn half_a_request_keeps_nobody_of_the_same_network_from_the_page() {
    let tree = Tree::new();
    let (_node, page) = node(&tree);
    // More connections than the 1 024 places of the page. This process has a descriptor for each connection.
    raise_descriptor_limit();
    let halves: Vec<Guest> = (0..1_200)
        .map(|_| {
            let mut half = Guest::to(page);
            half.send(HALF);
            half
        })
        .collect();
    for _ in 0..20 {
        let told = loads("127.0.0.1", page);
        assert!(told.starts_with("HTTP/1.1 200 OK\r\n"), "{told}");
    }
    drop(halves);
}

fn raise_descriptor_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let maximum = getrlimit(Resource::Nofile).maximum;
    let limit = Rlimit {
        current: maximum,
        maximum,
    };
    setrlimit(Resource::Nofile, limit).unwrap();
}
