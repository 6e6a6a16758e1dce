//! The dialogue of the book, and other answers of a player.

use pq_tests::running::{Running, Tree, pq};

use crate::telnet::client::Client;
use crate::telnet::script::{ANSWER, PROMPT, TAKEN, kills, next, stats, unexpected};

#[test]
fn a_session_reads_as_in_the_book_byte_for_byte() {
    let node = Running::node();
    let mut client = Client::connect(&node);
    let mut told = client.until(PROMPT);
    client.send("hakvroot\r\n");
    told += &client.until("y/n\r\n\r\n");
    client.send("n\r\n");
    told += &client.until("y/n\r\n\r\n");
    client.send("y\r\n");
    told += &client.until("Obtained ");
    told += &client.until("Obtained ");
    told += &client.quit();

    let rest = next(&told, PROMPT);
    let rest = next(rest, &stats(rest));
    let rest = next(rest, &stats(rest));
    assert!(kills(rest) >= 2, "{rest:?}");
}

#[test]
fn stats_are_rolled_again_until_they_are_agreed_to() {
    let node = Running::node();
    let mut client = Client::greeted(&node);
    client.send("Ann\n");
    client.stats();
    for _ in 0..3 {
        client.send("n\n");
        client.stats();
    }
    for answer in ["yes", "Y", "", "   ", "maybe y", "ny"] {
        client.send(format!("{answer}\n"));
        assert_eq!(client.until("\n"), ANSWER, "{answer:?}");
    }
    client.send("y\n");
    client.until("Executing a ");
}

#[test]
fn quit_ends_the_session_at_every_prompt() {
    let node = Running::node();
    assert_eq!(Client::greeted(&node).quit(), "");
    let mut client = Client::greeted(&node);
    client.send("Ann\n");
    client.stats();
    assert_eq!(client.quit(), "");
    let mut client = Client::greeted(&node);
    client.send("Ann\nquitting is also an end\n");
    client.stats();
    assert_eq!(client.rest(), "");
    let mut client = Client::greeted(&node);
    client.send("Ann\nQuit\n");
    client.stats();
    assert_eq!(client.until("\n"), ANSWER);
}

#[test]
fn lines_in_play_are_unexpected_and_shown_without_what_a_terminal_obeys() {
    let node = Running::node();
    let mut client = Client::playing(&node, "Ann");
    for (line, shown) in [
        (&b"look"[..], "look"),
        (b"", ""),
        (b"\x1b[2J\x07", "\u{fffd}[2J\u{fffd}"),
        ("勇者 Zoë".as_bytes(), "勇者 Zoë"),
        (b" Quit", " Quit"),
    ] {
        client.send([line, b"\n"].concat());
        let said = client.line_with("Unexpected input:");
        assert_eq!(said, unexpected(shown));
    }
}

#[test]
fn a_name_that_is_taken_is_asked_for_again_and_quit_gives_it_free() {
    let node = Running::node();
    let ann = Client::playing(&node, "Ann");
    let mut second = Client::greeted(&node);
    second.send("Ann\ny\n");
    second.stats();
    assert_eq!(second.until(PROMPT), format!("{TAKEN}{PROMPT}"));
    second.join("Bob");
    ann.quit();
    second.quit();
    // A session that quits ends after its hero, so the name is free when the connection is closed.
    Client::playing(&node, "Ann").quit();
}

#[test]
fn a_name_that_cannot_be_one_is_asked_for_again_with_the_reason() {
    let node = Running::node();
    let mut client = Client::greeted(&node);
    for blank in ["", "   ", "\t"] {
        client.send(format!("{blank}\n"));
        assert_eq!(client.until(PROMPT), PROMPT, "{blank:?}");
    }
    for (name, sentence) in [
        (
            &[b'x'; 33][..],
            "That name is too long: at most 32 characters.",
        ),
        (b"Ann\xc3", "That name is not written in UTF-8."),
        (
            b"\x1b[31mRed",
            "A name has only characters that can be seen.",
        ),
    ] {
        client.send([name, b"\n"].concat());
        assert_eq!(client.until(PROMPT), format!("{sentence}\r\n{PROMPT}"));
    }
    client.send(format!("{}\n", "ü".repeat(32)));
    client.stats();
}

#[test]
fn a_client_that_is_dropped_leaves_its_hero_and_the_name_stays_taken() {
    let tree = Tree::new();
    let node = Running::listening(pq(tree.start()).env("RUST_LOG", "sockserv=debug"));
    let mut orderly = Client::playing(&node, "Orderly");
    orderly.half_close();
    orderly.rest();
    Client::playing(&node, "Broken").reset();
    node.logged("closed by the client");
    node.logged("connection lost");
    for name in ["Orderly", "Broken"] {
        let mut client = Client::greeted(&node);
        client.send(format!("{name}\ny\n"));
        client.stats();
        assert_eq!(client.until(PROMPT), format!("{TAKEN}{PROMPT}"));
    }
}
