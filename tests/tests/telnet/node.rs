//! The life of a node in the view of an operator: start, signals, exit codes, and error messages.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;

use pq_tests::needs::{self, Need};
use pq_tests::running::{PATIENCE, Running, Signal, Tree, poll, pq};

use crate::telnet::client::Client;
use crate::telnet::script::{PROMPT, TAKEN};

/// The error message of a command that must fail with exit code 1 and print nothing else.
fn refusal(command: &mut Command) -> String {
    refusal_with(command, 1)
}

/// The error message of a node that does not start, and ends with this code.
fn refusal_with(command: &mut Command, code: i32) -> String {
    let mut refused = Running::start(command);
    assert_eq!(refused.end().code(), Some(code));
    assert_eq!(refused.out(), "");
    let log = refused.log();
    let last = log.lines().last().unwrap();
    last.strip_prefix("pq: ").unwrap().to_string()
}

fn has(sentence: &str, parts: &[&str]) {
    for part in parts {
        assert!(sentence.contains(part), "no {part:?} in {sentence:?}");
    }
}

fn name(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_signal_closes_all_connections_and_ends_the_node_well() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut node = Running::node();
        let address = node.address();
        let mut waiting = Client::greeted(&node);
        let mut asked = Client::greeted(&node);
        asked.send("Ann\n");
        asked.stats();
        let mut playing = Client::playing(&node, "Bob");
        node.signal(signal);
        assert_eq!(waiting.rest(), "");
        assert_eq!(asked.rest(), "");
        playing.rest();
        assert_eq!(node.end().code(), Some(0), "{signal:?}");
        assert!(TcpStream::connect(address).is_err(), "{signal:?}");
        assert_eq!(node.complaints(), [""; 0]);
    }
}

#[test]
fn the_applications_are_stopped_last_started_first() {
    let mut node = Running::node();
    node.signal(Signal::TERM);
    node.end();
    let log = node.log();
    let places = ["sockserv", "processquest", "regis"].map(|application| {
        let line = format!("application stopped application=\"{application}\"");
        log.find(&line)
            .unwrap_or_else(|| panic!("no {line}: see the log"))
    });
    assert!(places.is_sorted(), "see the log");
}

#[test]
fn a_tree_has_one_node_at_a_time() {
    let tree = Tree::new();
    let mut first = Running::node_with(&tree, &[]);
    let sentence = refusal(&mut pq(tree.start()));
    has(
        &sentence,
        &[
            "a node is already running on",
            name(tree.root()),
            "(process ",
        ],
    );
    Client::playing(&first, "Ann");
    first.signal(Signal::KILL);
    first.end();
    // The kernel releases the lock of a killed node.
    Client::greeted(&Running::node_with(&tree, &[]));
}

#[test]
fn a_port_in_use_is_refused_with_what_to_do() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let tree = Tree::new();
    let mut command = pq(["start", "--port", &port, "--root"]);
    let sentence = refusal(command.arg(tree.root()));
    has(&sentence, &[&port, "in use", "--port"]);
    // An address of a network that is reserved for documentation (RFC 5737): another port would not help.
    let sentence = refusal(pq(tree.start()).args(["--bind", "192.0.2.1"]));
    has(&sentence, &["failed to listen on 192.0.2.1:0"]);
    assert!(!sentence.contains("--port"), "{sentence}");
}

#[test]
fn a_root_without_a_release_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let sentence = refusal(pq(["start", "--root"]).arg(&missing));
    has(&sentence, &["no release tree", name(&missing)]);
    assert!(!missing.exists());
    let sentence = refusal(pq(["start", "--root"]).arg(folder.path()));
    has(&sentence, &["no release tree", name(folder.path())]);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    let sentence = refusal(pq(Tree::new().start()).args(["--release", "9.9.9"]));
    has(&sentence, &["9.9.9"]);
}

#[test]
fn a_library_that_is_missing_or_damaged_is_refused_by_name() {
    for application in ["processquest", "sockserv"] {
        let tree = Tree::new();
        let library = tree.library(application);
        let mut bytes = std::fs::read(&library).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&library, &bytes).unwrap();
        let sentence = refusal_with(&mut pq(tree.start()), 10);
        has(&sentence, &["failed to read", name(&library), "SHA-256"]);
        std::fs::write(&library, &bytes[..middle]).unwrap();
        let sentence = refusal_with(&mut pq(tree.start()), 10);
        has(&sentence, &["failed to read", name(&library), "SHA-256"]);
        std::fs::remove_file(&library).unwrap();
        let sentence = refusal(&mut pq(tree.start()));
        has(&sentence, &[name(&library), "no such file"]);
    }
}

