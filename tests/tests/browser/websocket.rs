//! The WebSocket for other programs: both subprotocols during an upgrade and a downgrade, and clients that break the
//! protocol. The client is the library `websockets` for Python.

use std::net::SocketAddr;
use std::process::Command;

use pq_tests::needs::{Need, has};
use pq_tests::running::{PATIENCE, Running, Signal, Tree, poll, poll_while};
use pq_tests::story::{Story, Version};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::browser::node;
use crate::clients::program::Program;

const CLIENT: &str = include_str!("websocket.py");

const TERMINAL: &str = "terminal.mudstandards.org";

const GMCP: &str = "gmcp.mudstandards.org";

#[track_caller]
fn has_library() -> bool {
    has(&[Need::Websockets])
}

fn python(args: &[&str]) -> Program {
    let command = &mut Command::new("python3");
    let program = Program::start(command.args(["-c", CLIENT]).args(args));
    program.expect("the program is installed")
}

/// A player whose program uses this subprotocol, and the messages to the program besides the text.
struct Player {
    program: Program,
    folder: TempDir,
}

impl Player {
    fn connect(page: SocketAddr, protocol: &str) -> Player {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let url = format!("ws://{page}/ws");
        let program = python(&["relay", &url, protocol, log.to_str().unwrap()]);
        Player { program, folder }
    }

    fn joins(&mut self, name: &str) {
        self.program.shows("What's your character's name?", 1);
        self.program.type_in(&format!("{name}\n"));
        self.program.shows("y/n", 1);
        self.program.type_in("y\n");
        self.program.shows("Executing a ", 1);
    }

    /// Waits for one more item of loot.
    fn plays_on(&self) {
        let found = self.program.out().matches("Obtained ").count();
        self.program.shows("Obtained ", found + 1);
    }

    fn messages(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    fn is_told(&self, text: &str) {
        let is_told = || self.messages().contains(text).then_some(());
        let told = poll_while(PATIENCE, || self.program.runs(), is_told);
        assert!(
            told.is_some(),
            "no {text:?} in {}\n{}",
            self.messages(),
            self.program.told()
        );
    }
}

/// A transcript without colours.
fn plain(text: &str) -> String {
    let mut parts = text.split("\x1b[");
    let first = parts.next().unwrap_or_default().to_string();
    let rest = parts.map(|part| part.split_once('m').map_or(part, |(_, text)| text));
    first + &rest.collect::<String>()
}

#[test]
fn players_of_both_subprotocols_miss_nothing_on_the_way_up_and_down() {
    let tree = Tree::new();
    let (_node, page) = node(&tree);
    if !has_library() {
        return;
    }
    tree.does(&["unpack", "processquest-1.1.0"]);
    let protocols = [GMCP, TERMINAL, "none"];
    let mut players = protocols.map(|protocol| Player::connect(page, protocol));
    for (player, name) in players.iter_mut().zip(["Zoë", "Ann", "勇者"]) {
        player.joins(name);
    }
    let who = tree.answer(&["who"]);
    let rows = who["rows"].as_array().unwrap();
    assert!(rows.iter().all(|row| row["protocol"] == "web"), "{who}");
    assert!(rows.iter().any(|row| row["name"] == "勇者"), "{who}");
    for vsn in ["1.1.0", "1.0.0"] {
        tree.does(&["install", vsn]);
        players[0].is_told(&format!(
            r#""phase":"commit","from":"{}","to":"{vsn}""#,
            other(vsn)
        ));
        players.iter().for_each(Player::plays_on);
    }
    for mut player in players {
        player.program.type_in("quit\n");
        player.is_told("CLOSE 1000 the server has closed the connection");
        let is_gmcp = player.messages().contains("PQ.Upgrade");
        let told = player.program.end();
        let versions = [Version::Old, Version::New, Version::Old];
        let story = Story::judge(&versions, &plain(&told));
        story.unwrap_or_else(|fault| panic!("{is_gmcp}: {fault}\n{told}"));
    }
}

fn other(vsn: &str) -> &'static str {
    match vsn {
        "1.0.0" => "1.1.0",
        _ => "1.0.0",
    }
}

