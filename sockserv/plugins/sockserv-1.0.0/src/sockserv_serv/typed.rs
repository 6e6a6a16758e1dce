//! What players type: names they may have, and lines that are safe to show again.
//!
//! A line is any bytes without a line end. What cannot be seen is never sent back to a terminal: it
//! could move the cursor, change colours or turn the direction of writing.

/// How many characters a name may have.
/// The book sets no limit; 32 characters leave a line of 80 room for a sentence around them.
pub const NAME_MAX: usize = 32;

/// Why a name is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NameError {
    /// It is not UTF-8.
    NotUtf8,
    /// It has more than [`NAME_MAX`] characters.
    TooLong,
    /// It has a character that cannot be seen: control characters, bidi overrides and the like.
    NotPrintable,
}

impl NameError {
    /// What the player is told.
    pub fn sentence(self) -> String {
        match self {
            NameError::NotUtf8 => "That name is not written in UTF-8.".to_string(),
            NameError::TooLong => format!("That name is too long: at most {NAME_MAX} characters."),
            NameError::NotPrintable => "A name has only characters that can be seen.".to_string(),
        }
    }
}

/// The first word of a line; `None` when there is none.
pub(super) fn first_word(line: &[u8]) -> Option<&[u8]> {
    line.split(u8::is_ascii_whitespace)
        .find(|word| !word.is_empty())
}

/// The name in a line: its first word. `None` when the line is blank.
pub(super) fn name(line: &[u8]) -> Option<Result<&str, NameError>> {
    let word = match std::str::from_utf8(first_word(line)?) {
        Ok(text) => text.split_whitespace().next()?,
        Err(_) => return Some(Err(NameError::NotUtf8)),
    };
    Some(match word {
        long if long.chars().count() > NAME_MAX => Err(NameError::TooLong),
        odd if !is_printable(odd) => Err(NameError::NotPrintable),
        name => Ok(name),
    })
}

/// A line as it may be shown: whatever is not printable is replaced by U+FFFD.
pub(super) fn shown(line: &[u8]) -> String {
    String::from_utf8_lossy(line)
        .chars()
        .map(shown_char)
        .collect()
}

fn shown_char(c: char) -> char {
    match c {
        ' '..='~' => c,
        // The letter before it is one that a combining mark may follow.
        _ if is_printable(&format!("x{c}")) => c,
        _ => char::REPLACEMENT_CHARACTER,
    }
}

/// Can every character be seen? The standard library knows: it escapes in `{:?}` the controls, formats,
/// separators, private and unassigned characters of Unicode, and a combining mark at the beginning.
/// It escapes quotes and backslashes too, although they can be seen.
fn is_printable(text: &str) -> bool {
    let unquoted = text.replace(['\\', '\'', '"'], "_");
    unquoted.escape_debug().eq(unquoted.chars())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(line: &str, expected: Option<Result<&str, NameError>>) {
        assert_eq!(name(line.as_bytes()), expected, "{line:?}");
    }

    #[test]
    fn a_name_is_the_first_word_of_its_line() {
        check("Ann", Some(Ok("Ann")));
        check("  Ann of the Hills", Some(Ok("Ann")));
        check("\tAnn\tBob", Some(Ok("Ann")));
        check("Ann\u{2003}Bob", Some(Ok("Ann")));
    }

    #[test]
    fn a_blank_line_has_no_name() {
        for line in ["", " ", "\t  \t", "\u{3000}"] {
            check(line, None);
        }
    }

    #[test]
    fn names_of_all_languages_are_names() {
        for name in [
            "Zoë",
            "O'Neil",
            "勇者",
            "Ώμέγα",
            "d\\b",
            "\"Q\"",
            "e\u{301}a",
            "नमस्ते",
            "🐉",
            "x-1",
        ] {
            check(name, Some(Ok(name)));
        }
    }

    #[test]
    fn a_name_has_at_most_32_characters() {
        let most = "ü".repeat(NAME_MAX);
        check(&most, Some(Ok(&most)));
        check(&format!("{most}ü"), Some(Err(NameError::TooLong)));
    }

    #[test]
    fn a_name_that_is_not_utf8_is_refused() {
        for line in [&b"\xff\xfd\x01"[..], b"Ann\xc3", b"\xed\xa0\x80"] {
            assert_eq!(name(line), Some(Err(NameError::NotUtf8)), "{line:?}");
        }
    }

    #[test]
    fn what_cannot_be_seen_is_refused_in_names() {
        for odd in [
            "\u{1b}[31mRed",
            "bell\u{7}",
            "\u{7f}",
            "c1\u{9b}31m",
            "\u{202e}nnA",
            "A\u{2066}nn",
            "A\u{200b}nn",
            "A\u{feff}nn",
            "\u{e0041}",
            "\u{e000}",
            "\u{301}",
            "soft\u{ad}hyphen",
        ] {
            check(odd, Some(Err(NameError::NotPrintable)));
        }
    }

    #[test]
    fn a_shown_line_keeps_what_can_be_seen() {
        assert_eq!(
            shown("look at 'Zoe\u{308}' \\ \"勇者\"".as_bytes()),
            "look at 'Zoe\u{308}' \\ \"勇者\""
        );
    }

    #[test]
    fn a_shown_line_has_nothing_that_a_terminal_obeys() {
        assert_eq!(
            shown(b"\x1b[2Jhi\x07\xff\xc2\x9b"),
            "\u{fffd}[2Jhi\u{fffd}\u{fffd}\u{fffd}"
        );
        assert_eq!(shown("a\u{202e}b\tc".as_bytes()), "a\u{fffd}b\u{fffd}c");
    }

    proptest! {
        #[test]
        fn no_bytes_make_a_dangerous_line_or_name(line in proptest::collection::vec(any::<u8>(), 0..60)) {
            let dangerous = |c: char| c.is_control() || matches!(c, '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
            prop_assert!(!shown(&line).contains(dangerous));
            if let Some(Ok(name)) = name(&line) {
                prop_assert!(!name.is_empty() && !name.contains(dangerous) && !name.contains(' '));
            }
        }
    }
}
