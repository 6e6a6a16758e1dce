//! A client that sends the bytes of a test, and keeps the received bytes unchanged.

use std::io::{ErrorKind, Write};
use std::net::Shutdown;

use pq_tests::running::{RawClient, Running, uninterrupted};

use crate::clients::program::PROBE;
use crate::telnet::script::{self, PROMPT};

/// A client that knows the bytes of telnet.
pub(crate) struct Client {
    wire: RawClient,
    /// Whether the probe has been read, which the tests leave out of the output.
    is_open: bool,
}

impl Client {
    /// Connects to the telnet port of the node.
    pub(crate) fn connect(node: &Running) -> Client {
        Client {
            wire: RawClient::connect(node),
            is_open: false,
        }
    }

    pub(crate) fn greeted(node: &Running) -> Client {
        let mut client = Client::connect(node);
        assert_eq!(client.until(PROMPT), PROMPT);
        client
    }

    /// Connects and starts a hero with this name.
    pub(crate) fn playing(node: &Running, name: &str) -> Client {
        let mut client = Client::greeted(node);
        client.join(name);
        client
    }

    /// Enters a name, agrees to the stats, and waits for the hero's first action.
    pub(crate) fn join(&mut self, name: &str) {
        self.send(format!("{name}\ny\n"));
        self.stats();
        self.until("Executing a ");
    }

    /// Reads one block of stats and compares it with the book's form.
    pub(crate) fn stats(&mut self) {
        let block = self.until(script::AGREE);
        assert_eq!(block, script::stats(&block));
    }

    /// Sends these bytes to the node.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.wire.send(bytes);
    }

    pub(crate) fn half_close(&mut self) {
        self.wire.stream.shutdown(Shutdown::Write).unwrap();
    }

    /// Reads up to and including this text. Later bytes are kept for the next call.
    pub(crate) fn until(&mut self, text: &str) -> String {
        self.open();
        string(self.wire.until(text.as_bytes()))
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        self.open();
        let bytes = self.wire.at_most(count);
        assert_eq!(bytes.len(), count, "only {bytes:?} before the end");
        bytes
    }

    /// Reads the whole line that contains this text.
    pub(crate) fn line_with(&mut self, text: &str) -> String {
        self.until(text);
        format!("{text}{}", self.until("\r\n"))
    }

    /// Reads up to the end of the connection, which must be an orderly one; returns the text.
    pub(crate) fn rest(&mut self) -> String {
        string(self.everything())
    }

    /// Does the same as `rest` and returns the bytes.
    pub(crate) fn everything(&mut self) -> Vec<u8> {
        self.open();
        self.wire.rest()
    }

    /// Sends `quit` and reads up to the end of the connection.
    pub(crate) fn quit(mut self) -> String {
        self.send("quit\n");
        self.rest()
    }

    /// Aborts the connection: a socket that is closed with unread bytes is reset (RFC 1122, 4.2.2.13). Waits for such
    /// bytes first.
    pub(crate) fn reset(self) {
        let peeked = uninterrupted(|| self.wire.stream.peek(&mut [0]));
        assert_ne!(peeked.unwrap(), 0, "closed already");
    }

    /// Sends without reading until the other end accepts no more; returns the number of accepted bytes.
    pub(crate) fn flood(&mut self, line: &[u8], most: usize) -> usize {
        let mut sent = 0;
        while sent < most {
            match uninterrupted(|| self.wire.stream.write(line)) {
                Ok(len) => sent += len,
                Err(error) if is_end(error.kind()) => return sent,
                Err(error) => panic!("after {sent} bytes: {error}"),
            }
        }
        sent
    }

    /// Reads the probe, which is no part of what follows; a connection may end before it.
    fn open(&mut self) {
        if !std::mem::replace(&mut self.is_open, true) {
            let probe = self.wire.at_most(PROBE.len());
            assert!(probe == PROBE || probe.len() < PROBE.len(), "{probe:?}");
        }
    }
}

fn is_end(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::ConnectionReset | ErrorKind::BrokenPipe)
}

fn string(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| panic!("{error}"))
}
