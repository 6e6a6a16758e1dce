//! A client of bytes, below lines and telnet: what it sends is what a test says, and what it reads is kept as it came.
//!
//! The test programs that look at bytes have clients of their own on top of this one; what they know of a game or of
//! telnet stands there.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use super::{PATIENCE, Running, uninterrupted};

/// A connection, and what was read of it and not asked for yet.
pub struct RawClient {
    /// The connection.
    pub stream: TcpStream,
    /// What was read, and not asked for yet.
    pub unread: Vec<u8>,
}

impl RawClient {
    /// Connects to the port for telnet.
    pub fn connect(node: &Running) -> RawClient {
        RawClient::to(node.address())
    }

    /// Connects to this port.
    pub fn to(address: SocketAddr) -> RawClient {
        let stream = TcpStream::connect_timeout(&address, PATIENCE);
        RawClient::over(stream.expect("the node listens"))
    }

    /// Over a connection that was made in another way.
    pub fn over(stream: TcpStream) -> RawClient {
        let set = stream
            .set_nodelay(true)
            .and_then(|()| stream.set_read_timeout(Some(PATIENCE)))
            .and_then(|()| stream.set_write_timeout(Some(PATIENCE)));
        set.expect("the socket is open");
        RawClient {
            stream,
            unread: Vec::new(),
        }
    }

    /// Where it comes from, as the node sees it.
    pub fn address(&self) -> SocketAddr {
        self.stream.local_addr().expect("the socket is open")
    }

    /// Sends these bytes.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let sent = self.stream.write_all(bytes.as_ref());
        sent.unwrap_or_else(|error| panic!("{error} after {}", self.shown()));
    }

    /// Everything up to these bytes, with them. Whatever comes behind them is kept for the next time.
    pub fn until(&mut self, bytes: &[u8]) -> Vec<u8> {
        loop {
            let mut windows = self.unread.windows(bytes.len());
            if let Some(at) = windows.position(|window| window == bytes) {
                let rest = self.unread.split_off(at + bytes.len());
                return std::mem::replace(&mut self.unread, rest);
            }
            let more = self.read_more();
            let wanted = bytes.escape_ascii();
            assert!(more, "the end instead of {wanted}: {}", self.shown());
        }
    }

    /// So many bytes, or fewer at the end.
    pub fn at_most(&mut self, count: usize) -> Vec<u8> {
        while self.unread.len() < count && self.read_more() {}
        let rest = self.unread.split_off(count.min(self.unread.len()));
        std::mem::replace(&mut self.unread, rest)
    }

    /// Everything up to the end, which must be an orderly one.
    pub fn rest(&mut self) -> Vec<u8> {
        while self.read_more() {}
        std::mem::take(&mut self.unread)
    }

    /// Reads what comes next; `false` at the end.
    pub fn read_more(&mut self) -> bool {
        let mut chunk = [0; 65_536];
        let read = uninterrupted(|| self.stream.read(&mut chunk));
        let len = read.unwrap_or_else(|error| panic!("{error} after {}", self.shown()));
        self.unread.extend_from_slice(&chunk[..len]);
        len > 0
    }

    fn shown(&self) -> String {
        self.unread.escape_ascii().to_string()
    }
}
