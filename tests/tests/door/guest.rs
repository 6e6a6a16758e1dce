//! A client that sends and receives bytes: from any address of this machine, to any port of the node.

use std::io::{self, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use pq_tests::running::{PATIENCE, PROMPT, RawClient, Running, plain_text, uninterrupted};
use rustix::net::sockopt::set_socket_linger;
use tokio::net::TcpSocket;

/// A client that checks the bytes of the door.
pub(crate) struct Guest(RawClient);

impl Guest {
    pub(crate) fn connect(node: &Running) -> Guest {
        Guest::to(node.address())
    }

    /// Connects to this address and port.
    pub(crate) fn to(address: SocketAddr) -> Guest {
        Guest(RawClient::to(address))
    }

    /// Connects to the telnet port from this source address.
    pub(crate) fn from(ip: &str, node: &Running) -> Guest {
        Guest::between(ip, node.address())
    }

    /// Connects from this source address to this port.
    pub(crate) fn between(ip: &str, port: SocketAddr) -> Guest {
        let from = SocketAddr::new(ip.parse().unwrap(), 0);
        Guest::over(bound(|socket| socket.bind(from), port))
    }

    /// Connects to the telnet port with a small receive buffer.
    pub(crate) fn with_little_room(node: &Running) -> Guest {
        Guest::over(bound(
            |socket| socket.set_recv_buffer_size(4_096),
            node.address(),
        ))
    }

    /// Returns the socket, for code that forwards bytes.
    pub(crate) fn into_stream(self) -> TcpStream {
        self.0.stream
    }

    fn over(stream: TcpStream) -> Guest {
        Guest(RawClient::over(stream))
    }

    /// Connects and reads the first question.
    pub(crate) fn greeted(node: &Running) -> Guest {
        let mut guest = Guest::connect(node);
        guest.sees(PROMPT);
        guest
    }

    /// Connects and starts a hero with this name.
    pub(crate) fn playing(node: &Running, name: &str) -> Guest {
        let mut guest = Guest::greeted(node);
        guest.plays(name);
        guest
    }

    /// Enters a name, agrees, and waits for the hero's first fight.
    pub(crate) fn plays(&mut self, name: &str) {
        self.send(format!("{name}\ny\n"));
        self.sees("Executing a ");
    }

    /// Sends these bytes to the node.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.send(bytes);
    }

    /// Sends these bytes until the node closes the connection; returns the number of accepted bytes.
    pub(crate) fn floods(&mut self, bytes: &[u8]) -> usize {
        let mut sent = 0;
        while sent < bytes.len() {
            match uninterrupted(|| self.0.stream.write(&bytes[sent..])) {
                Ok(len) => sent += len,
                Err(_) => break,
            }
        }
        sent
    }

    pub(crate) fn closes_half(&self) {
        self.0.stream.shutdown(Shutdown::Write).unwrap();
    }

    /// Aborts the connection, so that the node receives a reset.
    pub(crate) fn resets(self) {
        set_socket_linger(&self.0.stream, Some(Duration::ZERO)).unwrap();
    }

    /// The source address of the connection.
    pub(crate) fn address(&self) -> SocketAddr {
        self.0.address()
    }

    /// Reads up to and including this text; returns it without telnet commands.
    pub(crate) fn sees(&mut self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let unread = &mut self.0.unread;
            let mut windows = unread.windows(text.len());
            if let Some(at) = windows.position(|window| window == text.as_bytes()) {
                let rest = unread.split_off(at + text.len());
                return plain_text(&std::mem::replace(unread, rest));
            }
            let more = self.0.read_more();
            let unread = plain_text(&self.0.unread);
            assert!(Instant::now() < deadline, "no {text:?}: {unread:?}");
            assert!(more, "the connection ended before {text:?}: {unread:?}");
        }
    }

    /// Waits for one of these texts; returns the text up to the first that came.
    pub(crate) fn sees_one_of(&mut self, texts: &[&str]) -> String {
        loop {
            let line = self.sees("\n");
            if let Some(text) = texts.iter().find(|text| line.contains(**text)) {
                return text.to_string();
            }
        }
    }

    /// Reads up to the end of the connection, which must be an orderly one; returns the text without telnet commands.
    pub(crate) fn ends(mut self) -> String {
        plain_text(&self.0.rest())
    }
}

/// Makes a socket, applies options, and connects it.
fn bound(ask: impl FnOnce(&TcpSocket) -> io::Result<()>, port: SocketAddr) -> TcpStream {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .unwrap();
    let stream = runtime.block_on(async {
        let socket = TcpSocket::new_v4().unwrap();
        ask(&socket).unwrap();
        socket.connect(port).await.unwrap()
    });
    let stream = stream.into_std().unwrap();
    stream.set_nonblocking(false).unwrap();
    stream
}
