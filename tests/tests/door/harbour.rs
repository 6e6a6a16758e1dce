//! Another game on the node (`tests/plugins/harbour-1.0.0`): the node knows only the settings of its release.

use std::fs;

use pq_tests::running::{PATIENCE, Running, Tree, build, once, poll, pq};
use serde_json::json;

use crate::door::done;
use crate::door::guest::Guest;
use crate::door::past;

const REL: &str = r#"{release, {"harbour", "1.0.0"}, {erts, "1.0.0"},
    [{kernel, "1.0.0"}, {stdlib, "1.0.0"}, {sasl, "1.0.0"}, {regis, "1.0.0"}, {harbour, "1.0.0"}]}."#;

const GAME: &str = r#"{game, [{noun, {"ship", "ships"}}, {avatars, harbour_berths}, {who, {harbour_pilot, who}},
    {sheet, {harbour_ship, papers}}, {fill, [{name, "bot-"}, pace]}]}"#;

/// The agreement to GMCP and the subscription to messages about a ship.
const SUBSCRIBES: &[u8] = b"\xff\xfd\xc9\xff\xfa\xc9Core.Supports.Set [\"Char 1\"]\xff\xf0";

/// A tree with the release, and these settings besides the port.
fn tree(settings: &str) -> Tree {
    let built = once("harbour", |folder| {
        let rel = folder.join("harbour.rel");
        fs::write(&rel, REL).unwrap();
        build(&rel, folder);
    });
    let tree = Tree::copied(&built);
    let config = format!("[{{harbour, [{{port, 8082}}{settings}]}}].\n");
    fs::write(tree.root().join("releases/1.0.0/sys.config"), config).unwrap();
    tree
}

/// Connects a client and starts its ship with this name.
fn sailing(node: &Running, name: &str) -> Guest {
    let mut guest = Guest::connect(node);
    guest.sees("Which ship?\r\n");
    guest.send(format!("{name}\n"));
    guest.sees(&format!("{name} sails.\r\n"));
    guest
}

/// Waits until `who` lists a client with this name in this row.
fn lists(tree: &Tree, row: usize, name: &serde_json::Value) {
    let mut last = json!(null);
    let found = poll(PATIENCE, || {
        last = tree.answer(&["who"])["rows"][row]["name"].clone();
        (last == *name).then_some(())
    });
    assert!(found.is_some(), "{last} instead of {name}");
}

fn status_says(tree: &Tree, text: &str) {
    let mut last = String::new();
    let found = poll(PATIENCE, || {
        last = tree.does(&["status"]);
        last.contains(text).then_some(())
    });
    assert!(found.is_some(), "no {text:?}: {last}");
}

