//! What the node and the client's task share of a port, under its lock: what was agreed with the client, what waits for
//! it, and how far the connection is. Nothing here waits or wakes.
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
    /// When its program said last that the player is there.
    pub(super) awake: Option<Instant>,
}

/// How far the connection is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stage {
    Open,
    Closing,
    Dismissed,
    Overflown,
}

/// What the task of the client has to do next.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Output {
    /// Write these bytes.
    Bytes(Bytes),
    /// Compress what follows, or do so no longer.
    Turn(Turn),
    /// All is written and no more will come.
    Closed,
    /// The same, and the owner does not know yet.
    Dismissed,
    /// The client was too slow: write nothing more.
    Overflown,
}

/// What a client has told of itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct About {
    /// It speaks telnet, not only text.
    pub(crate) speaks_telnet: bool,
    /// Its program.
    pub(crate) program: Option<String>,
    /// Its terminal.
    pub(crate) terminal: Option<String>,
    /// How long ago its program said that the player is there.
    pub(crate) awake: Option<Duration>,
}

impl State {
    /// That of a client that has sent nothing yet, for which at most `max` bytes may wait.
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

    /// Queues bytes of the wire while the connection is open.
    ///
    /// # Errors
    /// [`Overflow`], once: then the connection is no longer open.
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

    /// Compression begins or ends behind what waits. Its beginning is announced, and not compressed itself.
    fn turn(&mut self, turn: Turn, max: usize) -> Result<(), Overflow> {
        if turn == Turn::Begin {
            self.outbox.push(&subnegotiation(COMPRESS2, &[]), max)?;
        }
        self.outbox.turn(turn);
        Ok(())
    }

    /// The connection ends so, behind what waits and a goodbye; `false` when it was ending already.
    pub(super) fn end(&mut self, stage: Stage, why: &str, max: usize) -> bool {
        let is_first = self.stage == Stage::Open;
        if is_first {
            self.stage = stage;
            let goodbye = self.nvt.goodbye(why);
            // Where there is no room for it, what was said before is worth more.
            let _ = self.outbox.push(&goodbye, max);
        }
        is_first
    }

    /// What is to be done now, if anything is.
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
            // All that was said is written, and nothing more comes: it was a prompt, if it was one.
            Stage::Open => Some(self.nvt.mark())
                .filter(|mark| !mark.is_empty())
                .map(|mark| Output::Bytes(mark.into())),
        }
    }

    /// What the client has told of itself.
    pub(super) fn about(&self) -> About {
        let (nvt, client) = (&self.nvt, self.nvt.client());
        About {
            speaks_telnet: nvt.speaks_telnet(),
            program: nvt.program().map(str::to_string),
            // A client of telnet gives its own name first and that of its terminal then (MTTS).
            terminal: client.ttype.answers().nth(1).map(str::to_string),
            awake: self.awake.map(|awake| awake.elapsed()),
        }
    }
}
