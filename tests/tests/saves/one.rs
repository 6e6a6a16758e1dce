//! One saved hero in the hands of an operator: shown, exported, imported, removed, tried again.

use std::path::{Path, PathBuf};

use pq_saves::{Exported, Readable, export};
use pq_store::Row;
use pq_tests::running::{PATIENCE, Player, Running, Tree, poll};
use serde_json::Value;

use crate::saves::aside::spoil;
use crate::saves::saved::{
    came_back, has_saved, is_set_aside, kill, names, row, state, stop, suspend,
};

/// The exit code for a file with a wrong checksum.
const CHECKSUM: i32 = 10;

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Waits until a suspended hero is saved as it is, and returns its state.
fn saved_still(tree: &Tree, name: &str) -> String {
    suspend(tree, &[name]);
    let is_saved = || {
        let shown = tree.does(&["heroes", "show", name]);
        shown.contains(", suspended").then_some(())
    };
    assert!(poll(PATIENCE, is_saved).is_some(), "{name} is not saved");
    state(tree, name)
}

/// The files of removed heroes, the oldest first.
fn removed(tree: &Tree) -> Vec<PathBuf> {
    let folder = std::fs::read_dir(tree.root().join("data/removed"));
    let files = folder.into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = files.map(|entry| entry.path()).collect();
    files.sort();
    files
}

#[test]
fn a_hero_is_shown_exported_removed_and_imported_as_it_was() {
    let tree = Tree::new();
    tree.configures("1.0.0", "{save, [{sweep_ms, 1000}]}");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bot.json");
    let node = Running::node_with(&tree, &["--heroes", "2", "--pace", "20"]);
    has_saved(&tree, &["bot-0", "bot-1"]);
    let before = saved_still(&tree, "bot-0");
    is_shown(&tree);
    let said = tree.does(&["heroes", "export", "bot-0", text(&file)]);
    assert!(said.contains("bot-0, playing, row "), "{said}");
    let again = tree.refuses(&["heroes", "export", "bot-0", text(&file)], 3);
    assert!(again.contains("exists already"), "{again}");
    let lives = tree.refuses(&["heroes", "import", text(&file), "--replace"], 3);
    assert!(lives.contains("bot-0: a process has this name"), "{lives}");
    let said = tree.does(&["heroes", "remove", "bot-0"]);
    assert!(said.contains("bot-0 was playing and has ended"), "{said}");
    has_saved(&tree, &["bot-1"]);
    hostile_files_are_refused(&tree, &file);
    let said = tree.does(&["heroes", "import", text(&file)]);
    assert!(said.contains("bot-0 is imported and playing"), "{said}");
    assert_eq!(state(&tree, "bot-0"), before);
    has_saved(&tree, &["bot-0", "bot-1"]);
    let said = tree.refuses(&["heroes", "retry", "bot-0"], 3);
    assert!(said.contains("it is not set aside, but playing"), "{said}");
    let said = tree.refuses(&["heroes", "remove", "Nobody"], 3);
    assert!(said.contains("no saved hero has this name"), "{said}");
    kill(node);
    let node = Running::node_with(&tree, &[]);
    came_back(&node, "2 heroes");
    assert_eq!(state(&tree, "bot-0"), before);
    stop(node);
    a_stopped_node_imports_what_the_next_one_plays(&tree, &file, &before);
}

fn is_shown(tree: &Tree) {
    let shown = tree.does(&["heroes", "show", "bot-0"]);
    for part in [
        "bot-0: playing, saved ",
        "versions: ",
        "pq_sup-1.0.0 <",
        "└─ ",
        "supervisor, ",
        "pq_player-1.0.0 <",
        ", name \"bot-0\", suspended",
        "state: ",
        "lvlexp => ",
        "waits: event \"",
    ] {
        assert!(shown.contains(part), "no {part:?}: {shown}");
    }
    let answer = tree.answer(&["heroes", "show", "bot-0"]);
    let processes = answer["processes"].as_array().unwrap();
    let player = processes
        .iter()
        .find(|it| it["module"] == "pq_player")
        .unwrap();
    assert_eq!(player["vsn"], "1.0.0");
    let state = player["states"][0]["state"].as_str().unwrap();
    let live = tree.state_of("bot-0");
    assert_eq!(state, live);
}

/// Writes a file with a row that differs in one thing, and a right checksum.
fn altered(from: &Path, alter: impl FnOnce(&mut Row)) -> String {
    let bytes = std::fs::read(from).unwrap();
    let mut row = Exported::read(&bytes).unwrap().row;
    alter(&mut row);
    export(&row, Readable::No)
}

/// Replaces the only place of these bytes by others of the same length.
fn swap(body: &mut [u8], old: &[u8], new: &[u8]) {
    for place in 0..=body.len() - old.len() {
        if &body[place..place + old.len()] == old {
            body[place..place + old.len()].copy_from_slice(new);
        }
    }
}

