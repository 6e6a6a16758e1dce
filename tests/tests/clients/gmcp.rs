//! GMCP messages to programs of players, during an upgrade and a downgrade: to a socket that reads every message, to
//! telnetlib3, and to TinTin++. `sockserv` tests the choice of messages after a change, and the game the messages about
//! a hero.

use pq_tests::running::{RawClient, Running, Tree};
use serde_json::{Map, Value};

use crate::clients::program::Program;
use crate::clients::telnetlib3::has_library;
use crate::clients::tintin::tintin;

/// A Python client that plays a session and prints the messages; described in the file.
const FOLLOW: &str = include_str!("gmcp.py");

/// `IAC SB GMCP`, the beginning of a message.
const BEGIN: &[u8] = b"\xff\xfa\xc9";

/// `IAC SE`, the end of a message.
const END: &[u8] = b"\xff\xf0";

/// A client program that keeps the messages that it receives.
struct Client {
    wire: RawClient,
    text: String,
    /// All messages so far, as name and body.
    messages: Vec<(String, Value)>,
    /// The number of messages that the test has examined.
    looked: usize,
}

impl Client {
    /// Connects, subscribes to these packages, and starts a hero with this name.
    fn playing(node: &Running, name: &str, packages: &str) -> Client {
        let mut client = Client {
            wire: RawClient::connect(node),
            text: String::new(),
            messages: Vec::new(),
            looked: 0,
        };
        client.send(b"\xff\xfd\xc9");
        client.wants(packages);
        client.send(format!("{name}\ny\n").as_bytes());
        client
    }

    fn send(&mut self, bytes: &[u8]) {
        self.wire.send(bytes);
    }

    fn wants(&mut self, packages: &str) {
        let message = format!("Core.Supports.Set [{packages}]");
        self.send(&[BEGIN, message.as_bytes(), END].concat());
    }

    /// The first message with this name and a right body, after the examined ones.
    fn told(&mut self, name: &str, is_right: impl Fn(&Value) -> bool) -> Value {
        loop {
            let mut unseen = self.messages[self.looked..].iter();
            let found = unseen.position(|(of, body)| of == name && is_right(body));
            if let Some(at) = found {
                self.looked += at + 1;
                return self.messages[self.looked - 1].1.clone();
            }
            let end = self.read_more();
            assert!(
                end,
                "the connection ended before {name}: {:?}",
                self.messages
            );
        }
    }

    /// Reads more bytes; returns `false` at the end of the connection.
    fn read_more(&mut self) -> bool {
        let more = self.wire.read_more();
        while self.take_message() {}
        more
    }

    /// Removes the next message from the read bytes, and the text before it.
    fn take_message(&mut self) -> bool {
        let find = |of: &[u8], bytes: &[u8]| of.windows(bytes.len()).position(|at| at == bytes);
        let Some(begin) = find(&self.wire.unread, BEGIN) else {
            return false;
        };
        let Some(len) = find(&self.wire.unread[begin..], END) else {
            return false;
        };
        let rest = self.wire.unread.split_off(begin + len + END.len());
        let taken = std::mem::replace(&mut self.wire.unread, rest);
        self.text += &String::from_utf8_lossy(&taken[..begin]);
        let message = String::from_utf8(taken[begin + BEGIN.len()..begin + len].to_vec()).unwrap();
        let (name, body) = message.split_once(' ').unwrap();
        let body = serde_json::from_str(body).unwrap();
        self.messages.push((name.to_string(), body));
        true
    }

    /// All values of the hero's status, merged as in Mudlet: new keys are added to the old ones.
    fn status(&self) -> Map<String, Value> {
        let statuses = self
            .messages
            .iter()
            .filter(|(name, _)| name == "Char.Status");
        let bodies = statuses.flat_map(|(_, body)| body.as_object().unwrap().clone());
        bodies.collect()
    }

    /// Reads up to the end of the connection, which must be an orderly one.
    fn quits(mut self) -> Client {
        self.send(b"quit\n");
        while self.read_more() {}
        self
    }
}

fn upgrade(phase: &str, to: &str) -> impl Fn(&Value) -> bool {
    move |body| body["phase"] == phase && body["to"] == to
}

