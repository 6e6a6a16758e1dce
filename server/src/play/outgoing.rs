//! What waits to be sent to the server. What has been taken by the connection is gone from here at once, so
//! sending may be interrupted anywhere and goes on where it was.

use std::io;

use tokio::io::{AsyncWrite, AsyncWriteExt};

/// How many bytes may wait: then no more lines are taken from the keyboard, and no more is read from the
/// server, because both make more. It is some pasted pages.
const WAITING_MAX: usize = 64 * 1024;

/// The sending half of a connection.
pub(super) struct Outgoing<W> {
    writer: W,
    waiting: Vec<u8>,
    /// Something is to be done: bytes to be written, flushed, or the end to be said.
    is_due: bool,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Open,
    /// Nothing more will come from the keyboard.
    Ending,
    /// The server has been told so, or takes nothing more.
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

    /// More to send. Behind the end there is nobody to send it to.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        if self.state != State::Closed && !bytes.is_empty() {
            self.waiting.extend_from_slice(bytes);
            self.is_due = true;
        }
    }

    /// Nothing more but answers will come: when all is sent, the sending half is closed.
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

    /// Sends what waits. A server that takes nothing more may still have something to say: why is not told here, the
    /// reading half hears it.
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
