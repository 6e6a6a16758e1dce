//! Prometheus itself judges the metrics, the rules and the names in `docs/metrics`.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use pq_tests::needs::{Need, has};
use pq_tests::running::{Running, Tree};
use pq_tests::scrape::{metrics, node};
use serde_json::Value;

fn document(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/metrics")).join(name)
}

#[test]
fn promtool_finds_no_fault_in_the_metrics() {
    if !has(&[Need::Promtool]) {
        return;
    }
    let tree = Tree::new();
    let node = node(&tree, &["--heroes", "10"]);
    node.wrote("10 heroes started");
    let mut check = Command::new("promtool");
    check.args(["check", "metrics"]).stdin(Stdio::piped());
    check.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut check = check.spawn().unwrap();
    let text = metrics(&node);
    check
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let checked = check.wait_with_output().unwrap();
    let said = [checked.stdout, checked.stderr].concat();
    let said = String::from_utf8(said).unwrap();
    assert!(checked.status.success() && said.is_empty(), "{said}");
}

#[test]
fn promtool_finds_no_fault_in_the_rules() {
    if !has(&[Need::Promtool]) {
        return;
    }
    let mut command = Command::new("promtool");
    let mut check = Running::start(command.args(["check", "rules"]).arg(document("alerts.yml")));
    assert!(check.end().success(), "{}{}", check.out(), check.log());
}

/// The names of this project's metrics in a text.
fn names(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = text.split(|c: char| !is_part(c));
    words
        .filter(|word| word.starts_with("pq_"))
        .map(str::to_string)
        .collect()
}

#[test]
fn the_dashboard_and_the_rules_use_metrics_that_a_node_has() {
    let tree = Tree::new();
    let node = node(&tree, &[]);
    let known = names(&metrics(&node));
    let dashboard = std::fs::read_to_string(document("dashboard.json")).unwrap();
    let parsed: Value = serde_json::from_str(&dashboard).unwrap();
    assert!(parsed["panels"].as_array().unwrap().len() >= 10);
    let rules = std::fs::read_to_string(document("alerts.yml")).unwrap();
    for (name, text) in [("dashboard.json", dashboard), ("alerts.yml", rules)] {
        let unknown: Vec<String> = names(&text).difference(&known).cloned().collect();
        assert!(unknown.is_empty(), "{name} uses {unknown:?}");
    }
}
