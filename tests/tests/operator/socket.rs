//! The operators' socket: permissions, malformed requests, the limit on connections, and its path.

use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;

use pq_tests::needs::{Need, has};
use pq_tests::running::{PATIENCE, Running, Tree, poll, pq};
use serde_json::Value;

use crate::operator::typed::{json, run, told, typed};
use crate::operator::wire::{connect, event, frame, refusal};

/// The longest request in bytes.
const REQUEST_MAX: usize = 1 << 20;

#[test]
fn garbage_is_refused_and_the_node_stays_well() {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &[]);
    let deep = format!(
        r#"{{"version":1,"request":{}"#,
        "[".repeat(REQUEST_MAX - 100)
    );
    for body in [
        &b""[..],
        b"\xff\xfe",
        b"{}",
        b"\"status\"",
        br#"{"version":1}"#,
        br#"{"version":1,"request":"dance"}"#,
        br#"{"version":1,"request":{"question":{"tree":{"all":"yes"}}}}"#,
        deep.as_bytes(),
    ] {
        let (exit, sentence) = refusal(&tree, &frame(body));
        assert_eq!(exit, 2, "{sentence}");
        assert!(
            sentence.starts_with("failed to read the request: "),
            "{sentence}"
        );
    }
    told(&tree, &["status"]);
    assert_eq!(node.errors(), [""; 0]);
}

#[test]
fn a_request_has_at_most_a_mebibyte() {
    let tree = Tree::new();
    let _node = Running::node_with(&tree, &[]);
    let request = |length: usize| {
        let request = r#"{"version":1,"request":{"question":"apps"}}"#;
        let padding = " ".repeat(length - request.len());
        frame(format!("{request}{padding}").as_bytes())
    };
    let mut stream = connect(&tree);
    stream.write_all(&request(REQUEST_MAX)).unwrap();
    assert_eq!(event(&mut stream).unwrap()["event"], "part");
    for bytes in [
        &request(REQUEST_MAX + 1)[..],
        b"GET / HTTP/1.1\r\n\r\n",
        &[0xff; 64],
    ] {
        let (exit, sentence) = refusal(&tree, bytes);
        assert_eq!(exit, 2);
        assert!(
            sentence.contains("at most 1048576 are allowed"),
            "{sentence}"
        );
    }
}

