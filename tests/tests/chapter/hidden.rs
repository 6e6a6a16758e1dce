//! Hidden input during a change of the release. No version of the game hides input, so the test changes both: two texts
//! in each library are replaced with others of the same length, which contain the tags at the beginning and the end of
//! a secret.

use std::fs;

use pq_tests::running::{Running, Tree};
use sha2::{Digest, Sha256};

use crate::chapter::wire::Client;

/// The first text of a session, and its replacement.
const NAME: (&[u8], &[u8]) = (
    b"What's your character's name?\n",
    b"\x0esecret\x0fWhisper your name now\n",
);

/// The text of a session that has a name, and its replacement.
const AGREE: (&[u8], &[u8]) = (
    b"Do you agree to these? y/n\n",
    b"\x0e/secret\x0fDo you agree y/n?\n",
);

/// `IAC WONT TTYPE`: the client knows telnet.
const TELNET: &[u8] = b"\xff\xfc\x18";

const WILL_ECHO: &[u8] = b"\xff\xfb\x01";
const DO_ECHO: &[u8] = b"\xff\xfd\x01";
const WONT_ECHO: &[u8] = b"\xff\xfc\x01";

/// Replaces the texts in the library of this version, and its checksum in the release.
fn whispers(tree: &Tree, vsn: &str) {
    let folder = tree.root().join(format!("lib/sockserv-{vsn}"));
    let (library, list) = (folder.join("priv/sockserv.so"), folder.join("SHA256SUMS"));
    let mut bytes = fs::read(&library).unwrap();
    let before = hex(&bytes);
    for (text, other) in [NAME, AGREE] {
        let at = bytes.windows(text.len()).position(|window| window == text);
        let at = at.expect("the library contains the text");
        bytes[at..at + text.len()].copy_from_slice(other);
    }
    let sums = fs::read_to_string(&list).unwrap();
    assert!(sums.contains(&before), "{sums}");
    fs::write(&list, sums.replace(&before, &hex(&bytes))).unwrap();
    fs::write(&library, bytes).unwrap();
}

fn hex(bytes: &[u8]) -> String {
    let sum = Sha256::digest(bytes);
    sum.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A client that is asked for its name and does not show its input.
fn asked(node: &Running) -> Client {
    let mut client = Client::connect(node);
    client.sends(TELNET);
    client.hears(WILL_ECHO);
    client.sends(DO_ECHO);
    client
}

#[test]
fn what_is_typed_stays_hidden_through_an_upgrade_and_back_until_it_is_answered() {
    let tree = Tree::new();
    whispers(&tree, "1.0.0");
    let node = Running::node_with(&tree, &[]);
    tree.does(&["unpack", "processquest-1.1.0"]);
    whispers(&tree, "1.0.1");
    for (round, vsn) in ["1.1.0", "1.0.0", "1.1.0"].into_iter().enumerate() {
        let mut client = asked(&node);
        client.sends(b"An");
        tree.does(&["install", vsn]);
        client.sends(format!("n{round}\n").as_bytes());
        // Neither side has changed the echo meanwhile. At the end of the hidden input, the client gets the line end
        // that it typed and did not show.
        let meanwhile = client.hears(WONT_ECHO);
        let is_about_echo = meanwhile.windows(3).any(|window| window == WILL_ECHO);
        assert!(!is_about_echo, "{}", meanwhile.escape_ascii());
        assert_eq!(client.hears(b"Do you agree y/n?\r\n"), b"\r\n");
        client.sends(b"y\n");
        client.hears(b"Executing a ");
    }
}
