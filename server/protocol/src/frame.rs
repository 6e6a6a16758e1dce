//! Frames: how a request and its answer are cut into pieces on the socket.
//!
//! ```text
//!   | length: 4 bytes, big endian | that many bytes of JSON |
//! ```
//! Pure: reading and writing is done by whoever has the socket, the node with tokio and the command without.

use serde::Serialize;

/// The longest request: a call with as much as anybody wants to type into a command line (Linux allows one
/// argument 128 KiB), and room.
pub const REQUEST_MAX: usize = 1 << 20;

/// How much of an answer's text one event carries.
pub const PART_MAX: usize = 128 << 10;

/// The longest event. Text inside JSON grows by its escapes, at most to six times its length.
pub const EVENT_MAX: usize = 6 * PART_MAX + (4 << 10);

/// The longest answer, all its parts together: a listing of a hundred thousand processes.
pub const ANSWER_MAX: usize = 16 << 20;

/// The bytes before the JSON.
pub const PREFIX: usize = 4;

/// A frame that is longer than it may be.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("read a frame of {length} bytes: at most {max} are allowed")]
pub struct TooLong {
    /// How long it says it is.
    pub length: usize,
    /// How long it may be.
    pub max: usize,
}

/// How many bytes follow this prefix.
pub fn length(prefix: [u8; PREFIX], max: usize) -> Result<usize, TooLong> {
    let length = u32::from_be_bytes(prefix) as usize;
    match length <= max {
        true => Ok(length),
        false => Err(TooLong { length, max }),
    }
}

/// The frame of a value.
pub fn encode(value: &impl Serialize) -> Vec<u8> {
    let mut frame = vec![0; PREFIX];
    serde_json::to_writer(&mut frame, value)
        .expect("requests and events have text for keys, and memory takes every byte");
    let length = (frame.len() - PREFIX) as u32;
    frame[..PREFIX].copy_from_slice(&length.to_be_bytes());
    frame
}

/// The text in pieces of at most [`PART_MAX`] bytes, none of which cuts a character in two.
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
