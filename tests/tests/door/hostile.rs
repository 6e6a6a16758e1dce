//! Clients that speak another protocol, abort connections, or send characters that a terminal obeys: other players
//! continue and do not notice.
//!
//! `telnet/harm.rs` and `telnet/wire.rs` have similar tests; here are floods, bombs, resets, and two hundred clients at
//! once.

use std::process::Command;

use pq_tests::needs::{Need, has};
use pq_tests::running::{AGREE, PATIENCE, PROMPT, Running, Tree, poll};
use serde_json::json;

use crate::door::guest::Guest;
use crate::door::{has_refused, refused};

/// Texts that a terminal would obey or show in another order: escapes, C1, overrides of direction, line separators.
const OBEYED: [&str; 8] = [
    "\u{1b}[2J",
    "\u{7}",
    "\u{1}",
    "\u{e}",
    "\u{9b}2J",
    "\u{202e}",
    "\u{2066}",
    "\u{2028}",
];

fn obeys(c: char) -> bool {
    let layout = ['\r', '\n', '\t'];
    let overrides = matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    overrides || (c.is_control() && !layout.contains(&c))
}

/// Asserts that no character of the text controls a terminal.
fn is_calm(text: &str) {
    assert!(!text.contains(obeys), "{text:?}");
}

#[test]
fn a_browser_is_told_in_one_line_and_closed() {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &[]);
    for request in [
        "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "POST /login HTTP/1.0\r\nContent-Length: 5\r\n\r\nAnn\ny\n",
    ] {
        let mut browser = Guest::connect(&node);
        browser.send(request);
        let told = browser.ends();
        let sentence = "This is a game for telnet, not a web page.\r\n";
        assert!(told.ends_with(sentence), "{told}");
        assert_eq!(told.matches(sentence).count(), 1, "{told}");
    }
    has_refused(&tree, &json!({"http": 2}));
    // An incomplete request is not detected as HTTP, because a player may type the word.
    let mut player = Guest::playing(&node, "GET");
    player.send("GET / HTTP/1.1\n");
    player.sees("Unexpected input: GET / HTTP/1.1\r\n");
    assert_eq!(refused(&tree), json!({"http": 2}));
}

#[test]
fn a_handshake_of_tls_at_the_port_for_telnet_is_told_in_one_line_and_closed() {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &[]);
    let mut stranger = Guest::connect(&node);
    stranger.send(b"\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03\xff\xfa\x00\x0d\x0a\x00\xff");
    assert!(stranger.ends().ends_with("This port speaks no TLS.\r\n"));
    has_refused(&tree, &json!({"tls": 1}));
}

#[test]
fn a_window_of_255_columns_and_zero_bytes_do_not_get_into_the_name() {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &[]);
    let mut ann = Guest::greeted(&node);
    let doubled = b"\xff\xfb\x1f\xff\xfa\x1f\x00\xff\xff\xff\xff\xff\xff\xff\xf0";
    // Window sizes from clients that do not double the byte 255: 255 by 24, 50 by 255, and bytes that are not a size.
    let single = b"\xff\xfa\x1f\x00\xff\x00\x18\xff\xf0\xff\xfa\x1f\x00\x32\x00\xff\xff\xf0\xff\xfa\x1f\xff\x41\xff\xf1BC\xff\xf0";
    for byte in [&b"A"[..], doubled, b"n\0", single, b"n\r\0"].concat() {
        ann.send([byte]);
    }
    ann.sees(AGREE);
    ann.send("y\r\0");
    ann.sees("Executing a ");
    assert_eq!(tree.answer(&["who"])["rows"][0]["name"], "Ann");
}

#[test]
fn a_subnegotiation_that_another_command_interrupts_does_not_swallow_what_follows() {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &[]);
    let mut ann = Guest::greeted(&node);
    // The command has no `SE`, so the next command ends it.
    ann.send(b"\xff\xfa\x18\x00XTERM\xff\xfb\x1fAnn\n");
    ann.sees(AGREE);
    ann.send("y\n");
    ann.sees("Executing a ");
    assert_eq!(tree.answer(&["who"])["rows"][0]["name"], "Ann");
}

#[test]
fn a_name_that_a_terminal_would_obey_is_none() {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &[]);
    let mut guest = Guest::greeted(&node);
    // The last one is a space between two words, of which the first is a valid name.
    for odd in &OBEYED[..7] {
        guest.send(format!("An{odd}n\n"));
        let told = guest.sees(PROMPT);
        let sentence = "A name has only characters that can be seen.\r\n";
        assert!(told.contains(sentence), "{odd:?}: {told:?}");
        is_calm(&told);
    }
}

#[test]
fn what_a_client_sends_never_moves_another_terminal() {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &[]);
    let mut ann = Guest::playing(&node, "Ann");
    let mut eve = Guest::greeted(&node);
    let odd = OBEYED.concat();
    let program = [
        b"\xff\xfb\x18\xff\xfa\x18\0EVIL",
        odd.as_bytes(),
        b"\xff\xf0",
    ];
    eve.send(program.concat());
    eve.send(b"\xff\xfa\x18\0xterm\x1b[2J\xc2\x9b\xff\xf0");
    eve.plays("Eve");
    eve.send(format!("{odd}\n"));
    is_calm(&eve.sees("Unexpected input:"));
    is_calm(&eve.sees("\n"));
    for args in [&["who"][..], &["status"], &["names"]] {
        is_calm(&tree.does(args));
    }
    tree.does(&["wall", &format!("tea {odd} at five")]);
    let told = ann.sees("at five\r\n");
    assert!(told.contains("*** tea "), "{told}");
    is_calm(&told);
    tree.does(&["kick", "Ann", &format!("out {odd} you go")]);
    is_calm(&ann.ends());
    is_calm(&tree.does(&["history"]));
    is_calm(&node.log());
}

#[test]
fn the_kernel_looks_after_clients_that_say_nothing() {
    if !has(&[Need::Ss]) {
        return;
    }
    let tree = Tree::new();
    let node = Running::node_with(&tree, &[]);
    let guest = Guest::greeted(&node);
    // The node's side of this connection. A client that has lost its network sends no end, and only this timer detects
    // that.
    let (here, there) = (node.address().port(), guest.address().port());
    let ends = format!("( sport = :{here} and dport = :{there} )");
    let seconds = poll(PATIENCE, || {
        let shown = Command::new("ss").args(["-tnoH", &ends]).output().unwrap();
        seconds_in(&String::from_utf8_lossy(&shown.stdout))
    });
    let seconds = seconds.expect("no timer of a keepalive");
    assert!((1..=60).contains(&seconds), "{seconds}");
}

/// Reads the seconds in `timer:(keepalive,59sec,0)` or `timer:(keepalive,1min,0)`.
fn seconds_in(shown: &str) -> Option<u64> {
    let (_, rest) = shown.split_once("timer:(keepalive,")?;
    let (time, _) = rest.split_once(',')?;
    match time.strip_suffix("min") {
        Some(minutes) => minutes.parse::<u64>().ok().map(|minutes| 60 * minutes),
        None => time.strip_suffix("sec")?.parse().ok(),
    }
}
