//! A client that sends the bytes of a test, and keeps the received bytes unchanged.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};

use pq_tests::running::{PATIENCE, Running, uninterrupted};

use crate::program::PROBE;
use crate::script::{self, PROMPT};

/// A connection, with the bytes that were read but not examined.
pub(crate) struct Client {
    stream: TcpStream,
    unread: Vec<u8>,
    /// Whether the probe has been read, which is not part of the later output.
    is_open: bool,
}

impl Client {
    /// Connects to the telnet port of the node.
    pub(crate) fn connect(node: &Running) -> Client {
        let stream = TcpStream::connect_timeout(&node.address(), PATIENCE).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Client {
            stream,
            unread: Vec::new(),
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
        self.stream.write_all(bytes.as_ref()).unwrap();
    }

    pub(crate) fn half_close(&mut self) {
        self.stream.shutdown(Shutdown::Write).unwrap();
    }

    /// Reads up to and including this text. Later bytes are kept for the next call.
    pub(crate) fn until(&mut self, text: &str) -> String {
        loop {
            let found = self
                .unread
                .windows(text.len())
                .position(|window| window == text.as_bytes());
            if let Some(at) = found {
                let rest = self.unread.split_off(at + text.len());
                return string(std::mem::replace(&mut self.unread, rest));
            }
            assert!(
                self.read_more(),
                "the connection ended before {text:?}: {:?}",
                String::from_utf8_lossy(&self.unread)
            );
        }
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        while self.unread.len() < count {
            assert!(self.read_more(), "only {:?} before the end", self.unread);
        }
        let rest = self.unread.split_off(count);
        std::mem::replace(&mut self.unread, rest)
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
        while self.read_more() {}
        std::mem::take(&mut self.unread)
    }

    /// Sends `quit` and reads up to the end of the connection.
    pub(crate) fn quit(mut self) -> String {
        self.send("quit\n");
        self.rest()
    }

    /// Aborts the connection: a socket that is closed with unread bytes is reset (RFC 1122, 4.2.2.13). Waits for such
    /// bytes first.
    pub(crate) fn reset(self) {
        let peeked = uninterrupted(|| self.stream.peek(&mut [0]));
        assert_ne!(peeked.unwrap(), 0, "closed already");
    }

    /// Sends without reading until the other end accepts no more; returns the number of accepted bytes.
    pub(crate) fn flood(&mut self, line: &[u8], most: usize) -> usize {
        let mut sent = 0;
        while sent < most {
            match uninterrupted(|| self.stream.write(line)) {
                Ok(len) => sent += len,
                Err(error) if is_end(error.kind()) => return sent,
                Err(error) => panic!("after {sent} bytes: {error}"),
            }
        }
        sent
    }

    fn read_more(&mut self) -> bool {
        let mut chunk = [0; 4096];
        match uninterrupted(|| self.stream.read(&mut chunk)) {
            Ok(0) => false,
            Ok(len) => {
                self.unread.extend_from_slice(&chunk[..len]);
                self.skip_probe();
                true
            }
            Err(error) => panic!("{error} after {:?}", String::from_utf8_lossy(&self.unread)),
        }
    }

    fn skip_probe(&mut self) {
        if !self.is_open && self.unread.len() >= PROBE.len() {
            let rest = self.unread.split_off(PROBE.len());
            assert_eq!(std::mem::replace(&mut self.unread, rest), PROBE);
            self.is_open = true;
        }
    }
}

fn is_end(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::ConnectionReset | ErrorKind::BrokenPipe)
}

fn string(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| panic!("{error}"))
}
