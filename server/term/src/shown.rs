//! Text from outside, made safe for one line of a terminal or a log: without control characters, and not longer than a
//! limit.
//!
//! Names come from players, messages from any client, terms from modules. Every log line, every entry of a history and
//! every answer on a terminal passes through this module (`pq`'s `logging`, `history`, `client`).

use std::borrow::Cow;

/// Whether the character is safe in a line as it is: it is visible, and it does not move the cursor, end the line or
/// change the direction of writing.
pub fn is_shown(c: char) -> bool {
    let is_hidden = matches!(
        c,
        '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'
            | '\u{200e}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    );
    !c.is_control() && !is_hidden
}

/// The text with escapes in place of characters that a terminal obeys, that end a line or change its direction, or that
/// are invisible: `\n`, `\u{1b}`, `\u{202e}`.
pub fn printable(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_shown) {
        return Cow::Borrowed(text);
    }
    let shown = |c: char| match is_shown(c) {
        true => c.to_string(),
        false => c.escape_default().to_string(),
    };
    Cow::Owned(text.chars().map(shown).collect())
}

/// Escapes the same characters as [`printable`], but keeps line breaks.
pub fn printable_lines(text: &str) -> String {
    let lines: Vec<_> = text.split('\n').map(printable).collect();
    lines.join("\n")
}

/// Escapes the same characters as [`printable`] in JSON, in the way of JSON: `\u202e`. In JSON these characters occur
/// only in strings, so the value stays the same.
pub fn printable_json(json: &str) -> Cow<'_, str> {
    if json.chars().all(is_shown) {
        return Cow::Borrowed(json);
    }
    let shown = |c: char| match is_shown(c) {
        true => c.to_string(),
        false => {
            let mut units = [0; 2];
            let units = c.encode_utf16(&mut units).iter();
            units.map(|unit| format!("\\u{unit:04x}")).collect()
        }
    };
    Cow::Owned(json.chars().map(shown).collect())
}

/// The text if it has at most `max` characters, else its beginning and the number of missing characters.
pub fn shorten(text: &str, max: usize) -> Cow<'_, str> {
    match text.char_indices().nth(max) {
        None => Cow::Borrowed(text),
        Some((end, _)) => {
            let left = text[end..].chars().count();
            Cow::Owned(format!("{}… ({left} characters more)", &text[..end]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_that_a_terminal_obeys() {
        assert_eq!(printable("勇者 a\\b 👨‍👩‍👧"), "勇者 a\\b 👨‍👩‍👧");
        assert_eq!(
            printable("a\nb\r\u{1b}[2J\u{9b}1m\u{202e}\u{7f}\u{200b}"),
            r"a\nb\r\u{1b}[2J\u{9b}1m\u{202e}\u{7f}\u{200b}"
        );
        assert_eq!(printable_lines("a\nb\r\n"), "a\nb\\r\n");
        for c in '\0'..=char::MAX {
            let text = c.to_string();
            assert!(printable(&text).chars().all(is_shown), "{c:?}");
        }
    }

    #[test]
    fn json_keeps_its_value() {
        for c in '\u{80}'..=char::MAX {
            let json = format!("\"{c}\"");
            let shown = printable_json(&json);
            assert!(shown.chars().all(is_shown), "{c:?}");
        }
        assert_eq!(
            printable_json("\"\u{e0041}\u{9b}é\""),
            "\"\\udb40\\udc41\\u009bé\""
        );
    }

    #[test]
    fn a_long_text_says_how_much_of_it_is_missing() {
        assert_eq!(shorten("quests", 6), "quests");
        assert_eq!(shorten("勇者勇者", 1), "勇… (3 characters more)");
    }
}
