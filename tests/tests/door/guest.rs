//! A client of bytes: from any address of this machine, to any port of the node.

use std::io::{self, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use pq_tests::running::{PATIENCE, PROMPT, RawClient, Running, plain_text, uninterrupted};
use rustix::net::sockopt::set_socket_linger;
use tokio::net::TcpSocket;

/// A connection.
pub(crate) struct Guest(RawClient);

impl Guest {
    /// Connects to the port for telnet.
    pub(crate) fn connect(node: &Running) -> Guest {
        Guest::to(node.address())
    }

    /// Connects to this port.
    pub(crate) fn to(address: SocketAddr) -> Guest {
        Guest(RawClient::to(address))
    }

    /// Connects to the port for telnet from this address.
    pub(crate) fn from(ip: &str, node: &Running) -> Guest {
        Guest::between(ip, node.address())
    }

    /// Connects from this address to this port.
    pub(crate) fn between(ip: &str, port: SocketAddr) -> Guest {
        let from = SocketAddr::new(ip.parse().unwrap(), 0);
        Guest::over(bound(|socket| socket.bind(from), port))
    }

    /// The same with little room for what it has not read yet.
    pub(crate) fn with_little_room(node: &Running) -> Guest {
        Guest::over(bound(
            |socket| socket.set_recv_buffer_size(4_096),
            node.address(),
        ))
    }

    /// The connection itself, for whoever passes bytes on.
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

    /// One whose hero of this name plays.
    pub(crate) fn playing(node: &Running, name: &str) -> Guest {
        let mut guest = Guest::greeted(node);
        guest.plays(name);
        guest
    }

    /// Gives a name, agrees, and waits for the hero's first fight.
    pub(crate) fn plays(&mut self, name: &str) {
        self.send(format!("{name}\ny\n"));
        self.sees("Executing a ");
    }

    /// Sends these bytes.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.send(bytes);
    }

    /// Sends as much of this as is taken before the end.
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

    /// Sends nothing more, and goes on reading.
    pub(crate) fn closes_half(&self) {
        self.0.stream.shutdown(Shutdown::Write).unwrap();
    }

    /// Breaks the connection off: the node gets a reset.
    pub(crate) fn resets(self) {
        set_socket_linger(&self.0.stream, Some(Duration::ZERO)).unwrap();
    }

    /// Where it comes from.
    pub(crate) fn address(&self) -> SocketAddr {
        self.0.address()
    }

    /// Everything up to this text, with it, without telnet.
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
            assert!(more, "the end instead of {text:?}: {unread:?}");
        }
    }

    /// Waits for one of these texts; which one came first.
    pub(crate) fn sees_one_of(&mut self, texts: &[&str]) -> String {
        loop {
            let line = self.sees("\n");
            if let Some(text) = texts.iter().find(|text| line.contains(**text)) {
                return text.to_string();
            }
        }
    }

    /// Everything up to the end, which must be an orderly one, without telnet.
    pub(crate) fn ends(mut self) -> String {
        plain_text(&self.0.rest())
    }
}

/// A socket of which something is asked before it connects.
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
