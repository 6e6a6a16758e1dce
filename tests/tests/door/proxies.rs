//! A node behind a proxy: limits, bans and `who` use the client's address, and only the proxy may name it.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;

use pq_tests::running::{PROMPT, Running, Tree};
use serde_json::{Value, json};

use crate::door::guest::Guest;
use crate::door::{has_refused, page_of, tls};

/// The address of the proxy in these tests.
const PROXY: &str = "127.0.0.9";

/// A tree whose node trusts the proxy, and admits one client from each address.
fn tree() -> Tree {
    let tree = Tree::new();
    tree.configures(
        "1.0.0",
        r#"{proxies, ["127.0.0.9/32"]}, {limits, [{per_address, 1}, {exempt, []}]}"#,
    );
    tree
}

/// A client that connects through the proxy.
fn through(from: &str, node: &Running) -> Guest {
    let mut guest = Guest::from(PROXY, node);
    guest.send(format!("PROXY TCP4 {from} 127.0.0.9 4711 8082\r\n"));
    guest
}

/// The addresses of all connected clients.
fn addresses(tree: &Tree) -> Vec<Value> {
    let who = tree.answer(&["who"]);
    let rows = who["rows"].as_array().unwrap().iter();
    rows.map(|row| row["address"].clone()).collect()
}

#[test]
fn limits_bans_and_who_see_the_client_behind_the_proxy() {
    let tree = tree();
    let node = Running::node_with(&tree, &[]);
    let mut ann = through("192.0.2.7", &node);
    ann.sees(PROMPT);
    ann.plays("Ann");
    let told = through("192.0.2.7", &node).ends();
    assert_eq!(
        told,
        "Too many connections come from your address: at most 1.\r\n"
    );
    let mut bob = Guest::from(PROXY, &node);
    let binary = [
        &b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"[..],
        &[192, 0, 2, 8, 127, 0, 0, 9, 0, 80, 0, 81],
    ];
    bob.send(binary.concat());
    bob.sees(PROMPT);
    assert_eq!(
        addresses(&tree),
        [json!("192.0.2.7:4711"), json!("192.0.2.8:80")]
    );
    tree.does(&["ban", "192.0.2.8"]);
    assert!(bob.ends().ends_with("Your address is banned.\r\n"));
    assert_eq!(
        through("192.0.2.8", &node).ends(),
        "Your address is banned.\r\n"
    );
    // A proxy that does not name a client is a client with its own address.
    let mut check = Guest::from(PROXY, &node);
    check.send("PROXY UNKNOWN\r\n");
    check.sees(PROMPT);
    has_refused(&tree, &json!({"banned_address": 2, "per_address": 1}));
}

/// A proxy for one client: it names the client's address to the port, and forwards bytes in both directions.
fn proxy_to(port: SocketAddr, from: &str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let header = format!("PROXY TCP4 {from} 127.0.0.9 4711 8992\r\n");
    thread::spawn(move || {
        let client = listener.accept().unwrap().0;
        let mut node = Guest::between(PROXY, port);
        node.send(header);
        let node = node.into_stream();
        node.set_read_timeout(None).unwrap();
        let passes = |from: &TcpStream, to: &TcpStream| {
            let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
            move || {
                // The end of either connection ends the proxy.
                let _ = io::copy(&mut from, &mut to);
                let _ = to.shutdown(Shutdown::Write);
            }
        };
        let up = thread::spawn(passes(&client, &node));
        passes(&node, &client)();
        up.join().unwrap();
    });
    address
}

#[test]
fn the_client_behind_the_proxy_may_speak_tls() {
    let tree = tree();
    let _node = tls::node(&tree);
    let port = tls::address(&tree);
    let Some(mut ann) = tls::secure(proxy_to(port, "192.0.2.7")) else {
        return;
    };
    ann.join("Ann");
    assert_eq!(addresses(&tree), [json!("192.0.2.7:4711")]);
    let again = tls::secure(proxy_to(port, "192.0.2.7")).unwrap();
    again.ends();
    tree.does(&["ban", "192.0.2.7"]);
    ann.ends();
    has_refused(&tree, &json!({"banned_address": 1, "per_address": 1}));
}

#[test]
fn a_header_from_elsewhere_and_a_proxy_without_one_are_refused_with_a_sentence() {
    let tree = tree();
    let node = Running::node_with(&tree, &["--web-port", "0"]);
    let sentence =
        "Your address may not speak for others: it is not among the proxies of this server.";
    for (ip, header) in [
        ("127.0.0.3", &b"PROXY TCP4 192.0.2.7 127.0.0.9 1 2\r\n"[..]),
        ("127.0.0.4", b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"),
    ] {
        let mut liar = Guest::from(ip, &node);
        liar.send(header);
        let told = liar.ends();
        assert!(told.ends_with(&format!("{sentence}\r\n")), "{told}");
    }
    let mut silent = Guest::from(PROXY, &node);
    silent.send("Ann\n");
    let told = silent.ends();
    assert!(
        told.starts_with("Your proxy does not say for whom it speaks: "),
        "{told}"
    );
    let page = page_of(&node);
    let asks = |ip: &str, path: &str, header: &str| {
        let mut browser = Guest::between(ip, page);
        browser.send(format!(
            "GET {path} HTTP/1.1\r\nHost: pq\r\nConnection: close\r\n{header}\r\n"
        ));
        browser.ends()
    };
    let told = asks("127.0.0.3", "/", "X-Forwarded-For: 192.0.2.7\r\n");
    assert!(
        told.starts_with("HTTP/1.1 403 ") && told.ends_with(&format!("{sentence}\n")),
        "{told}"
    );
    // The proxy's own request, which checks whether the page works.
    assert!(asks(PROXY, "/", "").starts_with("HTTP/1.1 200 OK"));
    has_refused(&tree, &json!({"no_proxy": 3, "unnamed": 1}));
    tree.does(&["ban", "192.0.2.0/24"]);
    let told = asks(PROXY, "/", "Forwarded: for=192.0.2.7\r\n");
    assert!(told.ends_with("Your address is banned.\n"), "{told}");
    assert!(asks(PROXY, "/", "Forwarded: for=198.51.100.7\r\n").starts_with("HTTP/1.1 200 OK"));
}

#[test]
fn a_browser_that_plays_through_the_proxy_has_its_own_address() {
    let tree = tree();
    let node = Running::node_with(&tree, &["--web-port", "0"]);
    let page = page_of(&node);
    let shakes_hands = |header: &str| {
        let mut browser = Guest::between(PROXY, page);
        browser.send(format!(
            "GET /ws HTTP/1.1\r\nHost: pq\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{header}\r\n"
        ));
        browser
    };
    let mut ann = shakes_hands("X-Forwarded-For: 10.1.1.1, 192.0.2.7\r\n");
    ann.sees(PROMPT);
    assert_eq!(addresses(&tree), [json!("192.0.2.7:0")]);
    let mut again = shakes_hands("X-Forwarded-For: 192.0.2.7\r\n");
    again.sees("Too many connections come from your address: at most 1.");
    let nobody = shakes_hands("Connection: close\r\n").sees("is there.");
    assert!(nobody.contains("HTTP/1.1 400 Bad Request"), "{nobody}");
    has_refused(&tree, &json!({"per_address": 1, "unnamed": 1}));
}
