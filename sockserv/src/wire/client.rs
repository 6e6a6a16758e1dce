//! The known properties of a client, and the look of texts that follows from them.

use std::fmt;

use crate::wire::charset::{self, Charset};
use crate::wire::naws::Size;
use crate::wire::ttype::{Mtts, Ttype};

/// The number of colours that a client can show.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Colours {
    /// No colours and no other style. Also the value for clients that say nothing.
    #[default]
    None,
    /// The eight colours of ECMA-48 and their bright variants.
    Sixteen,
    /// The 256 colours of xterm's palette.
    Palette,
    /// Every colour of 24 bits.
    True,
}

/// The way in which a person takes in the text of a client.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub enum Reader {
    /// The person sees the text.
    #[default]
    Eyes,
    /// A screen reader reads the text aloud, line by line: no styles, and no pictures.
    Screen,
}

/// The form that texts have at one client.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Look {
    /// The colours that the client can show; [`Colours::None`] also switches other styles off.
    pub colours: Colours,
    /// Whether the text is seen or read aloud.
    pub reader: Reader,
    /// The character set that the client has agreed to.
    pub charset: Charset,
}

/// All that a client has told of itself.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Client {
    /// The answers about its terminal type, and the abilities among them (RFC 1091, MTTS).
    pub ttype: Ttype,
    /// The negotiation of its character set (RFC 2066).
    pub charset: charset::Question,
    /// The size of its window (RFC 1073).
    pub size: Size,
}

impl Client {
    /// The form that texts should have at this client.
    pub fn look(&self) -> Look {
        let mtts = self.ttype.mtts();
        let is_read_aloud = mtts.is_some_and(|mtts| mtts.has(Mtts::SCREEN_READER));
        let named = || {
            self.ttype
                .answers()
                .map(of_terminal)
                .max()
                .unwrap_or_default()
        };
        Look {
            colours: mtts.map_or_else(named, of_mtts),
            reader: match is_read_aloud {
                true => Reader::Screen,
                false => Reader::Eyes,
            },
            charset: self.charset.agreed(),
        }
    }
}

/// A short form for logs: `TINTIN++ 120x40`.
impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Size { width, height } = self.size;
        let name = self.ttype.name().unwrap_or("unknown");
        write!(f, "{name} {width}x{height}")
    }
}

fn of_mtts(mtts: Mtts) -> Colours {
    let abilities = [
        (Mtts::TRUE_COLOUR, Colours::True),
        (Mtts::COLOURS_256, Colours::Palette),
        (Mtts::ANSI, Colours::Sixteen),
    ];
    let best = abilities.into_iter().find(|(bit, _)| mtts.has(*bit));
    best.map_or(Colours::None, |(_, colours)| colours)
}

/// The colours of a terminal with this name, as in terminfo; clients write the names in capitals.
fn of_terminal(name: &str) -> Colours {
    let name = name.to_ascii_lowercase();
    let begins = |names: &[&str]| names.iter().any(|known| name.starts_with(known));
    match () {
        () if name.ends_with("truecolor") || name.ends_with("-direct") => Colours::True,
        () if name.ends_with("256color") => Colours::Palette,
        () if begins(&[
            "xterm", "ansi", "linux", "screen", "tmux", "rxvt", "konsole",
        ]) =>
        {
            Colours::Sixteen
        }
        () => Colours::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(answers: &[&str]) -> Client {
        let mut client = Client::default();
        client.ttype.begin();
        for answer in answers {
            client.ttype.hear(&[b"\0", answer.as_bytes()].concat());
        }
        client
    }

    fn check(answers: &[&str], colours: Colours, reader: Reader) {
        let look = client(answers).look();
        assert_eq!(
            (look.colours, look.reader),
            (colours, reader),
            "{answers:?}"
        );
    }

    #[test]
    fn the_bits_of_mtts_are_believed_before_any_name() {
        check(
            &["TINTIN++", "xterm", "MTTS 271"],
            Colours::True,
            Reader::Eyes,
        );
        check(&["X", "dumb", "MTTS 13"], Colours::Palette, Reader::Eyes);
        check(
            &["X", "xterm-256color", "MTTS 1"],
            Colours::Sixteen,
            Reader::Eyes,
        );
        check(&["X", "xterm", "MTTS 4"], Colours::None, Reader::Eyes);
        check(
            &["MUSHCLIENT", "xterm", "MTTS 77"],
            Colours::Palette,
            Reader::Screen,
        );
    }

    #[test]
    fn without_mtts_the_name_of_the_terminal_counts() {
        check(&["XTERM", "XTERM"], Colours::Sixteen, Reader::Eyes);
        check(
            &["XTERM-256COLOR", "XTERM-256COLOR"],
            Colours::Palette,
            Reader::Eyes,
        );
        check(&["MUDLET", "ANSI-TRUECOLOR"], Colours::True, Reader::Eyes);
        check(
            &["KBtin", "hardcopy", "unknown"],
            Colours::None,
            Reader::Eyes,
        );
        check(
            &["TINYFUGUE", "ANSI-ATTR", "ANSI"],
            Colours::Sixteen,
            Reader::Eyes,
        );
        check(&[], Colours::None, Reader::Eyes);
    }

    #[test]
    fn a_client_is_logged_with_its_name_and_its_window() {
        assert_eq!(client(&[]).to_string(), "unknown 80x24");
        assert_eq!(client(&["TINTIN++"]).to_string(), "TINTIN++ 80x24");
    }
}
