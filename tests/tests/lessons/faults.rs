//! The releases of lesson 5. Their libraries are linked into this program, except on the real node, for which they take minutes to
//! build: `.ci/full lessons`.

use std::collections::BTreeMap;

use pq_code::Manifest;
use pq_otp::Pid;
use pq_otp::upgrade::Abort;
use pq_release::appup::generate::{Note, generate};
use pq_sdk::pq_abi::Direction;
use pq_sdk::pq_abi::raw::LibraryTable;
use pq_testing::{Node, convert};
use pq_tests::campaign::length;
use pq_tests::running::{Running, Tree};
use pq_words::{Loot, Name, Opts};

use crate::authors::desk::project;

const SEED: u64 = 5;

/// The heroes of the lesson, whose names are those of `pq demo --heroes`.
const HEROES: usize = 1_000;

/// The heroes of a fault that concerns all of them.
const FEW: usize = 20;

/// An hour and a half of play.
const LONG_MS: u64 = 5_400_000;

/// A node of release 1.1.0 whose heroes have played.
fn crowd(count: usize) -> (Node, Pid) {
    let mut node = Node::new(SEED);
    node.load(&processquest_1_1_0::LIBRARY);
    let all = node.start("pq_supersup", &());
    for number in 0..count {
        let opts = Opts {
            time: Some(800),
            lvlexp: Some(50),
            loot: Some(vec![Loot {
                drop: "Pelt".into(),
                value: 1,
            }]),
            ..Opts::default()
        };
        node.start_child(all, &(Name::from(&*format!("bot-{number}")), opts));
    }
    node.run_ms(10_000);
    (node, all)
}

/// The states of all heroes, by their pids, with their versions.
fn heroes(node: &mut Node) -> BTreeMap<String, String> {
    let running = node.running("pq_player").into_iter();
    let heroes =
        running.map(|(pid, vsn)| (pid.to_string(), format!("{vsn} {}", node.state_term(pid))));
    heroes.collect()
}

/// Tries an upgrade that fails. Nobody has another version or another state afterwards, and everybody plays on.
fn hurts_nobody(bad: &'static LibraryTable, count: usize) -> String {
    let (mut node, _) = crowd(count);
    let before = heroes(&mut node);
    let failed: Abort = node.upgrade(bad).map(|_| ()).unwrap_err();
    assert_eq!(heroes(&mut node), before);
    assert_eq!(before.len(), count);
    node.run_ms(10_000);
    let after = heroes(&mut node);
    assert!(after.keys().eq(before.keys()), "somebody was restarted");
    let alike = after.iter().filter(|(pid, state)| before[*pid] == **state);
    assert!(alike.count() < count / 10, "most heroes stand still");
    failed.to_string()
}

#[test]
fn one_hero_of_a_thousand_is_named_and_no_other_changes() {
    let failed = hurts_nobody(&processquest_1_1_90::LIBRARY, HEROES);
    assert!(
        failed.contains("the name bot-777 looks damaged"),
        "{failed}"
    );
}

#[test]
fn a_panic_of_a_migration_is_told_and_nobody_changes() {
    let failed = hurts_nobody(&processquest_1_1_91::LIBRARY, FEW);
    assert!(
        failed.contains("pq_player.rs"),
        "no place of the panic in {failed}"
    );
}

#[test]
fn a_slow_migration_succeeds() {
    let (mut node, _) = crowd(FEW);
    node.upgrade(&processquest_1_1_93::LIBRARY)
        .unwrap_or_else(|abort| panic!("{abort}"));
    let versions = node.running("pq_player").into_iter();
    assert_eq!(versions.filter(|(_, vsn)| vsn == "1.1.93").count(), FEW);
}

#[test]
fn a_forgotten_migration_is_a_question_to_the_author() {
    let manifest = |library: &'static LibraryTable| Manifest::read(library.manifest()).unwrap();
    let older = manifest(&processquest_1_1_0::LIBRARY);
    let newer = manifest(&processquest_1_1_94::LIBRARY);
    let notes = generate(&older, &newer).unwrap().notes;
    let is_asked =
        |note: &Note| matches!(note, Note::StateUnsaid { module, .. } if module == "pq_player");
    assert!(notes.iter().any(is_asked), "{notes:?}");
}

