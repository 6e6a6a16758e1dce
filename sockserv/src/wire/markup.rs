//! The markup of texts for clients. With it a session describes its text without knowing the terminal.
//!
//! A tag stands between the control characters Shift Out (`\x0e`) and Shift In (`\x0f`):
//!
//! ```text
//!   \x0ered\x0f           black red green yellow blue magenta cyan white, each also as "bright red"
//!   \x0e#ff8800\x0f       any colour; clients that have fewer show the nearest
//!   \x0ebold\x0f          also "underline"
//!   \x0e/\x0f             ends all of these; so does the end of the text
//!   \x0epicture\x0f       a drawing follows, which is left out for screen readers
//!   \x0e/picture\x0f
//!   \x0esecret\x0f        the client's screen must not show what is typed from here on
//!   \x0e/secret\x0f
//!   \x0esealed\x0f        the same for one line, which the session gets as a number (`Port::seal`); the line ends it
//!   \x0elogin\x0f         the client's program may send a name and a word (`Char.Login`), until the avatar plays
//!   \x0egmcp Char.Vitals {"hp":3}\x0f        a message for the client's program, if it has subscribed to the package
//! ```
//! Unknown tags are ignored, so that a newer library may use more of them. Tags begin with a character
//! that no player can send (`endpoint`) and that no name can have, so text needs no quoting.
//!
//! `render` decides how the styles look; `nvt` handles secrets and messages.

/// Begins a tag: Shift Out.
pub const BEGIN: u8 = 0x0e;

/// Ends a tag: Shift In.
const END: u8 = 0x0f;

/// The maximum length of a tag, in bytes: a GMCP message of the greatest length.
const TAG_MAX: usize = crate::wire::telnet::SUBNEGOTIATION_MAX;

/// A piece of a text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part<'a> {
    /// Text to show, in any bytes.
    Text(&'a [u8]),
    /// A tag between two pieces of text.
    Tag(Tag<'a>),
}

/// A tag that this version knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tag<'a> {
    /// The text that follows has this colour.
    Colour(Colour),
    /// The text that follows is bold.
    Bold,
    /// The text that follows is underlined.
    Underline,
    /// The text that follows has no style.
    Plain,
    /// The beginning or the end of a picture, which screen readers leave out.
    Picture(Edge),
    /// The beginning or the end of a secret: the screen does not show what the client types.
    Secret(Edge),
    /// The next line is a secret that the session does not get.
    Sealed,
    /// The session takes a login of the client's program.
    Login,
    /// A message of GMCP: its name, and optionally a space and JSON.
    Gmcp(&'a str),
}

/// A colour of text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Colour {
    /// A number below 16: the eight colours of ECMA-48 in their order, then their bright variants.
    Named(u8),
    /// Red, green and blue, each from 0 to 255.
    Rgb([u8; 3]),
}

/// One end of a range of text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Edge {
    /// The tag opens the range.
    Begin,
    /// The tag closes the range.
    End,
}

/// The colours of ECMA-48, in the order of their numbers.
const COLOURS: [&str; 8] = [
    "black", "red", "green", "yellow", "blue", "magenta", "cyan", "white",
];

/// Splits a text into its pieces, in order. A tag's beginning without its end is text.
pub fn parts(text: &[u8]) -> impl Iterator<Item = Part<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let (tag, behind) = split_tag(rest);
            match tag {
                Some(name) => {
                    rest = behind;
                    if let Some(tag) = tag_of(name) {
                        return Some(Part::Tag(tag));
                    }
                }
                None if rest.is_empty() => return None,
                None => {
                    let (text, behind) = rest.split_at(text_len(rest));
                    rest = behind;
                    return Some(Part::Text(text));
                }
            }
        }
    })
}

/// The name of the tag at the front, and the text behind the tag.
fn split_tag(text: &[u8]) -> (Option<&[u8]>, &[u8]) {
    let Some((&BEGIN, behind)) = text.split_first() else {
        return (None, text);
    };
    let end = behind
        .iter()
        .take(TAG_MAX + 1)
        .position(|byte| matches!(*byte, BEGIN | END));
    match end {
        Some(end) if behind[end] == END => (Some(&behind[..end]), &behind[end + 1..]),
        _ => (None, text),
    }
}

/// The length of the text at the front; at least one byte, because a `BEGIN` at the front starts no tag here.
fn text_len(text: &[u8]) -> usize {
    let begin = text[1..].iter().position(|byte| *byte == BEGIN);
    begin.map_or(text.len(), |at| at + 1)
}

