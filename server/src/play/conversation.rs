//! The main loop of `pq play`: sends typed lines to the server and shows the server's text, until one side ends.
//!
//! ```text
//!   the keyboard ends (Ctrl-D) ─► what was typed is sent ─► the sending half is closed ─► all text is shown ─► end
//!   the server closes ─► all text is handed to the screen ─► end
//!   the screen ends (`pq play | head`) ─► end
//! ```
//! Each step waits for all events at once, the wait for the screen at the end is limited, and every queue is bounded:
//! a server that does not read stops the keyboard, and a screen that does not read stops the server.

use std::io;
use std::time::Duration;

use sockserv::wire::naws::Size;
use sockserv::{Heard, Peer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadHalf, WriteHalf, split};
use tokio::sync::{mpsc, watch};

use super::outgoing::Outgoing;
use super::terminal::Echo;

/// The limit of text that waits for the screen, in bytes: many pages, but less than the server's outbox.
const TEXT_MAX: usize = 64 * 1024;

/// The size of one read in bytes: one segment of a fast connection.
const READ_MAX: usize = 16 * 1024;

/// The user's side of a conversation.
pub(super) struct Console {
    /// Typed lines; closed at the end of the input.
    pub(super) lines: mpsc::Receiver<Vec<u8>>,
    /// Receives text for the screen; closed when stdout has no reader.
    pub(super) screen: mpsc::Sender<Vec<u8>>,
    /// The size of the terminal window after each change.
    pub(super) sizes: watch::Receiver<Option<Size>>,
    pub(super) echo: Echo,
}

/// The end of a conversation, except by a lost connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum End {
    /// The server closed the connection.
    ByServer,
    /// Text is not read any more: stdout is closed, or its reader takes no text.
    ByReader,
}

struct Conversation<S> {
    reader: ReadHalf<S>,
    outgoing: Outgoing<WriteHalf<S>>,
    peer: Peer,
    console: Console,
    /// Text that waits for the screen.
    text: Vec<u8>,
    /// Whether the input has ended.
    has_typed_all: bool,
    /// Whether stdout is a terminal, which has a size.
    is_sized: bool,
}

/// Plays until the end. At the end, `patience` limits the wait for the screen.
///
/// # Errors
/// The I/O error of a lost connection.
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
                // The text before a prompt is already on the screen, and messages for programs are not shown.
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

    /// Shows the remaining text after the server has closed the connection.
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

/// Passes text to the screen when its queue has a place, and keeps the text until then.
async fn show(screen: &mpsc::Sender<Vec<u8>>, text: &mut Vec<u8>) {
    match screen.reserve().await {
        Ok(place) => place.send(std::mem::take(text)),
        // The main loop notices a closed screen.
        Err(_) => text.clear(),
    }
}

#[cfg(test)]
mod tests;
