//! The echo of typed text, for clients that send every key and have requested an echo (`DO ECHO`, RFC 857).
//!
//! The client's screen shows the unfinished line at its end. After each piece of input the server sends the difference
//! between the shown line and the current line, so keys that correct the line need no echo of their own. A text of the
//! game that arrives meanwhile replaces the unfinished line, which is then shown again behind the text.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::wire::telnet::push_data;

/// The longest unfinished line that is shown again behind a text, in bytes: about two lines of a screen. On few terminals
/// can a backspace cross more.
const SHOWN_AGAIN_MAX: usize = 160;

/// The echo of one client.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Echo {
    /// The part of the unfinished line that the client's screen shows. Its last character is complete.
    shown: Vec<u8>,
}

impl Echo {
    /// Returns the bytes that make the screen show `line` as the unfinished line.
    pub fn show(&mut self, line: &[u8]) -> Vec<u8> {
        let line = whole_characters(line);
        let same = common(&self.shown, line);
        let mut wire = erase(&self.shown[same..]);
        wire.extend(visible(&line[same..]));
        self.shown.truncate(same);
        self.shown.extend_from_slice(&line[same..]);
        wire
    }

    /// Ends the line and moves the cursor to the next one. `None` stands for a line that is too long: no more of it is shown.
    pub fn end_line(&mut self, line: Option<&[u8]>) -> Vec<u8> {
        let mut wire = line.map_or_else(Vec::new, |line| self.show(line));
        self.shown = Vec::new();
        wire.extend_from_slice(b"\r\n");
        wire
    }

    /// Adds the necessary changes of the unfinished line around a text that replaces it or stands above it.
    pub fn around(&mut self, text: Vec<u8>) -> Vec<u8> {
        if self.shown.is_empty() || text.is_empty() {
            return text;
        }
        if self.shown.len() > SHOWN_AGAIN_MAX {
            // The next key shows the line again.
            self.shown = Vec::new();
            return [b"\r\n", &text[..]].concat();
        }
        let mut wire = erase(&self.shown);
        wire.extend(text);
        wire.extend(visible(&self.shown));
        wire
    }

    /// Notes that the screen no longer shows any part of the line.
    pub fn forget(&mut self) {
        self.shown = Vec::new();
    }
}

/// The line without an incomplete character at its end.
fn whole_characters(line: &[u8]) -> &[u8] {
    let mut at = 0;
    loop {
        match std::str::from_utf8(&line[at..]) {
            Ok(_) => return line,
            Err(error) => match error.error_len() {
                Some(len) => at += error.valid_up_to() + len,
                None => return &line[..at + error.valid_up_to()],
            },
        }
    }
}

/// The length in bytes of the common beginning, in whole characters of the shown line: a combining mark that differs
/// changes the character before it.
fn common(shown: &[u8], line: &[u8]) -> usize {
    if line.starts_with(shown) {
        return shown.len();
    }
    let same = shown.iter().zip(line).take_while(|(a, b)| a == b).count();
    let lengths = shown.utf8_chunks().flat_map(|chunk| {
        let valid = chunk.valid().graphemes(true).map(str::len);
        valid.chain(chunk.invalid().iter().map(|_| 1))
    });
    let ends = lengths.scan(0, |end, len| {
        *end += len;
        Some(*end)
    });
    ends.take_while(|end| *end <= same).last().unwrap_or(0)
}

/// Returns the bytes that erase this text on a screen.
fn erase(shown: &[u8]) -> Vec<u8> {
    b"\x08 \x08".repeat(columns(shown))
}

/// The number of columns that the text occupies on a screen.
fn columns(shown: &[u8]) -> usize {
    let chunks = shown.utf8_chunks();
    let of_chunk = |chunk: std::str::Utf8Chunk<'_>| {
        let controls = chunk.valid().chars().filter(char::is_ascii_control).count();
        // `width` counts a control as one column, but `^C` takes two.
        chunk.valid().width() + controls + chunk.invalid().len()
    };
    chunks.map(of_chunk).sum()
}

