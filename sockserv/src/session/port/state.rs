//! The state of a port under its lock, shared by the node and the client's task: negotiated options, waiting output, and
//! the stage of the connection. No function waits or wakes a task.
//!
//! ```text
//!   Open ─┬─ the owner closes ──────► Closing ───┐
//!         ├─ the door closes ───────► Dismissed ─┴─ what waits is written ─► the end
//!         └─ the client is too slow ► Overflown ─► the end
//! ```

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use pq_otp::Pid;
use tokio::time::Instant;

use super::held::Held;
use crate::session::told::Told;
use crate::settings::Opening;
use crate::wire::mccp::Turn;
use crate::wire::nvt::Nvt;
use crate::wire::option::COMPRESS2;
use crate::wire::outbox::{Outbox, Overflow};
use crate::wire::telnet::subnegotiation;

#[derive(Debug)]
pub(super) struct State {
    pub(super) nvt: Nvt,
    outbox: Outbox,
    /// The output behind that of the outbox.
    held: Held,
    holder: Option<Holder>,
    pub(super) stage: Stage,
    /// The time of the last `Core.KeepAlive` of the client's program.
    pub(super) awake: Option<Instant>,
}

/// The register for whose word the texts of this session wait.
#[derive(Debug)]
struct Holder {
    told: Arc<Told>,
    session: Pid,
    /// Whether the register knows that output waits.
    is_listed: bool,
}

/// The kind of some output.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// A text or message, which may tell of the avatar.
    Text,
    /// An answer of telnet, an echo, an announcement.
    Other,
}

/// The stage of the connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stage {
    Open,
    Closing,
    Dismissed,
    Overflown,
}

/// The next action of the client's task.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Output {
    /// Write these bytes to the client.
    Bytes(Bytes),
    /// Begin or end compression at this point of the output.
    Turn(Turn),
    /// Close: all output is written and no more will come.
    Closed,
    /// Close, and notify the owner.
    Dismissed,
    /// Drop the connection: the client read too slowly.
    Overflown,
}

/// The properties that a client has told of itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct About {
    /// Whether the client speaks telnet, not only text.
    pub(crate) speaks_telnet: bool,
    /// The name of the client's program.
    pub(crate) program: Option<String>,
    /// The name of the client's terminal.
    pub(crate) terminal: Option<String>,
    /// The time since the last `Core.KeepAlive` of the client's program.
    pub(crate) awake: Option<Duration>,
}

impl State {
    /// The state for a client that has sent nothing yet. At most `max` bytes of output may wait.
    pub(super) fn new(opening: Opening, max: usize) -> State {
        let (mut nvt, mut outbox) = (Nvt::default(), Outbox::default());
        if opening == Opening::Probe {
            // An empty outbox has room for three bytes.
            let _ = outbox.push(&nvt.open(), max);
        }
        State {
            nvt,
            outbox,
            held: Held::default(),
            holder: None,
            stage: Stage::Open,
            awake: None,
        }
    }

    /// Queues output while the connection is open.
    ///
    /// # Errors
    /// [`Overflow`], once: after it the connection is no longer open.
    pub(super) fn push(
        &mut self,
        kind: Kind,
        wire: impl FnOnce(&mut Nvt) -> Vec<u8>,
        max: usize,
    ) -> Result<(), Overflow> {
        if self.stage != Stage::Open {
            return Ok(());
        }
        if self.held.is_empty() {
            self.held.follows_line = self.nvt.is_at_front();
        }
        let wire = wire(&mut self.nvt);
        let mut pushed = self.queue(kind, &wire, max);
        if let Some(turn) = self.nvt.take_turn() {
            pushed = pushed.and_then(|()| self.turn(turn, max));
        }
        if pushed.is_err() {
            self.stage = Stage::Overflown;
        }
        pushed
    }

    /// Queues output behind all other.
    fn queue(&mut self, kind: Kind, wire: &[u8], max: usize) -> Result<(), Overflow> {
        let is_text = kind == Kind::Text && !wire.is_empty() && self.holder.is_some();
        match !self.held.is_empty() || is_text {
            false => self.outbox.push(wire, max),
            true if kind == Kind::Text => {
                self.held.push_text(wire, max);
                Ok(())
            }
            true => self.held.push(wire, max),
        }
    }

