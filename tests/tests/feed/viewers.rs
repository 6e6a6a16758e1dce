//! Viewers: many, slow and gone ones, and one that goes on through a restart of the node.

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

use pq_feed::feed::FRAME_MS;
use pq_feed::patch::apply;
use pq_protocol::frame::encode;
use pq_protocol::socket::SocketFolder;
use pq_protocol::{Asked, PROTOCOL, Request};
use pq_tests::running::{PATIENCE, Running, Signal, Tree, pq};
use serde_json::Value;

/// The number of viewers at once.
const MANY: usize = 30;

/// A viewer of this node.
pub(crate) fn viewer(tree: &Tree, args: &[&str]) -> Running {
    Running::start(&mut command(tree, args))
}

fn command(tree: &Tree, args: &[&str]) -> Command {
    let mut command = pq([&["events"], args].concat());
    command.arg("--root").arg(tree.root());
    command
}

/// The complete lines of a viewer with `--json`.
pub(crate) fn lines(viewer: &Running) -> Vec<Value> {
    let out = viewer.out();
    let end = out.rfind('\n').map_or(0, |end| end + 1);
    let lines = out[..end].lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The figures after all these lines.
pub(crate) fn state(lines: &[Value]) -> Value {
    let mut state = Value::Null;
    for line in lines {
        match line.get("snapshot") {
            Some(snapshot) => state = snapshot.clone(),
            None => apply(&mut state, line["delta"].clone()),
        }
    }
    state
}

/// Waits until the figures of a viewer have this property.
pub(crate) fn sees(viewer: &Running, has: impl Fn(&Value) -> bool) -> Value {
    let found = viewer.poll(PATIENCE, || Some(state(&lines(viewer))).filter(&has));
    found.unwrap_or_else(|| panic!("never seen; last: {}", state(&lines(viewer))))
}

#[test]
fn thirty_viewers_see_the_same_node_and_one_that_reads_nothing_disturbs_nobody() {
    let tree = Tree::new();
    let mut node = Running::node_with(&tree, &["--heroes", "100", "--pace", "20"]);
    node.wrote("100 heroes started");
    let all: Vec<Running> = (0..MANY).map(|_| viewer(&tree, &["--json"])).collect();
    let folder = SocketFolder::open(tree.root()).unwrap();
    let mut deaf = UnixStream::connect(folder.address()).unwrap();
    let request = Request::Events {};
    let asked = Asked {
        version: PROTOCOL,
        request,
    };
    deaf.write_all(&encode(&asked)).unwrap();
    for viewer in &all {
        let state = sees(viewer, |state| {
            state["viewers"].as_u64() == Some(MANY as u64 + 1)
        });
        assert_eq!(state["processes"]["pq_player-1.0.0"]["living"], 100);
        assert_eq!(state["sample"].as_object().unwrap().len(), 305);
        let ended = viewer.poll(PATIENCE, || (lines(viewer).len() >= 10).then_some(()));
        ended.expect("deltas follow");
        let lines = lines(viewer);
        let times = lines.windows(2).map(|pair| {
            let at = |line: &Value| line["at_unix_ms"].as_u64().unwrap();
            at(&pair[1]).saturating_sub(at(&pair[0]))
        });
        let least = times.min().unwrap();
        assert!(least >= FRAME_MS, "{least} ms");
    }
    // Operators have places of their own.
    assert_eq!(tree.answer(&["status"])["processes"], 305);
    node.signal(Signal::TERM);
    assert!(node.end().success());
    assert!(
        !node.log().contains("has not ended within"),
        "{}",
        node.log()
    );
}

#[test]
fn a_viewer_goes_on_through_a_restart_of_the_node_and_ends_with_ctrl_c() {
    let tree = Tree::new();
    let mut node = Running::node_with(&tree, &[]);
    let mut seen = viewer(&tree, &["--json"]);
    let first = sees(&seen, |state| state["node"]["pid"].is_u64());
    node.signal(Signal::TERM);
    node.end();
    seen.logged("the node is gone: waiting for its return");
    let _next = Running::node_with(&tree, &[]);
    let pid = first["node"]["pid"].clone();
    sees(&seen, |state| state["node"]["pid"] != pid);
    let snapshots = lines(&seen);
    let snapshots = snapshots
        .iter()
        .filter(|line| line.get("snapshot").is_some());
    assert_eq!(snapshots.count(), 2);
    seen.signal(Signal::INT);
    assert_eq!(seen.end().code(), Some(0));
    assert_eq!(seen.log().lines().count(), 1, "{}", seen.log());
}

#[test]
fn a_view_ends_with_its_time_with_its_reader_and_without_a_node() {
    let tree = Tree::new();
    let said = tree.operate(&["events", "--for", "0"]);
    assert_eq!(said.code, 7, "{said:?}");
    let node = Running::node_with(&tree, &["--heroes", "5"]);
    node.wrote("5 heroes started");
    let text = tree.does(&["events", "--for", "0"]);
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(
        text.contains("processquest 1.0.0, 20 processes, "),
        "{text}"
    );
    let (reader, writer) = std::io::pipe().unwrap();
    let mut read = Running::start_into(
        &mut command(&tree, &["--json"]),
        writer.into(),
        Stdio::null(),
    );
    drop(reader);
    assert_eq!(read.end().code(), Some(0));
}
