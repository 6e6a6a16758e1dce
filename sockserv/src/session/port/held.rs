//! Output that waits until the state that it tells of is on the disk ([`crate::session::told`]).
//!
//! ```text
//!   a text ─► Held ─── asked for: up to here ─── on the disk: up to here ─► outbox ─► the client
//! ```
//! Everything behind a text that waits waits with it, so the client reads all output in its order. The bytes that wait here
//! are not unread, so they have a limit of their own; texts above it are left out, and the client reads that they were.

use crate::wire::mccp::Turn;
use crate::wire::outbox::{Outbox, Overflow};

/// The line in place of the texts above the limit.
const LEFT_OUT: &[u8] =
    b"\r\n[More happened than could be kept for you while the world waited.]\r\n";

/// See the top of the file.
#[derive(Default, Debug)]
pub(super) struct Held {
    outbox: Outbox,
    /// The number of bytes that have left, since the connection began.
    left: u64,
    /// Whether texts are left out, until some output has left.
    is_full: bool,
    /// Whether the client has read that the world waits.
    is_told: bool,
    /// Whether the output before the held one ended with a line.
    pub(super) follows_line: bool,
}

impl Held {
    pub(super) fn is_empty(&self) -> bool {
        self.outbox.is_empty()
    }

    /// Queues a text of the client's process, at most `max` bytes of them.
    pub(super) fn push_text(&mut self, wire: &[u8], max: usize) {
        let room = max.saturating_sub(LEFT_OUT.len());
        if !self.is_full && self.outbox.push(wire, room).is_err() {
            self.is_full = true;
            // The room for this line was kept.
            let _ = self.outbox.push(LEFT_OUT, max);
        }
    }

    /// Queues other bytes, such as answers of telnet, which cannot be left out.
    ///
    /// # Errors
    /// [`Overflow`] when more than `max` bytes would wait.
    pub(super) fn push(&mut self, wire: &[u8], max: usize) -> Result<(), Overflow> {
        self.outbox.push(wire, max)
    }

    /// Begins or ends compression behind the waiting bytes.
    pub(super) fn turn(&mut self, turn: Turn) {
        self.outbox.turn(turn);
    }

    /// The end of all output so far.
    pub(super) fn end(&self) -> u64 {
        self.left + self.outbox.len() as u64
    }

    /// Takes the output up to this end, which [`Held::end`] has returned.
    pub(super) fn release(&mut self, end: u64) -> Outbox {
        let len = end.saturating_sub(self.left);
        self.left = self.left.max(end);
        self.is_full &= len == 0;
        self.outbox.split_to(len as usize)
    }

    /// Notes that the client is told that the world waits, or goes on; `false` when the client knows it.
    pub(super) fn tell(&mut self, waits: bool) -> bool {
        std::mem::replace(&mut self.is_told, waits) != waits
    }
}
