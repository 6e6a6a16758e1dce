//! All ways in which a hero, a session or a connection ends, and the answers of each command afterwards: no command
//! names, kicks or counts a client that is gone.
//!
//! | end | 1.0.0: the hero | 1.1.0: the hero | who, status, kick, MSSP | tested |
//! |---|---|---|---|---|
//! | `quit` | ends | ends | gone | here |
//! | the client closes; resets; closes half; TLS or a WebSocket closes or is aborted | is abandoned | ends | gone | here |
//! | the client sends nothing any more | as closed, after two minutes (`sockserv::entrance::socket`), a minute at the page | | gone after that | `sockserv` |
//! | `kick`, `ban` of name, address | is abandoned | ends | gone | here |
//! | the outbox overruns | is abandoned | ends | gone | `sockserv` |
//! | no hero plays in time (`login_ms`), at first or when one has ended | there is none | | gone | here, `limits` |
//! | `lock on` | plays | plays | nothing changes | here |
//! | `end-hero`, `stop_player`, its supervisor is killed | ends | ends | no name; the client is asked for one | here, `simulation` |
//! | the hero or its event manager crashes once | is restarted | is restarted | nothing changes | `simulation` |
//! | they crash more often than the supervisor restarts them | ends | ends | no name | `simulation` |
//! | the session crashes | is abandoned | is abandoned | gone | `simulation` |
//! | the session is held, and its client disconnects | is abandoned after the hold | ends then | gone | `simulation` |
//! | the name is taken | there is none | | no name | here, `simulation` |
//! | `sockserv` or `processquest` is stopped | is abandoned; ends | | gone; no name | `simulation` |
//! | an upgrade, a downgrade | plays, abandoned or not | | nothing changes | here |
//! | `stop`, `shutdown`, a restart of the node | ends | ends | no hero | here |

use std::net::SocketAddr;
use std::process::Command;

use pq_tests::running::{PATIENCE, PROMPT, Player, Running, Tree, poll};
use serde_json::{Value, json};

use crate::door::guest::Guest;
use crate::door::page_of;

/// The answers of the commands about a hero, and their counts.
#[derive(PartialEq, Eq, Debug)]
struct Said {
    who: bool,
    names: bool,
    /// The numbers of playing and of abandoned heroes in `status`.
    played: u64,
    abandoned: u64,
    /// The number of players that lists of games receive.
    listed: u64,
}

fn said(tree: &Tree, node: &Running, name: &str) -> Said {
    let has = |rows: &Value, name: String| {
        let rows = rows["rows"].as_array().unwrap();
        rows.iter().any(|row| row["name"] == name)
    };
    let status = tree.answer(&["status"])["door"].clone();
    Said {
        who: has(&tree.answer(&["who"]), name.to_string()),
        names: has(&tree.answer(&["names", name]), format!("\"{name}\"")),
        played: status["players"].as_u64().unwrap(),
        abandoned: status["abandoned"].as_u64().unwrap(),
        listed: listed(node),
    }
}

/// `PLAYERS`, as a crawler of MUD lists reads it.
fn listed(node: &Running) -> u64 {
    let mut crawler = Guest::connect(node);
    crawler.send("MSSP-REQUEST\r\n");
    let table = crawler.ends();
    let (_, rest) = table.split_once("\r\nPLAYERS\t").unwrap();
    rest.split_once('\r').unwrap().0.parse().unwrap()
}

/// A node, and the expected state of its other heroes.
struct Stage {
    tree: Tree,
    node: Running,
    page: SocketAddr,
    tls: String,
    /// The number of abandoned heroes so far.
    abandoned: u64,
    /// Whether clients leave their heroes behind in this release.
    leaves: bool,
    /// The last letter of all names in this round.
    round: char,
}

