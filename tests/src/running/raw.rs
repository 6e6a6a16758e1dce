//! A client that sends and receives raw bytes, without knowledge of lines and telnet.
//!
//! Test programs that check bytes have clients of their own on top of this one. Their knowledge of the game and of telnet is
//! in those clients.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};

use rustix::net::{AddressFamily, SocketType, bind, connect, socket};

use super::{PATIENCE, Running, uninterrupted};

/// A connection with a buffer for received bytes.
pub struct RawClient {
    /// The socket, with [`PATIENCE`] as its time limits.
    pub stream: TcpStream,
    /// Received bytes that the test has not taken yet.
    pub unread: Vec<u8>,
}

impl RawClient {
    /// Connects to the telnet port of the node.
    pub fn connect(node: &Running) -> RawClient {
        RawClient::to(node.address())
    }

    /// Connects to this address and port.
    pub fn to(address: SocketAddr) -> RawClient {
        let stream = TcpStream::connect_timeout(&address, PATIENCE);
        RawClient::over(stream.expect("the node listens"))
    }

    /// Connects to the telnet port of the node from another address of this machine.
    pub fn from(ip: IpAddr, node: &Running) -> RawClient {
        let connected = socket(AddressFamily::INET, SocketType::STREAM, None).and_then(|socket| {
            bind(&socket, &SocketAddr::new(ip, 0))?;
            connect(&socket, &node.address())?;
            Ok(socket)
        });
        RawClient::over(connected.expect("the node listens").into())
    }

    /// Makes a client of an existing connection.
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

    /// The source address of the connection, as the node sees it.
    pub fn address(&self) -> SocketAddr {
        self.stream.local_addr().expect("the socket is open")
    }

    /// Sends these bytes, and panics when that fails.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let sent = self.stream.write_all(bytes.as_ref());
        sent.unwrap_or_else(|error| panic!("{error} after {}", self.shown()));
    }

    /// Takes all bytes up to and including these. Bytes behind them stay in the buffer.
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

    /// Takes this number of bytes, or fewer at the end of the connection.
    pub fn at_most(&mut self, count: usize) -> Vec<u8> {
        while self.unread.len() < count && self.read_more() {}
        let rest = self.unread.split_off(count.min(self.unread.len()));
        std::mem::replace(&mut self.unread, rest)
    }

    /// Takes all bytes up to the end of the connection; panics when the end is a reset.
    pub fn rest(&mut self) -> Vec<u8> {
        while self.read_more() {}
        std::mem::take(&mut self.unread)
    }

    /// Reads more bytes into the buffer; `false` at the end of the connection.
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
