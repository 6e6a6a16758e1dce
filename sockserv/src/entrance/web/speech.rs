//! Translates between the frames of a WebSocket and the bytes of telnet.
//!
//! ```text
//!   bytes of the door ─► Peer ─► text: binary frames of whole characters
//!                          │     messages, and the visibility of typing: text frames (GMCP)
//!                          └───► replies
//!   binary frames: typed text, cut anywhere ────┐
//!   text frames: messages, or a line ───────────┴─► bytes for the door
//! ```
//! Two messages exist only between the gateway and its client. `PQ.Typing {"shown":false}` tells the client to hide what is
//! typed from now on (telnet's `ECHO`). `PQ.Window {"columns":120,"lines":40}` tells the size of the client's window
//! (telnet's `NAWS`). A client without these messages lacks the two features of telnet.
//!
//! The module does no input or output; `gateway` does.

use axum::extract::ws::Utf8Bytes;
use bytes::Bytes;
use serde::Deserialize;

use crate::wire::gmcp::Message;
use crate::wire::naws::Size;
use crate::wire::peer::{Heard, Peer, Profile, Typing};
use crate::wire::ttype::Mtts;

/// The maximum number of a client's messages that wait for the agreement to GMCP, which takes two round trips through the
/// pipe. A client begins with two or three.
const WAITING_MAX: usize = 16;

/// The meaning of a client's frames, chosen by the subprotocol.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) enum Dialect {
    /// Terminal text in both directions.
    #[default]
    Terminal,
    /// Terminal text in binary frames, and messages of GMCP in text frames.
    Gmcp,
}

impl Dialect {
    /// All dialects, the preferred one first.
    pub(super) const ALL: [Dialect; 2] = [Dialect::Gmcp, Dialect::Terminal];

    /// The name of the subprotocol.
    pub(super) fn name(self) -> &'static str {
        match self {
            Dialect::Terminal => "terminal.mudstandards.org",
            Dialect::Gmcp => "gmcp.mudstandards.org",
        }
    }

    /// The dialect of the subprotocol with this name.
    pub(super) fn named(name: &[u8]) -> Dialect {
        let is_meant = |dialect: &Dialect| dialect.name().as_bytes() == name;
        Dialect::ALL.into_iter().find(is_meant).unwrap_or_default()
    }
}

/// A data frame, binary or text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Frame {
    Binary(Bytes),
    Text(Utf8Bytes),
}

impl Frame {
    /// The length of the payload in bytes.
    pub(super) fn len(&self) -> usize {
        match self {
            Frame::Binary(bytes) => bytes.len(),
            Frame::Text(text) => text.len(),
        }
    }
}

/// The translation of bytes from the door.
#[derive(Default, PartialEq, Eq, Debug)]
pub(super) struct Translated {
    /// Frames for the client, in order.
    pub(super) frames: Vec<Frame>,
    /// Replies of telnet for the door.
    pub(super) reply: Vec<u8>,
}

/// The body of `PQ.Window`.
#[derive(Deserialize)]
struct Window {
    columns: u16,
    lines: u16,
}

/// The telnet end of a client that speaks no telnet.
pub(super) struct Speech {
    peer: Peer,
    dialect: Dialect,
    /// The first bytes of an incomplete character.
    begun: Vec<u8>,
    /// Whether the last typed byte was CR: a LF behind it belongs to the same line end.
    behind_cr: bool,
    /// Messages of the client that wait for the agreement to GMCP.
    waiting: Vec<String>,
}

impl Speech {
    /// The state for a client of this dialect. The query `reader=screen` means that a screen reader is used.
    pub(super) fn new(dialect: Dialect, query: &str) -> Speech {
        let can = Mtts::ANSI | Mtts::UTF_8 | Mtts::COLOURS_256 | Mtts::TRUE_COLOUR;
        let is_read_aloud = query.split('&').any(|pair| pair == "reader=screen");
        let profile = Profile {
            name: "PQ-WEB".to_string(),
            version: env!("CARGO_PKG_VERSION").to_string(),
            terminal: "XTERM-TRUECOLOR".to_string(),
            mtts: match is_read_aloud {
                true => can | Mtts::SCREEN_READER,
                false => can,
            },
            size: None,
            packages: match dialect {
                Dialect::Terminal => Vec::new(),
                // Every server may send these; the client subscribes to others itself.
                Dialect::Gmcp => vec!["Core 1".to_string()],
            },
        };
        Speech {
            peer: Peer::new(profile),
            dialect,
            begun: Vec::new(),
            behind_cr: false,
            waiting: Vec::new(),
        }
    }