impl Stage {
    fn new(limits: &str) -> Stage {
        let tree = Tree::with_limits(limits);
        let ports = ["--tls-port", "0", "--self-signed", "--web-port", "0"];
        let node = Running::node_with(&tree, &[&ports[..], &["--heroes", "2"]].concat());
        let page = page_of(&node);
        let status = tree.answer(&["status"]);
        let tls = status["door"]["tls_address"].as_str().unwrap().to_string();
        Stage {
            tree,
            node,
            page,
            tls,
            abandoned: 0,
            leaves: true,
            round: 'a',
        }
    }

    /// Waits until the commands give this answer about a hero; no other client plays.
    fn says(&self, end: &str, name: &str, expected: &Said) {
        let mut last = None;
        let found = poll(PATIENCE, || {
            let said = said(&self.tree, &self.node, name);
            let is_said = said == *expected;
            last = Some(said);
            is_said.then_some(())
        });
        assert!(found.is_some(), "{end}: {last:?} instead of {expected:?}");
    }

    /// Starts a hero and lets it meet this end; afterwards no command names it.
    fn meets(&mut self, end: &str, leaves: bool, meet: impl FnOnce(&Stage, &str)) {
        // The names of abandoned heroes stay in use, so each end has its own name.
        let letters = end.chars().filter(char::is_ascii_alphabetic).take(17);
        let name: String = letters.chain([self.round]).collect();
        meet(self, &name);
        let is_left = leaves && self.leaves;
        self.abandoned += u64::from(is_left);
        self.is_gone(end, &name, is_left);
    }

    fn is_gone(&self, end: &str, name: &str, is_left: bool) {
        let expected = Said {
            who: false,
            names: is_left,
            played: 0,
            abandoned: self.abandoned,
            listed: 0,
        };
        self.says(end, name, &expected);
        let sentence = self.tree.refuses(&["kick", name], 3);
        assert_eq!(sentence.contains("`pq end-hero`"), is_left, "{sentence}");
    }

    /// Connects a client and starts a hero with this name; all commands name it.
    fn playing(&self, name: &str) -> Guest {
        let guest = Guest::playing(&self.node, name);
        self.is_played(name);
        guest
    }

    fn is_played(&self, name: &str) {
        let expected = Said {
            who: true,
            names: true,
            played: 1,
            abandoned: self.abandoned,
            listed: 1,
        };
        self.says("plays", name, &expected);
    }

    /// Does the same as `playing` over a WebSocket; input is sent in frames.
    fn in_browser(&self, name: &str) -> Guest {
        let mut guest = Guest::to(self.page);
        guest.send(format!(
            "GET /ws HTTP/1.1\r\nHost: {0}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nOrigin: http://{0}\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            self.page
        ));
        guest.sees(PROMPT);
        guest.send(frame(1, &format!("{name}\n")));
        guest.sees("y/n");
        guest.send(frame(1, "y\n"));
        guest.sees("Executing a ");
        self.is_played(name);
        guest
    }

    /// Does the same as `playing` over TLS, if the program for it is installed.
    fn secure(&self, name: &str) -> Option<Player> {
        let mut command = Command::new("openssl");
        command.args(["s_client", "-quiet", "-connect", &self.tls]);
        let mut player = Player::by(&mut command)?;
        player.join(name);
        self.is_played(name);
        Some(player)
    }

    /// All ends that a client can cause.
    fn clients_end(&mut self) {
        // A name that begins with `quit` would be the command.
        self.meets("says quit", false, |stage, name| {
            let mut guest = stage.playing(name);
            guest.send("quit\n");
            guest.ends();
        });
        self.meets("closes", true, |stage, name| drop(stage.playing(name)));
        self.meets("resets", true, |stage, name| stage.playing(name).resets());
        self.meets("closes half", true, |stage, name| {
            let guest = stage.playing(name);
            guest.closes_half();
            guest.ends();
        });
        self.meets("closes the page", true, |stage, name| {
            let mut guest = stage.in_browser(name);
            guest.send(frame(8, ""));
            guest.ends();
        });
        self.meets("breaks the page off", true, |stage, name| {
            stage.in_browser(name).resets();
        });
        let has_tls = self.secure("Tess").map(Player::quits).is_some();
        self.is_gone("quits in TLS", "Tess", false);
        if has_tls {
            self.meets("breaks TLS off", true, |stage, name| {
                stage.secure(name).unwrap().drops();
            });
        }
    }

