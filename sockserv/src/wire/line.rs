//! Splits the data bytes of a client into lines.
//!
//! A line ends with `\n` (sent by `nc`), `\r\n` (telnet's line end; RFC 854, "end of line"), `\r\0` (telnet's
//! bare return key) or a bare `\r` (terminals in raw mode). Each of these is one end, also when its two bytes
//! arrive in two segments: `\r` ends the line at once, and a `\n` or `\0` directly behind it belongs to the
//! same end.
//!
//! Clients that send every key (telnet's character mode; Windows always) also send the keys that correct a line. The
//! game receives the corrected line: BS and DEL erase a character as `IAC EC` does, `^U` erases the line as `IAC EL`
//! does. `echo` decides what a client in this mode is shown.
//!
//! This module does not interpret lines, and whether a line is UTF-8 matters only for corrections. The caller is
//! `endpoint`.

use unicode_segmentation::UnicodeSegmentation;

use crate::wire::telnet::Edge;

/// The default maximum length of a line, in bytes without its end.
/// The longest text that the game understands is a name of 32 characters, 128 bytes; people also paste.
/// MUD servers commonly accept 1 024.
pub const LINE_MAX: usize = 1024;

/// The key Backspace, which sends BS or DEL depending on the terminal.
const BS: u8 = 0x08;
const DEL: u8 = 0x7f;

/// The key that erases a line: the usual `kill` character of terminals (termios(3); NAK in RFC 20).
const KILL: u8 = 0x15;

/// A result of splitting the data.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Cut {
    /// A line, without its end.
    Line(Vec<u8>),
    /// The current line has exceeded the maximum length: the rest up to its end is dropped.
    TooLong,
}

/// The unfinished line. An idle client holds no memory here: a finished line takes its buffer with it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lines {
    line: Vec<u8>,
    skip: Skip,
    max: usize,
    doubt: Option<Doubt>,
}

/// The position from which the unfinished line may belong to a subnegotiation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Doubt {
    at: usize,
    is_torn: bool,
}

impl Default for Lines {
    fn default() -> Lines {
        Lines {
            line: Vec::new(),
            skip: Skip::Nothing,
            max: LINE_MAX,
            doubt: None,
        }
    }
}

/// The part of the coming data that belongs to no line.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
enum Skip {
    #[default]
    Nothing,
    /// The second byte of a line end.
    SecondByte,
    /// The rest of a line that was too long.
    RestOfLine,
}

impl Lines {
    /// Sets the maximum length of a line, in bytes.
    pub fn set_max(&mut self, max: usize) {
        self.max = max;
    }

    /// Takes data from the front of `data` until a line is complete or too long; `None` means that all data is taken.
    pub fn next(&mut self, data: &mut &[u8]) -> Option<Cut> {
        while let Some(first) = data.first() {
            let cut = match first {
                first if is_control(*first) => {
                    *data = &data[1..];
                    self.control(*first)
                }
                _ => {
                    let end = data.iter().position(|byte| is_control(*byte));
                    let len = end.unwrap_or(data.len());
                    let (text, rest) = data.split_at(len.min(self.room()));
                    *data = rest;
                    self.text(text)
                }
            };
            if cut.is_some() {
                return cut;
            }
        }
        None
    }

    /// The line that has no end yet.
    pub fn unfinished(&self) -> &[u8] {
        &self.line
    }

    /// The number of bytes to examine in one piece. One byte above the maximum is enough to recognize a line that is too
    /// long, and then always the same line is too long.
    fn room(&self) -> usize {
        match self.skip {
            Skip::RestOfLine => usize::MAX,
            _ => (self.typed_max() + 1).saturating_sub(self.line.len()),
        }
    }

    /// The maximum length of the unfinished line. Bytes above the maximum of a line can still be erased.
    fn typed_max(&self) -> usize {
        2 * self.max
    }

    /// Erases the last character of the unfinished line (RFC 854, "Erase Character"): a grapheme cluster (Unicode Standard
    /// Annex 29), or bytes that are no UTF-8.
    pub fn erase_character(&mut self) {
        self.shorten(last_character(&self.line));
    }

    /// Erases the unfinished line (RFC 854, "Erase Line"), also when it is too long already.
    pub fn erase_line(&mut self) {
        self.shorten(0);
        if self.skip == Skip::RestOfLine {
            self.skip = Skip::Nothing;
        }
    }

    /// Shortens the line to this length. Bytes that may belong to a subnegotiation erase no part of the line.
    fn shorten(&mut self, len: usize) {
        let torn = self.doubt.filter(|doubt| doubt.is_torn);
        self.line
            .truncate(torn.map_or(len, |doubt| len.max(doubt.at)));
        if self.line.is_empty() {
            self.line = Vec::new();
        }
        if let Some(doubt) = &mut self.doubt {
            doubt.at = doubt.at.min(self.line.len());
        }
    }

