//! Bytes as clients send them: telnet commands, line ends, splits, limits.

use pq_tests::running::{Running, Tree};

use crate::telnet::client::Client;
use crate::telnet::script::{ANSWER, PROMPT, TAKEN, unexpected};

/// The first bytes of a telnet client: `DO SGA`, `WILL TTYPE`, `WILL NAWS`, and the size of its window.
const OFFERS: &[u8] = b"\xff\xfd\x03\xff\xfb\x18\xff\xfb\x1f\xff\xfa\x1f\x00\x50\x00\x18\xff\xf0";

/// `WILL SGA`; then the offers of the node: `WILL EOR`, `DO NAWS`, `WILL CHARSET`, `WILL MSSP`, `WILL GMCP`, `WILL
/// MCCP2`; and the question for the terminal's type. An option that is already agreed is not answered again.
const ANSWERS: &[u8] = b"\xff\xfb\x03\xff\xfb\x19\xff\xfd\x1f\xff\xfb\x2a\xff\xfb\x46\xff\xfb\xc9\xff\xfb\x56\xff\xfa\x18\x01\xff\xf0";

#[test]
fn negotiation_is_answered_and_no_part_of_the_name() {
    let node = Running::node();
    let mut client = Client::greeted(&node);
    client.send(OFFERS);
    assert_eq!(client.bytes(ANSWERS.len()), ANSWERS);
    client.send([b"A", OFFERS, b"n", OFFERS, b"n\r\n"].concat());
    client.stats();
    client.send("y\r\n");
    client.until("Executing a ");
    let mut other = Client::greeted(&node);
    other.send("Ann\ny\n");
    other.stats();
    assert_eq!(other.until("\n"), TAKEN);
}

#[test]
fn a_client_that_only_talks_text_is_sent_only_text() {
    let node = Running::node();
    let told = Client::playing(&node, "Ann").quit();
    assert!(told.is_ascii(), "{told:?}");
}

#[test]
fn every_line_end_is_one_end() {
    let node = Running::node();
    for (number, end) in ["\n", "\r\n", "\r\0", "\r"].into_iter().enumerate() {
        let mut client = Client::greeted(&node);
        client.send(format!("Ann{number}{end}y{end}hello{end}"));
        client.stats();
        assert_eq!(
            client.line_with("Unexpected input:"),
            unexpected("hello"),
            "{end:?}"
        );
        client.send(format!("quit{end}"));
        client.rest();
    }
}

#[test]
fn lines_that_come_byte_by_byte_are_the_same_lines() {
    let node = Running::node();
    let mut client = Client::greeted(&node);
    let input = [
        OFFERS,
        "Zoë勇\r\n".as_bytes(),
        b"n\r\ny\r\nhel\xff\xfb\x18lo\r\n",
    ]
    .concat();
    for byte in input {
        client.send([byte]);
    }
    assert_eq!(client.bytes(ANSWERS.len()), ANSWERS);
    client.stats();
    client.stats();
    assert_eq!(client.line_with("Unexpected input:"), unexpected("hello"));
}

#[test]
fn many_lines_in_one_piece_are_answered_one_by_one() {
    let tree = Tree::with_limits("{lines, {1000000, 1000000}}");
    let node = Running::node_with(&tree, &[]);
    let mut client = Client::greeted(&node);
    client.send(format!("Ann\n{}quit\n", "n\n".repeat(500)));
    for _ in 0..=500 {
        client.stats();
    }
    assert_eq!(client.rest(), "");
}

#[test]
fn a_line_has_at_most_a_kibibyte() {
    let node = Running::node();
    let mut client = Client::playing(&node, "Ann");
    let most = "x".repeat(1024);
    client.send(format!("{most}\n"));
    assert_eq!(client.line_with("Unexpected input:"), unexpected(&most));
    client.send(format!("{most}x\nshort\n"));
    let said = client.line_with("That line is too long");
    assert_eq!(said, "That line is too long: at most 1024 bytes.\r\n");
    assert_eq!(client.line_with("Unexpected input:"), unexpected("short"));
}

#[test]
fn keys_that_correct_a_line_correct_names_and_commands() {
    let node = Running::node();
    let mut client = Client::greeted(&node);
    // A client that sends every key, where Backspace is either of the two bytes.
    for byte in "\x08Zoo\x08e\u{301}\x7f\x7foë👩‍👧\x08\r\n".as_bytes() {
        client.send([*byte]);
    }
    client.stats();
    client.send("n\x08y\r\n");
    client.until("Executing a ");
    client.send(format!("{}hellp\x7fo\r\n", "never mind\x15"));
    assert_eq!(client.line_with("Unexpected input:"), unexpected("hello"));
    let mut other = Client::greeted(&node);
    other.send("Zoë\ny\n");
    other.stats();
    assert_eq!(other.until("\n"), TAKEN);
}

#[test]
fn the_byte_255_is_data_when_it_is_doubled() {
    let node = Running::node();
    let mut client = Client::greeted(&node);
    client.send(b"A\xff\xffnn\n");
    let refused = format!("That name is not written in UTF-8.\r\n{PROMPT}");
    assert_eq!(client.until(PROMPT), refused);
    client.join("Ann");
    client.send(b"a\xff\xffb\n");
    assert_eq!(
        client.line_with("Unexpected input:"),
        unexpected("a\u{fffd}b")
    );
}

#[test]
fn are_you_there_is_answered() {
    let node = Running::node();
    let mut client = Client::greeted(&node);
    client.send(b"\xff\xf6");
    assert_eq!(client.until("\n"), "[yes]\r\n");
}

#[test]
fn what_a_client_is_told_after_it_half_closed_still_comes() {
    let node = Running::node();
    let mut client = Client::greeted(&node);
    client.send("Ann\nn\nmaybe\n");
    client.half_close();
    client.stats();
    client.stats();
    assert_eq!(client.rest(), ANSWER);
    let mut client = Client::greeted(&node);
    client.send("Bob\ny\nhello\nquit\n");
    client.half_close();
    client.stats();
    assert_eq!(client.rest(), unexpected("hello"));
    // The hero of the first client was stopped although the client had closed its sending direction.
    Client::playing(&node, "Bob");
}
