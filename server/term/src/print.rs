//! Terms to text on one line, as `io:format("~0tp", [Term])`. The text reads back as the same term.
//!
//! Text over several lines is in `pretty`.

use std::fmt::{self, Write};

use crate::{Atom, BigInteger, Float, Map, Term};

/// Words that are atoms only in quotes (Reference Manual, "Reserved Words"); `maybe` since OTP 27.
const RESERVED: [&str; 29] = [
    "after", "and", "andalso", "band", "begin", "bnot", "bor", "bsl", "bsr", "bxor", "case",
    "catch", "cond", "div", "else", "end", "fun", "if", "let", "maybe", "not", "of", "or",
    "orelse", "receive", "rem", "try", "when", "xor",
];

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_term(f, self)
    }
}

impl fmt::Debug for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_term(f, self)
    }
}

impl fmt::Display for Atom {
    /// Quotes an atom where Erlang does; [`Atom::as_str`] is the text without quotes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if needs_quotes(self.as_str()) {
            write_quoted(f, self.as_str(), '\'')
        } else {
            f.write_str(self.as_str())
        }
    }
}

impl fmt::Display for Float {
    /// The shortest digits that read back as the same float, always with a point.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:?}", self.value());
        match digits.split_once('e') {
            Some((mantissa, exponent)) if !mantissa.contains('.') => {
                write!(f, "{mantissa}.0e{exponent}")
            }
            _ => f.write_str(&digits),
        }
    }
}

impl fmt::Display for BigInteger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.value(), f)
    }
}

impl fmt::Display for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_map(f, self)
    }
}

impl fmt::Debug for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_map(f, self)
    }
}

/// Writes a term on one line. Writing stops at the first error of `out`, so an `out` with a limit also limits the work.
pub(crate) fn write_term(out: &mut dyn Write, term: &Term) -> fmt::Result {
    match term {
        Term::Atom(atom) => write!(out, "{atom}"),
        Term::Integer(value) => write!(out, "{value}"),
        Term::BigInteger(value) => write!(out, "{value}"),
        Term::Float(value) => write!(out, "{value}"),
        Term::String(text) => write_quoted(out, text, '"'),
        Term::Binary(bytes) => write_binary(out, bytes),
        Term::Tuple(items) => write_items(out, "{", items, "}"),
        Term::List(items) => write_items(out, "[", items, "]"),
        Term::Map(map) => write_map(out, map),
        Term::Pid(pid) => write!(out, "{pid}"),
    }
}

fn write_items(out: &mut dyn Write, open: &str, items: &[Term], close: &str) -> fmt::Result {
    out.write_str(open)?;
    for (i, item) in items.iter().enumerate() {
        out.write_str(if i == 0 { "" } else { "," })?;
        write_term(out, item)?;
    }
    out.write_str(close)
}

fn write_map(out: &mut dyn Write, map: &Map) -> fmt::Result {
    out.write_str("#{")?;
    for (i, (key, value)) in map.pairs().iter().enumerate() {
        out.write_str(if i == 0 { "" } else { "," })?;
        write_term(out, key)?;
        out.write_str(" => ")?;
        write_term(out, value)?;
    }
    out.write_str("}")
}

/// Writes text if every byte belongs to a printable character, else numbers.
fn write_binary(out: &mut dyn Write, bytes: &[u8]) -> fmt::Result {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.is_empty() && text.chars().all(is_plain) => {
            out.write_str("<<")?;
            write_quoted(out, text, '"')?;
            out.write_str(if text.is_ascii() { ">>" } else { "/utf8>>" })
        }
        _ => write_bytes(out, bytes),
    }
}

fn write_bytes(out: &mut dyn Write, bytes: &[u8]) -> fmt::Result {
    out.write_str("<<")?;
    for (i, byte) in bytes.iter().enumerate() {
        out.write_str(if i == 0 { "" } else { "," })?;
        write!(out, "{byte}")?;
    }
    out.write_str(">>")
}

fn write_quoted(out: &mut dyn Write, text: &str, quote: char) -> fmt::Result {
    out.write_char(quote)?;
    for c in text.chars() {
        write_escaped(out, c, quote)?;
    }
    out.write_char(quote)
}

fn write_escaped(out: &mut dyn Write, c: char, quote: char) -> fmt::Result {
    match c {
        '\n' => out.write_str("\\n"),
        '\t' => out.write_str("\\t"),
        '\r' => out.write_str("\\r"),
        '\u{8}' => out.write_str("\\b"),
        '\u{b}' => out.write_str("\\v"),
        '\u{c}' => out.write_str("\\f"),
        '\u{1b}' => out.write_str("\\e"),
        '\u{7f}' => out.write_str("\\d"),
        '\\' => out.write_str("\\\\"),
        _ if c == quote => write!(out, "\\{c}"),
        _ if is_printable(c) => out.write_char(c),
        _ => write!(out, "\\x{{{:X}}}", u32::from(c)),
    }
}

