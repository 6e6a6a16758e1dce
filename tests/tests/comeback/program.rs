//! A client's program that logs in by itself, with the messages and in the order of Mudlet 4.19.

use pq_tests::running::{RawClient, Running, Tree};

use crate::comeback::player::{is_in_state, with_word};

const WILL_GMCP: &[u8] = b"\xff\xfb\xc9";
const DO_GMCP: &[u8] = b"\xff\xfd\xc9";
const DEFAULT: &[u8] = br#"Char.Login.Default {"type":["password-credentials"]}"#;

/// A program that has negotiated GMCP and may log in.
fn greeted(node: &Running) -> RawClient {
    let mut client = RawClient::connect(node);
    client.until(b"What's your character's name?");
    client.send(b"\xff\xfb\x18");
    client.until(WILL_GMCP);
    client.send(DO_GMCP);
    client.send(gmcp(r#"Core.Hello {"client":"Mudlet","version":"4.19.1"}"#));
    let supports =
        r#"Core.Supports.Set ["Char 1","Char.Skills 1","Char.Items 1","Room 1","Char.Login 1"]"#;
    client.send(gmcp(supports));
    client.until(DEFAULT);
    client
}

fn gmcp(text: &str) -> Vec<u8> {
    [b"\xff\xfa\xc9", text.as_bytes(), b"\xff\xf0"].concat()
}

fn credentials(name: &str, word: &str) -> Vec<u8> {
    gmcp(&format!(
        r#"Char.Login.Credentials {{"account":"{name}","password":"{word}"}}"#
    ))
}

#[test]
fn a_program_logs_in_by_itself_and_learns_the_result() {
    let tree = Tree::with_third();
    let node = tree.starts_third(&[]);
    with_word(&node, "Ann", "open sesame").quits();
    is_in_state(&tree, "Ann", "resting");
    let mut client = greeted(&node);
    client.send(credentials("Ann", "not the word"));
    client.until(br#"Char.Login.Result {"success":false,"message":"That is not its word."}"#);
    // It tries again, at the question for the word.
    client.send(credentials("Nobody", "open sesame"));
    client.until(br#"Char.Login.Result {"success":false,"message":"No hero has this name."}"#);
    client.send(b"quit\r\n");
    client.rest();
    let mut client = greeted(&node);
    client.send(credentials("Ann", "open sesame"));
    client.until(br#"Char.Login.Result {"success":true}"#);
    client.until(b"Welcome back, Ann.");
    client.until(b"Executing a ");
    assert!(!node.log().contains("sesame"), "{}", node.log());
    assert_eq!(node.complaints(), [""; 0]);
}

#[test]
fn a_login_is_for_the_dialogue_before_the_game_alone() {
    let tree = Tree::with_third();
    let node = tree.starts_third(&[]);
    with_word(&node, "Ann", "open sesame").quits();
    is_in_state(&tree, "Ann", "resting");
    let mut client = greeted(&node);
    client.send(b"Bob\r\n");
    client.until(b"y/n");
    client.send(b"y\r\n");
    client.until(b"none.)");
    client.send(b"\r\n");
    client.until(b"Executing a ");
    client.send(credentials("Ann", "open sesame"));
    client.send(b"who\r\n");
    client.until(b"1 hero plays now:");
    is_in_state(&tree, "Ann", "resting");
}
