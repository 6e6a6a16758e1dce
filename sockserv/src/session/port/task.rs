//! The functions of a port for the client's task: input of the client, and output to it.

use std::time::Duration;

use tokio::time::Instant;

use super::{Kind, Output, Port, Stage};
use crate::admission::budget::Work;
use crate::admission::refused::Refusal;
use crate::wire::endpoint::Event;
use crate::wire::gmcp::Wish;

impl Port {
    /// Takes an event of the client that came in `len` bytes, and queues the answer. [`Port::output`] reports an overflow.
    /// Returns the wish in the event, if there is one.
    pub(crate) fn hear(&self, event: &Event, len: usize) -> Option<Wish> {
        let settings = self.settings.load();
        let (mut is_news, mut is_awake, mut wish) = (false, false, None);
        let _ = self.push(Kind::Other, |nvt| {
            let before = nvt.wants_avatar();
            let answer = nvt.hear(event, len, &*settings.listing);
            is_news = nvt.wants_avatar() != before;
            is_awake = nvt.take_awake();
            wish = nvt.take_wish();
            answer
        });
        if is_news {
            self.news.notify_one();
        }
        if is_awake {
            self.state.lock().awake = Some(Instant::now());
        }
        wish
    }

    /// Whether the client has asked for a token since the last call.
    pub(crate) fn take_remember(&self) -> bool {
        self.state.lock().nvt.take_remember()
    }

    /// Queues the echo of the unfinished line, if the client has requested an echo. [`Port::output`] reports an overflow.
    pub(crate) fn typed(&self, line: &[u8]) {
        if self.state.lock().nvt.has_echo() {
            let _ = self.push(Kind::Other, |nvt| nvt.typed(line));
        }
    }

    /// Waits until the client's budget suffices. If the client had to wait and was told so, returns what it was told.
    pub(crate) async fn pay(&self, work: Work) -> Option<Refusal> {
        self.pace.pay(work, |refusal| self.tell(refusal)).await
    }

    /// Waits until one more line may be passed to the owner.
    pub(crate) async fn line_permit(&self) {
        self.window.take().await;
    }

    /// Makes further input free: the client has all its output, and its input is only read and dropped.
    pub(crate) fn hear_out(&self) {
        self.pace.waive();
    }

    /// Tells the client the refusal of an input, and keeps the connection open.
    pub(crate) fn tell(&self, refusal: Refusal) -> Refusal {
        // `output` reports an overflow.
        let _ = self.announce(&refusal.to_string());
        refusal
    }

    /// The maximum length of a line of the client, in bytes.
    pub(crate) fn line_max(&self) -> usize {
        self.settings.load().limits.line_max
    }

    /// Queues bytes that show nothing, after a time without output; no bytes for a client without telnet.
    pub(crate) fn keep_alive(&self) {
        let _ = self.change(|state, max| {
            state.keep_alive(max);
            Ok(())
        });
    }

    /// The time without output after which [`Port::keep_alive`] is due; `None` for never.
    pub(crate) fn keepalive(&self) -> Option<Duration> {
        self.settings.load().keepalive
    }

    /// Waits until the facts about the avatar may have changed for the client's program: a text was written, the program has
    /// changed its subscriptions, or [`Port::look_again`] was called. Returns [`crate::Nvt::wants_avatar`]. Does not return
    /// for a program without a subscription.
    pub(crate) async fn news(&self) -> u32 {
        loop {
            self.news.notified().await;
            if let Some(wish) = self.state.lock().nvt.wants_avatar() {
                return wish;
            }
        }
    }

    /// Waits for the next action of the only task that writes.
    pub(crate) async fn output(&self) -> Output {
        loop {
            if let Some(output) = self.output_now() {
                return output;
            }
            self.changed.notified().await;
        }
    }

    pub(super) fn output_now(&self) -> Option<Output> {
        self.state.lock().output()
    }

    /// Waits until the client has read too slowly.
    pub(crate) async fn overflown(&self) {
        while self.state.lock().stage != Stage::Overflown {
            self.changed.notified().await;
        }
    }

    /// Waits until the door closes the connection.
    pub(crate) async fn dismissed(&self) {
        while self.state.lock().stage != Stage::Dismissed {
            self.dismissed.notified().await;
        }
    }
}
