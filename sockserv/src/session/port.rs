//! The handle of one client's connection, shared by its task and the node.
//!
//! The node writes, closes and gives back lines from any thread and never waits; the task of the client,
//! in `connection`, does the waiting. The last of both frees it.
//!
//! | module | contents |
//! |---|---|
//! | here | the side of the node |
//! | `task` | the side of the client's task |
//! | `state` | what both share: what was agreed, what waits, how far the connection is |
//! | `pace`, `window` | how fast the client may send, and how many of its lines are on their way |
//!
//! What was agreed with the client lives here, in its `nvt`, and so outside of every library: an
//! upgrade does not touch it.

mod pace;
mod state;
mod task;
mod window;

use std::sync::Arc;

use parking_lot::Mutex;
use pq_otp::Reason;
use tokio::sync::Notify;

use crate::admission::budget::Budget;
use crate::admission::refused::Refusal;
use crate::session::ending::{Cause, EndingCell};
use crate::settings::{Current, Opening};
use crate::wire::gmcp::Message;
use crate::wire::mssp::Mssp;
use crate::wire::nvt::Nvt;
use crate::wire::outbox::Overflow;
use pace::Pace;
pub(crate) use state::{About, Output};
use state::{Stage, State};
pub use window::LINES_MAX;
use window::Window;

/// What a client's program is told when its session ends, and nobody has said why.
const GOODBYE: &str = "Goodbye.";

/// A client, as the node sees it.
#[derive(Debug)]
pub struct Port {
    state: Mutex<State>,
    changed: Notify,
    /// The door closes the connection.
    dismissed: Notify,
    /// There may be something new to tell the client's program about its avatar.
    news: Notify,
    window: Window,
    pace: Pace,
    ending: EndingCell,
    settings: Current,
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
        let max = settings.load().limits.outbox_max;
        Port {
            state: Mutex::new(State::new(opening, max)),
            changed: Notify::new(),
            dismissed: Notify::new(),
            news: Notify::new(),
            window: Window::default(),
            pace: Pace::new(budget, settings.clone()),
            ending: EndingCell::default(),
            settings,
        }
    }

    /// The same, for a client to which text may be sent compressed. Not inside TLS, where the length of what is compressed
    /// tells of secrets (the attack is known as CRIME).
    pub(crate) fn compressing(self) -> Port {
        self.state.lock().nvt.set_may_compress();
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
            is_news = nvt.wants_avatar().is_some();
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
        self.state.lock().about()
    }

    /// Who the client is, as far as it has told: for logs.
    pub fn client(&self) -> String {
        self.state.lock().nvt.client().to_string()
    }

    /// Whether the client is being asked who plays: [`Nvt::set_dialogue`].
    pub(crate) fn set_dialogue(&self, on: bool) {
        self.state.lock().nvt.set_dialogue(on);
        // The question may have been written already, and its mark is due.
        self.changed.notify_one();
    }

    /// What is said about avatars may be something else from now on.
    pub(crate) fn look_again(&self) {
        if self.state.lock().nvt.wants_avatar().is_some() {
            self.news.notify_one();
        }
    }

    /// The owner has done with one line: another may come. To be called once for each line handed over.
    pub fn line_done(&self) {
        self.window.give_back();
    }

    /// Closes the connection after what was written before. Must be called when the owner has ended.
    pub fn close(&self) {
        self.end(Stage::Closing, Cause::Done, GOODBYE);
    }

    /// The same when the owner has ended without a word, for this reason.
    pub(crate) fn close_after(&self, reason: &Reason) {
        let cause = match reason {
            Reason::Normal => Cause::Done,
            reason if reason.is_orderly() => Cause::Stops,
            _ => Cause::Fails,
        };
        self.end(Stage::Closing, cause, GOODBYE);
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
        self.end(Stage::Dismissed, Cause::Done, GOODBYE);
    }

    /// Says why, unless that is empty, and closes the connection after what was written before, over the owner's
    /// head: it hears of it as of any other end.
    pub(crate) fn dismiss(&self, why: &str) {
        if why.is_empty() {
            return self.end(Stage::Dismissed, Cause::Refused, GOODBYE);
        }
        // An overflow is seen by the task that writes.
        let _ = self.push(|nvt| nvt.say_last(why));
        self.end(Stage::Dismissed, Cause::Refused, why);
    }

    /// Queues bytes of the wire.
    fn push(&self, wire: impl FnOnce(&mut Nvt) -> Vec<u8>) -> Result<(), Overflow> {
        let max = self.settings.load().limits.outbox_max;
        let mut state = self.state.lock();
        let pushed = state.push(wire, max);
        if pushed.is_err() {
            self.ending.refuse(&Refusal::Slow);
        }
        drop(state);
        // Also without bytes: a prompt may be ready for its mark.
        self.changed.notify_one();
        pushed
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
