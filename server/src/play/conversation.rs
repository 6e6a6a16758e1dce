//! The loop of `pq play`: what is typed goes to the server, what the server says to the screen, until one of them ends.
//!
//! ```text
//!   the keyboard ends (Ctrl-D) ─► what was typed is sent ─► the sending half is closed ─► all text is shown ─► end
//!   the server closes ─► all text is handed to the screen ─► end
//!   the screen ends (`pq play | head`) ─► end
//! ```
//! Nothing here waits for one thing alone, at the end the screen is waited for only so long, and everything that waits is bounded: a server that does not read stops the
//! keyboard, a screen that does not stops the server.

use std::io;
use std::time::Duration;

use sockserv::wire::naws::Size;
use sockserv::{Heard, Peer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadHalf, WriteHalf, split};
use tokio::sync::{mpsc, watch};

use super::outgoing::Outgoing;
use super::terminal::Echo;

/// How much text may wait for the screen: many pages, and less than the server would keep for us.
const TEXT_MAX: usize = 64 * 1024;

/// How much is read at once: what one segment of a fast connection brings.
const READ_MAX: usize = 16 * 1024;

/// The person's side of it.
pub(super) struct Console {
    /// What is typed, line by line; closed at its end.
    pub(super) lines: mpsc::Receiver<Vec<u8>>,
    /// Where text goes; closed when nobody reads it.
    pub(super) screen: mpsc::Sender<Vec<u8>>,
    /// The size of the window, when it changes.
    pub(super) sizes: watch::Receiver<Option<Size>>,
    pub(super) echo: Echo,
}

/// How a conversation ended, if the connection was not lost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum End {
    /// The server closed the connection.
    ByServer,
    /// The text is not read any more: its reader has gone, or takes nothing.
    ByReader,
}

struct Conversation<S> {
    reader: ReadHalf<S>,
    outgoing: Outgoing<WriteHalf<S>>,
    peer: Peer,
    console: Console,
    /// Text that waits for the screen.
    text: Vec<u8>,
    /// Nothing more comes of the keyboard.
    has_typed_all: bool,
    /// Sizes come from a terminal; without one there are none.
    is_sized: bool,
}

/// Plays until the end. The last text waits as long as this for a place on the screen.
///
/// # Errors
/// What the connection says when it is lost.
pub(super) async fn converse(
    stream: impl AsyncRead + AsyncWrite,
    peer: Peer,
    console: Console,
    patience: Duration,
) -> io::Result<End> {
    let (reader, writer) = split(stream);
    let conversation = Conversation {
        reader,
        outgoing: Outgoing::new(writer),
        peer,
        console,
        text: Vec::new(),
        has_typed_all: false,
        is_sized: true,
    };
    conversation.run(patience).await
}

impl<S: AsyncRead + AsyncWrite> Conversation<S> {
    async fn run(mut self, patience: Duration) -> io::Result<End> {
        let mut buffer = vec![0; READ_MAX];
        loop {
            let may_read = self.outgoing.has_room() && self.text.len() < TEXT_MAX;
            let may_type = self.outgoing.has_room() && !self.has_typed_all;
            tokio::select! {
                read = self.reader.read(&mut buffer), if may_read => match read? {
                    0 => return Ok(self.finish(patience).await),
                    len => self.hear(&buffer[..len]),
                },
                line = self.console.lines.recv(), if may_type => self.typed(line),
                changed = self.console.sizes.changed(), if self.is_sized => self.resized(changed.is_ok()),
                () = self.outgoing.send(), if self.outgoing.is_due() => (),
                () = show(&self.console.screen, &mut self.text), if !self.text.is_empty() => (),
                () = self.console.screen.closed() => return Ok(End::ByReader),
            }
        }
    }

    fn hear(&mut self, bytes: &[u8]) {
        for heard in self.peer.hear(bytes) {
            match heard {
                Heard::Text(text) => self.text.extend(text),
                Heard::Typing(typing) => self.console.echo.set(typing),
                Heard::Reply(bytes) => self.outgoing.add(&bytes),
                // The text before a prompt is shown already, and a person reads no messages for programs.
                Heard::Prompt | Heard::Gmcp(_) => {}
            }
        }
    }

    fn typed(&mut self, line: Option<Vec<u8>>) {
        match line {
            Some(line) => self.outgoing.add(&self.peer.line(&line)),
            None => {
                self.has_typed_all = true;
                self.outgoing.end();
            }
        }
    }

    fn resized(&mut self, is_sized: bool) {
        self.is_sized = is_sized;
        let size = *self.console.sizes.borrow();
        if let Some(size) = size {
            self.outgoing.add(&self.peer.resize(size));
        }
    }

    /// The server has said all.
    async fn finish(self, patience: Duration) -> End {
        if self.text.is_empty() {
            return End::ByServer;
        }
        let send = self.console.screen.send(self.text);
        match tokio::time::timeout(patience, send).await {
            Ok(Ok(())) => End::ByServer,
            Ok(Err(_)) | Err(_) => End::ByReader,
        }
    }
}

/// Hands text over as soon as there is a place for it, and keeps it until then.
async fn show(screen: &mpsc::Sender<Vec<u8>>, text: &mut Vec<u8>) {
    match screen.reserve().await {
        Ok(place) => place.send(std::mem::take(text)),
        // Who has gone is noticed by the loop.
        Err(_) => text.clear(),
    }
}

#[cfg(test)]
mod tests;
