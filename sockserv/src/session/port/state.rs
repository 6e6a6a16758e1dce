//! The state of a port under its lock, shared by the node and the client's task: negotiated options, waiting output, and
//! the stage of the connection. No function waits or wakes a task.
//!
//! ```text
//!   Open ─┬─ the owner closes ──────► Closing ───┐
//!         ├─ the door closes ───────► Dismissed ─┴─ what waits is written ─► the end
//!         └─ the client is too slow ► Overflown ─► the end
//! ```

use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

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
    pub(super) stage: Stage,
    /// The time of the last `Core.KeepAlive` of the client's program.
    pub(super) awake: Option<Instant>,
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
        wire: impl FnOnce(&mut Nvt) -> Vec<u8>,
        max: usize,
    ) -> Result<(), Overflow> {
        if self.stage != Stage::Open {
            return Ok(());
        }
        let wire = wire(&mut self.nvt);
        let mut pushed = self.outbox.push(&wire, max);
        if let Some(turn) = self.nvt.take_turn() {
            pushed = pushed.and_then(|()| self.turn(turn, max));
        }
        if pushed.is_err() {
            self.stage = Stage::Overflown;
        }
        pushed
    }

    /// Begins or ends compression behind the waiting output. The announcement of a beginning is not compressed itself.
    fn turn(&mut self, turn: Turn, max: usize) -> Result<(), Overflow> {
        if turn == Turn::Begin {
            self.outbox.push(&subnegotiation(COMPRESS2, &[]), max)?;
        }
        self.outbox.turn(turn);
        Ok(())
    }

    /// Ends the connection behind the waiting output and a goodbye; `false` when it was ending already.
    pub(super) fn end(&mut self, stage: Stage, why: &str, max: usize) -> bool {
        let is_first = self.stage == Stage::Open;
        if is_first {
            self.stage = stage;
            let goodbye = self.nvt.goodbye(why);
            // Without room for the goodbye it is left out, because the earlier output is more important.
            let _ = self.outbox.push(&goodbye, max);
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
            Stage::Closing => Some(Output::Closed),
            Stage::Dismissed => Some(Output::Dismissed),
            // All output is written and no more is queued: if the last text was a prompt, its mark is due.
            Stage::Open => Some(self.nvt.mark())
                .filter(|mark| !mark.is_empty())
                .map(|mark| Output::Bytes(mark.into())),
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
