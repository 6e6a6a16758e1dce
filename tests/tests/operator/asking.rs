//! Requests to a single process or function: `sys`, `call`.

use pq_tests::running::{Running, Tree};

use crate::operator::typed::{json, node_with_heroes, refused, told, typed, until};

#[test]
fn a_process_is_found_by_any_of_its_names() {
    let tree = Tree::new();
    let _node = node_with_heroes(&tree, 1);
    let hero = json(&tree, &["names", "\"bot-0\""])["rows"][1]["pid"].clone();
    let pid = hero.as_str().unwrap();
    let bare = pid.trim_matches(['<', '>']);
    for name in ["bot-0", "\"bot-0\"", pid, bare] {
        let reply = json(&tree, &["sys", "get-state", name]);
        assert_eq!(reply["pid"], pid, "{name}");
        let state = reply["reply"].as_str().unwrap();
        assert!(state.contains("name => \"bot-0\""), "{state}");
    }
    for name in ["{events,\"bot-0\"}", "regis_server"] {
        let reply = json(&tree, &["sys", "get-status", name]);
        assert_ne!(reply["pid"], pid, "{name}");
        assert!(
            reply["reply"].as_str().unwrap().starts_with("{status,<"),
            "{reply}"
        );
    }
}

#[test]
fn a_suspended_process_says_so_everywhere_until_it_is_resumed() {
    let tree = Tree::new();
    let _node = node_with_heroes(&tree, 1);
    assert_eq!(told(&tree, &["sys", "suspend", "bot-0"]), "ok\n");
    assert!(told(&tree, &["sys", "get-status", "bot-0"]).contains("suspended,"));
    let hero = |line: &&str| line.contains("pq_player");
    let waits = until(&tree, &["tree"], " suspended\n");
    assert!(waits.lines().any(|line| hero(&line)), "{waits}");
    assert_eq!(told(&tree, &["sys", "resume", "bot-0"]), "ok\n");
    assert!(!told(&tree, &["tree"]).contains("suspended"));
    assert!(told(&tree, &["sys", "get-status", "bot-0"]).contains("running,"));
}

#[test]
fn what_a_process_gets_is_counted_kept_and_traced() {
    let tree = Tree::new();
    let node = node_with_heroes(&tree, 1);
    assert!(told(&tree, &["sys", "statistics", "bot-0"]).contains("no_statistics"));
    for what in ["statistics", "log", "trace"] {
        assert_eq!(told(&tree, &["sys", what, "bot-0", "on"]), "ok\n");
    }
    until(&tree, &["sys", "log", "bot-0"], "event ");
    assert!(told(&tree, &["sys", "statistics", "bot-0", "get"]).contains("messages_in"));
    node.logged("got event ");
    for what in ["statistics", "log", "trace"] {
        assert_eq!(told(&tree, &["sys", what, "bot-0", "off"]), "ok\n");
    }
    assert!(told(&tree, &["sys", "statistics", "bot-0"]).contains("no_statistics"));
    assert_eq!(told(&tree, &["sys", "log", "bot-0"]), "{ok,[]}\n");
    assert_eq!(typed(&tree, &["sys", "trace", "bot-0", "get"]).code, 2);
}

#[test]
fn a_process_that_is_not_there_is_named() {
    let tree = Tree::new();
    let _node = Running::node_with(&tree, &[]);
    for name in ["nobody", "<9.9.9>", "{events,\"nobody\"}", "not a [term"] {
        let sentence = refused(&tree, &["sys", "suspend", name], 3);
        assert!(
            sentence.starts_with(&format!("failed to suspend {name}: ")),
            "{sentence}"
        );
    }
}

