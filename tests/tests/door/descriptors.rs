//! A node with few descriptors and too many clients: operators and the web page keep their descriptors.

use std::process::Command;

use pq_tests::running::{PATIENCE, PROMPT, Running, Tree, poll, pq};
use serde_json::json;

use crate::door::guest::Guest;
use crate::door::{page_of, refused};

/// A node with a limit of 256 descriptors.
fn node(tree: &Tree) -> Running {
    let pq = pq(tree.start());
    let mut limited = Command::new("/bin/sh");
    limited
        .args(["-c", r#"ulimit -n 256 && exec "$0" "$@""#])
        .arg(pq.get_program())
        .args(pq.get_args())
        .args(["--web-port", "0"]);
    Running::listening(&mut limited)
}

#[test]
fn clients_never_take_the_descriptors_of_operators_and_of_the_page() {
    let tree = Tree::with_limits("{clients, 5000}");
    let node = node(&tree);
    node.logged(
        "clients of sockserv's limits is 5000, and 256 descriptors are enough for 96: further clients are refused",
    );
    let page = page_of(&node);
    let mut inside: Vec<Guest> = (0..96).map(|_| Guest::connect(&node)).collect();
    inside.iter_mut().for_each(|guest| drop(guest.sees(PROMPT)));
    // A refused client holds a descriptor until it disconnects; clients that wait to be accepted hold none.
    let outside: Vec<Guest> = (0..300).map(|_| Guest::connect(&node)).collect();
    let halves: Vec<Guest> = (0..40)
        .map(|_| {
            let mut half = Guest::to(page);
            half.send("GET / HTTP/1.1\r\nHost: pq\r\n");
            half
        })
        .collect();
    for _ in 0..5 {
        assert_eq!(tree.answer(&["status"])["door"]["clients"], 96);
        let mut browser = Guest::to(page);
        browser.send("GET / HTTP/1.1\r\nHost: pq\r\nConnection: close\r\n\r\n");
        let told = browser.ends();
        assert!(told.starts_with("HTTP/1.1 200 OK"), "{told}");
    }
    let who = tree.answer(&["who"]);
    assert_eq!(who["rows"].as_array().unwrap().len(), 96);
    drop((outside, halves));
    // A client that leaves makes room for another one.
    inside.pop();
    let clients = || tree.answer(&["status"])["door"]["clients"].as_u64();
    let has_gone = poll(PATIENCE, || (clients() == Some(95)).then_some(()));
    assert!(has_gone.is_some(), "the client is still counted");
    let mut next = Guest::greeted(&node);
    next.plays("Ann");
    let refused = refused(&tree);
    assert!(refused["full"].as_u64() >= Some(300), "{refused}");
    assert_ne!(refused["page_full"], json!(null), "{refused}");
    let log = node.log();
    assert!(!log.contains("cannot accept"), "{log}");
    assert!(log.lines().count() < 30, "{log}");
}
