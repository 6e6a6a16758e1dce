//! The story of an avatar for operators: its lines, and their pace.
//!
//! ```text
//!   event ─► {story, …} of the game ─► pieces: texts and pauses ─► Teller ─ each text at its time ─► StoryLine ─► pq watch
//! ```
//! The pace is that of the session of a player: a text comes when the pauses before it are over.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sockserv::wire::client::Look;
use sockserv::wire::render::render;
use tokio::time::Instant;

use crate::clock::unix_ms;
use crate::trace::is_zero;

/// The texts that may wait for their time: an avatar tells one or two at once.
const TEXTS_MAX: usize = 200;

/// The longest pause: an avatar that tells of a longer one is told again by its next event.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// A line of the story.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug, JsonSchema)]
pub(crate) struct StoryLine {
    /// The time of the line, in milliseconds since 1970-01-01 (UTC).
    at_unix_ms: u64,
    #[serde(flatten)]
    pub(crate) news: News,
    /// The number of events or texts before this line that were left out.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) dropped: u64,
}

/// The content of a line.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug, JsonSchema)]
#[serde(tag = "news", rename_all = "snake_case")]
pub(crate) enum News {
    /// The story of this avatar begins here.
    Watching { name: String },
    /// A text for the player, with its line ends.
    Text { text: String },
    /// An event of the game.
    Event { event: serde_json::Value },
    /// The avatar's processes have failed and were started again.
    Restarted {},
    /// The avatar has ended; no line follows.
    Ended {},
}

impl StoryLine {
    /// A line of this moment.
    pub(crate) fn now(news: News, dropped: u64) -> StoryLine {
        StoryLine {
            at_unix_ms: unix_ms(SystemTime::now()),
            news,
            dropped,
        }
    }

    /// The line as JSON, with its end.
    pub(crate) fn json(&self) -> String {
        let text = serde_json::to_string(self).expect("a line has text for keys");
        text + "\n"
    }
}

/// A piece of a story, as the function of the game returns it.
#[derive(Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Piece {
    /// A text, which may have tags of `sockserv::wire::markup`.
    Text(String),
    /// A pause in milliseconds.
    Wait(u64),
}

/// The texts that wait for their time.
#[derive(Default)]
pub(crate) struct Teller {
    texts: VecDeque<(Instant, String)>,
    /// The end of the last pause.
    free_at: Option<Instant>,
    dropped: u64,
}

impl Teller {
    /// Adds pieces behind those that wait.
    pub(crate) fn add(&mut self, pieces: Vec<Piece>, now: Instant) {
        let mut at = self.free_at.map_or(now, |free_at| free_at.max(now));
        for piece in pieces {
            match piece {
                Piece::Wait(ms) => at += Duration::from_millis(ms).min(PAUSE_MAX),
                Piece::Text(_) if self.texts.len() >= TEXTS_MAX => self.dropped += 1,
                Piece::Text(text) => self.texts.push_back((at, plain(&text))),
            }
        }
        self.free_at = Some(at);
    }

    /// Drops what waits: the avatar that was about to do it has failed.
    pub(crate) fn clear(&mut self) {
        *self = Teller::default();
    }

    /// The time of the next text.
    pub(crate) fn next_at(&self) -> Option<Instant> {
        self.texts.front().map(|(at, _)| *at)
    }

    /// The next text whose time has come.
    pub(crate) fn next(&mut self, now: Instant) -> Option<StoryLine> {
        self.next_at().filter(|at| *at <= now)?;
        let (_, text) = self.texts.pop_front()?;
        Some(StoryLine::now(
            News::Text { text },
            std::mem::take(&mut self.dropped),
        ))
    }
}

/// The text as a client without colours reads it, with the line ends of this system.
fn plain(text: &str) -> String {
    let wire = render(text.as_bytes(), Look::default());
    String::from_utf8_lossy(&wire).replace("\r\n", "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(teller: &mut Teller, now: Instant) -> Vec<String> {
        let next = std::iter::from_fn(|| teller.next(now));
        next.map(|line| match line.news {
            News::Text { text } => text,
            other => panic!("{other:?}"),
        })
        .collect()
    }

    #[test]
    fn each_text_comes_when_the_pauses_before_it_are_over() {
        let (mut teller, now) = (Teller::default(), Instant::now());
        let text = |text: &str| Piece::Text(text.to_string());
        let after = |ms| now + Duration::from_millis(ms);
        teller.add(vec![text("a\n"), Piece::Wait(800), text("b\n")], now);
        teller.add(vec![text("c\n"), Piece::Wait(100)], after(10));
        assert_eq!(texts(&mut teller, now), ["a\n"]);
        assert_eq!(texts(&mut teller, after(799)), [""; 0]);
        assert_eq!(texts(&mut teller, after(800)), ["b\n", "c\n"]);
        teller.add(vec![text("d\n")], after(800));
        assert_eq!(teller.next_at(), Some(after(900)));
        teller.clear();
        assert_eq!(teller.next_at(), None);
    }

    #[test]
    fn texts_without_room_are_counted_and_a_long_pause_is_cut() {
        let (mut teller, now) = (Teller::default(), Instant::now());
        let pieces = vec![Piece::Text("x".to_string()); TEXTS_MAX + 3];
        teller.add(pieces, now);
        let first = teller.next(now).unwrap();
        assert_eq!(first.dropped, 3);
        teller.clear();
        teller.add(
            vec![Piece::Wait(u64::MAX), Piece::Text("y".to_string())],
            now,
        );
        assert_eq!(teller.next_at(), Some(now + PAUSE_MAX));
    }

    #[test]
    fn a_text_has_no_tags_and_no_controls() {
        assert_eq!(plain("a\n\x1b[2Jb\n"), "a\n\u{fffd}[2Jb\n");
        let line = StoryLine {
            at_unix_ms: 7,
            news: News::Restarted {},
            dropped: 0,
        };
        assert_eq!(line.json(), "{\"at_unix_ms\":7,\"news\":\"restarted\"}\n");
        assert_eq!(
            serde_json::from_str::<StoryLine>(&line.json()).unwrap(),
            line
        );
    }
}
