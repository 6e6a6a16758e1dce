//! The handle of one client's connection, shared by its task and the node.
//!
//! The node writes, closes and returns permits for lines from any thread, and never waits. The client's task, in
//! `connection`, waits. The last holder frees the handle.
//!
//! | module | contents |
//! |---|---|
//! | here | the side of the node |
//! | `task` | the side of the client's task |
//! | `state` | the shared state: negotiated options, waiting output, stage of the connection |
//! | `held` | the output that waits for the disk |
//! | `slip` | the line that the owner does not get |
//! | `pace`, `window` | the rate of the client's input, and the number of its lines in progress |
//!
//! The negotiated options of the client are here, in its `nvt`, and so outside of every library: an upgrade does not
//! affect them.

mod held;
mod pace;
mod slip;
mod state;
mod task;
mod window;

use std::sync::Arc;

use parking_lot::Mutex;
use pq_otp::{Pid, Reason};
use tokio::sync::Notify;

use crate::admission::budget::Budget;
use crate::admission::refused::Refusal;
use crate::session::ending::{Cause, EndingCell};
use crate::session::told::Told;
use crate::settings::{Current, Opening};
use crate::wire::gmcp::Message;
use crate::wire::mssp::Mssp;
use crate::wire::nvt::Nvt;
use crate::wire::outbox::Overflow;
use pace::Pace;
pub use slip::Sealed;
use slip::Slips;
pub(crate) use state::{About, Output};
use state::{Kind, Stage, State};
pub use window::LINES_MAX;
use window::Window;

/// The reason in `Core.Goodbye` when the session ends without another one.
const GOODBYE: &str = "Goodbye.";

/// The connection of one client, for the node.
#[derive(Debug)]
pub struct Port {
    state: Mutex<State>,
    changed: Notify,
    /// Notified when the door closes the connection.
    dismissed: Notify,
    /// Notified when the facts about the avatar may have changed.
    news: Notify,
    window: Window,
    pace: Pace,
    ending: EndingCell,
    slips: Mutex<Slips>,
    /// Notified when the answer to a sealed question may be due.
    answers: Notify,
    settings: Current,
}

impl Port {
    /// The port of a client that has sent nothing yet.
    pub fn new(settings: Current) -> Port {
        let opening = settings.load().opening;
        let budget = Arc::new(Budget::new(settings.clone()));
        Port::opening(settings, opening, budget)
    }

    /// A port with another opening than in the settings, for a client that has spent part of its budget.
    pub(crate) fn opening(settings: Current, opening: Opening, budget: Arc<Budget>) -> Port {
        let max = settings.load().limits.outbox_max;
        Port {
            state: Mutex::new(State::new(opening, max)),
            changed: Notify::new(),
            dismissed: Notify::new(),
            news: Notify::new(),
            window: Window::default(),
            pace: Pace::new(budget, settings.clone()),
            ending: EndingCell::default(),
            slips: Mutex::default(),
            answers: Notify::new(),
            settings,
        }
    }

    /// Allows compressed output. Not to be used inside TLS, where the length of compressed text reveals secrets (the attack
    /// CRIME).
    pub(crate) fn compressing(self) -> Port {
        self.state.lock().nvt.set_may_compress();
        self
    }

    /// Reports the reason for the end of the connection to this cell.
    pub(crate) fn telling(self, ending: EndingCell) -> Port {
        Port { ending, ..self }
    }

    /// Queues a text for the client; `\n` ends a line, and the text may have tags of [`crate::wire::markup`].
    /// After [`Port::close`] the text is ignored.
    ///
    /// # Errors
    /// [`Overflow`] when the client reads too slowly; only once. The client's task then drops the connection and logs it,
    /// and the owner is notified as of any other end: the caller can ignore the error.
    pub fn write(&self, text: &[u8]) -> Result<(), Overflow> {
        let (mut is_news, mut is_sealed) = (false, false);
        let pushed = self.push(Kind::Text, |nvt| {
            is_news = nvt.wants_avatar().is_some();
            let wire = nvt.tell(text);
            is_sealed = nvt.is_sealed();
            wire
        });
        if is_sealed {
            self.answers.notify_one();
        }
        if is_news {
            self.news.notify_one();
        }
        pushed
    }

    /// Queues a message for the client's program, if the program has subscribed to it.
    ///
    /// # Errors
    /// [`Overflow`], as for [`Port::write`].
    pub fn message(&self, message: &Message) -> Result<(), Overflow> {
        self.push(Kind::Text, |nvt| nvt.message(message))
    }

    /// Queues an announcement of the node, which begins at the front of a line: [`Nvt::announce`].
    ///
    /// # Errors
    /// [`Overflow`], as for [`Port::write`].
    pub fn announce(&self, text: &str) -> Result<(), Overflow> {
        self.push(Kind::Other, |nvt| nvt.announce(text))
    }

