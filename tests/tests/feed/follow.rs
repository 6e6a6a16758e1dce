//! Operators who follow one process: `pq watch` and `pq trace`.

use pq_tests::running::{PATIENCE, Player, Running, Signal, Tree, poll, pq};
use serde_json::Value;

/// The viewers of single processes that a node has places for.
const PLACES: usize = 16;

/// A running command that follows.
fn following(tree: &Tree, args: &[&str]) -> Running {
    let mut command = pq(args);
    Running::start(command.arg("--root").arg(tree.root()))
}

/// A node with ten heroes that act often.
fn node_with_heroes(tree: &Tree) -> Running {
    let node = Running::node_with(tree, &["--heroes", "10", "--pace", "20"]);
    node.wrote("10 heroes started");
    node
}

/// The complete lines of a command with `--json`.
fn lines(of: &Running) -> Vec<Value> {
    let out = of.out();
    let end = out.rfind('\n').map_or(0, |end| end + 1);
    let lines = out[..end].lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The lines of this step.
fn steps<'a>(lines: &'a [Value], step: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["step"] == step).collect()
}

#[test]
fn a_trace_shows_messages_callbacks_timers_and_states_and_leaves_nothing_behind() {
    let tree = Tree::new();
    let node = node_with_heroes(&tree);
    let traced = |count| tree.does(&["trace", "bot-0", "--json", "--count", count]);
    // Some 100 kills fill a bag: then the hero goes to the market, and back.
    let text = traced("3000");
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 3001);
    assert_eq!(lines[0]["step"], "tracing");
    assert!(
        lines[0]["name"].as_str().unwrap().contains("bot-0"),
        "{}",
        lines[0]
    );
    for step in ["received", "sent", "timer", "handled", "state"] {
        assert!(!steps(&lines, step).is_empty(), "no {step}");
    }
    let times: Vec<u64> = lines
        .iter()
        .map(|line| line["at_unix_us"].as_u64().unwrap())
        .collect();
    assert!(times.is_sorted());
    let handled = steps(&lines, "handled");
    assert!(
        handled
            .iter()
            .all(|line| line["callback"] == "handle_event")
    );
    assert!(
        handled
            .iter()
            .all(|line| line["took_us"].as_f64().unwrap() > 0.0)
    );
    let received = steps(&lines, "received");
    assert!(
        received.iter().any(|line| line["message"] == "\"kill\""),
        "{:?}",
        received[0]
    );
    let states = steps(&lines, "state");
    assert!(states.iter().all(|line| line["from"] != line["to"]));
    let is_free = || {
        let status = tree.does(&["sys", "get-status", "bot-0"]);
        (!status.contains("install")).then_some(())
    };
    poll(PATIENCE, is_free).expect("the tracer is removed");
    let text = tree.does(&["trace", "bot-0", "--count", "3"]);
    assert_eq!(text.lines().count(), 4, "{text}");
    assert!(
        text.lines().next().unwrap().contains("  tracing <"),
        "{text}"
    );
    assert_eq!(node.errors(), [""; 0]);
}

#[test]
fn a_trace_ends_with_its_process_its_node_and_its_time_and_is_bounded() {
    let tree = Tree::new();
    let mut node = node_with_heroes(&tree);
    let said = tree.refuses(&["trace", "nobody"], 3);
    assert!(
        said.contains("failed to trace nobody: no process has this name or pid"),
        "{said}"
    );
    let mut ends = following(&tree, &["trace", "bot-1"]);
    ends.wrote("received");
    tree.does(&["kill", "bot-1"]);
    assert_eq!(ends.end().code(), Some(0));
    assert!(ends.out().ends_with("ended: killed\n"), "{}", ends.out());
    let slow = following(&tree, &["trace", "bot-2", "--json", "--limit", "5"]);
    let dropped = || {
        lines(&slow)
            .iter()
            .any(|line| line["dropped"].is_u64())
            .then_some(())
    };
    slow.poll(PATIENCE, dropped).expect("the rest is counted");
    // Two of the places are taken by `slow` and this one.
    let mut waits = following(&tree, &["trace", "sockserv_sup", "--for", "1"]);
    waits.wrote("tracing");
    let others: Vec<Running> = (2..PLACES)
        .map(|_| following(&tree, &["trace", "pq_supersup"]))
        .collect();
    others.iter().for_each(|other| other.wrote("tracing"));
    assert_eq!(waits.end().code(), Some(0));
    let last = following(&tree, &["trace", "pq_supersup"]);
    last.wrote("tracing");
    let said = tree.refuses(&["watch", "bot-3"], 8);
    assert!(said.contains("too many operators"), "{said}");
    node.signal(Signal::TERM);
    assert!(node.end().success());
    for mut other in others.into_iter().chain([last, slow]) {
        // The node lets its heroes go while it stops, so the end of the process may be the last step.
        let code = other.end().code();
        let out = other.out();
        let is_over = out.contains("\"step\":\"exit\"") || out.contains("  ended: ");
        let expected = if is_over { 0 } else { 7 };
        assert_eq!(code, Some(expected), "{} {out}", other.log());
    }
}

