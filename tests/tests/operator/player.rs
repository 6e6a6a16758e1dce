//! A client of the node under test, which sends and receives bytes. `telnet` tests the texts of the game.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use pq_tests::running::{PATIENCE, Running, uninterrupted};

/// A connection, with the bytes that were read but not examined.
pub(crate) struct Player {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl Player {
    /// Connects to the telnet port of the node.
    pub(crate) fn connect(node: &Running) -> Player {
        let stream = TcpStream::connect_timeout(&node.address(), PATIENCE).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Player {
            stream,
            unread: Vec::new(),
        }
    }

    /// Connects and reads the first question.
    pub(crate) fn greeted(node: &Running) -> Player {
        let mut player = Player::connect(node);
        player.until(b"character's name?\r\n");
        player
    }

    /// Connects and starts a hero with this name.
    pub(crate) fn playing(node: &Running, name: &str) -> Player {
        let mut player = Player::greeted(node);
        player.send(format!("{name}\ny\n").as_bytes());
        player.until(b"Executing a ");
        player
    }

    /// The source address of the connection as the node sees it.
    pub(crate) fn address(&self) -> SocketAddr {
        self.stream.local_addr().unwrap()
    }

    /// Sends these bytes to the node.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// Reads up to and including these bytes.
    pub(crate) fn until(&mut self, bytes: &[u8]) -> Vec<u8> {
        loop {
            let mut windows = self.unread.windows(bytes.len());
            if let Some(at) = windows.position(|window| window == bytes) {
                let rest = self.unread.split_off(at + bytes.len());
                return std::mem::replace(&mut self.unread, rest);
            }
            let more = self.read_more();
            assert!(
                more,
                "the connection ended before {:?}: {:?}",
                text(bytes),
                self
            );
        }
    }

    /// Reads up to the end of the connection, which must be an orderly one.
    pub(crate) fn rest(mut self) -> String {
        while self.read_more() {}
        text(&self.unread)
    }

    fn read_more(&mut self) -> bool {
        let mut chunk = [0; 4096];
        let read = uninterrupted(|| self.stream.read(&mut chunk));
        let len = read.unwrap_or_else(|error| panic!("{error} after {self:?}"));
        self.unread.extend_from_slice(&chunk[..len]);
        len > 0
    }
}

impl std::fmt::Debug for Player {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&text(&self.unread))
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