    /// All ends that the listeners and operators can cause.
    fn door_ends(&mut self) {
        self.meets("is kicked", true, |stage, name| {
            let guest = stage.playing(name);
            stage.tree.does(&["lock", "on"]);
            stage.is_locked_in(name);
            stage.tree.does(&["lock", "off"]);
            stage.tree.does(&["kick", name]);
            guest.ends();
        });
        self.meets("is banned by name", true, |stage, name| {
            let guest = stage.playing(name);
            stage.tree.does(&["ban", name]);
            guest.ends();
            stage.tree.does(&["unban", name]);
        });
        self.meets("is banned by place", true, |stage, name| {
            let mut guest = Guest::from("127.0.0.9", &stage.node);
            guest.sees(PROMPT);
            guest.plays(name);
            stage.tree.does(&["ban", "127.0.0.9"]);
            guest.ends();
            stage.tree.does(&["unban", "127.0.0.9"]);
        });
        self.meets("is kicked, reads not", true, |stage, name| {
            let mut guest = Guest::with_little_room(&stage.node);
            guest.sees(PROMPT);
            guest.plays(name);
            // Enough output that the kernel accepts no more, and less than the limit at which the node closes the
            // connection.
            let flood = format!("{}\n", "x".repeat(1_000)).repeat(6 << 10);
            guest.floods(flood.as_bytes());
            stage.tree.operate(&["kick", name]);
            stage.is_gone_from_who(name);
            drop(guest);
        });
    }

    /// A locked door has no effect on connected clients.
    fn is_locked_in(&self, name: &str) {
        let who = self.tree.answer(&["who"]);
        assert_eq!(who["rows"][0]["name"], *name);
        assert_eq!(self.tree.answer(&["status"])["door"]["players"], 1);
    }

    fn is_gone_from_who(&self, name: &str) {
        let gone = poll(PATIENCE, || {
            (!self.tree.does(&["who"]).contains(name)).then_some(())
        });
        assert!(gone.is_some(), "{name} stays in `who`");
    }

    /// The end of a hero, after which its client is asked for another name.
    fn heroes_end(&mut self) {
        self.meets("is ended", false, |stage, name| {
            let mut guest = stage.playing(name);
            stage.tree.does(&["end-hero", name]);
            guest.sees(&format!("{name} has fallen for the last time.\r\n"));
            stage.is_gone("is ended, the client stays", name, false);
            // The same client starts another hero.
            guest.plays("Next");
            stage.is_played("Next");
            stage.tree.does(&["end-hero", "Next"]);
            guest.sees(PROMPT);
            stage.is_gone("the second of a client", "Next", false);
        });
        self.meets("is stopped", false, |stage, name| {
            let mut guest = stage.playing(name);
            let stop = format!("[{}]", sup_of(&stage.tree, name));
            let answer = ["call", "processquest", "stop_player", &stop];
            assert_eq!(stage.tree.does(&answer), "ok\n");
            guest.sees(PROMPT);
            let sentence = stage.tree.refuses(&answer, 3);
            assert!(sentence.contains("not_found"), "{sentence}");
        });
    }
}

/// A WebSocket frame from a client with an all-zero mask (RFC 6455, 5.2).
fn frame(opcode: u8, text: &str) -> Vec<u8> {
    let head = [0x80 | opcode, 0x80 | text.len() as u8, 0, 0, 0, 0];
    [&head, text.as_bytes()].concat()
}

