//! A good release.

use pq_tests::running::{PATIENCE, Player, Running, Tree, poll};

use super::{measure, rehearse, repeatable};

/// The files below a directory, with their sizes.
fn files(folder: &std::path::Path) -> Vec<(std::path::PathBuf, u64)> {
    let mut all: Vec<_> = walkdir::WalkDir::new(folder)
        .into_iter()
        .flatten()
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| (entry.path().to_path_buf(), entry.metadata().unwrap().len()))
        .collect();
    all.sort();
    all
}

/// A node with heroes that have played, and release 1.1.0 beside its own.
fn played(tree: &Tree, count: usize) -> Running {
    let node = plays(tree, count);
    tree.does(&["unpack", "processquest-1.1.0"]);
    node
}

/// A node with heroes that have played.
fn plays(tree: &Tree, count: usize) -> Running {
    let many = count.to_string();
    let node = Running::node_with(tree, &["--heroes", &many, "--pace", "20"]);
    let has_played = || {
        let state = tree.does(&["sys", "get-state", "bot-0"]);
        (!state.contains("exp => 0,")).then_some(())
    };
    assert!(poll(PATIENCE, has_played).is_some(), "no hero plays");
    node
}

#[test]
fn a_good_release_is_played_there_and_back_beside_the_running_one() {
    let tree = Tree::new();
    let node = played(&tree, 20);
    let before = files(tree.root().join("releases").as_path());
    let (code, report, _) = rehearse(&tree, &["1.1.0", "--for", "30m", "--seed", "7"]);
    assert_eq!(code, 0, "{report}");
    assert_eq!(
        (&report["from"], &report["to"]),
        (&"1.0.0".into(), &"1.1.0".into())
    );
    let (new, old) = (&report["new"], &report["old"]);
    for side in [new, old] {
        assert_eq!(side["avatars"], 20, "{report}");
        assert_eq!(
            (&side["crashes"], &side["played_ms"]),
            (&0.into(), &1_800_000.into())
        );
        assert!(side["handled"].as_u64().unwrap() > 10_000, "{report}");
        assert!(
            side["callbacks"]["timed"].as_u64().unwrap() > 100,
            "{report}"
        );
    }
    let installs: Vec<&str> = new["installs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|install| install["to"].as_str().unwrap())
        .collect();
    assert_eq!(installs, ["1.1.0", "1.0.0", "1.1.0"]);
    assert!(old["installs"].as_array().unwrap().is_empty());
    // 1.1.0 has quests, which bring experience, and loot that brings more at a higher level.
    let experience = measure(&report, "experience/h");
    assert!(experience["ratio"].as_f64().unwrap() > 1.0, "{experience}");
    assert!(
        experience["old"]["median"].as_f64().unwrap() > 0.0,
        "{experience}"
    );
    assert_eq!(measure(&report, "bytes")["avatars"], 20);
    // The node notices nothing, and the tree is as it was.
    assert_eq!(files(tree.root().join("releases").as_path()), before);
    assert_eq!(tree.answer(&["status"])["release"]["vsn"], "1.0.0");
    assert!(!tree.root().join("rehearsals").exists());
    drop(node);
}

#[test]
fn the_same_seed_and_copies_give_the_same_report() {
    let tree = Tree::new();
    let node = played(&tree, 12);
    tree.does(&["stop"]);
    drop(node);
    let args = ["1.1.0", "--saved", "--for", "10m", "--seed", "42"];
    let (code, first, _) = rehearse(&tree, &args);
    assert_eq!((code, &first["copies"]), (0, &12.into()), "{first}");
    let (_, second, _) = rehearse(&tree, &args);
    assert_eq!(repeatable(first.clone()), repeatable(second));
    let args = ["1.1.0", "--saved", "--for", "10m", "--seed", "43"];
    let (_, other, _) = rehearse(&tree, &args);
    assert_ne!(repeatable(first)["compared"], repeatable(other)["compared"]);
    let refused = tree.refuses(&["rehearse", "1.1.0"], 7);
    assert!(!refused.is_empty());
}

#[test]
fn a_sample_or_names_play_and_a_client_reads_on_meanwhile() {
    let tree = Tree::new();
    let node = played(&tree, 30);
    let mut player = Player::enter(&node, "Ann");
    let (code, report, _) = rehearse(&tree, &["1.1.0", "--for", "1m", "--avatars", "8"]);
    assert_eq!(
        (code, &report["copies"], &report["new"]["avatars"]),
        (0, &31.into(), &8.into())
    );
    let names = ["1.1.0", "--for", "1m", "--avatars", "Ann,bot-3"];
    let (code, report, _) = rehearse(&tree, &names);
    assert_eq!(
        (code, &report["old"]["avatars"]),
        (0, &2.into()),
        "{report}"
    );
    let refused = tree.refuses(&["rehearse", "1.1.0", "--avatars", "Nobody"], 3);
    assert!(
        refused.contains("find Nobody among the 31 copies"),
        "{refused}"
    );
    let refused = tree.refuses(&["rehearse", "1.0.0"], 3);
    assert!(refused.contains("it is the running release"), "{refused}");
    let refused = tree.refuses(&["rehearse", "9.9.9"], 3);
    assert!(refused.contains("failed to rehearse"), "{refused}");
    player.plays_on();
    drop(node);
}

#[test]
fn a_release_whose_way_back_loses_values_is_rehearsed_and_a_lossy_release_only_when_that_is_confirmed()
 {
    let tree = Tree::with_ladder();
    let node = plays(&tree, 5);
    tree.does(&["unpack", "processquest-2.0.0"]);
    let (code, report, _) = rehearse(&tree, &["2.0.0", "--for", "1m"]);
    assert_eq!(code, 0, "{report}");
    assert_eq!(report["new"]["installs"].as_array().unwrap().len(), 3);
    tree.does(&["install", "2.0.0"]);
    let (code, report, _) = rehearse(&tree, &["1.0.0", "--for", "1m"]);
    assert_eq!(code, 3, "{report}");
    let why = report["new"]["installs"][0]["failed"].as_str().unwrap();
    assert!(why.contains("--lossy accepts that"), "{why}");
    let (code, report, _) = rehearse(&tree, &["1.0.0", "--for", "1m", "--lossy"]);
    assert_eq!(code, 0, "{report}");
    drop(node);
}
