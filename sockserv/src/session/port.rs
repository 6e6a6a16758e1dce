//! The handle of one client's connection, shared by its task and the node.
//!
//! The node writes, closes and gives back lines from any thread and never waits; the task of the client,
//! in `connection`, does the waiting. The last of both frees it.
//!
//! What was agreed with the client lives here, in its `nvt`, and so outside of every library: an
//! upgrade does not touch it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use pq_otp::Reason;
use tokio::sync::{Notify, Semaphore};
use tokio::task::coop::consume_budget;
use tokio::time::Instant;

use crate::admission::budget::{Budget, COMMANDS_PER_LINE, Work};
use crate::admission::refused::Refusal;
use crate::session::ending::{Cause, EndingCell};
use crate::settings::{Current, Opening};
use crate::wire::endpoint::Event;
use crate::wire::gmcp::Message;
use crate::wire::mccp::Turn;
use crate::wire::mssp::Mssp;
use crate::wire::nvt::Nvt;
use crate::wire::option::COMPRESS2;
use crate::wire::outbox::{Outbox, Overflow};
use crate::wire::telnet::subnegotiation;

/// How many lines of one client may be on their way to its process.
/// A dialogue needs one, a pasted or piped one (`printf 'Ann\ny\n' | nc`) a few. The rest waits in the
/// kernel and then at the client.
pub const LINES_MAX: usize = 8;

/// What a client's program is told when its session ends, and nobody has said why.
const GOODBYE: &str = "Goodbye.";

/// A client, as the node sees it.
#[derive(Debug)]
pub struct Port {
    state: Mutex<State>,
    changed: Notify,
    /// The door closes the connection.
    dismissed: Notify,
    /// There may be something new to tell the client's program about its hero.
    news: Notify,
    lines: Semaphore,
    ending: EndingCell,
    /// What it may send.
    budget: Arc<Budget>,
    settings: Current,
}

#[derive(Debug)]
struct State {
    nvt: Nvt,
    outbox: Outbox,
    phase: Phase,
    /// It has been told that it sends too fast, and has not been silent since.
    is_hasty: bool,
    /// When its program said last that the player is there.
    awake: Option<Instant>,
}

