//! Binary frames of the crowd: a snapshot, then changes. Each viewer reads them at its own pace.
//!
//! All numbers are little-endian. A frame begins with 32 bytes:
//!
//! | bytes | contents |
//! |---|---|
//! | 0 | 1 for a snapshot, 2 for changes |
//! | 4 | the number of the frame, `u32` |
//! | 8 | the time of its end in milliseconds since 1970, `f64` |
//! | 16 | the microseconds that it covers, `u32`; 0 for a snapshot |
//! | 20 | the number of dots, or of changes, `u32` |
//! | 24 | the length of the text, a multiple of 4, `u32` |
//!
//! The text follows: a JSON object with `versions`, padded with spaces; it is empty in a frame of changes without a new version.
//! A snapshot then has the codes of all dots, a byte each. Changes have the places (`u32`), the microseconds since the beginning of
//! the frame (`u32`) and the codes, in the order of their times. A code with [`super::ACTED`] changes nothing: the avatar has acted.
//!
//! The last 8 frames are kept, and no queue for a viewer: one that is later gets a snapshot.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::json;

use super::{Changed, Dots};
use crate::feed::{FRAMES_MAX, TooMany, VIEWERS_MAX};

const SNAPSHOT: u8 = 1;
const CHANGES: u8 = 2;

/// The frames of a node's crowd.
#[derive(Default)]
pub struct Crowd {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    viewers: usize,
    /// `None` until the avatars are listed for the first viewer.
    dots: Option<Dots>,
    frames: VecDeque<(u32, Arc<[u8]>)>,
    number: u32,
    at_unix_ms: f64,
}

/// The span of a frame.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Span {
    /// The beginning in microseconds, on the clock of the changes.
    pub from_us: u64,
    /// The end on the same clock.
    pub to_us: u64,
    /// The end in milliseconds since 1970.
    pub at_unix_ms: f64,
}

/// A viewer of the crowd. Dropping it ends its view.
pub struct Onlooker {
    crowd: Arc<Crowd>,
    seen: Option<u32>,
}

impl Crowd {
    /// Begins a view.
    ///
    /// # Errors
    /// When there are [`VIEWERS_MAX`] viewers.
    pub fn view(self: &Arc<Crowd>) -> Result<Onlooker, TooMany> {
        let mut inner = self.inner.lock();
        if inner.viewers >= VIEWERS_MAX {
            return Err(TooMany);
        }
        inner.viewers += 1;
        Ok(Onlooker {
            crowd: self.clone(),
            seen: None,
        })
    }

    /// Whether there is any viewer now.
    pub fn is_viewed(&self) -> bool {
        self.inner.lock().viewers > 0
    }

    /// Whether somebody looks for whom the avatars are not listed.
    pub fn needs_dots(&self) -> bool {
        let inner = self.inner.lock();
        inner.viewers > 0 && inner.dots.is_none()
    }

    /// Shows these dots from now on, if somebody looks; all viewers begin with a snapshot.
    pub fn show(&self, dots: Dots, at_unix_ms: f64) {
        let mut inner = self.inner.lock();
        if inner.viewers == 0 {
            return;
        }
        inner.number = inner.number.wrapping_add(1);
        inner.frames.clear();
        (inner.dots, inner.at_unix_ms) = (Some(dots), at_unix_ms);
    }

    /// Changes the dots, and publishes the changes as a frame. Returns `false` without a change.
    pub fn change(&self, span: Span, change: impl FnOnce(&mut Dots) -> Vec<Changed>) -> bool {
        let mut inner = self.inner.lock();
        let Some(dots) = &mut inner.dots else {
            return false;
        };
        let known = dots.versions.len();
        let changes = change(dots);
        if changes.is_empty() {
            return false;
        }
        let text = match dots.versions.len() > known {
            true => text(dots),
            false => String::new(),
        };
        inner.number = inner.number.wrapping_add(1);
        inner.at_unix_ms = span.at_unix_ms;
        let number = inner.number;
        if inner.frames.len() >= FRAMES_MAX {
            inner.frames.pop_front();
        }
        let frame = delta(number, span, &text, &changes);
        inner.frames.push_back((number, frame.into()));
        true
    }

    /// Reads the dots; `None` while nobody looks.
    pub fn read<R>(&self, read: impl FnOnce(&Dots) -> R) -> Option<R> {
        self.inner.lock().dots.as_ref().map(read)
    }
}

impl Onlooker {
    /// The next frame; `None` when this viewer has seen the last one, or the avatars are not listed yet.
    pub fn next_frame(&mut self) -> Option<Arc<[u8]>> {
        let inner = self.crowd.inner.lock();
        let dots = inner.dots.as_ref()?;
        if self.seen == Some(inner.number) {
            return None;
        }
        let wanted = self.seen.map(|seen| seen.wrapping_add(1));
        let next = inner
            .frames
            .iter()
            .find(|(number, _)| Some(*number) == wanted);
        match next {
            Some((number, frame)) => {
                self.seen = Some(*number);
                Some(frame.clone())
            }
            None => {
                self.seen = Some(inner.number);
                Some(snapshot(inner.number, inner.at_unix_ms, dots).into())
            }
        }
    }
}

impl Drop for Onlooker {
    fn drop(&mut self) {
        let mut inner = self.crowd.inner.lock();
        inner.viewers -= 1;
        if inner.viewers == 0 {
            inner.dots = None;
            inner.frames.clear();
        }
    }
}

fn snapshot(number: u32, at_unix_ms: f64, dots: &Dots) -> Vec<u8> {
    let span = Span {
        from_us: 0,
        to_us: 0,
        at_unix_ms,
    };
    let mut frame = head(SNAPSHOT, number, span, dots.codes.len());
    add_text(&mut frame, &text(dots));
    frame.extend(&dots.codes);
    frame
}

