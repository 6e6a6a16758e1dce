//! What is known of a client, and how text should look there because of it.

use std::fmt;

use crate::wire::charset::{self, Charset};
use crate::wire::naws::Size;
use crate::wire::ttype::{Mtts, Ttype};

/// How many colours a client can show.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Colours {
    /// None, and no other style either: also for clients that say nothing.
    #[default]
    None,
    /// The eight of ECMA-48, and their bright ones.
    Sixteen,
    /// The palette of xterm.
    Palette,
    /// Any.
    True,
}

/// How what is shown is taken in.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub enum Reader {
    /// It is seen.
    #[default]
    Eyes,
    /// It is read aloud, line by line: no styles, and no pictures.
    Screen,
}

/// How text should look.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Look {
    /// Which colours.
    pub colours: Colours,
    /// For whom.
    pub reader: Reader,
    /// In which characters.
    pub charset: Charset,
}

/// What is known of a client: what it said itself.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Client {
    /// Its names and abilities.
    pub ttype: Ttype,
    /// Its character set.
    pub charset: charset::Question,
    /// Its window.
    pub size: Size,
}

impl Client {
    /// How text should look there.
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

/// For logs: `TINTIN++ 120x40`.
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

/// What a terminal of this name can show, as terminfo has it; clients write the names in capitals.
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
