//! A client of bytes: what it sends is what a test says, and what it reads is kept as it came.

use std::io::{ErrorKind, Write};
use std::net::Shutdown;

use pq_tests::running::{RawClient, Running, uninterrupted};

use crate::program::PROBE;
use crate::script::{self, PROMPT};

/// A connection.
pub(crate) struct Client {
    wire: RawClient,
    /// The probe has been read, and is no part of what follows.
    is_open: bool,
}

impl Client {
    /// Connects.
    pub(crate) fn connect(node: &Running) -> Client {
        Client {
            wire: RawClient::connect(node),
            is_open: false,
        }
    }

    /// Connects and reads the greeting.
    pub(crate) fn greeted(node: &Running) -> Client {
        let mut client = Client::connect(node);
        assert_eq!(client.until(PROMPT), PROMPT);
        client
    }

    /// A client whose hero of this name has been started.
    pub(crate) fn playing(node: &Running, name: &str) -> Client {
        let mut client = Client::greeted(node);
        client.join(name);
        client
    }

    /// Gives a name, agrees to the stats, and waits for the hero's first deed.
    pub(crate) fn join(&mut self, name: &str) {
        self.send(format!("{name}\ny\n"));
        self.stats();
        self.until("Executing a ");
    }

    /// Reads one block of stats, which must be as the book has it.
    pub(crate) fn stats(&mut self) {
        let block = self.until(script::AGREE);
        assert_eq!(block, script::stats(&block));
    }

    /// Sends these bytes.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.wire.send(bytes);
    }

    /// Says that nothing more will be sent.
    pub(crate) fn half_close(&mut self) {
        self.wire.stream.shutdown(Shutdown::Write).unwrap();
    }

    /// Everything up to this text, with it. Whatever comes behind it is kept for the next time.
    pub(crate) fn until(&mut self, text: &str) -> String {
        self.open();
        string(self.wire.until(text.as_bytes()))
    }

    /// So many bytes, whatever they are.
    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        self.open();
        let bytes = self.wire.at_most(count);
        assert_eq!(bytes.len(), count, "only {bytes:?} before the end");
        bytes
    }

    /// The line in which this text is, read to its end.
    pub(crate) fn line_with(&mut self, text: &str) -> String {
        self.until(text);
        format!("{text}{}", self.until("\r\n"))
    }

    /// Everything up to the end, which must be an orderly one, as text.
    pub(crate) fn rest(&mut self) -> String {
        string(self.everything())
    }

    /// The same, whatever bytes they are.
    pub(crate) fn everything(&mut self) -> Vec<u8> {
        self.open();
        self.wire.rest()
    }

    /// Sends `quit` and reads to the end.
    pub(crate) fn quit(mut self) -> String {
        self.send("quit\n");
        self.rest()
    }

    /// Breaks the connection: a socket that is closed with bytes unread is reset, not closed
    /// (RFC 1122, 4.2.2.13). Waits for such bytes first.
    pub(crate) fn reset(self) {
        let peeked = uninterrupted(|| self.wire.stream.peek(&mut [0]));
        assert_ne!(peeked.unwrap(), 0, "closed already");
    }

    /// Sends until the other end has had enough; never reads. Returns how much it took.
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