#[test]
fn another_version_of_the_language_is_refused_by_its_number() {
    let tree = Tree::new();
    let _node = Running::node_with(&tree, &[]);
    let (exit, sentence) = refusal(&tree, &frame(br#"{"version":99,"request":{"dance":{}}}"#));
    assert_eq!(exit, 3);
    assert!(
        sentence.contains("the request has version 99"),
        "{sentence}"
    );
}

#[test]
fn who_does_not_finish_a_request_is_sent_away() {
    let tree = Tree::new();
    let _node = Running::node_with(&tree, &[]);
    let (exit, sentence) = refusal(&tree, &frame(b"{\"version\"")[..8]);
    assert_eq!(exit, 2);
    assert!(
        sentence.contains("no complete request arrived within"),
        "{sentence}"
    );
}

#[test]
fn an_answer_is_a_row_of_events_with_one_end() {
    let tree = Tree::new();
    let _node = Running::node_with(&tree, &["--heroes", "3000", "--pace", "1000"]);
    _node.wrote("3000 heroes started");
    let mut stream = connect(&tree);
    let request = br#"{"version":1,"request":{"question":{"tree":{"all":true}}}}"#;
    stream.write_all(&frame(request)).unwrap();
    let mut parts = Vec::new();
    loop {
        let next = event(&mut stream).unwrap();
        match next["event"].as_str().unwrap() {
            "part" => parts.push(next["text"].as_str().unwrap().to_string()),
            "waiting" => (),
            end => break assert_eq!(end, "done"),
        }
    }
    assert_eq!(event(&mut stream), None);
    assert!(parts.len() > 1, "the answer came in one piece");
    let answer: Value = serde_json::from_str(&parts.concat()).unwrap();
    assert_eq!(answer["rows"].as_array().unwrap().len(), 3 * 3_000 + 5);
}

#[test]
fn thirty_two_operators_are_heard_and_one_more_is_told_to_wait() {
    let tree = Tree::new();
    let _node = Running::node_with(&tree, &[]);
    // A connection counts when it is accepted, and none of these sends a request, so the test connects until one is
    // refused. The node closes silent connections after five seconds; a machine that is too busy to connect fast enough
    // tries again.
    let full = poll(PATIENCE, || {
        let crowd: Vec<_> = (0..32).map(|_| connect(&tree)).collect();
        let refused = typed(&tree, &["status"]);
        (refused.code != 0).then_some((crowd, refused))
    });
    let (crowd, refused) = full.expect("the node refuses no connection");
    assert_eq!(refused.code, 8, "{refused:?}");
    assert!(
        refused.err.contains("32 operators are connected already"),
        "{refused:?}"
    );
    drop(crowd);
    let heard = poll(PATIENCE, || {
        (typed(&tree, &["status"]).code == 0).then_some(())
    });
    assert!(heard.is_some());
}

#[test]
fn a_root_with_a_long_name_has_its_socket_too() {
    let tree = Tree::named(&"勇者 on a long way/".repeat(12));
    assert!(tree.root().as_os_str().len() > 107);
    let mut node = Running::node_with(&tree, &[]);
    let status = json(&tree, &["status"]);
    assert_eq!(status["node"]["root"], tree.root().to_str().unwrap());
    assert_eq!(typed(&tree, &["stop"]).code, 0);
    assert_eq!(node.end().code(), Some(0));
}

#[test]
fn folder_and_socket_are_for_the_owner_only() {
    let tree = Tree::new();
    let run = tree.root().join("run");
    std::fs::create_dir(&run).unwrap();
    std::fs::set_permissions(&run, PermissionsExt::from_mode(0o777)).unwrap();
    let _node = Running::node_with(&tree, &[]);
    let mode = |path: &Path| std::fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!(mode(&run), 0o700);
    assert_eq!(mode(&run.join("pq.sock")), 0o600);
}

/// Runs `pq` as a user without rights; `None` when this test may not change its user.
#[track_caller]
fn as_nobody(tree: &Tree, args: &[&str]) -> Option<crate::operator::typed::Typed> {
    if !has(&[Need::Root, Need::Setpriv]) {
        return None;
    }
    // The directory of the tree is readable for all, but the program is in a directory that only its owner can enter.
    let above = tree.root().parent().unwrap();
    std::fs::set_permissions(above, PermissionsExt::from_mode(0o755)).unwrap();
    let program = above.join("pq");
    std::fs::copy(pq([""; 0]).get_program(), &program).unwrap();
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]);
    command
        .arg(program)
        .args(args)
        .arg("--root")
        .arg(tree.root());
    Some(run(&mut command))
}

#[test]
fn another_user_is_kept_out_by_the_folder() {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &[]);
    let Some(stop) = as_nobody(&tree, &["stop"]) else {
        return;
    };
    assert_eq!(stop.code, 9, "{stop:?}");
    assert!(stop.err.contains("only its own user and root"), "{stop:?}");
    told(&tree, &["status"]);
    assert_eq!(node.complaints(), [""; 0]);
}

#[test]
fn another_user_who_gets_to_the_socket_is_refused_by_the_node() {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &[]);
    let run = tree.root().join("run");
    for (path, mode) in [(run.clone(), 0o755), (run.join("pq.sock"), 0o666)] {
        std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    }
    let Some(stop) = as_nobody(&tree, &["stop"]) else {
        return;
    };
    assert_eq!(stop.code, 9, "{stop:?}");
    assert!(stop.err.contains("may not operate this node"), "{stop:?}");
    node.logged("refused: only the node's own user");
    told(&tree, &["status"]);
}

#[test]
fn what_cannot_be_meant_is_a_matter_of_usage() {
    let tree = Tree::new();
    for args in [
        &["sys", "dance", "x"][..],
        &["sys", "get-state"],
        &["tree", "more"],
        &["call", "m"],
        &["statsu"],
    ] {
        let typed = typed(&tree, args);
        assert_eq!((typed.code, typed.out.as_str()), (2, ""), "{args:?}");
        assert!(
            typed.err.contains("Usage:") || typed.err.contains("error:"),
            "{typed:?}"
        );
    }
}
