//! The bytes that wait to be sent to the server. Bytes that the connection has taken are removed at once, so sending
//! can be interrupted at any point and continued later.

use std::io;

use tokio::io::{AsyncWrite, AsyncWriteExt};

/// The limit of waiting bytes: several pasted pages. Beyond the limit the client reads neither the keyboard nor the
/// server, because both produce further bytes.
const WAITING_MAX: usize = 64 * 1024;

/// The sending half of a connection.
pub(super) struct Outgoing<W> {
    writer: W,
    waiting: Vec<u8>,
    /// Whether bytes must be written or flushed, or the sending half must be closed.
    is_due: bool,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Open,
    /// The keyboard has ended; the sending half closes when all bytes are sent.
    Ending,
    /// The sending half is closed, or the server takes nothing more.
    Closed,
}

impl<W: AsyncWrite + Unpin> Outgoing<W> {
    pub(super) fn new(writer: W) -> Outgoing<W> {
        Outgoing {
            writer,
            waiting: Vec::new(),
            is_due: false,
            state: State::Open,
        }
    }

    /// Adds bytes to send. After the close they are dropped.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        if self.state != State::Closed && !bytes.is_empty() {
            self.waiting.extend_from_slice(bytes);
            self.is_due = true;
        }
    }

    /// Ends the input: only answers to telnet commands follow, and the sending half closes when all bytes are sent.
    pub(super) fn end(&mut self) {
        if self.state == State::Open {
            (self.state, self.is_due) = (State::Ending, true);
        }
    }

    pub(super) fn has_room(&self) -> bool {
        self.waiting.len() < WAITING_MAX
    }

    pub(super) fn is_due(&self) -> bool {
        self.is_due
    }

    /// Sends waiting bytes. An error is not reported here: the server may still send text, and the reading half
    /// reports the reason.
    pub(super) async fn send(&mut self) {
        let sent = self.push().await;
        if sent.is_err() || self.state == State::Ending {
            self.state = State::Closed;
            self.waiting = Vec::new();
        }
        self.is_due = false;
    }

    async fn push(&mut self) -> io::Result<()> {
        while !self.waiting.is_empty() {
            match self.writer.write(&self.waiting).await? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                written => drop(self.waiting.drain(..written)),
            }
        }
        self.writer.flush().await?;
        match self.state {
            State::Ending => self.writer.shutdown().await,
            _ => Ok(()),
        }
    }
}
