//! Broken releases: the rehearsal names each fault. All are release 1.1.1 of `tests/plugins`, with a setting that chooses the fault.

use pq_tests::running::{BROKEN, BROKEN_VSN, Draft, Player, Running, Tree};
use serde_json::Value;

use super::{measure, rehearse};

/// The heroes of the node.
const HEROES: &str = "12";

/// Measures at places, and those of the faulty library.
const PLACES: &str = "{measures, {pq_player, [{level, [data, lvl]}, {experience, [data, exp]}, {gold, [data, money]}]}},";
const FUNCTIONS: &str = "{measures, {pq_player, measures}}, {check, {pq_player, check}},";

/// A node on release 1.0.0, beside which the faulty release is unpacked.
pub(super) fn stage() -> (Tree, Running) {
    let tree = Tree::new();
    tree.offers(&Draft::broken().package());
    let node = Running::node_with(&tree, &["--heroes", HEROES, "--pace", "20"]);
    tree.does(&["unpack", "processquest-1.1.0"]);
    tree.does(&["unpack", BROKEN]);
    (tree, node)
}

/// Chooses the fault of the release.
pub(super) fn choose(tree: &Tree, fault: &str, measures: &str) {
    let text = include_str!("../../../releases/1.1.0/sys.config");
    assert!(text.contains(PLACES));
    let text = text.replace(PLACES, measures).replace(
        "[{sockserv,",
        &format!("[{{processquest, [{{fault, {fault}}}]}},\n {{sockserv,"),
    );
    let file = format!("releases/{BROKEN_VSN}/sys.config");
    std::fs::write(tree.root().join(file), text).unwrap();
}

/// Rehearses the release with a fault, which must fail, and returns the report.
fn against(tree: &Tree, fault: &str, args: &[&str]) -> Value {
    choose(tree, fault, FUNCTIONS);
    let (code, report, last) = rehearse(
        tree,
        &[&[BROKEN_VSN, "--partial", "--seed", "5"], args].concat(),
    );
    assert_eq!(code, 3, "{fault}: {report}");
    assert!(
        last.contains("the rehearsal of 1.1.1 has failed: "),
        "{fault}: {last}"
    );
    assert_eq!(report["old"]["crashes"], 0, "{fault}: {report}");
    report
}

/// The reasons against the release.
fn reasons(report: &Value) -> String {
    report["against"].to_string()
}

#[test]
fn a_version_that_panics_is_named_and_its_crash_is_played_again() {
    let (tree, node) = stage();
    let report = against(&tree, "{panics, \"bot-3\"}", &["--for", "5m"]);
    let new = &report["new"];
    assert_eq!(
        (&new["crashed"], &new["crashes"]),
        (&1.into(), &2.into()),
        "{report}"
    );
    let crash = &new["first_crashes"][0];
    // Its first event may come between the install and the play.
    let phase = crash["phase"].as_str().unwrap();
    assert!(["install", "play"].contains(&phase), "{crash}");
    assert_eq!(crash["avatar"], "bot-3");
    assert!(
        crash["why"].as_str().unwrap().contains("bot-3 panics"),
        "{crash}"
    );
    assert_eq!(new["first_crashes"][1]["came_back"], false, "{report}");
    assert!(reasons(&report).contains("1 of 12 avatars have crashed with 1.1.1, 2 times"));
    let replayed = tree.answer(&["replay", "5", "bot-3", "--steps", "8"]);
    for key in ["avatar", "process", "why"] {
        assert_eq!(replayed["crash"][key], crash[key], "{replayed}");
    }
    let steps = replayed["steps"].as_array().unwrap();
    assert!(steps.len() <= 8 && !steps.is_empty());
    let last = steps.last().unwrap().as_str().unwrap();
    assert!(
        last.starts_with("pq_player ") && last.contains("ends: "),
        "{last}"
    );
    let text = tree.does(&["replay", "5", "bot-3"]);
    assert!(
        text.contains("takes event kill") || text.contains("takes event"),
        "{text}"
    );
    let refused = tree.refuses(&["replay", "5", "bot-4"], 3);
    assert!(refused.contains("the record has bot-3"), "{refused}");
    let refused = tree.refuses(&["replay", "6", "bot-3"], 3);
    assert!(refused.contains("rehearsal with seed 6"), "{refused}");
    drop(node);
}