impl State {
    /// Compression begins or ends behind what waits. Its beginning is announced, and not compressed itself.
    fn turn(&mut self, turn: Turn, max: usize) -> Result<(), Overflow> {
        if turn == Turn::Begin {
            self.outbox.push(&subnegotiation(COMPRESS2, &[]), max)?;
        }
        self.outbox.turn(turn);
        Ok(())
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
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

impl Port {
    /// A client that has sent nothing yet.
    pub fn new(settings: Current) -> Port {
        let opening = settings.load().opening;
        let budget = Arc::new(Budget::new(settings.clone()));
        Port::opening(settings, opening, budget)
    }

    /// The same with another opening than the settings have, for a client that has spent some of its budget.
    pub(crate) fn opening(settings: Current, opening: Opening, budget: Arc<Budget>) -> Port {
        let (mut nvt, mut outbox) = (Nvt::default(), Outbox::default());
        if opening == Opening::Probe {
            // An empty outbox has room for three bytes.
            let _ = outbox.push(&nvt.open(), settings.load().limits.outbox_max);
        }
        let state = State {
            nvt,
            outbox,
            phase: Phase::Open,
            is_hasty: false,
            awake: None,
        };
        Port {
            state: Mutex::new(state),
            changed: Notify::new(),
            dismissed: Notify::new(),
            news: Notify::new(),
            lines: Semaphore::new(LINES_MAX),
            ending: EndingCell::default(),
            budget,
            settings,
        }
    }

    /// The same, for a client to which text may be sent compressed. Not inside TLS, where the length of what is compressed
    /// tells of secrets (the attack is known as CRIME).
    pub(crate) fn compressing(self) -> Port {
        self.lock().nvt.set_may_compress();
        self
    }

    /// The same, for an entrance that wants to know why the connection ends.
    pub(crate) fn telling(self, ending: EndingCell) -> Port {
        Port { ending, ..self }
    }

    /// Queues a text for the client; `\n` ends a line in it, and it may have tags of [`crate::wire::markup`].
    /// After [`Port::close`] it is left out.
    ///
    /// # Errors
    /// [`Overflow`] when the client is too slow to read, once. Its connection is then dropped and logged by its
    /// own task, and the owner hears of it as of any other end: the caller has nothing to do.
    pub fn write(&self, text: &[u8]) -> Result<(), Overflow> {
        let mut is_news = false;
        let pushed = self.push(|nvt| {
            is_news = nvt.wants_hero().is_some();
            nvt.tell(text)
        });
        if is_news {
            self.news.notify_one();
        }
        pushed
    }

    /// Queues a message for the client's program, if it has asked for such.
    ///
    /// # Errors
    /// As for [`Port::write`].
    pub fn message(&self, message: &Message) -> Result<(), Overflow> {
        self.push(|nvt| nvt.message(message))
    }

    /// Queues a line of the node's own, from the front of a line on: [`Nvt::announce`].
    ///
    /// # Errors
    /// As for [`Port::write`].
    pub fn announce(&self, text: &str) -> Result<(), Overflow> {
        self.push(|nvt| nvt.announce(text))
    }

    /// What the client has told of itself.
    pub(crate) fn about(&self) -> About {
        let state = self.lock();
        let (nvt, client) = (&state.nvt, state.nvt.client());
        About {
            speaks_telnet: nvt.speaks_telnet(),
            program: nvt.program().map(str::to_string),
            // A client of telnet gives its own name first and that of its terminal then (MTTS).
            terminal: client.ttype.answers().nth(1).map(str::to_string),
            awake: state.awake.map(|awake| awake.elapsed()),
        }
    }

    /// Who the client is, as far as it has told: for logs.
    pub fn client(&self) -> String {
        self.lock().nvt.client().to_string()
    }

    /// Whether the client is being asked who plays: [`Nvt::set_dialogue`].
    pub(crate) fn set_dialogue(&self, on: bool) {
        self.lock().nvt.set_dialogue(on);
        // The question may have been written already, and its mark is due.
        self.changed.notify_one();
    }

    /// Takes what the client sent, from so many bytes, and queues what is answered. An overflow is seen by the
    /// task that writes.
    pub(crate) fn hear(&self, event: &Event, len: usize) {
        let settings = self.settings.load();
        let (mut is_news, mut is_awake) = (false, false);
        let _ = self.push(|nvt| {
            let before = nvt.wants_hero();
            let answer = nvt.hear(event, len, &*settings.listing);
            is_news = nvt.wants_hero() != before;
            is_awake = nvt.take_awake();
            answer
        });
        if is_news {
            self.news.notify_one();
        }
        if is_awake {
            self.lock().awake = Some(Instant::now());
        }
    }

    /// The client is typing this line: queues its echo, if the client has asked for one. An overflow is seen by the task
    /// that writes.
    pub(crate) fn typed(&self, line: &[u8]) {
        if self.lock().nvt.has_echo() {
            let _ = self.push(|nvt| nvt.typed(line));
        }
    }

    /// Waits until there may be something new to tell the client's program about its hero: a text was written, the
    /// program has said what it wants, or [`Port::look_again`]. Returns [`Nvt::wants_hero`]. Who wants nothing is
    /// never waited for in vain: nothing wakes the caller.
    pub(crate) async fn news(&self) -> u32 {
        loop {
            self.news.notified().await;
            if let Some(wish) = self.lock().nvt.wants_hero() {
                return wish;
            }
        }
    }

    /// What is said about heroes may be something else from now on.
    pub(crate) fn look_again(&self) {
        if self.lock().nvt.wants_hero().is_some() {
            self.news.notify_one();
        }
    }

    /// Waits until the client has the budget for this. Who has to wait is told so, once until it has been silent for so
    /// long that it may say all at once again.
    pub(crate) async fn turn(&self, work: Work) -> Option<Refusal> {
        self.forgive_haste();
        let is_hasty = self.budget.pay(work).is_err();
        let is_news = is_hasty && !std::mem::replace(&mut self.lock().is_hasty, true);
        let told = is_news.then(|| self.tell(self.hurry(work)));
        if is_hasty {
            self.budget.wait(work).await;
        } else {
            consume_budget().await;
        }
        told
    }

    fn forgive_haste(&self) {
        let is_calm = self.budget.is_calm();
        self.lock().is_hasty &= !is_calm;
    }

    fn hurry(&self, work: Work) -> Refusal {
        let rate = self.settings.load().limits.lines.per_second;
        match work {
            Work::Line(_) => Refusal::Lines(rate),
            Work::Command(_) => Refusal::Commands(rate.saturating_mul(COMMANDS_PER_LINE)),
        }
    }

    /// The client has been told all: what it still sends is only read, and costs nothing.
    pub(crate) fn hear_out(&self) {
        self.budget.waive(true);
    }

    /// Tells the client what is not done, and goes on.
    pub(crate) fn tell(&self, refusal: Refusal) -> Refusal {
        // An overflow is seen by the task that writes.
        let _ = self.announce(&refusal.to_string());
        refusal
    }

    /// How many bytes a line of the client may have.
    pub(crate) fn line_max(&self) -> usize {
        self.settings.load().limits.line_max
    }

    /// Nothing was sent for a while: queues bytes that show nothing, where there are such.
    pub(crate) fn keep_alive(&self) {
        let _ = self.push(|nvt| nvt.keepalive());
    }

    /// How long "a while" is.
    pub(crate) fn keepalive(&self) -> Option<Duration> {
        self.settings.load().keepalive
    }

    /// Queues bytes of the wire.
    fn push(&self, wire: impl FnOnce(&mut Nvt) -> Vec<u8>) -> Result<(), Overflow> {
        let mut state = self.lock();
        if state.phase != Phase::Open {
            return Ok(());
        }
        let wire = wire(&mut state.nvt);
        let max = self.settings.load().limits.outbox_max;
        let mut pushed = state.outbox.push(&wire, max);
        if let Some(turn) = state.nvt.take_turn() {
            pushed = pushed.and_then(|()| state.turn(turn, max));
        }
        if pushed.is_err() {
            state.phase = Phase::Overflown;
            self.ending.refuse(&Refusal::Slow);
        }
        drop(state);
        // Also without bytes: a prompt may be ready for its mark.
        self.changed.notify_one();
        pushed
    }

    /// Closes the connection after what was written before. Must be called when the owner has ended.
    pub fn close(&self) {
        self.end(Phase::Closing, Cause::Done, GOODBYE);
    }

    /// The same when the owner has ended without a word, for this reason.
    pub(crate) fn close_after(&self, reason: &Reason) {
        let cause = match reason {
            Reason::Normal => Cause::Done,
            reason if reason.is_orderly() => Cause::Stops,
            _ => Cause::Fails,
        };
        self.end(Phase::Closing, cause, GOODBYE);
    }

    /// Tells a crawler what there is, and closes the connection.
    pub(crate) fn tell_status(&self) {
        let settings = self.settings.load();
        // An overflow is seen by the task that writes.
        let _ = self.push(|_| {
            let mut mssp = Mssp::default();
            settings.listing.list(&mut mssp);
            mssp.text()
        });
        self.end(Phase::Dismissed, Cause::Done, GOODBYE);
    }

    /// Says why, unless that is empty, and closes the connection after what was written before, over the owner's
    /// head: it hears of it as of any other end.
    pub(crate) fn dismiss(&self, why: &str) {
        if why.is_empty() {
            return self.end(Phase::Dismissed, Cause::Refused, GOODBYE);
        }
        // An overflow is seen by the task that writes.
        let _ = self.push(|nvt| nvt.say_last(why));
        self.end(Phase::Dismissed, Cause::Refused, why);
    }

    fn end(&self, phase: Phase, cause: Cause, why: &str) {
        let mut state = self.lock();
        if state.phase == Phase::Open {
            state.phase = phase;
            self.ending.tell(cause, why);
            let goodbye = state.nvt.goodbye(why);
            let max = self.settings.load().limits.outbox_max;
            // Where there is no room for it, what was said before is worth more.
            let _ = state.outbox.push(&goodbye, max);
        }
        let is_dismissed = state.phase == Phase::Dismissed;
        drop(state);
        self.changed.notify_one();
        if is_dismissed {
            self.dismissed.notify_one();
        }
    }

    /// Waits until the door closes the connection.
    pub(crate) async fn dismissed(&self) {
        while self.lock().phase != Phase::Dismissed {
            self.dismissed.notified().await;
        }
    }

    /// The owner has done with one line: another may come. To be called once for each line handed over.
    pub fn line_done(&self) {
        if self.lines.available_permits() < LINES_MAX {
            self.lines.add_permits(1);
        }
    }

    /// Waits until the owner may be handed one more line.
    pub(crate) async fn line_permit(&self) {
        // The semaphore is never closed, and the line that is handed over keeps the permit.
        if let Ok(permit) = self.lines.acquire().await {
            permit.forget();
        }
    }

    /// Waits until there is something to do for the one task that writes.
    pub(crate) async fn output(&self) -> Output {
        loop {
            if let Some(output) = self.output_now() {
                return output;
            }
            self.changed.notified().await;
        }
    }

    /// Waits until the client has been found too slow.
    pub(crate) async fn overflown(&self) {
        while self.lock().phase != Phase::Overflown {
            self.changed.notified().await;
        }
    }

    fn output_now(&self) -> Option<Output> {
        let mut state = self.lock();
        if state.phase != Phase::Overflown
            && let Some(turn) = state.outbox.take_turn()
        {
            return Some(Output::Turn(turn));
        }
        match state.phase {
            Phase::Overflown => Some(Output::Overflown),
            _ if !state.outbox.is_empty() => Some(Output::Bytes(state.outbox.take())),
            Phase::Closing => Some(Output::Closed),
            Phase::Dismissed => Some(Output::Dismissed),
            // All that was said is written, and nothing more comes: it was a prompt, if it was one.
            Phase::Open => Some(state.nvt.mark())
                .filter(|mark| !mark.is_empty())
                .map(|mark| Output::Bytes(mark.into())),
        }
    }

    /// Nothing that holds the lock can panic halfway, so a poisoned one is as good as any.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
