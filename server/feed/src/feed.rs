//! Frames, and the viewers that read them at their own pace.
//!
//! ```text
//!   reading ─► publish ─► frames: the last 8 ─┬► a viewer that has the frame before the last: a delta, the same for all
//!                                             ├► a viewer with an older one of these: a delta over several frames
//!                                             └► all others, also new ones: a snapshot
//! ```
//! Each frame is a line of JSON with its end: `{"frame": 7, "at_unix_ms": …, "snapshot": {…}}`, or with `delta`, a JSON merge patch, in place
//! of `snapshot`; `events` are the events since the frame before, and `more_events` counts further ones. There is no queue for a
//! viewer: it takes a line when it has written the one before, and misses the frames in between. So a viewer that reads nothing
//! costs nothing, and the memory is that of 8 readings, however many look.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::happening::{Happened, Happenings};
use crate::patch::{diff, without_nulls};
use crate::reading::Reading;

/// The shortest time between two frames.
pub const FRAME_MS: u64 = 100;

/// The frames that are kept: a viewer that is 0.8 s late gets a delta, a later one a snapshot.
pub const FRAMES_MAX: usize = 8;

/// The viewers at one time. Each costs a connection and a copy of each delta.
pub const VIEWERS_MAX: usize = 40;

/// The feed of a node.
#[derive(Default)]
pub struct Feed {
    happenings: Happenings,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    viewers: usize,
    /// The number of the next frame.
    next: u64,
    frames: VecDeque<Arc<Frame>>,
    /// The time of the last reading, also of one without a difference.
    read_at_ms: Option<u64>,
}

struct Frame {
    number: u64,
    at_unix_ms: u64,
    state: Value,
    happened: Happened,
    /// The line for a viewer with the frame before; `None` for a first frame.
    delta: Option<Arc<str>>,
    snapshot: OnceLock<Arc<str>>,
}

/// The refusal of a further viewer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TooMany;

/// A viewer of a feed. Dropping it ends its view.
pub struct Viewer {
    feed: Arc<Feed>,
    seen: Option<u64>,
}

impl Feed {
    /// The queue of events for the next frame.
    pub fn happenings(&self) -> &Happenings {
        &self.happenings
    }

    /// Begins a view.
    ///
    /// # Errors
    /// When there are [`VIEWERS_MAX`] viewers.
    pub fn view(self: &Arc<Feed>) -> Result<Viewer, TooMany> {
        let mut inner = self.inner.lock();
        if inner.viewers >= VIEWERS_MAX {
            return Err(TooMany);
        }
        inner.viewers += 1;
        self.happenings.want(true);
        Ok(Viewer {
            feed: self.clone(),
            seen: None,
        })
    }

    /// The number of viewers.
    pub fn viewers(&self) -> usize {
        self.inner.lock().viewers
    }

    /// The time until the next reading is wanted: `None` while nobody looks, 0 when it is due.
    pub fn due_in_ms(&self, now_ms: u64) -> Option<u64> {
        let inner = self.inner.lock();
        let due_ms = inner.read_at_ms.map_or(now_ms, |at| at + FRAME_MS);
        (inner.viewers > 0).then(|| due_ms.saturating_sub(now_ms))
    }

    /// Publishes a reading. Returns `false` for one without a difference, of which no viewer learns. Only one thread publishes.
    pub fn publish(&self, now_ms: u64, at_unix_ms: u64, reading: &Reading) -> bool {
        let happened = self.happenings.take();
        let state = serde_json::to_value(reading).expect("a reading has text for keys");
        let state = without_nulls(state);
        let before = self.inner.lock().frames.back().cloned();
        let change = before.as_ref().map(|before| diff(&before.state, &state));
        let mut inner = self.inner.lock();
        inner.read_at_ms = Some(now_ms);
        if inner.viewers == 0 || (matches!(change, Some(None)) && happened.events.is_empty()) {
            return false;
        }
        let number = inner.next;
        inner.next += 1;
        let delta = change.map(|change| delta(number, at_unix_ms, change, &happened));
        if inner.frames.len() >= FRAMES_MAX {
            inner.frames.pop_front();
        }
        inner.frames.push_back(Arc::new(Frame {
            number,
            at_unix_ms,
            state,
            happened,
            delta,
            snapshot: OnceLock::new(),
        }));
        true
    }
}

impl Viewer {
    /// The next line for this viewer; `None` when it has seen the last frame.
    pub fn next_line(&mut self) -> Option<Arc<str>> {
        let frames = self.feed.inner.lock().frames.clone();
        let last = frames.back()?;
        if self.seen == Some(last.number) {
            return None;
        }
        let missed = frames
            .iter()
            .position(|frame| Some(frame.number) == self.seen);
        self.seen = Some(last.number);
        Some(match missed {
            Some(at) if at + 2 == frames.len() => last.delta.clone().unwrap_or(last.snapshot()),
            Some(at) => over(&frames, at),
            None => last.snapshot(),
        })
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        let mut inner = self.feed.inner.lock();
        inner.viewers -= 1;
        if inner.viewers == 0 {
            // The next viewer needs a reading of its own time.
            inner.frames.clear();
            inner.read_at_ms = None;
            self.feed.happenings.want(false);
        }
    }
}

impl Frame {
    fn snapshot(&self) -> Arc<str> {
        let line = || {
            let line = json!({"frame": self.number, "at_unix_ms": self.at_unix_ms, "snapshot": self.state});
            format!("{line}\n").into()
        };
        self.snapshot.get_or_init(line).clone()
    }
}

/// The line from the frame at this place to the last one.
fn over(frames: &VecDeque<Arc<Frame>>, at: usize) -> Arc<str> {
    let last = &frames[frames.len() - 1];
    let mut happened = Happened::default();
    for frame in frames.iter().skip(at + 1) {
        happened
            .events
            .extend(frame.happened.events.iter().cloned());
        happened.more += frame.happened.more;
    }
    let change = diff(&frames[at].state, &last.state);
    delta(last.number, last.at_unix_ms, change, &happened)
}

fn delta(number: u64, at_unix_ms: u64, change: Option<Value>, happened: &Happened) -> Arc<str> {
    let mut line = json!({
        "frame": number,
        "at_unix_ms": at_unix_ms,
        "delta": change.unwrap_or_else(|| json!({})),
    });
    if !happened.events.is_empty() {
        line["events"] = json!(happened.events);
    }
    if happened.more > 0 {
        line["more_events"] = json!(happened.more);
    }
    format!("{line}\n").into()
}

#[cfg(test)]
mod tests;