    /// Notes that a subnegotiation has ended at this position, or that bytes in it looked like an end.
    pub fn doubt(&mut self, edge: Edge) {
        if self.doubt.is_some_and(|doubt| doubt.is_torn) {
            self.take_back();
        }
        self.doubt = Some(Doubt {
            at: self.line.len(),
            is_torn: edge == Edge::Torn,
        });
    }

    /// Takes back the data since a supposed end of a subnegotiation. An end without a beginning has arrived, so the earlier
    /// end was none, and the data since then is no part of the line.
    pub fn take_back(&mut self) {
        if let Some(doubt) = self.doubt {
            self.line.truncate(doubt.at);
        }
    }

    fn text(&mut self, text: &[u8]) -> Option<Cut> {
        if self.skip == Skip::RestOfLine {
            return None;
        }
        self.skip = Skip::Nothing;
        if self.line.len() + text.len() > self.typed_max() {
            self.line = Vec::new();
            self.doubt = None;
            self.skip = Skip::RestOfLine;
            return Some(Cut::TooLong);
        }
        self.line.extend_from_slice(text);
        None
    }

    /// Handles a line end, a key that corrects, or `\0`. A `\0` is the second byte of an end, and has no effect anywhere
    /// else (RFC 854, "NUL").
    fn control(&mut self, byte: u8) -> Option<Cut> {
        match (self.skip, byte) {
            (Skip::SecondByte, b'\n' | 0) => self.skip = Skip::Nothing,
            (_, 0) | (Skip::RestOfLine, BS | DEL) => {}
            (_, BS | DEL) => {
                self.skip = Skip::Nothing;
                self.erase_character();
            }
            (_, KILL) => {
                self.skip = Skip::Nothing;
                self.erase_line();
            }
            (skip, end) => return self.end(skip, end),
        }
        None
    }

    fn end(&mut self, skip: Skip, end: u8) -> Option<Cut> {
        self.skip = match end {
            b'\r' => Skip::SecondByte,
            _ => Skip::Nothing,
        };
        self.doubt = None;
        let line = std::mem::take(&mut self.line);
        match skip {
            Skip::RestOfLine => None,
            _ if line.len() > self.max => Some(Cut::TooLong),
            _ => Some(Cut::Line(line)),
        }
    }
}

fn is_control(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r' | 0 | BS | DEL | KILL)
}