/// White space that a binary shown as text may contain, in addition to printable characters.
fn is_plain(c: char) -> bool {
    is_printable(c) || matches!(c, '\n' | '\t' | '\r')
}

/// Whether the character is printable: no control character, no separator of lines, no byte order mark, none of the two
/// code points that are no characters, and no mark that changes the direction of writing and so could hide text on a
/// terminal.
fn is_printable(c: char) -> bool {
    !c.is_control()
        && !matches!(
            c,
            '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
                | '\u{fffe}'..='\u{ffff}'
        )
}

/// Whether the text is an atom only in quotes.
pub(crate) fn needs_quotes(text: &str) -> bool {
    let mut chars = text.chars();
    let starts_well = chars.next().is_some_and(is_atom_start);
    !starts_well || !chars.all(is_atom_part) || is_reserved(text)
}

pub(crate) fn is_reserved(text: &str) -> bool {
    RESERVED.binary_search(&text).is_ok()
}

/// Whether the character is a lower-case letter of Latin-1, as in Erlang.
pub(crate) fn is_atom_start(c: char) -> bool {
    matches!(c, 'a'..='z' | 'ß'..='ö' | 'ø'..='ÿ')
}

/// Whether the character is a letter or digit of Latin-1, `_` or `@`.
pub(crate) fn is_atom_part(c: char) -> bool {
    is_atom_start(c) || matches!(c, 'A'..='Z' | 'À'..='Ö' | 'Ø'..='Þ' | '0'..='9' | '_' | '@')
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn check(term: impl Into<Term>, expected: Expect) {
        expected.assert_eq(&term.into().to_string());
    }

    fn float(value: f64) -> Term {
        Term::float(value).unwrap()
    }

    #[test]
    fn atoms_are_quoted_where_erlang_quotes_them() {
        let line = |texts: &[&'static str]| texts.iter().map(|t| Term::atom(t)).collect::<Term>();
        check(
            line(&[
                "a", "a@b_1", "été", "", "A", "_a", "1", "a b", "a-b", "end", "maybe",
            ]),
            expect!["[a,a@b_1,été,'','A','_a','1','a b','a-b','end','maybe']"],
        );
        check(
            line(&["don't", "\"", "\\", "\n", "\u{0}", "λ"]),
            expect![[r#"['don\'t','"','\\','\n','\x{0}','λ']"#]],
        );
    }

    #[test]
    fn reserved_words_stand_in_order_for_the_search() {
        assert!(RESERVED.is_sorted());
    }

    #[test]
    fn floats_keep_a_point_and_the_shortest_digits() {
        let values = [0.0, -0.0, 1.0, 0.1, 1e16, 1.5e300, 5e-324, 1e-7, 123456.789];
        check(
            values.map(float).to_vec(),
            expect!["[0.0,-0.0,1.0,0.1,1.0e16,1.5e300,5.0e-324,1.0e-7,123456.789]"],
        );
    }

    #[test]
    fn strings_escape_what_does_not_print() {
        check("", expect![[r#""""#]]);
        check("it's \"é\" λ 🐉", expect![[r#""it's \"é\" λ 🐉""#]]);
        check(
            "\n\t\r\u{8}\u{b}\u{c}\u{1b}\u{7f}\\\u{0}\u{85}\u{202e}",
            expect![[r#""\n\t\r\b\v\f\e\d\\\x{0}\x{85}\x{202E}""#]],
        );
    }

    #[test]
    fn binaries_are_text_where_they_can_be() {
        check(&b""[..], expect!["<<>>"]);
        check(&b"plain\n"[..], expect![[r#"<<"plain\n">>"#]]);
        check("é".as_bytes(), expect![[r#"<<"é"/utf8>>"#]]);
        check(&[1, 2, 255][..], expect!["<<1,2,255>>"]);
    }

    #[test]
    fn what_nests_is_written_without_blanks_but_in_maps() {
        let pair = Term::tuple([Term::atom("a"), Term::list([Term::from(1), Term::from(-2)])]);
        check(
            Term::map([(pair.clone(), pair), (Term::from(1), Term::map([]))]),
            expect!["#{1 => #{},{a,[1,-2]} => {a,[1,-2]}}"],
        );
        check(crate::Pid::new(1, 2, 3), expect!["<1.2.3>"]);
    }
}
