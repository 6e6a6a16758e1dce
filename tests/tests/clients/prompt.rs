//! The mark behind a prompt, with which programs detect that the game waits for input: in both releases, and during the
//! upgrade.

use std::io::{Read, Write};
use std::net::TcpStream;

use pq_tests::running::{PATIENCE, Running, Tree};

/// `IAC DO EOR`: the client wants marks.
const MARKS: &[u8] = b"\xff\xfd\x19";

/// `IAC WONT TTYPE`: the client knows telnet. It refuses the following offer `IAC WILL EOR`.
const TELNET: &[u8] = b"\xff\xfc\x18";
const OFFER: &[u8] = b"\xff\xfb\x19";
const REFUSAL: &[u8] = b"\xff\xfe\x19";

const EOR: &[u8] = b"\xff\xef";
const GA: &[u8] = b"\xff\xf9";

struct Client {
    stream: TcpStream,
}

impl Client {
    fn connect(node: &Running, says: &[u8]) -> Client {
        let mut stream = TcpStream::connect(node.address()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(says).unwrap();
        Client { stream }
    }

    /// Sends a line to the node.
    fn types(&mut self, line: &str) {
        self.stream.write_all(line.as_bytes()).unwrap();
    }

    /// Reads up to this text, and then up to this mark.
    fn is_asked(&mut self, text: &str, mark: &[u8]) {
        self.hears(text.as_bytes());
        self.hears(mark);
    }

    fn hears(&mut self, end: &[u8]) {
        let mut heard = Vec::new();
        while !heard.ends_with(end) {
            let mut byte = [0];
            let read = self.stream.read_exact(&mut byte);
            read.unwrap_or_else(|error| panic!("{error}, and no {end:?} in {heard:?}"));
            heard.push(byte[0]);
        }
    }
}

#[test]
fn every_prompt_is_marked_also_the_first_after_an_upgrade() {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &[]);
    tree.does(&["unpack", "processquest-1.1.0"]);
    let mut agrees = Client::connect(&node, MARKS);
    agrees.hears(EOR);
    let mut refuses = Client::connect(&node, TELNET);
    refuses.hears(OFFER);
    refuses.stream.write_all(REFUSAL).unwrap();
    refuses.hears(GA);
    let mut clients = [(agrees, EOR), (refuses, GA)];
    for (client, mark) in &mut clients {
        client.types("\x01\r\n");
        client.is_asked("What's your character's name?\r\n", mark);
    }
    tree.does(&["install", "1.1.0"]);
    for (number, (client, mark)) in clients.iter_mut().enumerate() {
        client.types(&format!("Ann{number}\r\n"));
        client.is_asked("Do you agree to these? y/n\r\n", mark);
        client.types("n\r\n");
        client.is_asked("Do you agree to these? y/n\r\n", mark);
    }
    tree.does(&["install", "1.0.0"]);
    for (client, mark) in &mut clients {
        client.types("maybe\r\n");
        client.is_asked("Answer with y (yes) or n (no)\r\n", mark);
        client.types("y\r\nquit\r\n");
    }
}
