//! `pq play`, the client of the project: with pipes, in a terminal, during an upgrade, and with a server that hides the
//! input, which the game does not do.

use std::io::{Read, Seek, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use pq_tests::running::{PATIENCE, Running, Tree, poll, pq, uninterrupted};

use crate::clients::program::Program;
use crate::clients::{in_terminal, node};

const INTERRUPT: &str = "\x03";

/// Ctrl-D at the beginning of a line, which ends the input.
const END_OF_INPUT: &str = "\x04";

fn piped(address: SocketAddr) -> Program {
    let program = Program::start(&mut pq(["play", &address.to_string()]));
    program.expect("cargo has built it")
}

/// The command line for a shell.
fn command(address: SocketAddr) -> String {
    format!("pq play {address}")
}

fn joins(player: &mut Program) {
    player.shows("What's your character's name?", 1);
    player.type_in("Ann\n");
    player.shows("y/n", 1);
    player.type_in("y\n");
    player.shows("Obtained ", 1);
}

#[test]
fn a_session_from_a_pipe_is_plain_text() {
    let node = Running::node();
    let mut player = piped(node.address());
    joins(&mut player);
    player.type_in("hello\n");
    player.shows("Unexpected input: hello\n", 1);
    player.type_in("quit\n");
    let told = player.end();
    assert!(
        told.starts_with("What's your character's name?\n"),
        "{told:?}"
    );
    let is_plain = |c: char| c == '\n' || (' '..='~').contains(&c);
    assert!(told.chars().all(is_plain), "{told:?}");
}

#[test]
fn a_script_may_end_before_the_session_does() {
    let node = Running::node();
    let mut player = piped(node.address());
    player.type_in("Ann\ny\nquit");
    player.end_input();
    let told = player.end();
    assert!(told.contains("y/n"), "{told:?}");
}

#[test]
fn a_terminal_says_what_it_is_and_is_told_of_the_end() {
    let tree = Tree::new();
    let node = node(&tree);
    let Some(mut player) = in_terminal(&command(node.address()), tree.root()) else {
        return;
    };
    joins(&mut player);
    player.type_in("quit\n");
    let told = player.end();
    assert!(
        told.contains("pq: the server has closed the connection"),
        "{told:?}"
    );
    node.logged("PQ 120x40");
}

#[test]
fn ctrl_d_leaves_the_game() {
    let tree = Tree::new();
    let node = node(&tree);
    let Some(mut player) = in_terminal(&command(node.address()), tree.root()) else {
        return;
    };
    joins(&mut player);
    player.type_in(END_OF_INPUT);
    player.end();
    node.logged("PQ 120x40");
}

#[test]
fn a_player_sees_both_releases_over_one_connection() {
    let tree = Tree::new();
    let node = node(&tree);
    let mut player = piped(node.address());
    joins(&mut player);
    tree.does(&["unpack", "processquest-1.1.0"]);
    for (release, word) in [("1.1.0", "up"), ("1.0.0", "down"), ("1.1.0", "again")] {
        tree.does(&["install", release]);
        player.type_in(&format!("{word}\n"));
        player.shows(&format!("Unexpected input: {word}\n"), 1);
        let kills = player.out().matches("Obtained ").count();
        player.shows("Obtained ", kills + 1);
    }
    player.type_in("quit\n");
    player.end();
}

#[test]
fn where_nobody_listens_is_said() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    drop(taken);
    let mut play = Running::start(&mut pq(["play", &address.to_string()]));
    assert_eq!(play.end().code(), Some(7));
    let expected = format!("pq: failed to connect to {address}: Connection refused");
    assert!(play.log().starts_with(&expected), "{}", play.log());
    assert_eq!(play.out(), "");
}

#[test]
fn a_connection_that_is_lost_is_no_good_end() {
    let (listener, address) = listener();
    let mut typed = tempfile::tempfile().unwrap();
    typed.write_all(b"Ann\n").unwrap();
    typed.rewind().unwrap();
    let mut play = Running::start(pq(["play", &address.to_string()]).stdin(typed));
    let stream = accept(&listener);
    // A socket that is closed with unread input resets the connection (RFC 1122, 4.2.2.13).
    uninterrupted(|| stream.peek(&mut [0])).unwrap();
    drop(stream);
    assert_eq!(play.end().code(), Some(6));
    assert!(
        play.log().starts_with("pq: failed to continue"),
        "{}",
        play.log()
    );
}

fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Accepts a connection within the deadline.
fn accept(listener: &TcpListener) -> TcpStream {
    listener.set_nonblocking(true).unwrap();
    let accepted = poll(PATIENCE, || listener.accept().ok());
    let (stream, _) = accepted.expect("no client connects");
    stream.set_nonblocking(false).unwrap();
    stream
}

/// A player in a terminal is asked for a password, types it, and then does `leave`. Returns the settings of the
/// terminal afterwards.
fn with_a_password(leave: impl FnOnce(&mut Program, TcpStream)) -> Option<String> {
    let tree = tempfile::tempdir().unwrap();
    let (listener, address) = listener();
    let play = command(address);
    let script = format!("trap : INT; {play}; echo code $?; stty -a");
    let mut player = in_terminal(&format!("/bin/sh -c '{script}'"), tree.path())?;
    let mut server = accept(&listener);
    server.write_all(b"Password: \xff\xfb\x01").unwrap();
    let mut answer = [0; 3];
    server.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"\xff\xfd\x01");
    player.shows("Password: ", 1);
    player.type_in("xyzzy\n");
    let mut line = [0; 7];
    server.read_exact(&mut line).unwrap();
    assert_eq!(&line, b"xyzzy\r\n");
    leave(&mut player, server);
    player.shows("-echoprt", 1);
    let told = player.end();
    assert!(!told.contains("xyzzy"), "{told:?}");
    Some(told)
}

fn shows_what_is_typed(told: &str) -> bool {
    told.split_whitespace().any(|word| word == "echo")
}

#[test]
fn a_password_is_not_shown_and_the_terminal_is_as_before_when_the_server_has_closed() {
    let Some(told) = with_a_password(|_, server| drop(server)) else {
        return;
    };
    assert!(told.contains("code 0\r\n"), "{told:?}");
    assert!(shows_what_is_typed(&told), "{told:?}");
}

#[test]
fn a_password_is_not_shown_and_the_terminal_is_as_before_when_the_player_has_left() {
    let left = |player: &mut Program, mut server: TcpStream| {
        player.type_in(INTERRUPT);
        server.set_read_timeout(Some(PATIENCE)).unwrap();
        let closed = poll(PATIENCE, || {
            (server.read(&mut [0]).ok()? == 0).then_some(())
        });
        assert!(closed.is_some(), "the program still runs");
    };
    let Some(told) = with_a_password(left) else {
        return;
    };
    assert!(told.contains("code 130\r\n"), "{told:?}");
    assert!(shows_what_is_typed(&told), "{told:?}");
}