#[test]
fn a_version_that_panics_late_or_at_a_level_is_named() {
    let (tree, node) = stage();
    let report = against(&tree, "{late, 600000}", &["--for", "15m"]);
    let new = &report["new"];
    assert_eq!(new["crashed"], 12, "{report}");
    for crash in new["first_crashes"].as_array().unwrap() {
        assert!(crash["after_ms"].as_u64().unwrap() > 590_000 || crash["phase"] != "play");
    }
    let report = against(&tree, "{level, 9}", &["--for", "30m"]);
    let crash = &report["new"]["first_crashes"][0];
    assert!(
        crash["why"].as_str().unwrap().contains("is too high"),
        "{report}"
    );
    assert!(crash["after_ms"].as_u64().unwrap() > 1_000, "{report}");
    drop(node);
}

#[test]
fn a_version_that_leaks_or_slows_is_named() {
    let (tree, node) = stage();
    let args = ["--for", "5m", "--abort-if", "memory > 20"];
    let report = against(&tree, "{leaks, 1000}", &args);
    assert!(reasons(&report).contains("memory is "), "{report}");
    let args = ["--for", "2m", "--abort-if", "callback > 4x"];
    let report = against(&tree, "{slows, 500}", &args);
    assert!(reasons(&report).contains("callback is "), "{report}");
    drop(node);
}

#[test]
fn a_version_that_changes_the_game_is_named_by_its_measures() {
    let (tree, node) = stage();
    // Loot brings more at a higher level there, too.
    tree.does(&["install", "1.1.0"]);
    let args = ["--for", "20m", "--abort-if", "gold/h > 1.3x"];
    let report = against(&tree, "{doubles, all}", &args);
    assert!(reasons(&report).contains("gold/h is "), "{report}");
    let doubled = measure(&report, "gold/h")["ratio"].as_f64().unwrap();
    let args = ["--for", "20m", "--abort-if", "gold/h < 0.8x"];
    let report = against(&tree, "{loses, all}", &args);
    let lost = measure(&report, "gold/h")["ratio"].as_f64().unwrap();
    assert!(lost < 0.8 && doubled > 1.3, "{lost} {doubled}");
    let args = ["--for", "1m", "--abort-if", "suspects > 0"];
    let report = against(&tree, "{suspects, \"bot-7\"}", &args);
    let suspect = &report["new"]["first_suspects"][0];
    assert_eq!(suspect["avatar"], "bot-7", "{report}");
    assert!(suspect["why"].as_str().unwrap().ends_with("no right to it"));
    choose(&tree, "{none, all}", PLACES);
    let (code, report, _) = rehearse(&tree, &["1.1.1", "--partial", "--for", "1m"]);
    assert_eq!(code, 0, "{report}");
    drop(node);
}

#[test]
fn a_version_that_does_not_convert_or_leaves_code_is_named() {
    let (tree, node) = stage();
    choose(&tree, "{none, all}", FUNCTIONS);
    let args = ["1.1.1", "--for", "30days", "--abort-if", "gold/h > 1"];
    let (code, report, _) = rehearse(&tree, &args);
    assert_eq!(
        (code, &report["new"]["played_ms"]),
        (3, &0.into()),
        "{report}"
    );
    assert!(reasons(&report).contains("--partial"), "{report}");
    let player = Player::enter(&node, "Errs");
    let report = against(&tree, "{none, all}", &["--for", "1m"]);
    let why = report["new"]["installs"][0]["failed"].as_str().unwrap();
    assert!(
        why.contains("Errs") && why.contains("this hero is not convertible"),
        "{why}"
    );
    drop((player, node));
}
