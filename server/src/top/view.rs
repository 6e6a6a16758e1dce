//! The state of the view. Lines of the feed, keys, answers and the time go in; wishes come out.
//!
//! ```text
//!   Look ─ / ─► Filter ─ Enter, Esc ─► Look        Look ─ K, S ─► Sure ─ y: an order; any other key ─► Look
//!   Look ─ ? ─► Help ─ any key ─► Look             Look ─ q, Esc ─► the end; Ctrl-C ends everything
//! ```

mod beats;
mod keys;
mod list;
mod notices;

#[cfg(test)]
pub(super) mod tests;

use pq_feed::Reading;
use pq_feed::reading::Shard;
use pq_protocol::Failure;

use super::process::{Listing, Order, Query};
use crate::client::{Frames, UNREADABLE};
pub(super) use beats::Beats;
pub(super) use keys::Key;
pub(super) use list::List;
pub(super) use notices::Notices;

/// The time without a frame after which the beats are known to be zero: a frame may be late by less.
const SILENCE_MS: u64 = 500;

/// The state of the view.
#[derive(Default)]
pub(super) struct View {
    frames: Frames,
    /// The time as of the last message, in milliseconds since 1970.
    pub(super) now_unix_ms: u64,
    pub(super) messages: Beats,
    pub(super) started: Beats,
    pub(super) ended: Beats,
    /// The versions in the order in which they were first seen: the place of a version decides its colour.
    pub(super) versions: Vec<String>,
    pub(super) list: List,
    pub(super) notices: Notices,
    pub(super) mode: Mode,
    /// Whether the node is gone, so that all figures are old.
    pub(super) is_gone: bool,
    /// The game's word for several avatars.
    pub(super) avatars: String,
    pub(super) paint: Paint,
}

/// The way in which versions differ on the screen.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Paint {
    #[default]
    Colours,
    /// For terminals without colours, and for `NO_COLOR`.
    Letters,
}

/// The meaning of the next key.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) enum Mode {
    /// The keys of the last line.
    #[default]
    Look,
    /// Text for the filter.
    Filter,
    /// The answer to the question about this order.
    Sure(Order),
    /// Any key closes the help.
    Help,
}

/// A wish of the operator.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Wish {
    /// The end of the view.
    Quit,
    /// Another list, at once.
    List(Query),
    /// An action on a process.
    Do(Order),
}

impl View {
    /// A view in the words of a game.
    pub(super) fn new(avatars: &str, paint: Paint, now_unix_ms: u64) -> View {
        View {
            avatars: avatars.to_string(),
            paint,
            now_unix_ms,
            ..View::default()
        }
    }

    /// The figures of the last line.
    pub(super) fn reading(&self) -> &Reading {
        self.frames.reading()
    }

    /// Takes a line of the feed.
    pub(super) fn hear(&mut self, line: &str) {
        let Some(frame) = self.frames.hear(line) else {
            return self.notices.add(self.now_unix_ms, UNREADABLE);
        };
        if self.is_gone {
            self.notices.add(frame.at_unix_ms, "the node is back");
        }
        self.is_gone = false;
        for text in &frame.news {
            self.notices.add(frame.at_unix_ms, text);
        }
        self.beat(frame.at_unix_ms);
        self.learn();
    }

    /// Notes that the node is gone.
    pub(super) fn lose(&mut self) {
        self.is_gone = true;
        self.notices.add(self.now_unix_ms, "the node is gone");
    }

    /// Notes the time, and that the node has been silent.
    pub(super) fn tick(&mut self, now_unix_ms: u64) {
        self.now_unix_ms = now_unix_ms;
        if self.messages.silence_ms(now_unix_ms) > SILENCE_MS {
            self.beat(now_unix_ms);
        }
    }

    /// Takes the answer to a question about processes.
    pub(super) fn listed(&mut self, query: &Query, answer: Result<Listing, Failure>) {
        self.list.take(query, answer);
    }

    /// Takes the outcome of an order.
    pub(super) fn done(&mut self, order: &Order, outcome: Result<(), Failure>) {
        let text = match outcome {
            Ok(()) => format!("{} {} {}: done", order.deed.word(), order.label, order.pid),
            Err(failure) => failure.sentence,
        };
        self.notices.add(self.now_unix_ms, &text);
    }

    /// Notes that a wish was dropped, because the node has not answered the ones before.
    pub(super) fn is_busy(&mut self) {
        let text = "the node does not answer: the wish is dropped";
        self.notices.add(self.now_unix_ms, text);
    }

    fn beat(&mut self, at_unix_ms: u64) {
        let sum = |of: fn(&Shard) -> u64| self.frames.reading().shards.values().map(of).sum();
        let totals: [u64; 3] = [
            sum(|it| it.messages),
            sum(|it| it.started),
            sum(|it| it.ended),
        ];
        let beats = [&mut self.messages, &mut self.started, &mut self.ended];
        for (beats, total) in beats.into_iter().zip(totals) {
            beats.note(at_unix_ms, total);
        }
    }

    /// Adds versions that are seen for the first time.
    fn learn(&mut self) {
        for version in self.frames.reading().processes.keys() {
            if !self.versions.contains(version) {
                self.versions.push(version.clone());
            }
        }
    }
}