fn hostile_files_are_refused(tree: &Tree, file: &Path) {
    let good = std::fs::read_to_string(file).unwrap();
    let bad = file.with_file_name("bad.json");
    let is_refused = |content: &str, words: &str, code| {
        std::fs::write(&bad, content).unwrap();
        let said = tree.refuses(&["heroes", "import", text(&bad)], code);
        assert!(said.contains(words), "no {words:?}: {said}");
    };
    is_refused("", "no export of a saved avatar, or not a whole one", 3);
    is_refused(&good[..good.len() / 2], "not a whole one", 3);
    is_refused(&"[".repeat(100_000), "not a whole one", 3);
    is_refused(
        &good.replace("\"version\": 1", "\"version\": 2"),
        "it has version 2 ",
        3,
    );
    is_refused(
        &good.replace("\"name\": \"bot-0\"", "\"name\": \"bot-7\""),
        "its checksum is wrong",
        CHECKSUM,
    );
    let deep = altered(file, |row| {
        row.body = [&[0x92, 1][..], &[0x91; 100_000]].concat()
    });
    is_refused(&deep, "cannot be decoded", 3);
    let huge = altered(file, |row| {
        row.body = vec![0x92, 1, 0xdf, 0xff, 0xff, 0xff, 0xff]
    });
    is_refused(&huge, "cannot be decoded", 3);
    let cut = altered(file, |row| row.body.truncate(200));
    is_refused(&cut, "cannot be decoded", 3);
    let above = altered(file, |row| row.key = "pq_sup/bot-0".to_string());
    is_refused(&above, "no such supervisor is durable", 3);
    let other = altered(file, |row| {
        row.name = "bot-9".to_string();
        row.key = "pq_supersup/bot-9".to_string();
    });
    is_refused(
        &other,
        "the file says \"bot-9\", and its processes \"bot-0\"",
        3,
    );
    let foreign = altered(file, |row| {
        swap(&mut row.body, b"pq_player", b"pq_hacker");
        row.versions = row.versions.replace("pq_player", "pq_hacker").into();
    });
    is_refused(&foreign, "this release has no module pq_hacker", 3);
    let odd = altered(file, |row| row.versions = "a-1".into());
    is_refused(&odd, "its versions are not those of its processes", 3);
    assert_eq!(names(tree, "set aside"), [""; 0]);
}

fn a_stopped_node_imports_what_the_next_one_plays(tree: &Tree, file: &Path, before: &str) {
    let said = tree.refuses(&["heroes", "import", text(file), "--replace"], 3);
    assert!(
        said.contains("has the name \"bot-0\" and is playing"),
        "{said}"
    );
    let shown = tree.does(&["heroes", "show", "bot-0"]);
    assert!(shown.contains("lvlexp => "), "{shown}");
    let said = tree.does(&["heroes", "remove", "bot-0"]);
    assert!(
        said.contains("bot-0 was playing and is removed; "),
        "{said}"
    );
    let kept = removed(tree);
    assert_eq!(kept.len(), 1);
    assert_eq!(names(tree, "playing"), ["bot-1"]);
    let foreign = altered(file, |row| {
        swap(&mut row.body, b"pq_player", b"pq_hacker");
        row.versions = row.versions.replace("pq_player", "pq_hacker").into();
    });
    let bad = file.with_file_name("foreign.json");
    std::fs::write(&bad, foreign).unwrap();
    let said = tree.refuses(&["heroes", "import", text(&bad)], 3);
    assert!(
        said.contains("this release has no module pq_hacker"),
        "{said}"
    );
    // The file of the removed hero brings it back.
    let said = tree.does(&["heroes", "import", text(&kept[0])]);
    assert!(
        said.contains("the next start of the node opens it"),
        "{said}"
    );
    let said = tree.refuses(&["heroes", "retry", "bot-0"], 7);
    assert!(said.contains("none runs on"), "{said}");
    let node = Running::node_with(tree, &[]);
    came_back(&node, "2 heroes");
    assert_eq!(state(tree, "bot-0"), before);
}

#[test]
fn a_hero_that_is_set_aside_is_removed_or_replaced_and_a_file_of_it_stays() {
    let tree = Tree::new();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("one.json");
    let node = Running::node_with(&tree, &["--heroes", "2", "--pace", "20"]);
    let ann = Player::enter(&node, "Ann");
    has_saved(&tree, &["Ann", "bot-0", "bot-1"]);
    tree.does(&["heroes", "export", "bot-1", text(&file)]);
    stop(node);
    ann.ends();
    spoil(&tree, "bot-0");
    spoil(&tree, "bot-1");
    let node = Running::node_with(&tree, &[]);
    came_back(&node, "1 hero");
    is_set_aside(&tree, &["bot-0", "bot-1"]);
    let shown = tree.answer(&["heroes", "show", "bot-0"]);
    assert!(
        shown["damage"]
            .as_str()
            .unwrap()
            .contains("cannot be decoded")
    );
    let said = tree.refuses(&["heroes", "retry", "bot-0"], 3);
    assert!(
        said.contains("failed to retry bot-0: the moved processes cannot be decoded"),
        "{said}"
    );
    let said = tree.refuses(&["heroes", "import", text(&file)], 3);
    assert!(
        said.contains("is set aside; --replace removes it"),
        "{said}"
    );
    let said = tree.refuses(&["heroes", "remove", "BOT-0"], 3);
    assert!(said.contains("no saved hero"), "{said}");
    tree.does(&["heroes", "remove", "bot-0"]);
    let said = tree.does(&["heroes", "import", text(&file), "--replace"]);
    assert!(said.contains("bot-1 is imported and playing; "), "{said}");
    has_saved(&tree, &["Ann", "bot-1"]);
    assert_eq!(names(&tree, "set aside"), [""; 0]);
    let kept = removed(&tree);
    let kept: Vec<Value> = kept
        .iter()
        .map(|file| serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap())
        .collect();
    let kept: Vec<&str> = kept.iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(kept, ["bot-0", "bot-1"]);
    assert!(row(&tree, "bot-1").is_some());
    let history = tree.does(&["history"]);
    assert!(history.contains("heroes remove bot-0"), "{history}");
    stop(node);
}
