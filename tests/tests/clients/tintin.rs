//! TinTin++ (`tt++`): MTTS, the size of its window, and the negotiation in its scripts.

use std::path::PathBuf;

use pq_tests::running::{Running, Tree};
use tempfile::TempDir;

use crate::clients::program::Program;
use crate::clients::{in_terminal, node};

/// A directory with a script of these lines and a connection to the node.
fn script(lines: &str, node: &Running) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("quest.tin");
    let (ip, port) = (node.address().ip(), node.address().port());
    let text = format!(
        "#NOP A script begins with a command.\n{lines}\n#EVENT {{SESSION DISCONNECTED}} {{#end}}\n#SESSION {{quest}} {{{ip}}} {{{port}}}\n"
    );
    std::fs::write(&file, text).unwrap();
    (folder, file)
}

/// TinTin++ with such a script, connected to the node.
pub(crate) fn tintin(lines: &str, node: &Running) -> Option<(TempDir, Program)> {
    let (folder, file) = script(lines, node);
    let command = format!("tt++ -G {}", file.display());
    let program = in_terminal(&command, folder.path())?;
    program.shows("What's your character's name?", 1);
    Some((folder, program))
}

#[test]
fn tintin_plays_a_session_and_says_what_it_can_do() {
    let tree = Tree::new();
    let node = node(&tree);
    let Some((_folder, mut tintin)) = tintin("", &node) else {
        return;
    };
    tintin.type_in("Zoë\r");
    tintin.shows("Do you agree to these? y/n", 1);
    tintin.type_in("y\r");
    tintin.shows("Obtained ", 2);
    tintin.type_in("hello\r");
    tintin.shows("Unexpected input: hello", 1);
    tintin.type_in("quit\r");
    let told = tintin.end();
    assert!(!told.contains('\u{fffd}'), "{told:?}");
    node.logged("TINTIN++ 120x40");
    // The whole output was compressed.
    node.logged("compression begins");
}

#[test]
fn tintin_is_told_the_status_of_the_server_when_it_asks() {
    let tree = Tree::new();
    let node = node(&tree);
    let asks = "#EVENT {IAC WILL MSSP} {#send {\\xFF\\xFD\\x46\\}}\n#EVENT {IAC SB MSSP} {#showme {STATUS %0 IS %1}}";
    let Some((_folder, mut tintin)) = tintin(asks, &node) else {
        return;
    };
    tintin.shows("STATUS GMCP IS 1", 1);
    // The client has sent no line, so no hero plays yet.
    tintin.shows("STATUS PLAYERS IS 0", 1);
    let port = format!("STATUS PORT IS {}", node.address().port());
    tintin.shows(&port, 1);
    tintin.type_in("quit\r");
    tintin.end();
}

#[test]
fn tintin_exchanges_messages_when_its_script_wants_them() {
    let tree = Tree::new();
    let node = node(&tree);
    let wants = "#EVENT {IAC WILL GMCP} {#send {\\xFF\\xFD\\xC9\\};#send {\\xFF\\xFA\\xC9Core.Ping\\xFF\\xF0\\}}\n#EVENT {IAC SB GMCP} {#showme {MESSAGE %0}}";
    let Some((_folder, mut tintin)) = tintin(wants, &node) else {
        return;
    };
    tintin.shows("MESSAGE Core.Ping", 1);
    tintin.type_in("quit\r");
    tintin.end();
}
