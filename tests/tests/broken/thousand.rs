//! One hero of a thousand does not convert, and no player watches it: no hero gets the release.

use std::collections::BTreeMap;
use std::fs;

use pq_term::Term;
use pq_tests::running::{BROKEN_VSN, Draft, PATIENCE, Running, Tree, poll};
use pq_tests::story::Version;
use serde_json::Value;

use crate::broken::stage::Stage;

/// The number of heroes without a player.
const BOTS: usize = 1_000;

/// The test asks every tenth of them for its state, because each request takes a few milliseconds. The hero that does
/// not convert is not among them.
const STRIDE: usize = 10;

const CULPRIT: &str = "bot-577";

/// A node with all heroes and a few players. In the broken release one of the bots does not convert.
fn crowded() -> Stage {
    let tree = Tree::new();
    let file = tree.root().join("releases/1.0.0/sys.config");
    let fate = format!(r#"[{{processquest, [{{fate, {{"{CULPRIT}", "Errs"}}}}]}}, {{sockserv,"#);
    let settings = fs::read_to_string(&file).unwrap();
    fs::write(file, settings.replace("[{sockserv,", &fate)).unwrap();
    let bots = BOTS.to_string();
    let node = Running::node_with(&tree, &["--heroes", &bots, "--pace", "50"]);
    node.wrote(&format!("{BOTS} heroes started"));
    Stage::on(tree, node, &["Ann", "Bob", "Cat", "Dan"])
}

/// The processes of all heroes: the module and version of each pid.
fn processes(stage: &Stage) -> BTreeMap<String, String> {
    let tree = stage.tree.answer(&["tree", "--all"]);
    let text = |row: &Value, key: &str| row[key].as_str().unwrap().to_string();
    let runs = |row: &Value| format!("{}-{}", text(row, "module"), text(row, "vsn"));
    let rows = tree["rows"].as_array().unwrap().iter();
    let all = rows.map(|row| (text(row, "pid"), runs(row)));
    all.filter(|(_, runs)| runs.starts_with("pq_") && !runs.starts_with("pq_supersup"))
        .collect()
}

/// The experience of a tenth of the heroes.
fn experience(stage: &Stage) -> Vec<i64> {
    let of_bot = |number: usize| {
        let state = stage.tree.state_of(&format!("bot-{number}"));
        let state = pq_term::read_term(&state).unwrap();
        let field = |term: &Term, key: &'static str| term.as_map()?.get(&Term::atom(key)).cloned();
        let data = field(&state, "data").unwrap();
        field(&data, "exp").and_then(|exp| exp.as_i64()).unwrap()
    };
    (0..BOTS).step_by(STRIDE).map(of_bot).collect()
}

/// Waits until each of them has more experience than before.
fn all_learn_more(stage: &Stage, before: &[i64]) {
    let learnt = poll(PATIENCE, || {
        let now = experience(stage);
        let pairs = || now.iter().zip(before);
        assert!(
            pairs().all(|(now, before)| now >= before),
            "{before:?} became {now:?}"
        );
        pairs().all(|(now, before)| now > before).then_some(())
    });
    assert!(learnt.is_some(), "some of {before:?} learn no more");
}

#[test]
fn one_hero_in_a_thousand_keeps_the_release_away_from_all() {
    let mut stage = crowded();
    stage.unpacks(&Draft::broken().package());
    let culprit = stage.tree.answer(&["sys", "get-state", CULPRIT]);
    let culprit = culprit["pid"].as_str().unwrap().to_string();
    let before = processes(&stage);
    assert_eq!(before.len(), 3 * (BOTS + stage.players.len()));
    assert!(before.values().all(|runs| runs.ends_with("-1.0.0")));
    let known = experience(&stage);
    stage.does_not_install(
        4,
        &[
            &culprit,
            "pq_player",
            CULPRIT,
            "this hero is not convertible",
        ],
    );
    // The same processes in the same version: none of them ended, and none changed.
    assert_eq!(processes(&stage), before);
    all_learn_more(&stage, &known);
    stage.play_on();

    let known = experience(&stage);
    stage.installs_the_good_one();
    all_learn_more(&stage, &known);
    let after = processes(&stage);
    assert_eq!(
        after.keys().collect::<Vec<_>>(),
        before.keys().collect::<Vec<_>>()
    );
    // The settings of the good release do not make a hero fail.
    stage.tree.does(&["install", BROKEN_VSN, "--partial"]);
    stage.play_on();
    for player in &mut stage.players {
        player.may_become(Version::Old);
    }
    stage.tree.does(&["install", "1.0.0"]);
    stage.play_on();
}
