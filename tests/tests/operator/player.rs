//! A client of the node under test, which sends and receives bytes. `telnet` tests the texts of the game.

use std::net::SocketAddr;

use pq_tests::running::{RawClient, Running};

/// A player's connection, for tests of operators' commands.
pub(crate) struct Player(RawClient);

impl Player {
    /// Connects to the telnet port of the node.
    pub(crate) fn connect(node: &Running) -> Player {
        Player(RawClient::connect(node))
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
        self.0.address()
    }

    /// Sends these bytes to the node.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.0.send(bytes);
    }

    /// Reads up to and including these bytes.
    pub(crate) fn until(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.0.until(bytes)
    }

    /// Reads up to the end of the connection, which must be an orderly one.
    pub(crate) fn rest(mut self) -> String {
        String::from_utf8_lossy(&self.0.rest()).into_owned()
    }
}