#[test]
fn who_may_not_play_reads_why() {
    let tree = Tree::new();
    let (_node, page) = node(&tree);
    if !has_library() {
        return;
    }
    tree.does(&["lock", "on"]);
    let player = Player::connect(page, TERMINAL);
    player.is_told("CLOSE 1013 The game lets nobody in for now. Try again later.");
    let told = player.program.end();
    assert!(told.ends_with("\r\n") && told.len() > 10, "{told:?}");
    tree.does(&["lock", "off"]);
    let mut player = Player::connect(page, TERMINAL);
    player.joins("Ann");
    tree.does(&["kick", "Ann", "Enough."]);
    player.is_told("CLOSE 1008 Enough.");
    assert!(player.program.end().contains("Enough."));
    let mut player = Player::connect(page, TERMINAL);
    // In this release Ann's hero is abandoned, and keeps its name.
    player.joins("Bob");
    tree.does(&["ban", "Bob"]);
    player.is_told("CLOSE 1008 The name Bob is banned.");
}

#[test]
fn a_node_that_stops_and_one_that_is_full_say_so_in_the_code_of_the_close() {
    let tree = Tree::with_limits("{clients, 1}");
    let (mut node, page) = node(&tree);
    if !has_library() {
        return;
    }
    let mut player = Player::connect(page, GMCP);
    player.joins("Ann");
    Player::connect(page, GMCP).is_told("CLOSE 1013 The game is full. Try again later.");
    node.signal(Signal::TERM);
    player.is_told("CLOSE 1001 the server stops");
    assert!(node.end().success());
}

#[test]
fn a_client_that_is_gone_without_a_close_leaves_its_place() {
    let tree = Tree::new();
    let (_node, page) = node(&tree);
    if !has_library() {
        return;
    }
    let mut player = Player::connect(page, GMCP);
    player.joins("Ann");
    assert_eq!(clients(&tree), 1);
    // The client program is killed.
    drop(player);
    let left = poll(PATIENCE, || (clients(&tree) == 0).then_some(()));
    assert!(left.is_some(), "{}", tree.answer(&["who"]));
}

fn clients(tree: &Tree) -> u64 {
    tree.answer(&["status"])["door"]["clients"]
        .as_u64()
        .unwrap()
}

#[test]
fn the_size_of_a_programs_window_is_known() {
    let tree = Tree::new();
    let mut command = pq_tests::running::pq(tree.start());
    let node = Running::listening(
        command
            .args(["--web-port", "0"])
            .env("RUST_LOG", "sockserv=debug"),
    );
    if !has_library() {
        return;
    }
    let mut player = Player::connect(crate::browser::page_of(&node), GMCP);
    player.joins("Ann");
    player.program.type_in("quit\n");
    player.program.end();
    node.logged("PQ-WEB 111x33");
}

#[test]
fn what_no_client_should_do_is_answered_and_hurts_nobody() {
    let tree = Tree::new();
    let (_node, page) = node(&tree);
    if !has_library() {
        return;
    }
    let mut ann = Player::connect(page, TERMINAL);
    ann.joins("Ann");
    let told = python(&["odd", &format!("ws://{page}/ws")]).end();
    let found: Value = serde_json::from_str(&told).unwrap();
    let sentence =
        format!("none of these subprotocols is spoken here: {GMCP} and {TERMINAL} are\n");
    let expected = json!({
        "refused": [400, sentence],
        "chosen": GMCP,
        "from_elsewhere": "let in",
        "text_frames": true,
        "huge": 1009,
        "long_line": "That line is too long: at most 1024 bytes.",
        "bytes_of_telnet": true,
    });
    assert_eq!(found, expected, "{found:#}");
    ann.plays_on();
}
