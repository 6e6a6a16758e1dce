//! The state of a connection below the lines: half a telnet command, half a character, waiting output.

use std::io::{BufRead, BufReader, Cursor, Read};

use pq_tests::running::{AGREE, PROMPT, RawClient, Running, Tree};

/// With these limits the node neither disconnects a client that reads late nor delays one that sends much.
const PATIENT: &str = "{limits, [{lines, {100000, 100000}}, {outbox_bytes, 16000000}]}";

/// More data than the kernel buffers for a connection (4 MiB, `tcp_wmem`), so the rest waits in the node.
const LINES: usize = 5_000;
const LINE_LEN: usize = 1_000;

pub(crate) struct Client(RawClient);

impl Client {
    pub(crate) fn connect(node: &Running) -> Client {
        Client(RawClient::connect(node))
    }

    pub(crate) fn sends(&mut self, bytes: &[u8]) {
        self.0.send(bytes);
    }

    /// Reads up to the end of these bytes, and returns the bytes before them.
    pub(crate) fn hears(&mut self, end: &[u8]) -> Vec<u8> {
        let mut heard = self.0.until(end);
        heard.truncate(heard.len() - end.len());
        heard
    }

    fn joins(&mut self, name: &str) {
        self.hears(PROMPT.as_bytes());
        self.sends(format!("{name}\n").as_bytes());
        self.hears(AGREE.as_bytes());
        self.sends(b"y\n");
        self.hears(b"Executing a ");
    }
}

#[test]
fn half_a_command_and_half_a_character_are_ended_in_the_next_release() {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &[]);
    tree.does(&["unpack", "processquest-1.1.0"]);
    // The first half, the second half, and the resulting output. `Zo\xc3` is two and a half characters.
    let halves: [(&[u8], &[u8], &[u8]); 4] = [
        (b"\xff", b"\xf6", b"[yes]\r\n"),
        (b"\xff\xfd", b"\xc9", b"\xff\xfb\xc9"),
        (b"Zo\xc3", b"\xab\n", "Stats for your character:".as_bytes()),
        (
            b"\xff\xfb\x18\xff\xfa\x18\0xte",
            b"rm\xff\xf0",
            b"\xff\xfa\x18\x01\xff\xf0",
        ),
    ];
    let mut clients: Vec<Client> = halves.iter().map(|_| Client::connect(&node)).collect();
    for (client, (first, ..)) in clients.iter_mut().zip(halves) {
        client.hears(PROMPT.as_bytes());
        client.sends(first);
    }
    tree.does(&["install", "1.1.0"]);
    for (client, (_, second, comes)) in clients.iter_mut().zip(halves) {
        client.sends(second);
        client.hears(comes);
    }
}

#[test]
fn a_subscription_that_is_half_said_holds_from_the_next_release_on() {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &[]);
    tree.does(&["unpack", "processquest-1.1.0"]);
    let mut client = Client::connect(&node);
    client.joins("Ann");
    client.sends(b"\xff\xfd\xc9\xff\xfa\xc9Core.Supports.S");
    tree.does(&["install", "1.1.0"]);
    client.sends(b"et [\"PQ 1\"]\xff\xf0\xff\xfa\xc9Core.Ping\xff\xf0");
    client.hears(b"Core.Ping");
    tree.does(&["install", "1.0.0"]);
    client.hears(br#"PQ.Upgrade {"phase":"commit","from":"1.1.0","to":"1.0.0"}"#);
}

#[test]
fn output_that_waits_for_its_reader_waits_through_an_upgrade_and_back() {
    let tree = Tree::new();
    tree.configures("1.0.0", PATIENT);
    let node = Running::node_with(&tree, &[]);
    tree.does(&["unpack", "processquest-1.1.0"]);
    tree.configures("1.1.0", PATIENT);
    let mut client = Client::connect(&node);
    client.joins("Ann");
    let line = |number: usize| format!("{number:0LINE_LEN$}");
    for number in 0..LINES {
        client.sends(format!("{}\n", line(number)).as_bytes());
    }
    for vsn in ["1.1.0", "1.0.0"] {
        let report = tree.answer(&["install", vsn]);
        assert_eq!(report["connections_dropped"], 0, "{report}");
    }
    // Between them stands the hero's story.
    let mut told = BufReader::new(Cursor::new(client.0.unread).chain(client.0.stream)).lines();
    let mut answers = told.by_ref().map(Result::unwrap).filter_map(|line| {
        let typed = line.strip_prefix("Unexpected input: ");
        typed.map(str::to_string)
    });
    for number in 0..LINES {
        let answer = answers.next().unwrap();
        assert!(
            answer == line(number),
            "no {number}: {}",
            answer.trim_start_matches('0')
        );
    }
    let goes_on = told.map(Result::unwrap);
    assert!(
        goes_on
            .into_iter()
            .any(|line| line.starts_with("Executing a "))
    );
}
