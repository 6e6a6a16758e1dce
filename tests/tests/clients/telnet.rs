//! `telnet` of inetutils in a terminal, where keys are its commands.

use pq_tests::running::{Running, Tree};

use crate::clients::program::Program;
use crate::clients::{in_terminal, node};

/// The character before its own commands, Ctrl-].
const ESCAPE: &str = "\x1d";

/// Ctrl-C, which sends `IP`.
const INTERRUPT: &str = "\x03";

fn playing(node: &Running, tree: &Tree) -> Option<Program> {
    let address = node.address();
    let command = format!("telnet {} {}", address.ip(), address.port());
    let mut telnet = in_terminal(&command, tree.root())?;
    telnet.shows("What's your character's name?", 1);
    telnet.type_in("Ann\n");
    telnet.shows("y/n", 1);
    telnet.type_in("y\n");
    telnet.shows("Obtained ", 1);
    Some(telnet)
}

/// Checks that input reaches the game and output appears.
fn is_well(telnet: &mut Program, word: &str) {
    telnet.type_in(&format!("{word}\n"));
    telnet.shows(&format!("Unexpected input: {word}\r\n"), 1);
}

#[test]
fn telnet_says_which_terminal_it_has_and_how_large() {
    let tree = Tree::new();
    let node = node(&tree);
    let Some(mut telnet) = playing(&node, &tree) else {
        return;
    };
    telnet.type_in("quit\n");
    telnet.end();
    node.logged("XTERM-256COLOR 120x40");
}

#[test]
fn a_player_of_telnet_may_press_ctrl_c() {
    let tree = Tree::new();
    let node = node(&tree);
    let Some(mut telnet) = playing(&node, &tree) else {
        return;
    };
    // The client sends `IP` and a timing mark, and shows no output until the mark is answered.
    for word in ["one", "two", "three"] {
        telnet.type_in(INTERRUPT);
        is_well(&mut telnet, word);
    }
    telnet.type_in("quit\n");
    telnet.end();
}

#[test]
fn a_player_of_telnet_may_send_urgent_commands() {
    let tree = Tree::new();
    let node = node(&tree);
    let Some(mut telnet) = playing(&node, &tree) else {
        return;
    };
    for (number, command) in ["synch", "ayt", "nop", "ao", "brk"].iter().enumerate() {
        telnet.type_in(ESCAPE);
        telnet.shows("telnet> ", number + 1);
        telnet.type_in(&format!("send {command}\n"));
        is_well(&mut telnet, &format!("after-{command}"));
    }
    telnet.shows("[yes]", 1);
    telnet.type_in("quit\n");
    telnet.end();
}
