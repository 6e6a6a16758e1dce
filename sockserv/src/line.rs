//! Lines, cut out of the data bytes of a client.
//!
//! A line ends with `\n`, `\r\n`, `\r\0` or a bare `\r`: the first is what `nc` sends, the second is
//! telnet's own (RFC 854, "end of line"), the third is telnet's bare return key, the last comes from
//! terminals in raw mode. Each is one end, also when its two bytes arrive in two segments: `\r` ends the
//! line at once, and a `\n` or `\0` right behind it is part of that end.
//!
//! What a line means, and whether it is UTF-8, is not known here. The caller is `endpoint`.

/// How long a line may be, in bytes without its end, unless settings say otherwise.
/// The longest that the game understands is a name of 32 characters, 128 bytes; people also paste.
/// 1 024 is what MUD servers commonly take.
pub const LINE_MAX: usize = 1024;

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
}

impl Default for Lines {
    fn default() -> Lines {
        Lines {
            line: Vec::new(),
            skip: Skip::Nothing,
            max: LINE_MAX,
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
                b'\n' | b'\r' | 0 => {
                    *data = &data[1..];
                    self.control(*first)
                }
                _ => {
                    let len = data
                        .iter()
                        .position(|byte| matches!(byte, b'\n' | b'\r' | 0))
                        .unwrap_or(data.len());
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

    /// How much text to look at in one piece: one byte too many is enough to see that a line is too long, so
    /// that it is always the same one.
    fn room(&self) -> usize {
        match self.skip {
            Skip::RestOfLine => usize::MAX,
            _ => (self.max + 1).saturating_sub(self.line.len()),
        }
    }

    /// The last character of the unfinished line does not count (RFC 854, "Erase Character").
    pub fn erase_character(&mut self) {
        while self.line.pop().is_some_and(is_continuation) {}
    }

    /// The unfinished line does not count (RFC 854, "Erase Line").
    pub fn erase_line(&mut self) {
        self.line = Vec::new();
    }

    fn text(&mut self, text: &[u8]) -> Option<Cut> {
        if self.skip == Skip::RestOfLine {
            return None;
        }
        self.skip = Skip::Nothing;
        if self.line.len() + text.len() > self.max {
            self.line = Vec::new();
            self.skip = Skip::RestOfLine;
            return Some(Cut::TooLong);
        }
        self.line.extend_from_slice(text);
        None
    }

    /// A line end, or `\0`: the second byte of an end, and "no operation" anywhere else (RFC 854, "NUL").
    fn control(&mut self, byte: u8) -> Option<Cut> {
        match (self.skip, byte) {
            (Skip::SecondByte, b'\n' | 0) => {
                self.skip = Skip::Nothing;
                None
            }
            (_, 0) => None,
            (skip, end) => {
                self.skip = if end == b'\r' {
                    Skip::SecondByte
                } else {
                    Skip::Nothing
                };
                let line = std::mem::take(&mut self.line);
                (skip != Skip::RestOfLine).then_some(Cut::Line(line))
            }
        }
    }
}

/// A byte of a UTF-8 character that is not its first.
fn is_continuation(byte: u8) -> bool {
    byte & 0b1100_0000 == 0b1000_0000
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
        assert_eq!(lines.next(&mut &vec![b'x'; LINE_MAX][..]), None);
        assert_eq!(lines.next(&mut &b"x"[..]), Some(Cut::TooLong));
        assert_eq!(lines.next(&mut &vec![b'x'; LINE_MAX][..]), None);
        assert_eq!(lines.line.capacity(), 0);
    }
}
