//! All kinds of clients at one node at the same time, during an upgrade to 1.1.0 and a downgrade to 1.0.0.
//!
//! `story` checks each transcript line by line: no line is lost, doubled, torn or from another hero, and no connection
//! ends. The output of each client alone is tested in `clients`, `telnet` and beside this file.

use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use pq_tests::needs::{self, Need, has};
use pq_tests::running::{PATIENCE, Player, Running, Tree, poll, pq};
use pq_tests::story::{Story, Version};

use crate::browser::chromium::{Browser, block_on};

/// A client with telnetlib3, and one for WebSockets.
const RELAY: &str = include_str!("relay.py");

/// The addresses of a node's listeners.
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

/// A program that takes host and port as two arguments.
fn program(words: &[&str], address: SocketAddr) -> Command {
    let mut command = Command::new(words[0]);
    command
        .args(&words[1..])
        .args([address.ip().to_string(), address.port().to_string()]);
    command
}

/// `socat` between its standard input and this address.
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
    command
}

/// TinTin++ in a terminal. Its screen is for people; it also writes each received line to a file.
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
    if !has(&[Need::TinTin, Need::Stty]) {
        return None;
    }
    let typed = format!("stty cols 120 rows 40; exec tt++ -G {}", script.display());
    let mut command = Command::new("script");
    command
        .args(["-qec", &typed, "/dev/null"])
        .env("PATH", needs::path())
        .env("HOME", folder)
        .env("TERM", "xterm-256color")
        .env("LANG", "C.UTF-8");
    Player::by_log(&mut command, &log)
}

/// A client of each kind whose program this machine has; its hero has the name of the program.
fn everybody(at: &Entrances, folder: &Path) -> Vec<Player> {
    let programs = [
        ("Nc", program(&["nc"], at.plain)),
        ("Telnet", program(&["telnet"], at.plain)),
        ("Socat", socat("TCP", at.plain, "")),
        ("Play", pq(["play", &at.plain.to_string()])),
        ("Openssl", openssl(at.tls)),
        ("SocatTls", socat("OPENSSL", at.tls, ",verify=0")),
    ];
    let relays = [
        ("Telnetlib", Need::Telnetlib3, relay("telnet", at.plain)),
        ("TelnetlibTls", Need::Telnetlib3, relay("tls", at.tls)),
        ("WebTerminal", Need::Websockets, relay("terminal", at.web)),
        ("WebGmcp", Need::Websockets, relay("gmcp", at.web)),
    ];
    let relays = relays.into_iter().filter(|(_, need, _)| has(&[*need]));
    let relays = relays.map(|(name, _, command)| (name, command));
    let mut players: Vec<(&str, Player)> = programs
        .into_iter()
        .chain(relays)
        .filter_map(|(name, mut command)| Some((name, Player::by(&mut command)?)))
        .chain(tintin(at.plain, folder).map(|player| ("Tintin", player)))
        .collect();
    for (name, player) in &mut players {
        player.join(name);
    }
    players.into_iter().map(|(_, player)| player).collect()
}

/// All clients except the browser.
struct Company {
    players: Vec<Player>,
}

impl Company {
    /// Installs the other version, and waits for two more lines of each client: one from before, and one from after the
    /// install.
    fn goes_over(&mut self, tree: &Tree, vsn: &str, version: Version) {
        let players = &mut self.players;
        players
            .iter_mut()
            .for_each(|player| player.may_become(version));
        let report = tree.answer(&["install", vsn]);
        assert_eq!(report["connections_dropped"], 0, "{report}");
        Player::all_play_on(players);
        Player::all_play_on(players);
        for player in players {
            player.story();
        }
    }

    /// Checks that all of them are listed with their names.
    fn is_listed(&self, tree: &Tree, more: usize) {
        let who = tree.answer(&["who"]);
        let rows = who["rows"].as_array().unwrap();
        assert_eq!(rows.len(), self.players.len() + more, "{who}");
        for player in &self.players {
            let is_there = rows.iter().any(|row| row["name"] == player.name());
            assert!(is_there, "no {} in {who}", player.name());
        }
    }
}

/// The output in the browser, without its input.
async fn told(browser: &Browser) -> String {
    let lines = "return [...log.children].filter((row) => !row.classList.contains('own'))
        .map((row) => row.textContent + '\\n').join('')";
    browser.run(lines).await.as_str().unwrap().to_string()
}

#[test]
fn everybody_plays_on_through_an_upgrade_and_back() {
    let (tree, folder) = (Tree::new(), tempfile::tempdir().unwrap());
    let entrances = ["--tls-port", "0", "--self-signed", "--web-port", "0"];
    let node = Running::node_with(&tree, &entrances);
    let at = Entrances::of(&tree, &node);
    tree.does(&["unpack", "processquest-1.1.0"]);
    block_on(async {
        let browser = Browser::open(&format!("http://{}/", at.web), [1280, 800]).await;
        if let Some(browser) = &browser {
            browser.joins("Chromium").await;
        }
        let mut company = Company {
            players: everybody(&at, folder.path()),
        };
        company.players.push(Player::enter(&node, "Socket"));
        company.goes_over(&tree, "1.1.0", Version::New);
        company.goes_over(&tree, "1.0.0", Version::Old);
        company.is_listed(&tree, browser.iter().count());
        if let Some(browser) = browser {
            browser.plays_on().await;
            browser.types("quit\u{e007}").await;
            browser.until("!ended.hidden").await;
            let told = told(&browser).await;
            let versions = [Version::Old, Version::New, Version::Old];
            let story = Story::judge(&versions, &told);
            story.unwrap_or_else(|fault| panic!("Chromium: {fault}\n{told}"));
            browser.close().await;
        }
        for player in company.players {
            player.quits();
        }
    });
    let empty = || (tree.answer(&["status"])["door"]["clients"] == 0).then_some(());
    assert!(poll(PATIENCE, empty).is_some(), "a client is still listed");
    assert_eq!(node.errors(), [""; 0]);
}
