//! A player of the node under test: bytes in, bytes out. What the game says is tested in `telnet`.

use std::net::SocketAddr;

use pq_tests::running::{RawClient, Running};

/// A connection.
pub(crate) struct Player(RawClient);

impl Player {
    /// Connects.
    pub(crate) fn connect(node: &Running) -> Player {
        Player(RawClient::connect(node))
    }

    /// Connects and reads the first question.
    pub(crate) fn greeted(node: &Running) -> Player {
        let mut player = Player::connect(node);
        player.until(b"character's name?\r\n");
        player
    }

    /// One whose hero plays.
    pub(crate) fn playing(node: &Running, name: &str) -> Player {
        let mut player = Player::greeted(node);
        player.send(format!("{name}\ny\n").as_bytes());
        player.until(b"Executing a ");
        player
    }

    /// Where it comes from, as the node sees it.
    pub(crate) fn address(&self) -> SocketAddr {
        self.0.address()
    }

    /// Sends these bytes.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.0.send(bytes);
    }

    /// Everything up to these bytes, with them.
    pub(crate) fn until(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.0.until(bytes)
    }

    /// Everything up to the end, which must be an orderly one.
    pub(crate) fn rest(mut self) -> String {
        String::from_utf8_lossy(&self.0.rest()).into_owned()
    }
}
