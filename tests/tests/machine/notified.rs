//! The messages to the service manager: the start, signs of life, a restart and the stop.

use std::net::TcpStream;

use pq_tests::manager::ServiceManager;
use pq_tests::running::{PATIENCE, Player, Running, Signal, Tree, pq};

/// The limit for a sign of life in milliseconds.
const WATCHDOG_MS: u64 = 200;

fn beats(manager: &ServiceManager) {
    for _ in 0..2 {
        manager.until("WATCHDOG=1");
    }
}

#[test]
fn a_manager_is_told_when_players_are_admitted_that_the_node_lives_and_that_it_stops() {
    let (tree, manager) = (Tree::new(), ServiceManager::new());
    let mut node = Running::start(manager.starts(&mut pq(tree.start()), WATCHDOG_MS));
    let early = manager.until("READY=1");
    assert!(
        early.iter().all(|line| !line.starts_with("STATUS=")),
        "{early:?}"
    );
    node.listens(PATIENCE);
    TcpStream::connect(node.address()).unwrap();
    let status = manager.until("STATUS=");
    assert_eq!(
        status.last().unwrap(),
        "STATUS=processquest 1.0.0: 0 players"
    );
    beats(&manager);
    let _ann = Player::enter(&node, "Ann");
    manager.until("STATUS=processquest 1.0.0: 1 player");
    node.signal(Signal::TERM);
    let last = manager.until("STOPPING=1");
    assert!(
        !last.iter().any(|line| line.starts_with("RELOADING")),
        "{last:?}"
    );
    assert!(node.end().success());
    assert_eq!(node.errors(), [""; 0]);
}

#[test]
fn a_restart_is_a_reload_because_the_process_stays() {
    let (tree, manager) = (Tree::new(), ServiceManager::new());
    let mut node = Running::start(manager.starts(&mut pq(tree.start()), WATCHDOG_MS));
    manager.until("READY=1");
    tree.does(&["unpack", "processquest-1.1.0"]);
    tree.does(&["install", "1.1.0"]);
    tree.does(&["make-permanent", "1.1.0"]);
    tree.does(&["reboot-old", "1.0.0"]);
    let until = manager.until("RELOADING=1");
    assert!(!until.iter().any(|line| line == "STOPPING=1"), "{until:?}");
    let mut now = until
        .iter()
        .filter_map(|line| line.strip_prefix("MONOTONIC_USEC="));
    let now = now.next().unwrap();
    assert!(now.parse::<u64>().unwrap() > 0);
    let again = manager.until("READY=1");
    assert!(!again.iter().any(|line| line == "STOPPING=1"), "{again:?}");
    beats(&manager);
    tree.does(&["stop"]);
    manager.until("STOPPING=1");
    assert!(node.end().success());
}
