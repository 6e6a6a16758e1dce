//! Terminal types (RFC 1091), and MTTS, the Mud Terminal Type Standard, by which MUD clients tell their abilities.
//!
//! ```text
//!   SEND ► IS the client ► SEND ► IS its terminal ► SEND ► IS "MTTS" and a number
//! ```
//! A client without MTTS repeats its last answer, which marks the end of the list in RFC 1091. A client with a single
//! answer repeats that one. `client` uses the answers.

use crate::wire::option::TTYPE;
use crate::wire::telnet::subnegotiation;

/// The subcommands `IS` and `SEND` of RFC 1091.
pub(crate) const IS: u8 = 0;
pub(crate) const SEND: u8 = 1;

/// The maximum number of requested answers: the three of MTTS.
pub const ANSWERS_MAX: usize = 3;

/// The maximum length of an answer in bytes: the longest name in RFC 1091 has 40 characters.
const ANSWER_MAX: usize = 40;

/// The state of the questions to one client, and the answers.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Ttype {
    /// The number of questions sent; the last one may be unanswered.
    asked: usize,
    answers: Vec<String>,
}

impl Ttype {
    /// Returns the first question, or no bytes when it was sent before.
    pub fn begin(&mut self) -> Vec<u8> {
        match self.asked {
            0 => self.ask(),
            _ => Vec::new(),
        }
    }

    /// Takes an answer, and returns the next question, if there is one. Answers without a question are ignored.
    pub fn hear(&mut self, bytes: &[u8]) -> Vec<u8> {
        let Some((&IS, text)) = bytes.split_first() else {
            return Vec::new();
        };
        if self.answers.len() == self.asked {
            return Vec::new();
        }
        let answer = shown(text);
        let is_last = self.answers.last() == Some(&answer);
        self.answers.push(answer);
        match is_last || self.asked == ANSWERS_MAX {
            true => Vec::new(),
            false => self.ask(),
        }
    }

    /// The first answer: the client's name, or its terminal where clients do not give their name.
    pub fn name(&self) -> Option<&str> {
        self.answers.first().map(String::as_str)
    }

    /// The answers in the order of their arrival, at most [`ANSWERS_MAX`].
    pub fn answers(&self) -> impl Iterator<Item = &str> {
        self.answers.iter().map(String::as_str)
    }

    /// The abilities that the client claims, if it has sent a third answer of MTTS.
    pub fn mtts(&self) -> Option<Mtts> {
        let number = self
            .answers()
            .find_map(|answer| answer.strip_prefix("MTTS "));
        number.and_then(|number| number.parse().ok()).map(Mtts)
    }

    fn ask(&mut self) -> Vec<u8> {
        self.asked += 1;
        subnegotiation(TTYPE, &[SEND])
    }
}

/// The printable part of a name, for logs and operators.
fn shown(text: &[u8]) -> String {
    let visible = text
        .iter()
        .filter(|byte| byte.is_ascii_graphic() || **byte == b' ');
    visible
        .take(ANSWER_MAX)
        .map(|byte| char::from(*byte))
        .collect()
}

/// The bit set of MTTS: the abilities of a client.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mtts(u32);

impl Mtts {
    /// The client shows the sixteen colours of ANSI.
    pub const ANSI: u32 = 1;
    /// The client reads text as UTF-8.
    pub const UTF_8: u32 = 4;
    /// The palette of 256 colours.
    pub const COLOURS_256: u32 = 8;
    /// A screen reader reads the text aloud.
    pub const SCREEN_READER: u32 = 64;
    /// The client shows every colour of 24 bits.
    pub const TRUE_COLOUR: u32 = 256;
    /// The connection is encrypted.
    pub const TLS: u32 = 2048;

    /// Whether the client has this ability.
    pub fn has(self, bit: u32) -> bool {
        self.0 & bit != 0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ASKS: &[u8] = b"\xff\xfa\x18\x01\xff\xf0";

    /// The state after a client has given these answers, and the number of questions to it.
    fn asked(answers: &[&str]) -> (Ttype, usize) {
        let mut ttype = Ttype::default();
        let mut questions = 0;
        let mut question = ttype.begin();
        for answer in answers {
            assert!(question == ASKS || question.is_empty(), "{question:?}");
            questions += usize::from(!question.is_empty());
            question = ttype.hear(&[&[IS], answer.as_bytes()].concat());
        }
        assert_eq!(question, b"", "asked again after {answers:?}");
        (ttype, questions)
    }

    #[test]
    fn a_mud_client_is_asked_three_times() {
        let (ttype, questions) = asked(&["TINTIN++", "xterm", "MTTS 271"]);
        assert_eq!((questions, ttype.name()), (3, Some("TINTIN++")));
        let mtts = ttype.mtts().unwrap();
        let has = [
            Mtts::ANSI,
            Mtts::COLOURS_256,
            Mtts::SCREEN_READER,
            Mtts::TRUE_COLOUR,
        ]
        .map(|bit| mtts.has(bit));
        assert_eq!(has, [true, true, false, true]);
    }

    #[test]
    fn a_terminal_that_repeats_itself_is_asked_twice() {
        let (ttype, questions) = asked(&["XTERM", "XTERM"]);
        assert_eq!((questions, ttype.mtts()), (2, None));
    }

    #[test]
    fn a_client_without_end_is_asked_three_times() {
        assert_eq!(asked(&["KBtin", "hardcopy", "unknown", "more"]).1, 3);
    }

    #[test]
    fn an_answer_without_a_question_is_none() {
        let mut ttype = Ttype::default();
        assert_eq!(ttype.hear(b"\0XTERM"), b"");
        assert_eq!(ttype.begin(), ASKS);
        assert_eq!(ttype.begin(), b"");
        assert_eq!(ttype.hear(b""), b"");
        assert_eq!(ttype.hear(b"\x01"), b"");
        assert_eq!(ttype.name(), None);
    }

    #[test]
    fn a_number_that_is_none_says_nothing() {
        for odd in ["MTTS ", "MTTS x", "MTTS -1", "MTTS 99999999999", "mtts 1"] {
            assert_eq!(asked(&["A", "B", odd]).0.mtts(), None, "{odd}");
        }
    }

    proptest! {
        #[test]
        fn no_answers_are_asked_for_without_end_or_kept_as_they_came(answers in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..80), 0..20)) {
            let mut ttype = Ttype::default();
            let mut questions = usize::from(!ttype.begin().is_empty());
            for answer in &answers {
                questions += usize::from(!ttype.hear(answer).is_empty());
            }
            prop_assert!(questions <= ANSWERS_MAX);
            for answer in ttype.answers() {
                prop_assert!(answer.len() <= ANSWER_MAX && answer.chars().all(|c| c == ' ' || c.is_ascii_graphic()));
            }
        }
    }
}
