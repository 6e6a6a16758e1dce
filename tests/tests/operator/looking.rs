//! Commands that show a node: `status`, `apps`, `tree`, `names`.

use pq_tests::needs::{Need, has};
use pq_tests::running::{Running, Signal, Tree};
use serde_json::Value;

use crate::operator::typed::{command, json, node_with_heroes, refused, told, typed};

/// The rows of a complete listing.
fn rows(answer: &Value) -> &Vec<Value> {
    assert_eq!(answer["more"], 0);
    answer["rows"].as_array().unwrap()
}

/// The values in a column of a listing.
fn column<'a>(rows: &'a [Value], name: &str) -> Vec<&'a str> {
    rows.iter().map(|row| row[name].as_str().unwrap()).collect()
}

#[test]
fn status_says_what_runs_since_when_and_how_much() {
    let tree = Tree::new();
    let _node = node_with_heroes(&tree, 30);
    let status = json(&tree, &["status"]);
    assert_eq!(status["release"]["name"], "processquest");
    assert_eq!(status["release"]["vsn"], "1.0.0");
    assert_eq!(status["node"]["root"], tree.root().to_str().unwrap());
    assert_eq!(status["operation"], Value::Null);
    assert_eq!(status["ports"], 0);
    assert_eq!(status["libraries"]["count"], 3);
    // Three processes for each hero, the controller, three top supervisors, the registry's server.
    assert_eq!(status["processes"], 3 * 30 + 5);
    let text = told(&tree, &["status"]);
    let since = status["release"]["since"].as_str().unwrap();
    assert!(
        text.starts_with(&format!(
            "release      processquest 1.0.0 (permanent) since {since}\n"
        )),
        "{text}"
    );
    assert!(text.contains("\nprocesses    95\n"), "{text}");
    assert!(text.contains("\noperation    none\n"), "{text}");
}

#[test]
fn the_process_that_status_names_is_the_node() {
    let tree = Tree::new();
    let mut node = Running::node_with(&tree, &[]);
    let pid = json(&tree, &["status"])["node"]["pid"].as_i64().unwrap();
    assert_eq!(pid, i64::from(node.process()));
    node.signal(Signal::TERM);
    node.end();
}

#[test]
fn status_is_shown_again_until_the_node_has_gone() {
    let tree = Tree::new();
    let mut node = Running::node_with(&tree, &[]);
    let mut watch = Running::start(&mut command(tree.root(), &["status", "--watch", "--json"]));
    watch.wrote("}\n{");
    for line in watch.out().lines().take(2) {
        let status: Value = serde_json::from_str(line).unwrap();
        assert_eq!(status["release"]["vsn"], "1.0.0");
    }
    node.signal(Signal::TERM);
    node.end();
    // Between two requests the node is unreachable; during one, the connection is lost.
    let code = watch.end().code().unwrap();
    assert!([6, 7].contains(&code), "{code}");
}

#[test]
fn apps_are_listed_in_the_order_of_their_start() {
    let tree = Tree::new();
    let _node = Running::node_with(&tree, &[]);
    let order = [
        "kernel",
        "stdlib",
        "sasl",
        "crypto",
        "regis",
        "processquest",
        "sockserv",
    ];
    let answer = json(&tree, &["apps"]);
    assert_eq!(column(rows(&answer), "name"), order);
    let text = told(&tree, &["apps"]);
    let names = text
        .lines()
        .map(|line| line.split_whitespace().next().unwrap());
    assert!(names.eq(["NAME"].into_iter().chain(order)), "{text}");
}

#[test]
fn the_tree_shows_who_supervises_whom_in_which_version() {
    let tree = Tree::new();
    let _node = node_with_heroes(&tree, 3);
    let answer = json(&tree, &["tree"]);
    let modules = column(rows(&answer), "module");
    let hero = ["pq_sup", "pq_events", "pq_player"];
    let mut expected = vec!["application_controller", "pq_supersup"];
    expected.extend(hero.iter().cycle().take(9));
    expected.extend(["regis_sup", "regis_server", "sockserv_sup"]);
    assert_eq!(modules, expected);
    let depths: Vec<_> = rows(&answer).iter().map(|row| &row["depth"]).collect();
    assert_eq!(depths, [0, 1, 2, 3, 3, 2, 3, 3, 2, 3, 3, 1, 2, 1]);
    let supersup = &rows(&answer)[1];
    assert_eq!(supersup["name"], "pq_supersup");
    assert_eq!(supersup["kind"], "supervisor");
    assert_eq!(supersup["vsn"], "1.0.0");
    let text = told(&tree, &["tree"]);
    assert!(text.contains("\n│  └─ pq_sup  "), "{text}");
    assert!(text.contains("\n└─ sockserv_sup  "), "{text}");
}

