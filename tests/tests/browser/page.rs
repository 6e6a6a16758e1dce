//! The page as the node sends it, and its appearance in operators' commands.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use pq_tests::running::{PATIENCE, Running, Signal, Tree, pq};

use crate::browser::{node, page_of};

/// Requests a path; returns head and body of the answer.
fn get(page: SocketAddr, path: &str) -> (String, Vec<u8>) {
    let mut stream = TcpStream::connect(page).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let ask = format!("GET {path} HTTP/1.1\r\nHost: pq\r\nConnection: close\r\n\r\n");
    stream.write_all(ask.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer
        .windows(4)
        .position(|end| end == b"\r\n\r\n")
        .unwrap();
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    (head, answer[end + 4..].to_vec())
}

#[test]
fn everything_that_the_page_names_is_there() {
    let tree = Tree::new();
    let (_node, page) = node(&tree);
    let (head, body) = get(page, "/");
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    assert!(head.contains("default-src 'none'"), "{head}");
    let body = String::from_utf8(body).unwrap();
    let names: Vec<&str> = body
        .split('"')
        .filter(|word| word.starts_with('/'))
        .collect();
    assert!(names.len() > 5, "{names:?}");
    for name in names {
        let (head, body) = get(page, name);
        assert!(head.starts_with("HTTP/1.1 200 "), "{name}: {head}");
        assert!(body.len() > 100, "{name}");
    }
    let (head, body) = get(page, "/admin");
    assert!(head.starts_with("HTTP/1.1 404 "), "{head}");
    assert!(body.starts_with(b"there is nothing here"));
    // This request is not a WebSocket, and is not answered as one.
    let (head, _) = get(page, "/ws");
    assert!(head.starts_with("HTTP/1.1 4"), "{head}");
}

#[test]
fn an_operator_sees_where_it_is_and_that_it_ends_with_the_door() {
    let tree = Tree::new();
    let (mut node, page) = node(&tree);
    let status = tree.answer(&["status"]);
    assert_eq!(status["door"]["web_address"], page.to_string());
    let shown = tree.does(&["status"]);
    assert!(
        shown.contains(&format!("page at http://{page}/")),
        "{shown}"
    );
    node.signal(Signal::TERM);
    assert!(node.end().success());
    assert!(TcpStream::connect(page).is_err());
}

#[test]
fn a_node_without_one_says_nothing_of_it() {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &[]);
    assert!(!node.out().contains("page"), "{}", node.out());
    assert!(tree.answer(&["status"])["door"]["web_address"].is_null());
}

#[test]
fn a_port_that_was_typed_must_be_had_and_one_of_the_release_need_not() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let tree = Tree::new();
    let mut refused = Running::start(pq(tree.start()).args(["--web-port", &port.to_string()]));
    assert!(!refused.end().success());
    let sentence = format!("failed to listen on 127.0.0.1:{port} for browsers: ");
    assert!(refused.log().contains(&sentence), "{}", refused.log());

    let config = format!("[{{sockserv, [{{port, 8082}}, {{web, [{{port, {port}}}]}}]}}].\n");
    let file = tree.root().join("releases/1.0.0/sys.config");
    std::fs::write(&file, &config).unwrap();
    let node = Running::node_with(&tree, &[]);
    node.logged("no page for browsers");
    drop((node, taken));
    let node = Running::node_with(&tree, &[]);
    assert_eq!(page_of(&node).port(), port);
}

#[test]
fn the_demo_has_one_and_says_where() {
    let folder = tempfile::tempdir().unwrap();
    let demo = Running::demo(folder.path(), &[]);
    demo.is_ready();
    let port = page_of(&demo).port();
    let line = format!("or open http://localhost:{port}/ in a browser\n");
    assert!(demo.out().contains(&line), "{}", demo.out());
}