/// The supervisor of a hero, which is its parent.
fn sup_of(tree: &Tree, name: &str) -> String {
    let status = tree.does(&["sys", "get-status", name]);
    let (_, parent) = status.split_once("parent => ").unwrap();
    parent.split_once(',').unwrap().0.to_string()
}

#[test]
fn whatever_has_ended_is_named_by_no_command() {
    let mut stage = Stage::new("{outbox_bytes, 16777216}, {lines, {1000000, 1000000}}");
    stage.clients_end();
    stage.door_ends();
    stage.heroes_end();
    assert!(stage.abandoned >= 9, "{}", stage.abandoned);
    for (vsn, leaves, round) in [("1.1.0", false, 'b'), ("1.0.0", true, 'c')] {
        stage.round = round;
        if vsn == "1.1.0" {
            stage.tree.does(&["unpack", "processquest-1.1.0"]);
        }
        let guest = stage.playing("Ann");
        stage.tree.does(&["install", vsn]);
        // The upgrade changes neither playing nor abandoned heroes.
        stage.is_played("Ann");
        stage.leaves = leaves;
        drop(guest);
        stage.abandoned += u64::from(leaves);
        stage.is_gone("is left by its client", "Ann", leaves);
        stage.tree.operate(&["end-hero", "Ann"]);
        stage.abandoned -= u64::from(leaves);
        stage.clients_end();
        stage.heroes_end();
    }
    // At last the test ends all abandoned heroes, and no others.
    let answer = stage.tree.answer(&["end-hero", "--abandoned"]);
    let expected = json!({"operation": "end_abandoned", "ended": stage.abandoned});
    assert_eq!(answer, expected);
    stage.abandoned = 0;
    stage.is_gone("is ended with all others", "closesa", false);
    assert_eq!(stage.tree.does(&["names", "\"bot-"]).lines().count(), 5);
    let nobody = stage.tree.answer(&["end-hero", "--abandoned"]);
    assert_eq!(nobody["ended"], 0);
}

#[test]
fn who_loses_its_hero_has_as_long_as_at_first_and_the_next_name_is_judged_too() {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &[]);
    tree.does(&["ban", "Eve"]);
    let mut ann = Guest::playing(&node, "Ann");
    tree.does(&["end-hero", "Ann"]);
    ann.sees(PROMPT);
    ann.send("Eve\n");
    assert!(ann.ends().ends_with("The name Eve is banned.\r\n"));
    tree.does(&["unpack", "processquest-1.1.0"]);
    tree.configures("1.1.0", "{limits, [{login_ms, 1}]}");
    let mut bob = Guest::playing(&node, "Bob");
    tree.does(&["install", "1.1.0"]);
    bob.sees("Obtained ");
    tree.does(&["end-hero", "Bob"]);
    let told = bob.ends();
    assert!(
        told.ends_with("You took longer than 1ms to begin. Come again!\r\n"),
        "{told}"
    );
}

#[test]
fn a_node_that_starts_again_names_nobody() {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &[]);
    let ann = Guest::playing(&node, "Ann");
    drop(Guest::playing(&node, "Bob"));
    let mut taken = Guest::connect(&node);
    taken.send("Ann\ny\n");
    taken.sees("That name is taken.\r\n");
    let who = tree.answer(&["who"]);
    let named = who["rows"].as_array().unwrap().iter();
    assert_eq!(named.filter(|row| row["name"] == "Ann").count(), 1);
    assert_eq!(tree.operate(&["shutdown", "now"]).code, 0);
    ann.ends();
    drop(node);
    let node = Running::node_with(&tree, &[]);
    for name in ["Ann", "Bob"] {
        let said = said(&tree, &node, name);
        // The heroes have come back without their clients.
        assert_eq!((said.who, said.names), (false, true));
        assert_eq!((said.played, said.abandoned, said.listed), (0, 0, 0));
    }
}