#[test]
fn a_game_whose_modules_have_other_names_stands_behind_the_door() {
    let tree = tree(&format!(", {{limits, [{{abandoned, 1}}]}}, {GAME}"));
    let node = Running::node_with(&tree, &["--ships", "3", "--pace", "5"]);
    node.wrote("3 ships started");
    let mut ann = sailing(&node, "Beagle");
    ann.send(SUBSCRIBES);
    ann.sees(r#"Char.Vitals {"cargo":7,"name":"Beagle"}"#);
    lists(&tree, 0, &json!("Beagle"));
    assert_eq!(tree.answer(&["who"])["rows"][0]["avatar_vsn"], "1.0.0");
    assert!(tree.does(&["who"]).contains(" SHIP "));
    status_says(&tree, "1 client, 1 of them playing");
    let hint = "the ship of this name has no client; `pq end-ship` ends the ship";
    let sentence = tree.refuses(&["kick", "bot-1"], 3);
    assert!(sentence.contains(hint), "{sentence}");
    let ended = "bot-1 has ended; no client was connected\n";
    assert_eq!(tree.does(&["end-ship", "bot-1"]), ended);
    let sentence = tree.refuses(&["end-ship", "bot-1"], 3);
    assert!(sentence.contains("no ship has this name"), "{sentence}");
    tree.does(&["end-avatar", "Beagle", "A storm comes up."]);
    ann.sees("A storm comes up.\r\n");
    ann.sees("Beagle has sunk. Which ship?\r\n");
    lists(&tree, 0, &json!(null));
    assert_eq!(
        past(&tree, 1),
        [done("end-ship Beagle", Some("A storm comes up."))]
    );
}

#[test]
fn a_ship_that_its_client_has_left_is_counted_and_ended() {
    let tree = tree(&format!(", {{limits, [{{abandoned, 1}}]}}, {GAME}"));
    let node = Running::node_with(&tree, &[]);
    drop(sailing(&node, "Argo"));
    status_says(&tree, "1 ship without a client");
    let full = "So many ships play here for nobody that nobody new is let in. Try again later.\r\n";
    assert_eq!(Guest::connect(&node).ends(), full);
    let ended = "1 ship without a client has ended\n";
    assert_eq!(tree.does(&["end-ship", "--abandoned"]), ended);
    sailing(&node, "Argo");
}

#[test]
fn sheets_that_do_not_end_delay_no_login() {
    let tree = tree(&format!(", {GAME}"));
    let node = Running::node_with(&tree, &[]);
    let stuck = |number| {
        let mut guest = sailing(&node, &format!("Kraken {number}"));
        guest.send(SUBSCRIBES);
        guest
    };
    // The runtime has eight threads for calls.
    let clients: Vec<Guest> = (0..8).map(stuck).collect();
    let beagle = sailing(&node, "Beagle");
    lists(&tree, clients.len(), &json!("Beagle"));
    drop((clients, beagle));
}

#[test]
fn supervisors_that_the_release_does_not_have_are_named() {
    let odd =
        r#"[{sessions, harbour_quay}, {avatars, harbour_dock}, {fill, [{name, "bot-"}, pace]}]"#;
    let tree = tree(&format!(", {{game, {odd}}}"));
    let node = Running::node_with(&tree, &[]);
    let told = "The game cannot let you in now. Try again later.\r\n";
    assert_eq!(Guest::connect(&node).ends(), told);
    node.logged("no process is registered as harbour_quay");
    assert_eq!(
        tree.refuses(&["end-avatar", "Beagle"], 3),
        "failed to end Beagle: no process is registered as harbour_dock ({avatars, …} in the setting game)"
    );
    drop(node);
    let mut filled = Running::start(pq(tree.start()).args(["--avatars", "1"]));
    assert_eq!(filled.end().code(), Some(1));
    filled.logged("failed to start avatars: no process is harbour_dock");
}

#[test]
fn a_release_that_does_not_speak_of_its_game_has_a_door_without_names() {
    let tree = tree("");
    let node = Running::node_with(&tree, &[]);
    let mut ann = sailing(&node, "Beagle");
    ann.send("hello\n");
    ann.sees("Aye: hello\r\n");
    lists(&tree, 0, &json!(null));
    let table = tree.does(&["who"]);
    assert!(table.contains(" AVATAR "), "{table}");
    let sentence = tree.refuses(&["end-avatar", "Beagle"], 3);
    assert_eq!(
        sentence,
        "failed to end Beagle: the release does not name the supervisor of its avatars ({avatars, …} in its setting game)"
    );
    drop((ann, node));
    let mut filled = Running::start(pq(tree.start()).args(["--avatars", "1"]));
    assert_eq!(filled.end().code(), Some(1));
    filled.logged("failed to start avatars: the release has no {avatars, …} and {fill, …} in its setting game");
}

#[test]
fn a_setting_of_the_game_that_cannot_be_meant_ends_the_start() {
    for (odd, said) in [
        (
            r#"{noun, "ship"}"#,
            r#"game of harbour has {noun,"ship"}, where {noun, {"ship", "ships"}}, "#,
        ),
        ("{crew, 3}", "game of harbour has {crew,3}, where {noun, "),
    ] {
        let tree = tree(&format!(", {{game, [{odd}]}}"));
        let mut node = Running::start(&mut pq(tree.start()));
        assert_eq!(node.end().code(), Some(1));
        node.logged(said);
    }
}