fn delta(number: u32, span: Span, text: &str, changes: &[Changed]) -> Vec<u8> {
    let mut frame = head(CHANGES, number, span, changes.len());
    add_text(&mut frame, text);
    frame.extend(changes.iter().flat_map(|it| it.place.to_le_bytes()));
    let after_us = |it: &Changed| saturate(it.at_us.saturating_sub(span.from_us));
    frame.extend(changes.iter().flat_map(|it| after_us(it).to_le_bytes()));
    frame.extend(changes.iter().map(|it| it.code));
    frame
}

fn head(kind: u8, number: u32, span: Span, count: usize) -> Vec<u8> {
    let mut frame = Vec::with_capacity(64 + count * 9);
    frame.extend([kind, 0, 0, 0]);
    frame.extend(number.to_le_bytes());
    frame.extend(span.at_unix_ms.to_le_bytes());
    let span_us = span.to_us.saturating_sub(span.from_us);
    frame.extend(saturate(span_us).to_le_bytes());
    frame.extend(saturate(count as u64).to_le_bytes());
    frame
}

/// Ends the head with the length of the text, and adds the text.
fn add_text(frame: &mut Vec<u8>, text: &str) {
    let padded = text.len().next_multiple_of(4);
    frame.extend(saturate(padded as u64).to_le_bytes());
    frame.extend([0; 4]);
    frame.extend(text.as_bytes());
    frame.resize(frame.len() + padded - text.len(), b' ');
}

fn text(dots: &Dots) -> String {
    json!({ "versions": dots.versions }).to_string()
}

fn saturate(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::{Change, Event, Member};
    use super::*;

    fn member(process: u64, vsn: &str) -> Member<'_> {
        Member {
            process,
            parent: process,
            vsn,
        }
    }

    fn swap(crowd: &Crowd, process: u64, vsn: &str, at_us: u64) -> bool {
        let span = Span {
            from_us: 1_000,
            to_us: 101_000,
            at_unix_ms: 1e12,
        };
        let event = Event {
            member: member(process, vsn),
            change: Change::Runs,
            at_us,
        };
        crowd.change(span, |dots| dots.apply(&event).into_iter().collect())
    }

    fn u32_at(frame: &[u8], at: usize) -> u32 {
        u32::from_le_bytes(frame[at..at + 4].try_into().unwrap())
    }

    /// Draws a frame as a page does.
    fn draw(frame: &[u8], codes: &mut Vec<u8>) -> String {
        let (count, text) = (u32_at(frame, 20) as usize, u32_at(frame, 24) as usize);
        let body = &frame[32 + text..];
        match frame[0] {
            SNAPSHOT => *codes = body.to_vec(),
            _ => {
                for at in 0..count {
                    let place = u32_at(body, at * 4) as usize;
                    codes.resize(codes.len().max(place + 1), 0);
                    codes[place] = body[count * 8 + at];
                }
            }
        }
        String::from_utf8(frame[32..32 + text].to_vec()).unwrap()
    }

    #[test]
    fn a_viewer_has_all_dots_whatever_its_pace() {
        let crowd = Arc::new(Crowd::default());
        let (mut fast, mut slow) = (crowd.view().unwrap(), crowd.view().unwrap());
        assert!(crowd.needs_dots() && fast.next_frame().is_none());
        crowd.show(Dots::of((0..50).map(|it| member(it, "1"))), 1e12);
        let (mut of_fast, mut of_slow) = (Vec::new(), Vec::new());
        let mut seen = vec![draw(&slow.next_frame().unwrap(), &mut of_slow)];
        for process in 0..60 {
            assert!(swap(&crowd, process, "2", 1_000 + process));
            while let Some(frame) = fast.next_frame() {
                draw(&frame, &mut of_fast);
            }
            if process % 20 == 7 {
                while let Some(frame) = slow.next_frame() {
                    seen.push(draw(&frame, &mut of_slow));
                }
            }
        }
        assert!(!swap(&crowd, 3, "2", 9_999), "it runs this version already");
        while let Some(frame) = slow.next_frame() {
            seen.push(draw(&frame, &mut of_slow));
        }
        assert_eq!((&of_fast, &of_slow), (&vec![2; 60], &vec![2; 60]));
        assert_eq!(seen[0].trim_end(), r#"{"versions":["1"]}"#);
        assert_eq!(seen[1].trim_end(), r#"{"versions":["1","2"]}"#);
    }

    #[test]
    fn a_change_has_its_time_within_the_frame() {
        let crowd = Arc::new(Crowd::default());
        let mut viewer = crowd.view().unwrap();
        crowd.show(Dots::of([member(1, "1")]), 1e12);
        drop(viewer.next_frame());
        swap(&crowd, 1, "2", 51_000);
        let frame = viewer.next_frame().unwrap();
        let text = u32_at(&frame, 24) as usize;
        assert_eq!(
            (u32_at(&frame, 16), u32_at(&frame, 32 + text + 4)),
            (100_000, 50_000)
        );
    }

    #[test]
    fn nothing_is_kept_while_nobody_looks() {
        let crowd = Arc::new(Crowd::default());
        drop(crowd.view().unwrap());
        crowd.show(Dots::of([member(1, "1")]), 1e12);
        let viewer = crowd.view().unwrap();
        drop(viewer);
        assert!(!crowd.is_viewed() && crowd.read(Dots::clone).is_none());
        assert!(!swap(&crowd, 1, "2", 1));
    }
}