#[test]
fn a_watched_avatar_is_told_as_to_its_player_through_an_upgrade_a_failure_and_its_end() {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &[]);
    let mut ann = Player::enter(&node, "Ann");
    let mut seen = following(&tree, &["watch", "Ann"]);
    let events = following(&tree, &["watch", "Ann", "--json"]);
    seen.wrote("Executing a");
    seen.wrote("Obtained ");
    let told = |lines: &str| {
        let out = seen.out();
        let ends = out.ends_with('\n').then_some(());
        ends.filter(|()| out.lines().count() > 5 && lines.contains(out.trim_end()))
    };
    seen.poll(PATIENCE, || told(&ann.transcript().replace('\r', "")))
        .expect("the same lines in the same order");
    // The hero and its event manager are as before.
    assert_eq!(
        tree.does(&["sys", "get-status", "Ann"])
            .matches("install")
            .count(),
        0
    );
    let handlers = tree.does(&["sys", "get-state", "{events,\"Ann\"}"]);
    assert_eq!(
        handlers.matches("sockserv_pq_events").count(),
        1,
        "{handlers}"
    );
    tree.does(&["unpack", "processquest-1.1.0"]);
    tree.does(&["install", "1.1.0"]);
    let before = lines(&events).len();
    events
        .poll(PATIENCE, || {
            (lines(&events).len() > before + 3).then_some(())
        })
        .unwrap();
    ann.plays_on();
    let all = lines(&events);
    assert_eq!(
        (&all[0]["news"], &all[0]["name"]),
        (&"watching".into(), &"Ann".into())
    );
    let kills = all
        .iter()
        .filter(|line| line["event"]["killed"]["enemy"].is_string());
    assert!(kills.count() > 2);
    tree.does(&["kill", "{events,\"Ann\"}"]);
    seen.wrote("Ann has failed and was started again.");
    let before = lines(&events).len();
    events
        .poll(PATIENCE, || {
            (lines(&events).len() > before + 1).then_some(())
        })
        .unwrap();
    tree.does(&["end-hero", "Ann"]);
    assert_eq!(seen.end().code(), Some(0));
    assert!(seen.out().ends_with("Ann has ended.\n"), "{}", seen.out());
    let last = events.poll(PATIENCE, || {
        lines(&events).pop().filter(|line| line["news"] == "ended")
    });
    assert!(last.is_some(), "{}", events.out());
    assert_eq!(node.errors(), [""; 0]);
}

#[test]
fn an_avatar_without_a_client_is_watched_through_a_restart_of_the_node() {
    let tree = Tree::new();
    let mut node = node_with_heroes(&tree);
    let said = tree.refuses(&["watch", "Nobody"], 3);
    assert!(
        said.contains("failed to watch hero Nobody: none plays under this name"),
        "{said}"
    );
    let mut seen = following(&tree, &["watch", "bot-0", "--json"]);
    let told = |news: &str| {
        lines(&seen)
            .iter()
            .filter(|line| line["news"] == news)
            .count()
    };
    seen.poll(PATIENCE, || (told("event") > 3).then_some(()))
        .unwrap();
    node.signal(Signal::TERM);
    node.end();
    seen.logged("the node is gone: waiting for its return");
    let _next = Running::node_with(&tree, &[]);
    seen.poll(PATIENCE, || (told("watching") == 2).then_some(()))
        .unwrap();
    let before = told("event");
    seen.poll(PATIENCE, || (told("event") > before).then_some(()))
        .unwrap();
    seen.signal(Signal::INT);
    assert_eq!(seen.end().code(), Some(0));
}