/// The position at which the last character of a line begins; 0 in an empty line.
fn last_character(line: &[u8]) -> usize {
    // An ASCII character never continues another one, except in a line end.
    if let [.., before, last] = line
        && before.is_ascii()
        && last.is_ascii()
    {
        return line.len() - 1;
    }
    let last = line.utf8_chunks().last();
    let len = last.map_or(0, |chunk| match chunk.invalid() {
        [] => chunk
            .valid()
            .graphemes(true)
            .next_back()
            .map_or(0, str::len),
        bytes => bytes.len(),
    });
    line.len() - len
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cuts(data: &[u8]) -> Vec<Cut> {
        let (mut lines, mut rest) = (Lines::default(), data);
        std::iter::from_fn(|| lines.next(&mut rest)).collect()
    }

    fn line(text: &str) -> Cut {
        Cut::Line(text.into())
    }

    #[test]
    fn every_line_end_is_one_end() {
        assert_eq!(
            cuts(b"a\nb\r\nc\r\0d\re\n"),
            ["a", "b", "c", "d", "e"].map(line)
        );
    }

    #[test]
    fn an_end_right_behind_an_end_is_an_empty_line() {
        assert_eq!(cuts(b"\n\n\r\r\r\n\r\n"), [""; 6].map(line));
        assert_eq!(cuts(b"a\r\n\na\r\0\n"), ["a", "", "a", ""].map(line));
    }

    #[test]
    fn a_line_end_in_two_segments_is_one_end() {
        let mut lines = Lines::default();
        assert_eq!(lines.next(&mut &b"a\r"[..]), Some(line("a")));
        assert_eq!(lines.next(&mut &b"\n"[..]), None);
        assert_eq!(lines.next(&mut &b"\n"[..]), Some(line("")));
    }

    #[test]
    fn a_null_byte_is_no_part_of_a_line() {
        assert_eq!(cuts(b"\0A\0nn\0\n"), [line("Ann")]);
    }

    #[test]
    fn an_erased_character_is_a_whole_one_and_never_of_the_line_before() {
        let mut lines = Lines::default();
        let mut typed = |data: &str, erased: usize| {
            let cut = lines.next(&mut data.as_bytes());
            (0..erased).for_each(|_| lines.erase_character());
            cut
        };
        assert_eq!(typed("Zoë勇", 1), None);
        assert_eq!(typed("\n", 3), Some(line("Zoë")));
        assert_eq!(typed("Zoë", 2), None);
        assert_eq!(typed("\n", 0), Some(line("Z")));
    }

    #[test]
    fn an_erased_line_is_begun_again() {
        let mut lines = Lines::default();
        assert_eq!(lines.next(&mut &b"Anm"[..]), None);
        lines.erase_line();
        assert_eq!(lines.next(&mut &b"Ann\n"[..]), Some(line("Ann")));
    }

    /// Types the text byte by byte, and compares the resulting line.
    fn check(typed: &str, expected: &str) {
        for erase in ["\u{8}", "\u{7f}"] {
            let typed = typed.replace('<', erase) + "\r\n";
            assert_eq!(cuts(typed.as_bytes()), [line(expected)], "{typed:?}");
            let mut lines = Lines::default();
            let mut bytes = typed.as_bytes().chunks(1);
            let single: Vec<Cut> = bytes
                .by_ref()
                .filter_map(|mut byte| lines.next(&mut byte))
                .collect();
            assert_eq!(single, [line(expected)], "{typed:?}");
        }
    }

    #[test]
    fn backspace_erases_a_character_whichever_of_its_two_bytes_a_terminal_sends() {
        check("Amn<<nn", "Ann");
        check("<<Ann", "Ann");
        check("Ann<<<<<", "");
        check("Bob\u{15}Ann", "Ann");
        check("\u{15}\u{15}Ann", "Ann");
    }

    #[test]
    fn what_backspace_erases_is_a_character_as_people_see_it() {
        for character in [
            "é",
            "e\u{301}",
            "a\u{301}\u{302}\u{303}",
            "勇",
            "한",
            "\u{1112}\u{1161}\u{11ab}",
            "👍🏽",
            "👩‍👩‍👧‍👦",
            "🏳️‍🌈",
            "🇩🇪",
            "क्षि",
            "नि",
            "1️⃣",
        ] {
            check(&format!("{character}<Ann"), "Ann");
            check(&format!("An{character}<n"), "Ann");
            check(
                &format!("勇{character}{character}<"),
                &format!("勇{character}"),
            );
        }
        check("🇩🇪🇫🇷🇬🇧<<", "🇩🇪");
        // The mark of the letter is erased with it. A mark typed after that belongs to the letter before.
        check("ae\u{301}<\u{302}", "a\u{302}");
    }

    #[test]
    fn what_is_no_utf8_is_erased_too() {
        assert_eq!(cuts(b"A\xe9\x08\xc3\x7fnn\n"), [line("Ann")]);
        assert_eq!(cuts(b"\xe5\x8b\x08\xf0\x9f\x91\x08A\n"), [line("A")]);
    }

    #[test]
    fn a_backspace_is_no_part_of_a_line_end() {
        assert_eq!(cuts(b"a\r\x08\nb\r\x15\n"), ["a", "", "b", ""].map(line));
    }

    #[test]
    fn only_what_is_left_of_a_line_counts_for_its_length() {
        let most = "x".repeat(LINE_MAX);
        check(&format!("{most}y<"), &most);
        check(&format!("{most}{}", "勇<".repeat(LINE_MAX)), &most);
        check(&format!("{most}{most}\u{15}Ann"), "Ann");
        check(
            &format!("{}{}", "y".repeat(2 * LINE_MAX), "<".repeat(LINE_MAX)),
            &"y".repeat(LINE_MAX),
        );
    }

    #[test]
    fn a_line_that_is_too_long_cannot_be_shortened_any_more_but_be_begun_again() {
        let long = "x".repeat(3 * LINE_MAX);
        for (typed, then) in [("\u{8}\n", None), ("\u{15}Ann\n", Some(line("Ann")))] {
            let found = cuts(format!("{long}{typed}").as_bytes());
            let expected: Vec<Cut> = [Cut::TooLong].into_iter().chain(then).collect();
            assert_eq!(found, expected, "{typed:?}");
        }
        let mut lines = Lines::default();
        assert_eq!(lines.next(&mut long.as_bytes()), Some(Cut::TooLong));
        lines.erase_line();
        assert_eq!(lines.next(&mut &b"Ann\n"[..]), Some(line("Ann")));
    }

    #[test]
    fn an_unfinished_line_is_not_cut() {
        assert_eq!(cuts(b"a\nhal"), [line("a")]);
    }

    #[test]
    fn a_line_of_just_the_limit_is_a_line() {
        let most = "x".repeat(LINE_MAX);
        assert_eq!(cuts(format!("{most}\n").as_bytes()), [line(&most)]);
    }

    #[test]
    fn a_line_beyond_the_limit_is_left_out_up_to_its_end() {
        for end in ["\n", "\r\n", "\r", "\r\0"] {
            let input = format!("{}{end}b\n", "x".repeat(5 * LINE_MAX));
            assert_eq!(cuts(input.as_bytes()), [Cut::TooLong, line("b")], "{end:?}");
        }
    }

    #[test]
    fn a_line_that_was_too_long_holds_no_memory() {
        let mut lines = Lines::default();
        assert_eq!(lines.next(&mut &vec![b'x'; 2 * LINE_MAX][..]), None);
        assert_eq!(lines.next(&mut &b"x"[..]), Some(Cut::TooLong));
        assert_eq!(lines.next(&mut &vec![b'x'; LINE_MAX][..]), None);
        assert_eq!(lines.line.capacity(), 0);
    }
}
