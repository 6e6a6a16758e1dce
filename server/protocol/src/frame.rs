//! Frames: the encoding of requests and events on the socket.
//!
//! ```text
//!   | length: 4 bytes, big endian | that many bytes of JSON |
//! ```
//! The functions are pure. The node reads and writes frames with tokio, the command with std.

use serde::Serialize;

/// The longest request in bytes. Linux limits a command-line argument to 128 KiB; the rest is reserve.
pub const REQUEST_MAX: usize = 1 << 20;

/// The longest part of an answer's text in one event, in bytes.
pub const PART_MAX: usize = 128 << 10;

/// The longest event in bytes. JSON escapes lengthen a text to at most six times its length.
pub const EVENT_MAX: usize = 6 * PART_MAX + (4 << 10);

/// The longest answer in bytes, all parts together: a listing of 100,000 processes.
pub const ANSWER_MAX: usize = 16 << 20;

/// The length of the prefix before the JSON, in bytes.
pub const PREFIX: usize = 4;

/// The error for a frame that exceeds the limit.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("read a frame of {length} bytes: at most {max} are allowed")]
pub struct TooLong {
    /// The length according to the prefix, in bytes.
    pub length: usize,
    /// The limit in bytes.
    pub max: usize,
}

/// Decodes the number of bytes that follow this prefix.
pub fn length(prefix: [u8; PREFIX], max: usize) -> Result<usize, TooLong> {
    let length = u32::from_be_bytes(prefix) as usize;
    match length <= max {
        true => Ok(length),
        false => Err(TooLong { length, max }),
    }
}

/// Encodes a value as a frame.
pub fn encode(value: &impl Serialize) -> Vec<u8> {
    let mut frame = vec![0; PREFIX];
    serde_json::to_writer(&mut frame, value)
        .expect("requests and events have text for keys, and memory takes every byte");
    let length = (frame.len() - PREFIX) as u32;
    frame[..PREFIX].copy_from_slice(&length.to_be_bytes());
    frame
}

/// Splits a text into parts of at most [`PART_MAX`] bytes without splitting a character.
pub fn parts(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let longest = rest.len().min(PART_MAX);
        let end = (0..=longest).rev().find(|at| rest.is_char_boundary(*at))?;
        let (part, after) = rest.split_at(end);
        rest = after;
        (!part.is_empty()).then_some(part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_begins_with_its_length() {
        assert_eq!(encode(&["é"]), &b"\0\0\0\x06[\"\xc3\xa9\"]"[..]);
        assert_eq!(length([0, 0, 1, 2], 258), Ok(258));
        let refused = length([0xff; 4], REQUEST_MAX).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "read a frame of 4294967295 bytes: at most 1048576 are allowed"
        );
    }

    #[test]
    fn parts_put_together_are_the_text() {
        let text = "勇者".repeat(PART_MAX / 4);
        let cut: Vec<&str> = parts(&text).collect();
        assert_eq!(cut.len(), 2);
        assert_eq!(cut.concat(), text);
        assert_eq!(parts("").count(), 0);
    }

    #[test]
    fn the_worst_part_fits_an_event() {
        let event = crate::Event::Part {
            text: "\u{1}".repeat(PART_MAX),
        };
        assert!(encode(&event).len() <= EVENT_MAX);
    }
}
