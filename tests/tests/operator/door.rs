//! Commands about players: `who`, `kick`, `wall`, `lock`, and the messages to players' programs about an upgrade.

use pq_tests::running::{Running, Tree};
use serde_json::{Value, json as value};

use crate::operator::install::{FAILS, LAST, Position, with_instruction};
use crate::operator::player::Player;
use crate::operator::typed::{done, json, refused, told, typed, until};

/// Subscribes to messages about upgrades, as a telnet client.
const UPGRADES: &[u8] = b"\xff\xfd\xc9\xff\xfa\xc9Core.Supports.Set [\"PQ 1\"]\xff\xf0";

/// The row of a player in `who`, if it has one.
fn row(tree: &Tree, player: &Player) -> Option<Value> {
    let who = json(tree, &["who"]);
    let rows = who["rows"].as_array().unwrap();
    let address = player.address().to_string();
    rows.iter().find(|row| row["address"] == *address).cloned()
}

/// The newest entries of the history: operation, result, message.
fn past(tree: &Tree, count: usize) -> Vec<[Value; 3]> {
    let past = json(tree, &["history"]);
    let entries = past["entries"].as_array().unwrap();
    let newest = &entries[entries.len() - count..];
    let entry = |entry: &Value| {
        assert_eq!(entry["who"]["uid"], rustix::process::geteuid().as_raw());
        ["operation", "result", "message"].map(|name| entry[name].clone())
    };
    newest.iter().map(entry).collect()
}

fn install(tree: &Tree) {
    done(tree, &["unpack", "processquest-1.1.0"]);
    done(tree, &["install", "1.1.0"]);
}

#[test]
fn who_names_the_hero_the_client_and_the_versions_of_both_sides() {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &[]);
    let mut ann = Player::greeted(&node);
    ann.send(b"\xff\xfb\x18\xff\xfa\x18\0TINTIN++\xff\xf0\xff\xfa\x18\0xterm\xff\xf0Ann\ny\n");
    ann.until(b"Executing a ");
    let asked = Player::greeted(&node);
    let of_ann = row(&tree, &ann).unwrap();
    let expected = value!(["Ann", "telnet", "TINTIN++", "xterm", "1.0.0", "1.0.0"]);
    let columns = [
        "name",
        "protocol",
        "program",
        "terminal",
        "session_vsn",
        "avatar_vsn",
    ];
    let shown = |row: &Value| Value::from(columns.map(|column| row[column].clone()).to_vec());
    assert_eq!(shown(&of_ann), expected);
    let of_asked = row(&tree, &asked).unwrap();
    let expected = value!([null, "text", null, null, "1.0.0", null]);
    assert_eq!(shown(&of_asked), expected);
    install(&tree);
    let after = row(&tree, &ann).unwrap();
    let expected = value!(["Ann", "telnet", "TINTIN++", "xterm", "1.0.1", "1.1.0"]);
    assert_eq!(shown(&after), expected);
    assert_eq!(after["since"], of_ann["since"]);
    assert!(after["idle_ms"].as_u64() > of_ann["idle_ms"].as_u64());
    let text = told(&tree, &["who"]);
    let line = text.lines().nth(1).unwrap();
    let words: Vec<_> = line.split_whitespace().take(7).collect();
    let address = ann.address().to_string();
    let expected = [
        "Ann", &address, "telnet", "TINTIN++", "xterm", "1.0.1", "1.1.0",
    ];
    assert_eq!(words, expected, "{text}");
}

#[test]
fn a_session_that_is_held_by_an_operator_is_listed_with_its_hero() {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &[]);
    let ann = Player::playing(&node, "Ann");
    let session = row(&tree, &ann).unwrap()["pid"].clone();
    told(&tree, &["sys", "suspend", session.as_str().unwrap()]);
    assert_eq!(row(&tree, &ann).unwrap()["name"], "Ann");
}

#[test]
fn who_is_kicked_hears_why_and_leaves_in_order_while_others_play_on() {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &[]);
    // Sessions of 1.1.0 stop the heroes of disconnected clients.
    install(&tree);
    let [ann, bob] = ["Ann", "Bob"].map(|name| Player::playing(&node, name));
    let mut zoe = Player::playing(&node, "Zoë");
    let address = bob.address().to_string();
    let kicked = json(&tree, &["kick", "Ann", "Enough\u{1b}[2J for today."]);
    let from = ann.address().to_string();
    assert_eq!(kicked, value!({"operation": "kick", "addresses": [from]}));
    assert!(ann.rest().ends_with("\nEnough[2J for today.\r\n"));
    assert_eq!(
        told(&tree, &["kick", &address]),
        format!("closed: {address}\n")
    );
    bob.rest();
    zoe.until(b"Executing a ");
    // Connection, session and hero have ended.
    let who = until(&tree, &["who", "--json"], "\"name\":\"Zoë\"");
    assert!(!who.contains(&address), "{who}");
    let _again = Player::playing(&node, "Ann");
    let sentence = refused(&tree, &["kick", "Bob"], 3);
    let expected = "failed to kick Bob: no connected client has this name or address";
    assert!(sentence.starts_with(expected), "{sentence}");
    let past = past(&tree, 4);
    let text = "Enough[2J for today.";
    assert_eq!(past[0], [value!("kick Ann"), value!("done"), value!(text)]);
    let kick = value!(format!("kick {address}"));
    assert_eq!(past[1], [kick, value!("done"), Value::Null]);
    assert_eq!(past[2][1], *sentence);
}

