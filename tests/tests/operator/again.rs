//! A restart of the node: the state that it keeps, the settings that it takes from the next release, and the answers to
//! operators meanwhile.

use std::fs::File;
use std::net::TcpListener;
use std::path::Path;

use pq_tests::running::{PATIENCE, Running, Tree, poll, pq};

use crate::operator::install::{LAST, Position, with_instruction};
use crate::operator::typed::{done, json, typed};

/// A tree with release 1.1.0, whose relup ends with a restart of the node.
pub(crate) fn restarting(tree: &Tree) {
    done(tree, &["unpack", "processquest-1.1.0"]);
    with_instruction(tree, LAST, Position::After("restart_emulator"));
}

/// The time at which the node has started, from `status`.
fn since(tree: &Tree) -> String {
    since_in(&json(tree, &["status"]).to_string())
}

/// The time of the start in an answer to `status`.
fn since_in(status: &str) -> String {
    let status: serde_json::Value = serde_json::from_str(status).unwrap();
    status["node"]["since"].as_str().unwrap().to_string()
}

#[test]
fn the_tree_stays_the_nodes_own_and_whoever_asks_waits_for_it() {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &[]);
    restarting(&tree);
    let (lock, before) = (tree.root().join("pq.lock"), since(&tree));
    done(&tree, &["install", "1.1.0"]);
    // The answer arrives before the end of the node. From then to the next start no other node can lock the tree.
    let again = poll(PATIENCE, || {
        let free = File::open(&lock).unwrap().try_lock_shared();
        assert!(free.is_err(), "the tree is not locked");
        (node.out().matches("listening on").count() == 2).then_some(())
    });
    assert!(again.is_some(), "the node does not restart");
    assert_ne!(since(&tree), before);
    let name = std::fs::read_to_string(format!("/proc/{}/comm", node.process()));
    assert_eq!(name.unwrap(), "pq\n");
    drop(node);
    assert_eq!(typed(&tree, &["status"]).code, 7);
}

#[test]
fn nobody_is_told_to_start_a_node_that_is_starting_again() {
    let tree = Tree::new();
    let _node = Running::node_with(&tree, &[]);
    restarting(&tree);
    let before = since(&tree);
    done(&tree, &["install", "1.1.0"]);
    let again = poll(PATIENCE, || {
        let status = typed(&tree, &["status", "--json"]);
        // A command that was connected at the end of the node reports the lost connection.
        assert!(matches!(status.code, 0 | 6), "{status:?}");
        (status.code == 0 && since_in(&status.out) != before).then_some(())
    });
    assert!(again.is_some(), "the node does not restart");
}

/// Sets the port of a release.
fn port_of(folder: &Path, port: u16) {
    let settings = format!("[{{sockserv,[{{port,{port}}}]}}].\n");
    std::fs::write(folder.join("sys.config"), settings).unwrap();
}

#[test]
fn without_a_port_on_the_command_line_the_release_says_where_players_come_in() {
    let tree = Tree::new();
    let release = |vsn: &str| tree.root().join("releases").join(vsn);
    port_of(&release("1.0.0"), 0);
    let node = Running::listening(pq(["start", "--root"]).arg(tree.root()));
    restarting(&tree);
    // The port is free now; if another program takes it within milliseconds, the node reports that.
    let free = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    port_of(&release("1.1.0"), port);
    done(&tree, &["install", "1.1.0"]);
    node.wrote(&format!("listening on 127.0.0.1:{port}\n"));
}
