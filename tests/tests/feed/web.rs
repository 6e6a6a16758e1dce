//! The port for metrics: formats, health, readiness, and clients that do not behave.

use std::io::{Read, Write};
use std::net::TcpStream;

use pq_tests::running::{PATIENCE, Running, Tree};
use pq_tests::scrape::{address, ask, get, node};

#[test]
fn the_format_is_the_one_that_the_client_accepts() {
    let tree = Tree::new();
    let node = node(&tree, &[]);
    let text = get(&node, "/metrics", "*/*");
    assert!(
        text.head
            .contains("content-type: text/plain; version=0.0.4; charset=utf-8"),
        "{text:?}"
    );
    assert!(
        text.body.contains("# TYPE pq_messages_total counter\n"),
        "{text:?}"
    );
    let open = get(
        &node,
        "/metrics",
        "application/openmetrics-text;version=1.0.0,text/plain;q=0.3",
    );
    assert!(
        open.head
            .contains("content-type: application/openmetrics-text; version=1.0.0; charset=utf-8"),
        "{open:?}"
    );
    assert!(
        open.body.contains("# TYPE pq_messages counter\n") && open.body.ends_with("# EOF\n"),
        "{open:?}"
    );
    assert_eq!(get(&node, "/", "*/*").status, 404);
    let post = ask(
        &node,
        "POST /metrics HTTP/1.1\r\nHost: node\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    );
    assert_eq!(post.status, 405, "{post:?}");
}

#[test]
fn a_node_is_ready_while_it_admits_clients_and_healthy_all_the_time() {
    let tree = Tree::new();
    let node = node(&tree, &[]);
    let is_ready = || {
        let answer = get(&node, "/readyz", "*/*");
        (answer.status, answer.body)
    };
    assert_eq!(is_ready(), (200, "clients are admitted\n".to_string()));
    tree.does(&["lock", "on"]);
    assert_eq!(
        is_ready(),
        (503, "the node is locked (pq lock)\n".to_string())
    );
    assert_eq!(get(&node, "/healthz", "*/*").status, 200);
    assert!(
        get(&node, "/metrics", "*/*")
            .body
            .contains("\npq_ready 0\n")
    );
    tree.does(&["lock", "off"]);
    assert_eq!(is_ready().0, 200);
}

#[test]
fn the_setting_of_a_release_opens_the_port_and_a_wrong_one_is_refused() {
    let tree = Tree::new();
    let closed = Running::node_with(&tree, &[]);
    assert!(!closed.out().contains("metrics at"), "{}", closed.out());
    drop(closed);
    let file = tree.root().join("releases/1.0.0/sys.config");
    let settings = std::fs::read_to_string(&file).unwrap();
    let with = |kernel: &str| {
        let text = settings.replacen('[', &format!("[{{kernel, [{kernel}]}},"), 1);
        std::fs::write(&file, text).unwrap();
    };
    with("{metrics, [{port, 0}]}");
    let open = Running::node_with(&tree, &[]);
    assert_eq!(get(&open, "/readyz", "*/*").status, 200);
    assert!(address(&open).ip().is_loopback());
    drop(open);
    with("{metrics, [{prot, 0}]}");
    let mut refused = Running::start(&mut pq_tests::running::pq(tree.start()));
    assert_eq!(refused.end().code(), Some(1));
    assert!(
        refused
            .log()
            .contains("metrics of kernel is [{prot,0}], where"),
        "{}",
        refused.log()
    );
}

#[test]
fn half_a_request_is_closed_and_many_of_them_keep_nobody_out_for_long() {
    let tree = Tree::new();
    let node = node(&tree, &[]);
    let mut halves: Vec<TcpStream> = (0..80)
        .map(|_| {
            let mut stream = TcpStream::connect(address(&node)).unwrap();
            stream.write_all(b"GET /metrics HTTP/1.1\r\nHo").unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            stream
        })
        .collect();
    assert_eq!(get(&node, "/readyz", "*/*").status, 200);
    // The first ones are closed at the deadline for a head of a request.
    let mut rest = Vec::new();
    let _ = halves[0].read_to_end(&mut rest);
    assert!(!rest.starts_with(b"HTTP/1.1 200"));
    assert_eq!(node.errors(), [""; 0]);
}
