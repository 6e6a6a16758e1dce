//! MCCP2, decompressed by zlib itself (in Python): during an upgrade and a downgrade, after a client has ended and
//! restarted it, and when the node closes the connection.

use pq_tests::running::{Running, Tree};

use crate::clients::program::Program;

/// A Python client that plays with compression; described in the file.
const CLIENT: &str = include_str!("mccp.py");

fn client(node: &Running) -> Option<Program> {
    let program = Program::client("python3", &["-c", CLIENT], node)?;
    program.shows("What's your character's name?", 1);
    program.shows("[COMPRESSED]", 1);
    Some(program)
}

#[test]
fn a_client_that_is_sent_zlib_misses_nothing_in_an_upgrade_and_reads_its_end() {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &[]);
    tree.does(&["unpack", "processquest-1.1.0"]);
    let Some(mut ann) = client(&node) else {
        return;
    };
    ann.type_in("Zoë\n");
    ann.shows("y/n", 1);
    ann.type_in("y\n");
    for vsn in ["1.1.0", "1.0.0"] {
        let found = ann.out().matches("Obtained ").count();
        ann.shows("Obtained ", found + 1);
        tree.does(&["install", vsn]);
    }
    ann.type_in("hello\n");
    ann.shows("Unexpected input: hello", 1);
    ann.type_in("quit\n");
    let told = ann.end();
    assert!(told.ends_with("[STREAM ENDS][CLOSED]"), "{told:?}");
    assert_eq!(told.matches("[COMPRESSED]").count(), 1, "{told:?}");
}

#[test]
fn a_client_ends_the_compression_and_asks_for_it_again() {
    let node = Running::node();
    let Some(mut ann) = client(&node) else {
        return;
    };
    for times in 1..=3 {
        ann.type_in("\n");
        ann.shows("What's your character's name?", 2 * times);
        ann.type_in("DONT\n");
        ann.shows("[STREAM ENDS]", times);
        ann.type_in("\n");
        ann.shows("What's your character's name?", 2 * times + 1);
        ann.type_in("DO\n");
        ann.shows("[COMPRESSED]", times + 1);
    }
    ann.type_in("quit\n");
    ann.end();
}

#[test]
fn a_client_that_is_thrown_out_reads_why_and_the_end_of_its_stream() {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &[]);
    let Some(mut ann) = client(&node) else {
        return;
    };
    ann.type_in("Ann\ny\n");
    ann.shows("Executing a ", 1);
    tree.does(&["kick", "Ann", "Enough."]);
    let told = ann.end();
    assert!(
        told.ends_with("Enough.\r\n[STREAM ENDS][CLOSED]"),
        "{told:?}"
    );
}
