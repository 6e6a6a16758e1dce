//! Everybody at once: each kind of client that players have, at one node, while its game becomes 1.1.0 and 1.0.0 again.
//!
//! Each transcript is judged line by line (`story`): nothing is lost, doubled, torn or said by another hero, and no
//! connection ends. A browser on the node's own page is in `page`; what each client shows by itself in the
//! other rooms of `clients`.
#![allow(clippy::unwrap_used)]

use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use pq_tests::running::{PATIENCE, Player, Running, Tree, poll, pq};
use pq_tests::story::Version;

/// A client of telnetlib3, and one for WebSockets.
const RELAY: &str = include_str!("together/relay.py");

/// The entrances of a node.
struct Entrances {
    plain: SocketAddr,
    tls: SocketAddr,
    web: SocketAddr,
}

impl Entrances {
    fn of(tree: &Tree, node: &Running) -> Entrances {
        let status = tree.answer(&["status"]);
        let address = |name: &str| {
            let address = status["door"][name].as_str();
            address
                .unwrap_or_else(|| panic!("no {name} in {status}"))
                .parse()
                .unwrap()
        };
        Entrances {
            plain: node.address(),
            tls: address("tls_address"),
            web: address("web_address"),
        }
    }
}

/// A program that takes an address as two words.
fn program(words: &[&str], address: SocketAddr) -> Command {
    let mut command = Command::new(words[0]);
    command
        .args(&words[1..])
        .args([address.ip().to_string(), address.port().to_string()]);
    command
}

/// `socat` between its standard input and this.
fn socat(kind: &str, address: SocketAddr, options: &str) -> Command {
    let mut command = Command::new("socat");
    command.args(["-", &format!("{kind}:{address}{options}")]);
    command
}

fn relay(way: &str, address: SocketAddr) -> Command {
    program(&["python3", "-c", RELAY, way], address)
}

fn openssl(address: SocketAddr) -> Command {
    let mut command = Command::new("openssl");
    command.args(["s_client", "-quiet", "-connect", &address.to_string()]);
    command.stderr(std::process::Stdio::null());
    command
}

/// TinTin++ in a terminal. Its screen is for people; each line that it receives is written to a file.
fn tintin(address: SocketAddr, folder: &Path) -> Option<Player> {
    let (script, log) = (folder.join("quest.tin"), folder.join("lines"));
    let (ip, port, lines) = (address.ip(), address.port(), log.display());
    let text = format!(
        "#NOP A script begins with a command.\n\
         #EVENT {{RECEIVED LINE}} {{#line log {{{lines}}} {{%0}}}}\n\
         #EVENT {{SESSION DISCONNECTED}} {{#end}}\n\
         #SESSION {{quest}} {{{ip}}} {{{port}}}\n"
    );
    std::fs::File::create(&script)
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let typed = format!("stty cols 120 rows 40; exec tt++ -G {}", script.display());
    let mut command = Command::new("script");
    command
        .args(["-qec", &typed, "/dev/null"])
        .env(
            "PATH",
            format!("{}:/usr/games", std::env::var("PATH").unwrap()),
        )
        .env("HOME", folder)
        .env("TERM", "xterm-256color")
        .env("LANG", "C.UTF-8");
    Player::by_log(&mut command, &log)
}

/// Everybody whose program this machine has; each says its own name as its hero's.
fn everybody(at: &Entrances, folder: &Path) -> Vec<Player> {
    let programs = [
        ("Nc", program(&["nc"], at.plain)),
        ("Telnet", program(&["telnet"], at.plain)),
        ("Socat", socat("TCP", at.plain, "")),
        ("Play", pq(["play", &at.plain.to_string()])),
        ("Telnetlib", relay("telnet", at.plain)),
        ("TelnetlibTls", relay("tls", at.tls)),
        ("Openssl", openssl(at.tls)),
        ("SocatTls", socat("OPENSSL", at.tls, ",verify=0")),
        ("WebTerminal", relay("terminal", at.web)),
        ("WebGmcp", relay("gmcp", at.web)),
    ];
    let mut players: Vec<(&str, Player)> = programs
        .into_iter()
        .filter_map(|(name, mut command)| Some((name, Player::by(&mut command)?)))
        .chain(tintin(at.plain, folder).map(|player| ("Tintin", player)))
        .collect();
    for (name, player) in &mut players {
        player.join(name);
    }
    players.into_iter().map(|(_, player)| player).collect()
}

#[test]
fn everybody_plays_on_through_an_upgrade_and_back() {
    let (tree, folder) = (Tree::new(), tempfile::tempdir().unwrap());
    let entrances = ["--tls-port", "0", "--self-signed", "--web-port", "0"];
    let node = Running::node_with(&tree, &entrances);
    let mut players = everybody(&Entrances::of(&tree, &node), folder.path());
    players.push(Player::enter(&node, "Socket"));
    let count = players.len();
    tree.does(&["unpack", "processquest-1.1.0"]);
    for (vsn, version) in [("1.1.0", Version::New), ("1.0.0", Version::Old)] {
        players
            .iter_mut()
            .for_each(|player| player.may_become(version));
        let report = tree.answer(&["install", vsn]);
        assert_eq!(report["connections_dropped"], 0, "{report}");
        // The same sockets, and twice a line: of what was begun before, and of what came after.
        Player::all_play_on(&mut players);
        Player::all_play_on(&mut players);
        players.iter_mut().for_each(|player| {
            player.story();
        });
    }
    let who = tree.answer(&["who"]);
    let protocols = |name: &str| {
        let rows = who["rows"].as_array().unwrap();
        rows.iter()
            .filter(|row| row["protocol"].as_str().unwrap().contains(name))
            .count()
    };
    assert_eq!(who["rows"].as_array().unwrap().len(), count, "{who}");
    assert!(protocols("TLS") >= 1 && protocols("web") >= 1, "{who}");
    for player in players {
        player.quits();
    }
    let empty = || (tree.answer(&["status"])["door"]["clients"] == 0).then_some(());
    assert!(poll(PATIENCE, empty).is_some(), "somebody is still there");
    assert!(!node.log().contains("ERROR"), "see the log");
}