    /// The properties that the client has told of itself.
    pub(crate) fn about(&self) -> About {
        self.state.lock().about()
    }

    /// A description of the client from its own properties, for logs.
    pub fn client(&self) -> String {
        self.state.lock().nvt.client().to_string()
    }

    /// Sets whether the session is in the dialogue before the game: [`Nvt::set_dialogue`].
    pub(crate) fn set_dialogue(&self, on: bool) {
        self.state.lock().nvt.set_dialogue(on);
        // The last question may have been written already, and its mark is due now.
        self.changed.notify_one();
    }

    /// Asks the game again for the facts about the avatar.
    pub(crate) fn look_again(&self) {
        if self.state.lock().nvt.wants_avatar().is_some() {
            self.news.notify_one();
        }
    }

    /// Returns the permit for one line, which the owner has finished. To be called once for each line passed to the owner.
    pub fn line_done(&self) {
        self.window.give_back();
    }

    /// Closes the connection behind all earlier output. Must be called when the owner has ended.
    pub fn close(&self) {
        self.end(Stage::Closing, Cause::Done, GOODBYE);
    }

    /// Closes the connection after the owner has ended without closing it, for this reason.
    pub(crate) fn close_after(&self, reason: &Reason) {
        let cause = match reason {
            Reason::Normal => Cause::Done,
            reason if reason.is_orderly() => Cause::Stops,
            _ => Cause::Fails,
        };
        self.end(Stage::Closing, cause, GOODBYE);
    }

    /// Sends a crawler the status of the server, and closes the connection.
    pub(crate) fn tell_status(&self) {
        let settings = self.settings.load();
        // An overflow is ignored here: the task that writes sees it.
        let _ = self.push(Kind::Other, |_| {
            let mut mssp = Mssp::default();
            settings.listing.list(&mut mssp);
            mssp.text()
        });
        self.end(Stage::Dismissed, Cause::Done, GOODBYE);
    }

    /// Sends the reason, unless it is empty, and closes the connection behind all earlier output, without asking the owner. The
    /// owner is notified as of any other end.
    pub(crate) fn dismiss(&self, why: &str) {
        if why.is_empty() {
            return self.end(Stage::Dismissed, Cause::Refused, GOODBYE);
        }
        // An overflow is ignored here: the task that writes sees it.
        let _ = self.push(Kind::Other, |nvt| nvt.say_last(why));
        self.end(Stage::Dismissed, Cause::Refused, why);
    }

    /// Lets texts wait from now on until [`Port::release`].
    pub(crate) fn hold(&self, told: Arc<Told>, session: Pid) {
        self.state.lock().hold(told, session);
    }

    /// Lets no text wait any more.
    pub(crate) fn hold_no_more(&self) {
        // `output` reports an overflow.
        let _ = self.change(|state, max| state.hold_no_more(max));
    }

    /// The end of the output that waits now. Output that begins to wait later is reported to the register again.
    pub(crate) fn ask(&self) -> u64 {
        self.state.lock().ask()
    }

    /// Passes waiting output up to this end on.
    pub(crate) fn release(&self, end: u64) {
        // `output` reports an overflow.
        let _ = self.change(|state, max| state.release(end, max));
    }

    /// Tells the client that its output waits, or goes on, unless the client knows it.
    pub(crate) fn tell_wait(&self, waits: bool, line: &str) {
        let _ = self.change(|state, max| {
            state.tell_wait(waits, line, max);
            Ok(())
        });
    }

    /// Queues the bytes that `wire` returns.
    fn push(&self, kind: Kind, wire: impl FnOnce(&mut Nvt) -> Vec<u8>) -> Result<(), Overflow> {
        self.change(|state, max| state.push(kind, wire, max))
    }

    /// Changes the waiting output, with the limit for it.
    fn change(
        &self,
        change: impl FnOnce(&mut State, usize) -> Result<(), Overflow>,
    ) -> Result<(), Overflow> {
        let max = self.settings.load().limits.outbox_max;
        let mut state = self.state.lock();
        let changed = change(&mut state, max);
        if changed.is_err() {
            self.ending.refuse(&Refusal::Slow);
        }
        let waits = state.unlisted();
        drop(state);
        // Also necessary without bytes: the mark of a prompt may be due.
        self.changed.notify_one();
        if let Some((told, session)) = waits {
            told.waits(session);
        }
        changed
    }

    fn end(&self, stage: Stage, cause: Cause, why: &str) {
        let max = self.settings.load().limits.outbox_max;
        let mut state = self.state.lock();
        if state.end(stage, why, max) {
            self.ending.tell(cause, why);
        }
        let is_dismissed = state.stage == Stage::Dismissed;
        drop(state);
        self.changed.notify_one();
        if is_dismissed {
            self.dismissed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests;
