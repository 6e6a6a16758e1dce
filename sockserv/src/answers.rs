//! What the door itself replies to telnet: it refuses every option, and says that it is there.
//!
//! A refusal is final and is never answered (RFC 854: an acknowledgement must not be acknowledged), so two
//! ends can never keep each other busy. The reply to `AYT` is text and longer than its question;
//! a small credit keeps all replies together from growing past what was received.
//!
//! Nothing is negotiated yet: what a client offers is known from its events, in `endpoint`.

use crate::endpoint::Event;
use crate::telnet::{AYT, IAC, Verb};

/// The reply to "Are You There" (RFC 854 leaves the words to us; these are the customary ones).
const YES: &[u8] = b"[yes]\r\n";

/// How many bytes of replies may be ahead of the bytes received: ten answers to `AYT` in a row.
/// A person who presses the key is answered; a flood is not.
pub const CREDIT_MAX: usize = 10 * YES.len();

/// One bit per option.
type Options = [u64; 4];

/// What was replied so far.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answers {
    refused_will: Options,
    refused_do: Options,
    credit: usize,
}

impl Default for Answers {
    fn default() -> Answers {
        Answers {
            refused_will: [0; 4],
            refused_do: [0; 4],
            credit: CREDIT_MAX,
        }
    }
}

impl Answers {
    /// Counts bytes as received: they may be answered by as many.
    pub fn received(&mut self, len: usize) {
        self.credit = CREDIT_MAX.min(self.credit.saturating_add(len));
    }

    /// The reply to an event, in bytes of the wire; empty for most.
    ///
    /// INVARIANT: all replies together are at most [`CREDIT_MAX`] bytes longer than what was received
    /// (`replies_never_outgrow_what_was_received`).
    pub fn answer(&mut self, event: &Event) -> Vec<u8> {
        let reply = match event {
            Event::Negotiation {
                verb: Verb::Will,
                option,
            } => refusal(&mut self.refused_will, Verb::Dont, *option),
            Event::Negotiation {
                verb: Verb::Do,
                option,
            } => refusal(&mut self.refused_do, Verb::Wont, *option),
            Event::Command(AYT) => YES.to_vec(),
            _ => Vec::new(),
        };
        match self.credit.checked_sub(reply.len()) {
            Some(left) => {
                self.credit = left;
                reply
            }
            None => Vec::new(),
        }
    }
}

/// Refuses an option the first time it is asked for.
fn refusal(refused: &mut Options, verb: Verb, option: u8) -> Vec<u8> {
    let (word, bit) = (usize::from(option >> 6), 1 << (option & 63));
    match refused[word] & bit {
        0 => {
            refused[word] |= bit;
            vec![IAC, verb as u8, option]
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::endpoint::Endpoint;

    /// Everything that is replied to this input.
    fn replies(endpoint: &mut Endpoint, answers: &mut Answers, mut input: &[u8]) -> Vec<u8> {
        let mut all = Vec::new();
        loop {
            let before = input.len();
            let event = endpoint.next(&mut input);
            answers.received(before - input.len());
            match event {
                Some(event) => all.extend(answers.answer(&event)),
                None => return all,
            }
        }
    }

    fn first_replies(input: &[u8]) -> Vec<u8> {
        replies(&mut Endpoint::default(), &mut Answers::default(), input)
    }

    fn says(verb: Verb, option: u8) -> [u8; 3] {
        [IAC, verb as u8, option]
    }

    #[test]
    fn every_option_is_refused_once() {
        for option in 0..=255 {
            let input = [
                says(Verb::Will, option),
                says(Verb::Do, option),
                says(Verb::Will, option),
                says(Verb::Do, option),
            ];
            let expected = [says(Verb::Dont, option), says(Verb::Wont, option)];
            assert_eq!(first_replies(&input.concat()), expected.concat());
        }
    }

    #[test]
    fn a_refusal_is_not_answered() {
        assert_eq!(
            first_replies(&[says(Verb::Wont, 1), says(Verb::Dont, 3)].concat()),
            []
        );
    }

    #[test]
    fn are_you_there_is_answered_with_a_line() {
        assert_eq!(first_replies(&[IAC, AYT]), b"[yes]\r\n");
    }

    #[test]
    fn a_flood_of_questions_is_answered_until_the_credit_is_spent() {
        let flood: Vec<u8> = [IAC, AYT].repeat(10_000);
        let replied = first_replies(&flood).len();
        assert!(
            replied <= flood.len() + CREDIT_MAX,
            "{replied} bytes for {}",
            flood.len()
        );
        assert!(replied > CREDIT_MAX / 2, "{replied}");
    }

    #[test]
    fn two_ends_that_talk_to_each_other_fall_silent() {
        let (mut here, mut there) = (
            (Endpoint::default(), Answers::default()),
            (Endpoint::default(), Answers::default()),
        );
        let offers: Vec<u8> = (0..=255)
            .flat_map(|option| [says(Verb::Will, option), says(Verb::Do, option)].concat())
            .collect();
        let answer = replies(&mut here.0, &mut here.1, &offers);
        assert_eq!(answer.len(), offers.len());
        assert_eq!(replies(&mut there.0, &mut there.1, &answer), []);
    }

    proptest! {
        #[test]
        fn replies_never_outgrow_what_was_received(input in proptest::collection::vec(prop_oneof![Just(IAC), Just(AYT), 240u8..=255, any::<u8>()], 0..2000)) {
            prop_assert!(first_replies(&input).len() <= input.len() + CREDIT_MAX);
        }

        #[test]
        fn negotiation_alone_is_never_answered_by_more_than_it_was(input in proptest::collection::vec(prop_oneof![Just(IAC), 250u8..=255, 0u8..4], 0..2000)) {
            prop_assert!(first_replies(&input).len() <= input.len());
        }
    }
}