#[test]
fn a_program_follows_its_hero_up_and_down_and_asks_once() {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &[]);
    tree.does(&["unpack", "processquest-1.1.0"]);
    let mut ann = Client::playing(&node, "Ann", r#""Char 1","PQ 1""#);
    assert_eq!(ann.told("Char.Name", |_| true)["name"], "Ann");
    assert!(ann.told("Char.StatusVars", |_| true)["quest"].is_null());
    assert_eq!(ann.told("Char.Status", |_| true)["level"], 1);
    assert_eq!(ann.told("Char.Vitals", |_| true)["maxxp"], 50);
    ann.told("Char.Vitals", |body| body["xp"].as_u64() > Some(1));
    ann.told("Char.Items.Add", |body| body["item"]["icon"] == "loot");
    assert_eq!(ann.status().get("quest"), None);

    tree.does(&["install", "1.1.0"]);
    ann.told("PQ.Upgrade", upgrade("begin", "1.1.0"));
    ann.told("Char.StatusVars", |body| body["quest"] == "Quest");
    ann.told("Char.Status", |body| !body["quest"].is_null());
    let quest = ann.status()["quest"].as_str().unwrap().to_string();
    // The command shows the state of the hero itself.
    let state = tree.state_of("Ann");
    assert!(state.contains(&format!("{quest:?}")), "{quest}: {state}");
    ann.told("Char.Vitals", |_| true);

    tree.does(&["install", "1.0.0"]);
    let gone = ann.told("Char.Status", |body| body["quest"] == "");
    assert_eq!(gone["kills"], "");
    ann.told("Char.Vitals", |_| true);
    let upgrades = ann.messages.iter().filter(|(name, _)| name == "PQ.Upgrade");
    assert_eq!(upgrades.count(), 4, "{:?}", ann.messages);

    ann.wants(r#""Char.Name 1""#);
    ann.told("Char.Name", |body| body["name"] == "Ann");
    let ann = ann.quits();
    let last = ann.messages.last().unwrap();
    assert_eq!(*last, ("Core.Goodbye".to_string(), Value::from("Goodbye.")));
}

#[test]
fn a_program_is_told_what_it_wants_and_no_more() {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &[]);
    let mut gauge = Client::playing(&node, "Bob", r#""Char.Vitals 1","Core 1""#);
    let deaf = Client::playing(&node, "Eve", r#""PQ 1""#);
    gauge.told("Char.Vitals", |body| body["xp"].as_u64() > Some(0));
    for (client, expected) in [(gauge, "Char.Vitals"), (deaf, "Core.Goodbye")] {
        let client = client.quits();
        assert!(client.text.contains("Executing a "), "{:?}", client.text);
        let mut names: Vec<&str> = client.messages.iter().map(|(name, _)| &**name).collect();
        assert_eq!(names.pop(), Some("Core.Goodbye"));
        assert!(names.iter().all(|name| *name == expected), "{names:?}");
    }
}

#[test]
fn who_is_kicked_reads_why_in_the_text_and_in_the_goodbye() {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &[]);
    let mut ann = Client::playing(&node, "Ann", r#""Char 1""#);
    ann.told("Char.Name", |_| true);
    tree.does(&["kick", "Ann", "Enough."]);
    ann.told("Core.Goodbye", |why| why == "Enough.");
    while ann.read_more() {}
    assert!(ann.text.ends_with("Enough.\r\n"), "{:?}", ann.text);
}

#[test]
fn telnetlib3_follows_its_hero_up_and_down() {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &[]);
    if !has_library() {
        return;
    }
    tree.does(&["unpack", "processquest-1.1.0"]);
    let Some(mut python) = Program::client("python3", &["-c", FOLLOW], &node) else {
        return;
    };
    python.shows("Char.Name {\"fullname\": \"Ann\"", 1);
    python.shows("Char.Vitals ", 2);
    tree.does(&["install", "1.1.0"]);
    python.shows("\"quest\": \"Quest\"", 1);
    tree.does(&["install", "1.0.0"]);
    python.shows("\"quest\": \"\"", 1);
    python.type_in("\n");
    let told = python.end();
    assert!(told.contains("PQ.Upgrade"), "{told}");
    assert!(told.ends_with("Core.Goodbye \"Goodbye.\"\n"), "{told}");
}

#[test]
fn tintin_knows_its_hero() {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &[]);
    let wants = "#EVENT {IAC WILL GMCP} {#send {\\xFF\\xFD\\xC9\\};#send {\\xFF\\xFA\\xC9Core.Supports.Set [\"Char 1\"]\\xFF\\xF0\\}}\n#EVENT {IAC SB GMCP} {#showme {MESSAGE %0 IS %1}}";
    let Some((_folder, mut tintin)) = tintin(wants, &node) else {
        return;
    };
    tintin.type_in("Ann\r");
    tintin.shows("Do you agree to these? y/n", 1);
    tintin.type_in("y\r");
    tintin.shows("MESSAGE Char.Name IS {fullname}{Ann}{name}{Ann}", 1);
    tintin.shows("MESSAGE Char.Vitals IS ", 2);
    tintin.type_in("quit\r");
    tintin.shows("MESSAGE Core.Goodbye IS Goodbye.", 1);
    tintin.end();
}
