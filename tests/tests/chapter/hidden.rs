//! Input that is hidden while the release changes. No version of the game hides anything, so here both are made to: in
//! each library two texts give way to others of the same length, with the tags that begin and end a secret.

use std::fs;

use pq_tests::running::{Running, Tree};
use sha2::{Digest, Sha256};

use crate::wire::Client;

/// What a session says first, and what it says instead.
const NAME: (&[u8], &[u8]) = (
    b"What's your character's name?\n",
    b"\x0esecret\x0fWhisper your name now\n",
);

/// What it says when it has a name.
const AGREE: (&[u8], &[u8]) = (
    b"Do you agree to these? y/n\n",
    b"\x0e/secret\x0fDo you agree y/n?\n",
);

/// `IAC WONT TTYPE`: telnet is spoken here.
const TELNET: &[u8] = b"\xff\xfc\x18";

const WILL_ECHO: &[u8] = b"\xff\xfb\x01";
const DO_ECHO: &[u8] = b"\xff\xfd\x01";
const WONT_ECHO: &[u8] = b"\xff\xfc\x01";

/// The sessions of this version whisper; the release's own list of checksums knows it.
fn whispers(tree: &Tree, vsn: &str) {
    let folder = tree.root().join(format!("lib/sockserv-{vsn}"));
    let (library, list) = (folder.join("priv/sockserv.so"), folder.join("SHA256SUMS"));
    let mut bytes = fs::read(&library).unwrap();
    let before = hex(&bytes);
    for (text, other) in [NAME, AGREE] {
        let at = bytes.windows(text.len()).position(|window| window == text);
        let at = at.expect("the text stands in the library as it is said");
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

/// A client that is asked for its name and shows nothing of what it types.
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
        // Nobody has said anything of the echo meanwhile; its end brings the line end that was typed and not shown.
        let meanwhile = client.hears(WONT_ECHO);
        let is_about_echo = meanwhile.windows(3).any(|window| window == WILL_ECHO);
        assert!(!is_about_echo, "{}", meanwhile.escape_ascii());
        assert_eq!(client.hears(b"Do you agree y/n?\r\n"), b"\r\n");
        client.sends(b"y\n");
        client.hears(b"Executing a ");
    }
}