#[test]
fn many_heroes_are_one_row_unless_all_are_wanted() {
    let tree = Tree::new();
    let _node = node_with_heroes(&tree, 500);
    let answer = json(&tree, &["tree"]);
    assert_eq!(rows(&answer).len(), 6);
    let heroes = &rows(&answer)[2];
    assert_eq!(
        (&heroes["module"], &heroes["count"], &heroes["below"]),
        (&"pq_sup".into(), &500.into(), &1_000.into())
    );
    assert!(told(&tree, &["tree"]).contains("pq_sup × 500, and 1000 below them"));
    let all = json(&tree, &["tree", "--all"]);
    assert_eq!(rows(&all).len(), 3 * 500 + 5);
    assert!(
        rows(&all)
            .iter()
            .all(|row| row["count"] == 1 && row["pid"].is_string())
    );
}

#[test]
fn a_tree_of_twenty_thousand_processes_arrives_whole() {
    let tree = Tree::new();
    let _node = Running::node_with(&tree, &["--heroes", "7000", "--pace", "1000"]);
    _node.wrote("7000 heroes started");
    let all = json(&tree, &["tree", "--all"]);
    assert_eq!(rows(&all).len(), 3 * 7_000 + 5);
}

#[test]
fn names_are_the_nodes_own_and_the_registrys() {
    let tree = Tree::new();
    let _node = node_with_heroes(&tree, 2);
    let answer = json(&tree, &["names"]);
    let named = |row: &Value| {
        (
            row["name"].as_str().unwrap().to_string(),
            row["scope"] == "regis",
        )
    };
    let names: Vec<_> = rows(&answer).iter().map(named).collect();
    let expected = [
        ("application_controller", false),
        ("pq_supersup", false),
        ("regis_server", false),
        ("sockserv_sup", false),
        ("{events,\"bot-0\"}", true),
        ("{events,\"bot-1\"}", true),
        ("\"bot-0\"", true),
        ("\"bot-1\"", true),
    ];
    assert_eq!(names, expected.map(|(name, kept)| (name.to_string(), kept)));
    let hero = &rows(&answer)[7];
    assert_eq!(
        (&hero["module"], &hero["vsn"]),
        (&"pq_player".into(), &"1.0.0".into())
    );
    let found = json(&tree, &["names", "bot-1"]);
    assert_eq!(
        column(rows(&found), "name"),
        ["{events,\"bot-1\"}", "\"bot-1\""]
    );
    let text = told(&tree, &["names", "supersup"]);
    assert_eq!(text.lines().count(), 2, "{text}");
}

#[test]
fn who_reads_only_the_beginning_is_not_scolded() {
    if !has(&[Need::Bash]) {
        return;
    }
    let tree = Tree::new();
    let _node = node_with_heroes(&tree, 2_000);
    let names = command(tree.root(), &["names"]);
    let mut piped = std::process::Command::new("bash");
    piped.args([
        "-c",
        r#"set -o pipefail; "$0" "$@" | { read -r line; echo "$line"; }"#,
    ]);
    piped.arg(names.get_program()).args(names.get_args());
    let typed = crate::operator::typed::run(&mut piped);
    assert_eq!((typed.code, typed.err.as_str()), (0, ""));
    assert!(typed.out.starts_with("NAME "), "{}", typed.out);
}

#[test]
fn reading_is_answered_while_heroes_play_as_fast_as_they_can() {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &["--heroes", "500", "--pace", "0"]);
    node.wrote("500 heroes started");
    for args in [&["status"][..], &["tree"], &["apps"], &["names", "bot-77"]] {
        told(&tree, args);
    }
}

#[test]
fn a_tree_without_a_node_has_nobody_to_ask() {
    let tree = Tree::new();
    for args in [
        &["status"][..],
        &["status", "--watch"],
        &["apps"],
        &["tree"],
        &["names"],
        &["stop"],
    ] {
        let sentence = refused(&tree, args, 7);
        let advice = format!("`pq start --root {}`", tree.root().display());
        assert!(sentence.contains(&advice), "{sentence}");
    }
    assert_eq!(typed(&tree, &["call", "regis", "get_names"]).code, 7);
    assert_eq!(typed(&tree, &["sys", "resume", "regis_server"]).code, 7);
    let nowhere = tree.root().join("nowhere");
    let mut command = command(&nowhere, &["history"]);
    assert_eq!(crate::operator::typed::run(&mut command).code, 7);
}

#[test]
fn the_root_may_come_from_the_environment() {
    let tree = Tree::new();
    let _node = Running::node_with(&tree, &[]);
    let typed =
        crate::operator::typed::run(pq_tests::running::pq(["apps"]).env("PQ_ROOT", tree.root()));
    assert_eq!(typed.code, 0, "{typed:?}");
    let typed = crate::operator::typed::run(&mut pq_tests::running::pq(["apps"]));
    assert_eq!(typed.code, 2, "{typed:?}");
    assert!(typed.err.contains("--root <DIR>"), "{typed:?}");
}