#[test]
fn a_function_is_called_with_terms() {
    let tree = Tree::new();
    let _node = node_with_heroes(&tree, 1);
    let names = told(&tree, &["call", "regis", "get_names", "[]"]);
    assert!(names.contains("\"bot-0\""), "{names}");
    assert_eq!(told(&tree, &["call", "regis", "get_names"]), names);
    let answer = json(&tree, &["call", "regis", "whereis", "[\"bot-0\"]"]);
    let pid = &json(&tree, &["names", "\"bot-0\""])["rows"][1]["pid"];
    assert_eq!(&answer["result"], pid);
    let events = "{events,\"bot-0\"}";
    let answer = json(&tree, &["call", "regis", "whereis", &format!("[{events}]")]);
    let pid = json(&tree, &["sys", "get-status", events])["pid"].clone();
    assert_eq!(answer["result"], pid, "a tuple is a name, not a list");
    let nobody = told(&tree, &["call", "regis", "whereis", "[{events, nobody}]"]);
    assert_eq!(nobody, "undefined\n");
    for _ in 0..2 {
        let freed = format!("[{events}]");
        assert_eq!(
            told(&tree, &["call", "regis", "unregister", &freed]),
            "ok\n"
        );
        assert!(!told(&tree, &["names"]).contains("{events,"));
    }
}

/// Functions of 1.0.0 that send a request to a process return the number of the request; the command shows the answer
/// to that request.
#[test]
fn a_function_that_asks_a_process_is_answered_by_that() {
    let tree = Tree::new();
    let _node = node_with_heroes(&tree, 2);
    let status = told(&tree, &["sys", "get-status", "bot-1"]);
    let (_, parent) = status.split_once("parent => ").unwrap();
    let (sup, _) = parent.split_once(',').unwrap();
    let args = format!("[{sup}]");
    let stop = |args| ["call", "processquest", "stop_player", args];
    assert_eq!(told(&tree, &stop(&args)), "ok\n");
    let names = told(&tree, &["names"]);
    assert!(
        names.contains("bot-0") && !names.contains("bot-1"),
        "{names}"
    );
    let failed =
        "failed to call processquest:stop_player: not_found: the supervisor has no such child";
    for args in [&args, "[<9.9.9>]"] {
        let stop = stop(args);
        assert_eq!(refused(&tree, &stop, 3), failed);
        let failure = typed(&tree, &[&stop[..], &["--json"]].concat()).out;
        assert!(
            failure.contains(r#""term":"{error,not_found}""#),
            "{failure}"
        );
    }
    let start = ["call", "processquest", "start_player", "[\"Ann\", #{}]"];
    let started = told(&tree, &start);
    assert!(started.starts_with("{ok,<"), "{started}");
    let sentence = refused(&tree, &start, 3);
    assert!(
        sentence.ends_with("name_taken}}: another process has this name"),
        "{sentence}"
    );
    let subscribe = [
        "call",
        "processquest",
        "subscribe",
        "[\"nobody\", sockserv_pq_events, [<0.0.1>]]",
    ];
    let sentence = refused(&tree, &subscribe, 3);
    assert!(sentence.ends_with("no such process runs"), "{sentence}");
}

#[test]
fn a_call_that_cannot_be_is_refused_with_the_reason() {
    let tree = Tree::new();
    let _node = Running::node_with(&tree, &[]);
    for (module, function) in [("nowhere", "f"), ("regis", "dance"), ("pq_stats", "dance")] {
        let sentence = refused(&tree, &["call", module, function, "[1, []]"], 3);
        let name = format!("{module}:{function}");
        assert_eq!(
            sentence,
            format!("failed to call {name}: undef: no code that runs has the function {name}/2")
        );
    }
    for name in ["[\"Ann\", <0.1.2>]", "[\"Ann\", ann]"] {
        let sentence = refused(&tree, &["call", "regis", "register", name], 3);
        assert_eq!(
            sentence,
            "failed to call regis:register: badarg: a process registers only itself, and an operator is not a process"
        );
    }
    let wrong = ["call", "processquest", "start_player", "[1]"];
    let sentence = refused(&tree, &wrong, 3);
    let begin = "failed to call processquest:start_player: the function failed with {";
    assert!(sentence.starts_with(begin), "{sentence}");
    for args in ["{a}", "[a", "[a|b]", "os:cmd(\"ls\")", "[fun() -> ok end]"] {
        let typed = typed(&tree, &["call", "regis", "whereis", args]);
        assert_eq!(typed.code, 2, "{args}: {typed:?}");
    }
}