    /// Takes bytes of the door, and returns their translation.
    pub(super) fn hear(&mut self, bytes: &[u8]) -> Translated {
        let mut told = Translated::default();
        let mut text = std::mem::take(&mut self.begun);
        for heard in self.peer.hear(bytes) {
            match heard {
                Heard::Text(more) => text.extend(more),
                Heard::Reply(bytes) => told.reply.extend(bytes),
                Heard::Prompt => {}
                Heard::Typing(typing) => self.pass_on(type_message(typing), &mut text, &mut told),
                Heard::Gmcp(message) => self.pass_on(message, &mut text, &mut told),
            }
        }
        flush(&mut text, &mut told);
        self.begun = text;
        told.reply.extend(self.catch_up());
        told
    }

    /// Returns the rest of the text when the door has ended.
    pub(super) fn finish(&mut self) -> Option<Frame> {
        let rest = std::mem::take(&mut self.begun);
        (!rest.is_empty()).then_some(Frame::Binary(rest.into()))
    }

    /// Takes a frame of the client, and returns the bytes for the door.
    pub(super) fn say(&mut self, frame: Frame) -> Vec<u8> {
        match (frame, self.dialect) {
            (Frame::Binary(bytes), _) => self.typed(&bytes),
            (Frame::Text(message), Dialect::Gmcp) => self.message(&message),
            // Not part of the standard, but a manual test sends such frames: a line, with or without its end.
            (Frame::Text(line), Dialect::Terminal) => {
                self.behind_cr = false;
                self.peer.line(line.as_bytes())
            }
        }
    }

    /// Adds a message for the client's program, behind the text before it.
    fn pass_on(&self, message: String, text: &mut Vec<u8>, told: &mut Translated) {
        if self.dialect == Dialect::Gmcp {
            flush(text, told);
            told.frames.push(Frame::Text(message.into()));
        }
    }

    /// Translates typed text, in arbitrary pieces. A line ends with LF, CR, or both. The door joins the pieces, because it
    /// knows the maximum length of a line.
    fn typed(&mut self, mut bytes: &[u8]) -> Vec<u8> {
        let mut wire = Vec::with_capacity(bytes.len() + 2);
        while let Some(first) = bytes.first() {
            if std::mem::take(&mut self.behind_cr) && *first == b'\n' {
                bytes = &bytes[1..];
                continue;
            }
            let end = bytes.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
            let Some(end) = end else {
                wire.extend(plain(bytes));
                break;
            };
            wire.extend(self.peer.line(&bytes[..end]));
            self.behind_cr = bytes[end] == b'\r';
            bytes = &bytes[end + 1..];
        }
        wire
    }

    fn message(&mut self, message: &str) -> Vec<u8> {
        let (name, data) = message.split_once(' ').unwrap_or((message, ""));
        if name.eq_ignore_ascii_case("PQ.Window") {
            return self.resize(data);
        }
        let is_one = Message::read(message).is_some();
        if is_one && self.waiting.len() < WAITING_MAX {
            self.waiting.push(message.to_string());
        }
        self.catch_up()
    }

    /// The waiting messages, when GMCP is agreed to.
    fn catch_up(&mut self) -> Vec<u8> {
        let wire: Vec<u8> = self
            .waiting
            .iter()
            .flat_map(|message| self.peer.gmcp(message))
            .collect();
        if !wire.is_empty() {
            self.waiting.clear();
        }
        wire
    }

    fn resize(&mut self, data: &str) -> Vec<u8> {
        match serde_json::from_str(data) {
            Ok(Window { columns, lines }) if columns > 0 && lines > 0 => self.peer.resize(Size {
                width: columns,
                height: lines,
            }),
            // Unknown messages are ignored.
            _ => Vec::new(),
        }
    }
}

fn type_message(typing: Typing) -> String {
    format!(r#"PQ.Typing {{"shown":{}}}"#, typing == Typing::Shown)
}

/// Part of a line on the wire: `NUL` has no effect and is left out, and a byte 255 is doubled (RFC 854).
fn plain(bytes: &[u8]) -> impl Iterator<Item = u8> {
    let shown = bytes.iter().filter(|byte| **byte != 0);
    shown.flat_map(|byte| std::iter::repeat_n(*byte, if *byte == 255 { 2 } else { 1 }))
}

/// Moves the whole characters of a text into a frame; the bytes of an incomplete one stay.
fn flush(text: &mut Vec<u8>, told: &mut Translated) {
    let rest = text.split_off(whole_len(text));
    let whole = std::mem::replace(text, rest);
    if !whole.is_empty() {
        told.frames.push(Frame::Binary(whole.into()));
    }
}

/// The length of the text without an incomplete character at its end. Invalid bytes count as complete.
fn whole_len(text: &[u8]) -> usize {
    let len = text.len();
    for back in 1..=len.min(3) {
        let needs = match text[len - back] {
            0x80..=0xbf => continue,
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf4 => 4,
            _ => 1,
        };
        return if needs > back { len - back } else { len };
    }
    len
}

#[cfg(test)]
mod tests;