#[test]
fn a_wall_is_a_line_of_its_own_for_everybody() {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &[]);
    let mut ann = Player::playing(&node, "Ann");
    let mut asked = Player::greeted(&node);
    assert_eq!(
        told(
            &tree,
            &["wall", "Tea\r\n\u{1b}[31m at five \u{e}secret\u{f}"]
        ),
        "sent to 2 clients\n"
    );
    let line = b"*** Tea[31m at five secret\r\n";
    let before = ann.until(line);
    assert!(before[..before.len() - line.len()].ends_with(b"\n"));
    assert_eq!(asked.until(line), line);
    refused(&tree, &["wall", "\u{7}"], 2);
    // Invalid commands have no entry.
    let said = value!("Tea[31m at five secret");
    assert_eq!(past(&tree, 1), [[value!("wall"), value!("done"), said]]);
}

#[test]
fn a_locked_door_turns_away_who_is_new_and_nobody_else() {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &[]);
    let mut ann = Player::playing(&node, "Ann");
    assert_eq!(
        told(&tree, &["lock", "on"]),
        "locked; 1 client stays connected\n"
    );
    let turned_away = Player::connect(&node).rest();
    assert_eq!(
        turned_away,
        "The game lets nobody in for now. Try again later.\r\n"
    );
    ann.until(b"Executing a ");
    let door = json(&tree, &["status"])["door"].clone();
    assert_eq!(
        (&door["locked"], &door["players"]),
        (&value!(true), &value!(1))
    );
    let status = told(&tree, &["status"]);
    let line = format!("{}, 1 client, 1 of them playing; locked", node.address());
    assert!(status.contains(&line), "{status}");
    assert_eq!(told(&tree, &["lock", "off"]), "unlocked\n");
    let _bob = Player::playing(&node, "Bob");
    assert_eq!(json(&tree, &["status"])["door"]["locked"], false);
    let past = past(&tree, 2);
    assert_eq!([&past[0][0], &past[1][0]], ["lock on", "lock off"]);
}

#[test]
fn programs_of_players_hear_of_an_upgrade_and_of_none_that_failed_early() {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &[]);
    let mut ann = Player::playing(&node, "Ann");
    ann.send(UPGRADES);
    ann.until(b"\xff\xfb\xc9");
    done(&tree, &["unpack", "processquest-1.1.0"]);
    done(&tree, &["check-install", "1.1.0"]);
    refused(&tree, &["install", "9.9.9"], 3);
    done(&tree, &["install", "1.1.0"]);
    let told = |phase: &str, from: &str, to: &str| {
        let json = format!(r#"{{"phase":"{phase}","from":"{from}","to":"{to}"}}"#);
        [b"PQ.Upgrade ", json.as_bytes(), b"\xff\xf0"].concat()
    };
    let before = ann.until(&told("begin", "1.0.0", "1.1.0"));
    let count = |bytes: &[u8]| bytes.windows(10).filter(|at| at == b"PQ.Upgrade").count();
    assert_eq!(count(&before), 1, "{}", String::from_utf8_lossy(&before));
    let between = ann.until(&told("commit", "1.0.0", "1.1.0"));
    assert_eq!(count(&between), 1, "{}", String::from_utf8_lossy(&between));
    done(&tree, &["install", "1.0.0"]);
    ann.until(&told("commit", "1.1.0", "1.0.0"));
}

