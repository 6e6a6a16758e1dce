//! Finds the line of a part of a term.
//!
//! Terms have no positions, so the text is scanned again when an error needs a line. The text has been parsed before: only
//! brackets, quotes and comments matter here. `consult` calls this module.

/// The line (from 1) on which a part of the text's first term begins. The path has one index (from 0) for each bracket:
/// `[2, 0]` is the first element of the third element. When the path does not exist, the line is that of its last existing
/// part.
pub(crate) fn line_at(text: &str, path: &[usize]) -> usize {
    let mut walk = Walk {
        bytes: text.as_bytes(),
        at: 0,
    };
    walk.skip_blanks();
    for index in path {
        let outer = walk.at;
        if !walk.enter(*index) {
            walk.at = outer;
            break;
        }
    }
    let newlines = walk.bytes[..walk.at].iter().filter(|byte| **byte == b'\n');
    newlines.count() + 1
}

struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Walk<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Moves to the element with this index inside the bracket; false when there is no such element.
    fn enter(&mut self, index: usize) -> bool {
        self.skip_parentheses();
        if !matches!(self.peek(), Some(b'{' | b'[')) {
            return false;
        }
        self.at += 1;
        for _ in 0..index {
            self.skip_element();
            if self.peek() != Some(b',') {
                return false;
            }
            self.at += 1;
        }
        self.skip_blanks();
        !matches!(self.peek(), None | Some(b'}' | b']'))
    }

    /// Parentheses around a term have no effect.
    fn skip_parentheses(&mut self) {
        while self.peek() == Some(b'(') {
            self.at += 1;
            self.skip_blanks();
        }
    }

    fn skip_blanks(&mut self) {
        while let Some(byte) = self.peek() {
            match byte {
                b'%' => self.skip_comment(),
                _ if byte <= b' ' => self.at += 1,
                _ => return,
            }
        }
    }

    fn skip_comment(&mut self) {
        while self.peek().is_some_and(|byte| byte != b'\n') {
            self.at += 1;
        }
    }

    /// Moves to the comma or bracket that ends the current element.
    fn skip_element(&mut self) {
        let mut depth = 0_usize;
        while let Some(byte) = self.peek() {
            match byte {
                b',' | b'}' | b']' if depth == 0 => return,
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                b'<' if self.is_doubled(b'<') => depth += 1,
                b'>' if self.is_doubled(b'>') => depth = depth.saturating_sub(1),
                b'%' => self.skip_comment(),
                b'"' | b'\'' => self.skip_quoted(byte),
                b'$' => self.skip_character(),
                _ => {}
            }
            self.at += 1;
        }
    }

    /// True at the first of two equal bytes; moves to the second.
    fn is_doubled(&mut self, byte: u8) -> bool {
        let is_doubled = self.bytes.get(self.at + 1) == Some(&byte);
        self.at += usize::from(is_doubled);
        is_doubled
    }

    /// Moves to the closing quote.
    fn skip_quoted(&mut self, quote: u8) {
        self.at += 1;
        while let Some(byte) = self.peek() {
            match byte {
                b'\\' => self.at += 1,
                _ if byte == quote => return,
                _ => {}
            }
            self.at += 1;
        }
    }

    /// Moves to the last byte of `$c`, `$\n` or `$\^c` that could be mistaken for another token.
    fn skip_character(&mut self) {
        self.at += 1;
        if self.peek() == Some(b'\\') {
            self.at += 1;
            if self.peek() == Some(b'^') {
                self.at += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "%% {comment,\n{application, a, % b, {\n [{vsn, \"1,}\"},\n  {modules,\n   ['a,b', $,, <<1,2>>,\n    m2]},\n  {env, []}]}.\n";

    #[test]
    fn a_part_is_found_behind_commas_in_quotes_comments_and_binaries() {
        assert_eq!(line_at(TEXT, &[]), 2);
        assert_eq!(line_at(TEXT, &[2, 0]), 3);
        assert_eq!(line_at(TEXT, &[2, 1]), 4);
        assert_eq!(line_at(TEXT, &[2, 1, 1, 0]), 5);
        assert_eq!(line_at(TEXT, &[2, 1, 1, 3]), 6);
        assert_eq!(line_at(TEXT, &[2, 2, 0]), 7);
    }

    #[test]
    fn a_part_is_found_in_parentheses() {
        assert_eq!(line_at("(\n{a,\n ([b,\n c])}).", &[1, 1]), 4);
    }

    #[test]
    fn a_path_that_leads_nowhere_ends_at_the_last_part_that_exists() {
        assert_eq!(line_at(TEXT, &[2, 2, 1, 0]), 7);
        assert_eq!(line_at(TEXT, &[2, 9]), 3);
        assert_eq!(line_at("", &[0]), 1);
    }
}
