//! The side of the client's task: what has come from the client, and what is to be written to it.

use std::time::Duration;

use tokio::time::Instant;

use super::{Output, Port, Stage};
use crate::admission::budget::Work;
use crate::admission::refused::Refusal;
use crate::wire::endpoint::Event;

impl Port {
    /// Takes what the client sent, from so many bytes, and queues what is answered. An overflow is seen by
    /// [`Port::output`].
    pub(crate) fn hear(&self, event: &Event, len: usize) {
        let settings = self.settings.load();
        let (mut is_news, mut is_awake) = (false, false);
        let _ = self.push(|nvt| {
            let before = nvt.wants_avatar();
            let answer = nvt.hear(event, len, &*settings.listing);
            is_news = nvt.wants_avatar() != before;
            is_awake = nvt.take_awake();
            answer
        });
        if is_news {
            self.news.notify_one();
        }
        if is_awake {
            self.state.lock().awake = Some(Instant::now());
        }
    }

    /// The client is typing this line: queues its echo, if the client has asked for one. An overflow is seen by
    /// [`Port::output`].
    pub(crate) fn typed(&self, line: &[u8]) {
        if self.state.lock().nvt.has_echo() {
            let _ = self.push(|nvt| nvt.typed(line));
        }
    }

    /// Waits until the client has the budget for this. A client that has to wait is told so; that is returned.
    pub(crate) async fn pay(&self, work: Work) -> Option<Refusal> {
        self.pace.pay(work, |refusal| self.tell(refusal)).await
    }

    /// Waits until the owner may be handed one more line.
    pub(crate) async fn line_permit(&self) {
        self.window.take().await;
    }

    /// The client has been told all: what it still sends is only read, and costs nothing.
    pub(crate) fn hear_out(&self) {
        self.pace.waive();
    }

    /// Tells the client what is not done, and goes on.
    pub(crate) fn tell(&self, refusal: Refusal) -> Refusal {
        // An overflow is seen by `output`.
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

    /// Waits until there may be something new to tell the client's program about its avatar: a text was written, the
    /// program has said what it wants, or [`Port::look_again`]. Returns [`crate::Nvt::wants_avatar`]. A program that wants
    /// nothing wakes nobody.
    pub(crate) async fn news(&self) -> u32 {
        loop {
            self.news.notified().await;
            if let Some(wish) = self.state.lock().nvt.wants_avatar() {
                return wish;
            }
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

    pub(super) fn output_now(&self) -> Option<Output> {
        self.state.lock().output()
    }

    /// Waits until the client has been found too slow.
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
