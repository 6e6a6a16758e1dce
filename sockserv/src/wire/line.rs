//! Lines, cut out of the data bytes of a client.
//!
//! A line ends with `\n`, `\r\n`, `\r\0` or a bare `\r`: the first is what `nc` sends, the second is
//! telnet's own (RFC 854, "end of line"), the third is telnet's bare return key, the last comes from
//! terminals in raw mode. Each is one end, also when its two bytes arrive in two segments: `\r` ends the
//! line at once, and a `\n` or `\0` right behind it is part of that end.
//!
//! Clients that send every key (telnet's character mode, and that of Windows always) send the keys that correct a line,
//! too. The game sees the corrected line: BS and DEL erase a character as `IAC EC` does, `^U` erases the line as `IAC EL`
//! does. What a client in this mode is shown of it is `echo`'s.
//!
//! What a line means is not known here, and whether it is UTF-8 matters only where it is corrected. The caller is
//! `endpoint`.

use unicode_segmentation::UnicodeSegmentation;

use crate::wire::telnet::Edge;

/// How long a line may be, in bytes without its end, unless settings say otherwise.
/// The longest that the game understands is a name of 32 characters, 128 bytes; people also paste.
/// 1 024 is what MUD servers commonly take.
pub const LINE_MAX: usize = 1024;

/// The key Backspace: one of these two, as the terminal has it.
const BS: u8 = 0x08;
const DEL: u8 = 0x7f;

/// The key that erases a line: the usual `kill` of terminals (termios(3), NAK in RFC 20).
const KILL: u8 = 0x15;

/// What the data came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Cut {
    /// A line, without its end.
    Line(Vec<u8>),
    /// The line that is being sent is longer than it may be: it is left out up to its end.
    TooLong,
}

/// The line so far. An idle client holds no memory here: a finished line takes its buffer with it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lines {
    line: Vec<u8>,
    skip: Skip,
    max: usize,
    doubt: Option<Doubt>,
}

/// From where on the unfinished line may not be one.
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

/// What of the coming data is not part of a line.
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
    /// From now on a line may have so many bytes.
    pub fn set_max(&mut self, max: usize) {
        self.max = max;
    }

    /// Takes data from the front of `data` until something is cut; `None` means that all is taken.
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

    /// The unfinished line.
    pub fn unfinished(&self) -> &[u8] {
        &self.line
    }

    /// How much text to look at in one piece: one byte too many is enough to see that a line is too long, so
    /// that it is always the same one.
    fn room(&self) -> usize {
        match self.skip {
            Skip::RestOfLine => usize::MAX,
            _ => (self.typed_max() + 1).saturating_sub(self.line.len()),
        }
    }

    /// How long an unfinished line may be: what is too much of it may still be erased.
    fn typed_max(&self) -> usize {
        2 * self.max
    }

    /// The last character of the unfinished line does not count (RFC 854, "Erase Character"): one as people see it, a
    /// grapheme cluster (Unicode Standard Annex 29), or bytes in its place that are no UTF-8.
    pub fn erase_character(&mut self) {
        self.shorten(last_character(&self.line));
    }

    /// The unfinished line does not count (RFC 854, "Erase Line"), also when it is too long already.
    pub fn erase_line(&mut self) {
        self.shorten(0);
        if self.skip == Skip::RestOfLine {
            self.skip = Skip::Nothing;
        }
    }

    /// Leaves so much of the line. Bytes that may be no part of it erase no part of it.
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

    /// A subnegotiation has ended here, or something that looked like an end stood in it.
    pub fn doubt(&mut self, edge: Edge) {
        if self.doubt.is_some_and(|doubt| doubt.is_torn) {
            self.take_back();
        }
        self.doubt = Some(Doubt {
            at: self.line.len(),
            is_torn: edge == Edge::Torn,
        });
    }

    /// The end of a subnegotiation has come although none was begun: what looked like an end was none, and what came since
    /// is no part of the line.
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

    /// A line end, a key that corrects, or `\0`: the second byte of an end, and "no operation" anywhere else
    /// (RFC 854, "NUL").
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

/// Where the last character of a line begins; 0 in an empty line.
fn last_character(line: &[u8]) -> usize {
    // No character of ASCII goes on in another one, but for the end of a line.
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

    /// What is typed, byte by byte, and the line that comes of it.
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
        // The mark of the letter goes with it, and a mark that is typed then belongs to the letter before.
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
