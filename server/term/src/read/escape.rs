//! Escape sequences: the characters behind a backslash (Reference Manual, "Escape Sequences").

use super::ReadError;
use super::lexer::{Lexer, Span};

impl Lexer<'_> {
    /// Decodes the characters behind a backslash, which stands at `start`.
    pub(super) fn escape(&mut self, start: usize) -> Result<char, ReadError> {
        let Some(c) = self.bump() else {
            return Err(self.wrong_from(start, "a character after the backslash"));
        };
        match c {
            'b' => Ok('\u{8}'),
            'd' => Ok('\u{7f}'),
            'e' => Ok('\u{1b}'),
            'f' => Ok('\u{c}'),
            'n' => Ok('\n'),
            'r' => Ok('\r'),
            's' => Ok(' '),
            't' => Ok('\t'),
            'v' => Ok('\u{b}'),
            '^' => self.control(start),
            'x' => self.hexadecimal(start),
            '0'..='7' => self.octal(start),
            other => self.checked(start, other),
        }
    }

    /// FIDELITY: `\^c` is the lowest five bits of any character, so `\^?` is not the delete character.
    fn control(&mut self, start: usize) -> Result<char, ReadError> {
        match self.bump() {
            Some(c) => {
                let c = self.checked(start, c)?;
                self.character(start, u32::from(c) & 31)
            }
            None => Err(self.wrong_from(start, "a character after `\\^`")),
        }
    }

    /// Decodes `\xHH` or `\x{H...}`.
    fn hexadecimal(&mut self, start: usize) -> Result<char, ReadError> {
        let is_digit = |c: char| c.is_ascii_hexdigit();
        let (digits, is_whole) = if self.take_if('{') {
            (self.take_while(is_digit), self.take_if('}'))
        } else {
            let digits = self.take_at_most(2, is_digit);
            (digits, digits.len() == 2)
        };
        match u32::from_str_radix(digits, 16) {
            Ok(code) if is_whole => self.character(start, code),
            _ => Err(self.wrong_from(start, "`\\xHH` or `\\x{H...}`, at most 10FFFF")),
        }
    }

    /// Decodes one to three digits. The caller has read the first one, so this function goes back to it.
    fn octal(&mut self, start: usize) -> Result<char, ReadError> {
        self.seek(start + 1);
        let digits = self.take_at_most(3, |c| c.is_digit(8));
        let code = digits
            .bytes()
            .fold(0, |code, digit| code * 8 + u32::from(digit - b'0'));
        self.character(start, code)
    }

    fn character(&mut self, start: usize, code: u32) -> Result<char, ReadError> {
        match char::from_u32(code) {
            Some(c) => self.checked(start, c),
            None => Err(self.wrong_from(
                start,
                "a character of Unicode, at most 10FFFF and no surrogate",
            )),
        }
    }

    fn wrong_from(&self, start: usize, expected: &str) -> ReadError {
        let end = start + self.text_from(start).len();
        self.wrong(Span { start, end }, expected)
    }
}