fn tag_of(name: &[u8]) -> Option<Tag<'_>> {
    let name = std::str::from_utf8(name).ok()?;
    match name {
        "bold" => Some(Tag::Bold),
        "underline" => Some(Tag::Underline),
        "/" => Some(Tag::Plain),
        "picture" => Some(Tag::Picture(Edge::Begin)),
        "/picture" => Some(Tag::Picture(Edge::End)),
        "secret" => Some(Tag::Secret(Edge::Begin)),
        "/secret" => Some(Tag::Secret(Edge::End)),
        "sealed" => Some(Tag::Sealed),
        "login" => Some(Tag::Login),
        _ => match name.strip_prefix("gmcp ") {
            Some(message) => Some(Tag::Gmcp(message)),
            None => colour(name).map(Tag::Colour),
        },
    }
}

fn colour(name: &str) -> Option<Colour> {
    if let Some(digits) = name.strip_prefix('#') {
        let is_rgb = digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let [_, red, green, blue] = u32::from_str_radix(digits, 16).ok()?.to_be_bytes();
        return is_rgb.then_some(Colour::Rgb([red, green, blue]));
    }
    let (name, bright) = match name.strip_prefix("bright ") {
        Some(name) => (name, 8),
        None => (name, 0),
    };
    let number = COLOURS.iter().position(|known| *known == name)?;
    Some(Colour::Named(number as u8 + bright))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expected: &[Part<'_>]) {
        assert_eq!(
            parts(text.as_bytes()).collect::<Vec<_>>(),
            expected,
            "{text:?}"
        );
    }

    #[test]
    fn text_without_a_tag_is_one_piece() {
        check("", &[]);
        check(
            "Executing a Pig...\n",
            &[Part::Text(b"Executing a Pig...\n")],
        );
        check("{red} <b> \\x1b[31m", &[Part::Text(b"{red} <b> \\x1b[31m")]);
    }

    #[test]
    fn a_tag_stands_between_its_two_characters() {
        check(
            "a\x0ebright red\x0fb\x0e/\x0f",
            &[
                Part::Text(b"a"),
                Part::Tag(Tag::Colour(Colour::Named(9))),
                Part::Text(b"b"),
                Part::Tag(Tag::Plain),
            ],
        );
    }

    #[test]
    fn every_tag_has_its_name() {
        for (name, tag) in [
            ("black", Tag::Colour(Colour::Named(0))),
            ("bright white", Tag::Colour(Colour::Named(15))),
            ("#ff8800", Tag::Colour(Colour::Rgb([255, 136, 0]))),
            ("bold", Tag::Bold),
            ("underline", Tag::Underline),
            ("picture", Tag::Picture(Edge::Begin)),
            ("/picture", Tag::Picture(Edge::End)),
            ("secret", Tag::Secret(Edge::Begin)),
            ("/secret", Tag::Secret(Edge::End)),
            (
                "gmcp Char.Vitals {\"hp\":3}",
                Tag::Gmcp("Char.Vitals {\"hp\":3}"),
            ),
        ] {
            check(&format!("\x0e{name}\x0f"), &[Part::Tag(tag)]);
        }
    }

    #[test]
    fn an_unknown_tag_is_left_out() {
        for name in [
            "", "RED", "#12345", "#1234567", "#gggggg", "#+12345", "bright", "gmcp", "blink",
        ] {
            check(
                &format!("a\x0e{name}\x0fb"),
                &[Part::Text(b"a"), Part::Text(b"b")],
            );
        }
    }

    #[test]
    fn a_beginning_without_an_end_is_text() {
        check("a\x0ered", &[Part::Text(b"a"), Part::Text(b"\x0ered")]);
        check("\x0e", &[Part::Text(b"\x0e")]);
        check(
            "\x0e\x0ebold\x0f",
            &[Part::Text(b"\x0e"), Part::Tag(Tag::Bold)],
        );
        let long = format!("\x0e{}\x0f", "x".repeat(TAG_MAX + 1));
        check(&long, &[Part::Text(long.as_bytes())]);
    }

    proptest! {
        #[test]
        fn nothing_but_tags_is_taken_from_a_text(text in proptest::collection::vec(prop_oneof![Just(BEGIN), Just(END), b'a'..=b'z', any::<u8>()], 0..200)) {
            let shown: Vec<u8> = parts(&text).filter_map(|part| match part {
                Part::Text(text) => Some(text.to_vec()),
                Part::Tag(_) => None,
            }).flatten().collect();
            let (mut rest, mut expected) = (&text[..], Vec::new());
            while let Some((first, behind)) = rest.split_first() {
                rest = match split_tag(rest) {
                    (Some(_), behind) => behind,
                    (None, _) => {
                        expected.push(*first);
                        behind
                    }
                };
            }
            prop_assert_eq!(shown, expected);
        }
    }
}
