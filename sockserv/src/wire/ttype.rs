//! Terminal types (RFC 1091), and what MUD clients tell with them: MTTS, the Mud Terminal Type Standard.
//!
//! ```text
//!   SEND ► IS the client ► SEND ► IS its terminal ► SEND ► IS "MTTS" and a number
//! ```
//! A client that knows no MTTS repeats its last answer, which RFC 1091 has as the end of a list; one that
//! was made up of one answer repeats that. What is done with the answers, `client` decides.

use crate::wire::option::TTYPE;
use crate::wire::telnet::subnegotiation;

/// `IS` and `SEND` of RFC 1091.
pub(crate) const IS: u8 = 0;
pub(crate) const SEND: u8 = 1;

/// How many answers are asked for: the three of MTTS.
pub const ANSWERS_MAX: usize = 3;

/// How long an answer may be: RFC 1091 has 40 characters as the longest name.
const ANSWER_MAX: usize = 40;

/// What was asked and answered so far.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Ttype {
    /// Asked for, of which the last may be unanswered.
    asked: usize,
    answers: Vec<String>,
}

impl Ttype {
    /// The first question; nothing when it was asked before.
    pub fn begin(&mut self) -> Vec<u8> {
        match self.asked {
            0 => self.ask(),
            _ => Vec::new(),
        }
    }

    /// An answer: the next question, if there is one. An answer that nobody asked for is none.
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

    /// The first answer: the client, or a terminal where clients do not give their name.
    pub fn name(&self) -> Option<&str> {
        self.answers.first().map(String::as_str)
    }

    /// All answers.
    pub fn answers(&self) -> impl Iterator<Item = &str> {
        self.answers.iter().map(String::as_str)
    }

    /// What the client says that it can do.
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

/// What can be shown of a name: it goes to logs and to operators.
fn shown(text: &[u8]) -> String {
    let visible = text
        .iter()
        .filter(|byte| byte.is_ascii_graphic() || **byte == b' ');
    visible
        .take(ANSWER_MAX)
        .map(|byte| char::from(*byte))
        .collect()
}

/// The bits of MTTS.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mtts(u32);

impl Mtts {
    /// Colours: the sixteen of ANSI.
    pub const ANSI: u32 = 1;
    /// Text is UTF-8.
    pub const UTF_8: u32 = 4;
    /// The palette of 256 colours.
    pub const COLOURS_256: u32 = 8;
    /// What is shown is read aloud.
    pub const SCREEN_READER: u32 = 64;
    /// Any colour.
    pub const TRUE_COLOUR: u32 = 256;
    /// The connection is encrypted.
    pub const TLS: u32 = 2048;

    /// The client has this bit.
    pub fn has(self, bit: u32) -> bool {
        self.0 & bit != 0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ASKS: &[u8] = b"\xff\xfa\x18\x01\xff\xf0";

    /// What is known of a client that gives these answers, and how often it was asked.
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