#[test]
fn a_loss_that_is_not_declared_is_seen_on_the_way_back() {
    let (mut node, _) = crowd(1);
    let (pid, _) = node.running("pq_player").remove(0);
    let term = node.state_term(pid);
    let before = pq_term::msgpack::to_plain_msgpack(&term);
    let turn = |direction, state: &[u8]| {
        let bad = &processquest_1_1_95::LIBRARY;
        convert(bad, "pq_player", direction, "1.1.0", state).unwrap()
    };
    let below = turn(Direction::Down, &turn(Direction::Up, &before));
    let shown = pq_term::msgpack::from_msgpack(&below).unwrap().to_string();
    assert!(
        term.to_string().contains("Pelt") && !shown.contains("Pelt"),
        "{shown}"
    );
}

#[test]
fn a_crash_an_hour_later_ends_single_heroes_and_the_way_back_is_open() {
    let (mut node, all) = crowd(FEW);
    let before = heroes(&mut node);
    node.upgrade(&processquest_1_1_96::LIBRARY)
        .unwrap_or_else(|abort| panic!("{abort}"));
    node.run_ms(60_000);
    assert!(
        heroes(&mut node).keys().eq(before.keys()),
        "nobody falls in a minute"
    );
    node.run_ms(LONG_MS);
    let later = heroes(&mut node);
    let fallen = before.keys().filter(|pid| !later.contains_key(*pid));
    assert!(fallen.count() > FEW / 2, "{later:?}");
    assert!(
        node.running("pq_supersup")
            .iter()
            .any(|(pid, _)| *pid == all)
    );
    node.downgrade(&processquest_1_1_0::LIBRARY)
        .unwrap_or_else(|abort| panic!("{abort}"));
    let versions = node.running("pq_player").into_iter();
    assert_eq!(versions.filter(|(_, vsn)| vsn != "1.1.0").count(), 0);
}

/// What an operator sees, on a real node with the packages of the lesson.
#[test]
fn the_operator_is_told_and_the_node_runs_on() {
    if !length(false, true) {
        return;
    }
    let tree = Tree::with_both();
    let _node = Running::node_with(&tree, &["--heroes", "1000"]);
    tree.does(&["install", "1.1.0"]);
    tree.does(&["make-permanent", "1.1.0"]);
    for (vsn, code, words) in [
        ("1.1.90", 4, "the name bot-777 looks damaged"),
        ("1.1.91", 4, "panic"),
        ("1.1.92", 4, "it runs for more than 5000 ms"),
    ] {
        let said = packed(&tree, vsn);
        assert!(said.contains("installs    from 1.1.0"), "{said}");
        tree.does(&["unpack", &format!("processquest-{vsn}")]);
        let refused = tree.refuses(&["install", vsn], code);
        assert!(refused.contains(words), "{vsn}: {refused}");
    }
    let answer = tree.answer(&["lesson", "check", "5"]);
    assert_eq!(answer["is_done"], true, "{answer}");
    for vsn in ["1.1.93", "1.1.95"] {
        packed(&tree, vsn);
        tree.does(&["unpack", &format!("processquest-{vsn}")]);
        let plan = tree.answer(&["check-install", vsn]);
        let differing = plan["differing"].as_u64();
        assert_eq!(differing > Some(900), vsn == "1.1.95", "{plan}");
    }
    tree.does(&["install", "1.1.93"]);
}

/// Makes the package of a lesson's release in this checkout.
fn packed(tree: &Tree, vsn: &str) -> String {
    let words = ["release", vsn, "--from", "1.1.0", "--root"];
    let mut command = pq_tests::running::pq(words);
    let output = command.arg(tree.root()).current_dir(project()).output();
    let output = output.unwrap();
    let said = format!("{output:?}");
    assert!(output.status.success(), "{vsn}: {said}");
    String::from_utf8(output.stdout).unwrap()
}