/// The text in its visible form: controls as terminals write them (`^C`), and the byte 255 doubled for telnet.
fn visible(line: &[u8]) -> Vec<u8> {
    let mut wire = Vec::with_capacity(line.len());
    for byte in line {
        match *byte {
            byte if byte.is_ascii_control() => wire.extend_from_slice(&[b'^', byte ^ 0x40]),
            byte => push_data(&mut wire, byte),
        }
    }
    wire
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A simple screen of one line: holds the printed text and the position of the cursor.
    fn screen(wire: &[u8]) -> String {
        let mut cells: Vec<char> = Vec::new();
        let mut at = 0;
        for shown in String::from_utf8_lossy(wire).chars() {
            match shown {
                '\x08' => at = usize::saturating_sub(at, 1),
                '\r' => at = 0,
                '\n' => cells.clear(),
                shown => {
                    cells.truncate(cells.len().max(at));
                    cells.resize(cells.len().max(at + 1), ' ');
                    cells[at] = shown;
                    at += 1;
                }
            }
        }
        cells[..at].iter().collect()
    }

    #[test]
    fn the_difference_is_sent() {
        let mut echo = Echo::default();
        assert_eq!(echo.show(b"An"), b"An");
        assert_eq!(echo.show(b"Ann"), b"n");
        assert_eq!(echo.show(b"Ann"), b"");
        assert_eq!(echo.show(b"An"), b"\x08 \x08");
        assert_eq!(echo.show(b""), b"\x08 \x08\x08 \x08");
        assert_eq!(echo.end_line(Some(b"Bob")), b"Bob\r\n");
        assert_eq!(echo, Echo::default());
    }

    #[test]
    fn a_wide_character_is_erased_in_both_columns_and_a_mark_with_its_letter() {
        let mut echo = Echo::default();
        echo.show("a勇".as_bytes());
        assert_eq!(echo.show(b"a"), b"\x08 \x08\x08 \x08");
        assert_eq!(echo.show("ae\u{301}".as_bytes()), "e\u{301}".as_bytes());
        let other = [&b"\x08 \x08"[..], "e\u{302}".as_bytes()].concat();
        assert_eq!(echo.show("ae\u{302}".as_bytes()), other);
        assert_eq!(echo.show(b"a"), b"\x08 \x08");
        assert_eq!(echo.show(b"a\x1b["), b"^[[");
        assert_eq!(echo.show(b"a"), b"\x08 \x08".repeat(3));
    }

    #[test]
    fn a_character_is_shown_when_it_is_complete() {
        let mut echo = Echo::default();
        let wire: Vec<Vec<u8>> = (1..=3)
            .map(|len| echo.show(&"勇".as_bytes()[..len]))
            .collect();
        assert_eq!(wire, [&b""[..], b"", "勇".as_bytes()]);
        assert_eq!(
            echo.show(b"\xe5\x8bA\xff"),
            b"\x08 \x08\x08 \x08\xe5\x8bA\xff\xff"
        );
    }

    #[test]
    fn a_text_takes_the_place_of_the_unfinished_line_and_the_line_follows_it() {
        let mut echo = Echo::default();
        assert_eq!(echo.around(b"A bee.\r\n".to_vec()), b"A bee.\r\n");
        echo.show(b"qu");
        let wire = echo.around(b"A bee.\r\n".to_vec());
        assert_eq!(wire, b"\x08 \x08\x08 \x08A bee.\r\nqu");
        assert_eq!(echo.around(Vec::new()), b"");
        let long = vec![b'x'; SHOWN_AGAIN_MAX + 1];
        echo.show(&long);
        assert_eq!(echo.around(b"A bee.\r\n".to_vec()), b"\r\nA bee.\r\n");
        assert_eq!(echo.show(&long), long);
    }

    proptest! {
        /// Characters of one column, so that the screen above has one in each cell.
        #[test]
        fn the_screen_shows_the_line(lines in proptest::collection::vec("[a-cé]{0,4}", 1..12)) {
            let mut echo = Echo::default();
            let mut wire = Vec::new();
            for line in &lines {
                wire.extend(echo.show(line.as_bytes()));
                prop_assert_eq!(&screen(&wire), line);
            }
        }

        #[test]
        fn what_is_echoed_is_bounded_by_what_was_typed(lines in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..9), 1..9)) {
            let mut echo = Echo::default();
            for line in &lines {
                let before = echo.shown.len();
                prop_assert!(echo.show(line).len() <= 6 * before + 2 * line.len());
            }
        }
    }
}