    /// Begins or ends compression behind the waiting output. The announcement of a beginning is not compressed itself.
    fn turn(&mut self, turn: Turn, max: usize) -> Result<(), Overflow> {
        if turn == Turn::Begin {
            self.queue(Kind::Other, &subnegotiation(COMPRESS2, &[]), max)?;
        }
        match self.held.is_empty() {
            true => self.outbox.turn(turn),
            false => self.held.turn(turn),
        }
        Ok(())
    }

    /// Ends the connection behind the waiting output and a goodbye; `false` when it was ending already.
    pub(super) fn end(&mut self, stage: Stage, why: &str, max: usize) -> bool {
        let is_first = self.stage == Stage::Open;
        if is_first {
            self.stage = stage;
            let goodbye = self.nvt.goodbye(why);
            // Without room for the goodbye it is left out, because the earlier output is more important.
            let _ = self.queue(Kind::Other, &goodbye, max);
        }
        is_first
    }

    /// The next action, if there is one.
    pub(super) fn output(&mut self) -> Option<Output> {
        if self.stage != Stage::Overflown
            && let Some(turn) = self.outbox.take_turn()
        {
            return Some(Output::Turn(turn));
        }
        match self.stage {
            Stage::Overflown => Some(Output::Overflown),
            _ if !self.outbox.is_empty() => Some(Output::Bytes(self.outbox.take())),
            _ if !self.held.is_empty() => None,
            Stage::Closing => Some(Output::Closed),
            Stage::Dismissed => Some(Output::Dismissed),
            // All output is written and no more is queued: if the last text was a prompt, its mark is due.
            Stage::Open => Some(self.nvt.mark())
                .filter(|mark| !mark.is_empty())
                .map(|mark| Output::Bytes(mark.into())),
        }
    }

    /// Lets texts wait for the word of this register.
    pub(super) fn hold(&mut self, told: Arc<Told>, session: Pid) {
        self.holder.get_or_insert(Holder {
            told,
            session,
            is_listed: false,
        });
    }

    /// Lets no text wait any more.
    ///
    /// # Errors
    /// As for [`State::release`].
    pub(super) fn hold_no_more(&mut self, max: usize) -> Result<(), Overflow> {
        self.holder = None;
        self.release(self.held.end(), max)
    }

    /// The register to be told that output waits, once until [`State::ask`].
    pub(super) fn unlisted(&mut self) -> Option<(Arc<Told>, Pid)> {
        if self.held.is_empty() {
            return None;
        }
        let holder = self.holder.as_mut().filter(|holder| !holder.is_listed)?;
        holder.is_listed = true;
        Some((holder.told.clone(), holder.session))
    }

    /// The end of the output that waits now.
    pub(super) fn ask(&mut self) -> u64 {
        if let Some(holder) = &mut self.holder {
            holder.is_listed = false;
        }
        self.held.end()
    }

    /// Passes waiting output up to this end on.
    ///
    /// # Errors
    /// [`Overflow`] when the client has not read what was passed on before.
    pub(super) fn release(&mut self, end: u64, max: usize) -> Result<(), Overflow> {
        let released = self.outbox.append(self.held.release(end), max);
        if released.is_err() && matches!(self.stage, Stage::Open | Stage::Closing) {
            self.stage = Stage::Overflown;
        }
        released
    }

    /// Writes this line before the waiting output, if the client does not know that it waits, or goes on.
    pub(super) fn tell_wait(&mut self, waits: bool, line: &str, max: usize) {
        let is_concerned = !waits || !self.held.is_empty();
        if is_concerned && self.held.tell(waits) {
            let front = if self.held.follows_line { "" } else { "\r\n" };
            self.held.follows_line = true;
            // Without room for the line it is left out.
            let _ = self
                .outbox
                .push(format!("{front}{line}\r\n").as_bytes(), max);
        }
    }

    /// Queues bytes that show nothing before the waiting output.
    pub(super) fn keep_alive(&mut self, max: usize) {
        if self.stage == Stage::Open {
            // A full outbox keeps the connection alive itself.
            let _ = self.outbox.push(&self.nvt.keepalive(), max);
        }
    }

    /// The properties that the client has told of itself.
    pub(super) fn about(&self) -> About {
        let (nvt, client) = (&self.nvt, self.nvt.client());
        About {
            speaks_telnet: nvt.speaks_telnet(),
            program: nvt.program().map(str::to_string),
            // A telnet client sends the name of its program first, and the name of its terminal second (MTTS).
            terminal: client.ttype.answers().nth(1).map(str::to_string),
            awake: self.awake.map(|awake| awake.elapsed()),
        }
    }
}
