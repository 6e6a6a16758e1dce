//! The TLS port, with `openssl s_client` as an independent client.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use pq_tests::needs::{Need, has};
use pq_tests::running::{PATIENCE, PROMPT, Player, Running, Tree, poll};
use serde_json::{Value, json};

use crate::door::guest::Guest;
use crate::door::has_refused;

/// A node with a TLS port and a certificate of its own.
pub(crate) fn node(tree: &Tree) -> Running {
    Running::node_with(tree, &["--tls-port", "0", "--self-signed"])
}

/// The address of the TLS port.
pub(crate) fn address(tree: &Tree) -> SocketAddr {
    let status = tree.answer(&["status"]);
    let address = status["door"]["tls_address"].as_str().unwrap();
    address.parse().unwrap()
}

/// The row of this hero in `who`.
fn row(tree: &Tree, name: &str) -> Option<Value> {
    let who = tree.answer(&["who"]);
    let rows = who["rows"].as_array().unwrap();
    rows.iter().find(|row| row["name"] == name).cloned()
}

/// A TLS client; `None` when its program is not installed.
pub(crate) fn secure(port: SocketAddr) -> Option<Player> {
    let mut command = Command::new("openssl");
    command.args(["s_client", "-quiet", "-connect", &port.to_string()]);
    Player::by(&mut command)
}

#[test]
fn a_player_by_tls_plays_is_listed_told_and_kicked_as_others_are() {
    let tree = Tree::new();
    let node = node(&tree);
    let Some(mut ann) = secure(address(&tree)) else {
        return;
    };
    ann.join("Ann");
    let mut bob = Guest::playing(&node, "Bob");
    assert_eq!(row(&tree, "Ann").unwrap()["protocol"], "text, TLS");
    assert_eq!(row(&tree, "Bob").unwrap()["protocol"], "text");
    tree.does(&["wall", "Tea at five."]);
    ann.sees("*** Tea at five.\r\n");
    bob.sees("*** Tea at five.\r\n");
    tree.does(&["kick", "Ann", "Enough."]);
    ann.sees("Enough.\r\n");
    ann.ends();
    bob.send("hello\n");
    bob.sees("Unexpected input: hello\r\n");
    tree.does(&["lock", "on"]);
    let locked = secure(address(&tree)).unwrap();
    locked.ends();
    has_refused(&tree, &json!({"locked": 1}));
}

#[test]
fn a_player_by_tls_plays_on_through_an_upgrade_and_quits_in_order() {
    let tree = Tree::new();
    let node = node(&tree);
    let Some(mut ann) = secure(address(&tree)) else {
        return;
    };
    ann.join("Ann");
    tree.does(&["unpack", "processquest-1.1.0"]);
    tree.does(&["install", "1.1.0"]);
    ann.plays_on();
    ann.quits();
    let gone = poll(PATIENCE, || row(&tree, "Ann").is_none().then_some(()));
    assert!(gone.is_some());
    // A killed program sends no TLS close message.
    let mut eve = secure(address(&tree)).unwrap();
    eve.join("Eve");
    eve.drops();
    let gone = poll(PATIENCE, || row(&tree, "Eve").is_none().then_some(()));
    assert!(gone.is_some());
    assert_eq!(node.errors(), [""; 0]);
}

#[test]
fn text_at_the_port_for_tls_is_told_in_plain_words() {
    let tree = Tree::new();
    let node = node(&tree);
    let mut plain = Guest::to(address(&tree));
    plain.send("Ann\r\n");
    let sentence = "This port speaks TLS only: `telnet` cannot, a MUD client can.\r\n";
    assert_eq!(plain.ends(), sentence);
    has_refused(&tree, &json!({"not_tls": 1}));
    Guest::connect(&node).sees(PROMPT);
}

#[test]
fn who_says_nothing_or_stalls_in_the_handshake_is_closed_and_holds_nobody_up() {
    let tree = Tree::new();
    let node = node(&tree);
    let silent = Guest::to(address(&tree));
    let mut stalled = Guest::to(address(&tree));
    stalled.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03");
    if let Some(mut ann) = secure(address(&tree)) {
        ann.join("Ann");
        ann.quits();
    }
    let told = silent.ends();
    assert!(told.starts_with("This port speaks TLS only: "), "{told}");
    assert_eq!(stalled.ends(), "");
    let alone = poll(PATIENCE, || {
        let status = tree.answer(&["status"]);
        (status["door"]["clients"] == 0).then_some(())
    });
    assert!(alone.is_some(), "a client is still connected");
    assert_eq!(node.complaints(), [""; 0]);
}

/// Runs `openssl`; `None` when it is not installed.
fn openssl(args: &[&str]) -> Option<String> {
    if !has(&[Need::Openssl]) {
        return None;
    }
    let mut command = Command::new("openssl");
    let ran = command.args(args).stdin(Stdio::null()).output().unwrap();
    Some(String::from_utf8_lossy(&ran.stdout).into_owned())
}

/// Makes a certificate for this name with its key, in the tree's directory for certificates.
fn certify(root: &Path, name: &str) -> Option<()> {
    let folder = root.join("tls");
    std::fs::create_dir_all(&folder).unwrap();
    let files = ["new.key", "new.pem"].map(|file| folder.join(file).display().to_string());
    let subject = format!("/CN={name}");
    let key = [
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
    ];
    let out = ["-keyout", &files[0], "-out", &files[1], "-subj", &subject];
    openssl(&[&["req", "-x509", "-days", "1"], &key[..], &out].concat())?;
    // Programs that renew certificates replace files as a whole, too.
    std::fs::rename(&files[0], folder.join("key.pem")).unwrap();
    std::fs::rename(&files[1], folder.join("cert.pem")).unwrap();
    Some(())
}

/// The name in the certificate that a client receives.
fn shown(tree: &Tree) -> String {
    let address = address(tree).to_string();
    let shown = openssl(&["s_client", "-connect", &address]).unwrap_or_default();
    let subject = shown.lines().find(|line| line.contains("subject="));
    let subject = subject.unwrap_or_else(|| panic!("no certificate in {shown}"));
    let (_, name) = subject.rsplit_once("CN").unwrap();
    name.trim_start_matches([' ', '=']).to_string()
}

#[test]
fn a_certificate_that_is_renewed_is_in_force_without_a_word_to_the_node() {
    let tree = Tree::new();
    if certify(tree.root(), "first.example").is_none() {
        return;
    }
    let files = r#"{tls, [{port, 0}, {certfile, "tls/cert.pem"}, {keyfile, "tls/key.pem"}]}"#;
    tree.configures("1.0.0", files);
    let node = Running::node_with(&tree, &[]);
    let mut ann = secure(address(&tree)).unwrap();
    ann.join("Ann");
    assert_eq!(shown(&tree), "first.example");
    certify(tree.root(), "second.example");
    let renewed = poll(PATIENCE, || {
        (shown(&tree) == "second.example").then_some(())
    });
    assert!(renewed.is_some(), "the first certificate stays in force");
    ann.plays_on();
    // With a pair that does not match, the previous certificate stays in force.
    std::fs::write(tree.root().join("tls/key.pem"), "no key\n").unwrap();
    let noticed = poll(PATIENCE, || {
        assert_eq!(shown(&tree), "second.example");
        let log = node.log();
        log.contains("the previous certificate stays in force")
            .then_some(())
    });
    assert!(
        noticed.is_some(),
        "the log has no message about the wrong pair"
    );
}