#[test]
fn programs_of_players_hear_of_an_upgrade_that_is_given_up() {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &[]);
    let mut ann = Player::playing(&node, "Ann");
    ann.send(UPGRADES);
    ann.until(b"\xff\xfb\xc9");
    done(&tree, &["unpack", "processquest-1.1.0"]);
    with_instruction(&tree, LAST, Position::After(FAILS));
    assert_eq!(typed(&tree, &["install", "1.1.0"]).code, 5);
    ann.until(br#"PQ.Upgrade {"phase":"begin","from":"1.0.0","to":"1.1.0"}"#);
    ann.until(br#"PQ.Upgrade {"phase":"rollback","from":"1.0.0","to":"1.1.0"}"#);
}

/// The values of these variables in the status for lists of games.
fn listed(node: &Running, variables: [&str; 5]) -> [String; 5] {
    let mut crawler = Player::connect(node);
    crawler.send(b"\xff\xfd\x46");
    crawler.until(b"\xff\xfa\x46");
    let table = crawler.until(b"\xff\xf0");
    let table = String::from_utf8_lossy(&table[..table.len() - 2]).into_owned();
    let pairs = table
        .split('\u{1}')
        .filter_map(|pair| pair.split_once('\u{2}'));
    let pairs: std::collections::HashMap<_, _> = pairs.collect();
    variables.map(|name| pairs[name].to_string())
}

#[test]
fn a_list_of_games_is_told_what_runs_and_an_upgrade_changes_no_more_than_that() {
    let tree = Tree::new();
    let config = r#"[{sockserv, [{port, 8082}, {opening, quiet}, {mssp, [{"NAME", "Quest of Ann"}, {"CREATED", 2013}]}]}]."#;
    std::fs::write(tree.root().join("releases/1.0.0/sys.config"), config).unwrap();
    let node = Running::node_with(&tree, &[]);
    let mut ann = Player::connect(&node);
    // With this setting the node does not send the probe, either.
    let first = ann.until(b"name?\r\n");
    assert_eq!(first, b"What's your character's name?\r\n");
    ann.send(b"Ann\n");
    let variables = ["NAME", "CODEBASE", "PORT", "UPTIME", "CREATED"];
    let before = listed(&node, variables);
    let port = node.address().port().to_string();
    assert_eq!(before[0], "Quest of Ann");
    assert_eq!(before[1], "pq/processquest 1.0.0");
    assert_eq!((&before[2], before[4].as_str()), (&port, "2013"));
    done(&tree, &["unpack", "processquest-1.1.0"]);
    // A release contains all its settings: a setting that it omits has its default.
    std::fs::write(tree.root().join("releases/1.1.0/sys.config"), config).unwrap();
    done(&tree, &["install", "1.1.0"]);
    let after = listed(&node, variables);
    assert_eq!(after[1], "pq/processquest 1.1.0");
    assert_eq!((&after[0], &after[2..]), (&before[0], &before[2..]));
}

#[test]
fn a_setting_of_the_door_that_cannot_be_meant_ends_the_start() {
    let tree = Tree::new();
    let config = "[{sockserv, [{port, 8082}, {keepalive_ms, never}]}].";
    std::fs::write(tree.root().join("releases/1.0.0/sys.config"), config).unwrap();
    let mut node = Running::start(&mut pq_tests::running::pq(tree.start()));
    assert_eq!(node.end().code(), Some(1));
    node.logged("keepalive_ms of sockserv is never, where a number of milliseconds");
}

#[test]
fn the_program_of_a_player_forgets_a_hero_that_is_gone() {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &[]);
    let mut ann = Player::playing(&node, "Ann");
    ann.send(b"\xff\xfd\xc9\xff\xfa\xc9Core.Supports.Set [\"Char 1\"]\xff\xf0");
    ann.until(br#"Char.Name {"fullname":"Ann","name":"Ann"}"#);
    told(&tree, &["end-hero", "Ann", "Tea is ready."]);
    ann.until(b"Tea is ready.\r\nAnn has fallen for the last time.\r\n");
    ann.until(br#"Char.Name {"fullname":"","name":""}"#);
}

#[test]
fn a_hero_is_ended_by_its_name_whoever_plays_it() {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &["--heroes", "2", "--pace", "50"]);
    node.wrote("2 heroes started");
    let mut ann = Player::playing(&node, "Ann");
    let from = ann.address().to_string();
    // Letters that look the same are the same name.
    let ended = json(&tree, &["end-hero", "\u{410}nn", "Enough\u{1b}[2J."]);
    let expected = value!({"operation": "end_avatar", "name": "Ann", "addresses": [from]});
    assert_eq!(ended, expected);
    ann.until(b"Enough[2J.\r\nAnn has fallen for the last time.\r\n");
    ann.until(b"character's name?\r\n");
    // The name is free, also for the client that has just lost it.
    ann.send(b"Ann\ny\n");
    ann.until(b"Executing a ");
    let bot = "bot-1 has ended; no client was connected\n";
    assert_eq!(told(&tree, &["end-hero", "bot-1"]), bot);
    for name in ["bot-1", "nobody", "pq_supersup", "regis_server"] {
        let sentence = refused(&tree, &["end-hero", name], 3);
        assert_eq!(
            sentence,
            format!("failed to end {name}: no hero has this name")
        );
    }
    let left = told(&tree, &["names", "bot-"]);
    assert!(left.contains("bot-0") && !left.contains("bot-1"), "{left}");
    for words in [
        &["end-hero"][..],
        &["end-hero", "--abandoned", "Ann"],
        &["end-hero", ""],
    ] {
        assert_eq!(typed(&tree, words).code, 2, "{words:?}");
    }
    install(&tree);
    told(&tree, &["end-hero", "Ann"]);
    ann.until(b"Ann has fallen for the last time.\r\n");
    let past = past(&tree, 3);
    assert_eq!(
        past[2],
        [value!("end-hero Ann"), value!("done"), Value::Null]
    );
}