#[test]
fn a_root_may_have_any_name() {
    let tree = Tree::named("Prozeß Quest/勇者 's \"rel\"");
    let node = Running::node_with(&tree, &[]);
    Client::playing(&node, "Ann").quit();
}

#[test]
fn heroes_that_play_without_a_socket_are_counted() {
    let args = ["--heroes", "1000", "--seed", "7", "--shards", "2"];
    let tree = Tree::new();
    let mut node = Running::node_with(&tree, &args);
    node.wrote("per second)\n");
    let out = node.out();
    let line = out.lines().nth(1).unwrap();
    assert!(line.starts_with("1000 heroes started in "), "{line}");
    let mut client = Client::greeted(&node);
    client.send("bot-999\ny\n");
    client.stats();
    assert_eq!(client.until(PROMPT), format!("{TAKEN}{PROMPT}"));
    client.join("Ann");
    node.signal(Signal::TERM);
    assert!(node.end().success());
}

#[test]
fn a_demo_that_was_built_before_starts_without_building_again() {
    let tree = Tree::new();
    let libraries = ["processquest", "sockserv"].map(|application| tree.library(application));
    let written = || {
        libraries
            .each_ref()
            .map(|file| std::fs::metadata(file).unwrap().modified().unwrap())
    };
    let before = written();
    let node = Running::demo(tree.root(), &[]);
    assert!(!node.log().contains("Compiling"), "see the log");
    assert_eq!(written(), before);
    node.is_ready();
    let port = node.address().port();
    has(
        &node.out(),
        &[
            &format!(
                "release processquest 1.0.0 is in {}\n",
                tree.root().display()
            ),
            &format!("    telnet localhost {port}\n"),
            &format!("or  nc localhost {port}\n"),
        ],
    );
    Client::playing(&node, "Ann").quit();
}

#[test]
fn a_signal_does_not_wait_until_all_heroes_are_started() {
    let tree = Tree::new();
    let mut node = Running::node_with(&tree, &["--heroes", "100000000"]);
    node.signal(Signal::TERM);
    assert_eq!(node.end().code(), Some(0));
    assert!(!node.out().contains("heroes started"), "{}", node.out());
}

/// The same command, started by a shell that runs `script`, which contains `exec "$0" "$@"`; the process is the same.
fn in_shell(command: &Command, script: &str) -> Command {
    let mut shell = Command::new("bash");
    shell.args(["-c", script]);
    shell.arg(command.get_program()).args(command.get_args());
    shell
}

#[test]
fn a_node_whose_output_nobody_reads_plays_on() {
    if !needs::has(&[Need::Bash]) {
        return;
    }
    let tree = Tree::new();
    let mut command = pq(tree.start());
    command.args(["--heroes", "2000"]);
    // The reader and its pipe are gone before the heroes are counted.
    let mut node = Running::listening(&mut in_shell(
        &command,
        r#"exec "$0" "$@" > >(read -r line; echo "$line")"#,
    ));
    node.logged("heroes started");
    Client::playing(&node, "Ann").quit();
    node.signal(Signal::TERM);
    assert_eq!(node.end().code(), Some(0));
}

#[test]
fn a_node_whose_log_nobody_reads_plays_on() {
    if !needs::has(&[Need::Bash]) {
        return;
    }
    let tree = Tree::new();
    let command = pq(tree.start());
    let mut node = Running::listening(&mut in_shell(&command, r#"exec "$0" "$@" 2> >(read -r)"#));
    let ann = Client::playing(&node, "Ann");
    // The start of a hero with a taken name fails, which is a line in the log.
    let mut other = Client::greeted(&node);
    other.send("Ann\ny\n");
    other.until(TAKEN);
    other.until(PROMPT);
    other.join("Bob");
    ann.quit();
    node.signal(Signal::TERM);
    assert_eq!(node.end().code(), Some(0));
}

#[test]
fn clients_for_whom_no_descriptor_is_left_do_not_disturb_others_and_come_in_when_some_leave() {
    if !needs::has(&[Need::Bash]) {
        return;
    }
    let tree = Tree::new();
    let command = pq(tree.start());
    let node = Running::listening(&mut in_shell(&command, r#"ulimit -n 64; exec "$0" "$@""#));
    let mut first = Client::playing(&node, "Ann");
    let crowd: Vec<Client> = (0..64).map(|_| Client::connect(&node)).collect();
    first.until("Executing a ");
    drop(crowd);
    let is_alone = || (tree.answer(&["status"])["door"]["clients"] == 1).then_some(());
    assert!(poll(PATIENCE, is_alone).is_some(), "{}", node.log());
    Client::greeted(&node).join("Bob");
    first.until("Executing a ");
}
