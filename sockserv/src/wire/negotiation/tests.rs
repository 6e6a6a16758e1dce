//! Tests of the options: against peers that follow RFC 1143, answer late, never or always, and against our own end.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;
use crate::wire::endpoint::{Endpoint, Event};

/// The answers to these verbs, in order.
fn answers(negotiation: &mut Negotiation, heard: &[(Verb, u8)]) -> Vec<(Verb, u8)> {
    let wire: Vec<u8> = heard
        .iter()
        .flat_map(|(verb, option)| negotiation.hear(*verb, *option).0)
        .collect();
    said(&wire)
}

fn said(wire: &[u8]) -> Vec<(Verb, u8)> {
    let (mut endpoint, mut rest) = (Endpoint::default(), wire);
    let events = std::iter::from_fn(|| endpoint.next(&mut rest));
    let verbs = events.map(|event| match event {
        Event::Negotiation { verb, option } => (verb, option),
        other => panic!("{other:?} is no negotiation"),
    });
    verbs.collect()
}

/// Wishes this side's option on or off, and returns the sent verbs.
fn wish(negotiation: &mut Negotiation, option: u8, on: bool) -> Vec<(Verb, u8)> {
    said(&negotiation.wish(Side::Us, option, on))
}

#[test]
fn an_option_of_ours_is_on_when_the_peer_has_agreed() {
    let mut here = Negotiation::default();
    assert_eq!(wish(&mut here, EOR, true), [(Verb::Will, EOR)]);
    assert!(here.is_wished(Side::Us, EOR) && !here.is_on(Side::Us, EOR));
    assert_eq!(here.hear(Verb::Do, EOR), (vec![], Some(Change::On)));
    assert!(here.is_on(Side::Us, EOR));
    assert_eq!(here.hear(Verb::Do, EOR), (vec![], None));
}

#[test]
fn an_option_that_the_peer_refuses_is_off_and_the_refusal_is_not_answered() {
    let mut here = Negotiation::default();
    here.wish(Side::Us, EOR, true);
    assert_eq!(here.hear(Verb::Dont, EOR), (vec![], Some(Change::Off)));
    assert!(!here.is_wished(Side::Us, EOR));
}

#[test]
fn what_the_peer_asks_for_is_granted_once_and_ended_once() {
    let mut here = Negotiation::default();
    for (request, answer, end, last, option) in [
        (Verb::Do, Verb::Will, Verb::Dont, Verb::Wont, SGA),
        (Verb::Will, Verb::Do, Verb::Wont, Verb::Dont, NAWS),
    ] {
        let heard = [request, request, end, end].map(|verb| (verb, option));
        assert_eq!(
            answers(&mut here, &heard),
            [(answer, option), (last, option)]
        );
    }
}

#[test]
fn an_echo_is_performed_for_a_client_that_asks() {
    let mut here = Negotiation::default();
    let asks = [Verb::Do, Verb::Do, Verb::Dont].map(|verb| (verb, ECHO));
    let expected = [Verb::Will, Verb::Wont].map(|verb| (verb, ECHO));
    assert_eq!(answers(&mut here, &asks), expected);
}

#[test]
fn an_unknown_option_is_refused_once() {
    let mut here = Negotiation::default();
    for option in (0..=255).filter(|option| Role::Server.place(Side::Us, *option).is_none()) {
        let heard = [Verb::Do, Verb::Dont, Verb::Do].map(|verb| (verb, option));
        let expected: &[_] = match option {
            TIMING_MARK => &[(Verb::Wont, option); 2],
            _ => &[(Verb::Wont, option)],
        };
        assert_eq!(answers(&mut here, &heard), expected);
    }
    for option in (0..=255).filter(|option| Role::Server.place(Side::Him, *option).is_none()) {
        let heard = [Verb::Will, Verb::Wont, Verb::Will].map(|verb| (verb, option));
        assert_eq!(answers(&mut here, &heard), [(Verb::Dont, option)]);
    }
}

#[test]
fn timing_marks_are_answered_as_long_as_there_is_somebody() {
    let mut here = Negotiation::default();
    let flood = [(Verb::Do, TIMING_MARK); 1000];
    assert_eq!(answers(&mut here, &flood).len(), usize::from(MARKS_MAX));
    here.line();
    assert_eq!(answers(&mut here, &flood[..1]), [(Verb::Wont, TIMING_MARK)]);
}

#[test]
fn a_peer_that_insists_is_answered_so_often_and_no_more() {
    let mut here = Negotiation::default();
    let insists = [(Verb::Do, ECHO); 1000];
    assert_eq!(answers(&mut here, &insists), [(Verb::Will, ECHO)]);
    let wavers = [(Verb::Will, NAWS), (Verb::Wont, NAWS)].repeat(500);
    assert_eq!(answers(&mut here, &wavers).len(), usize::from(ANSWERS_MAX));
    assert!(!here.is_wished(Side::Him, NAWS));
}

#[test]
fn every_password_is_hidden_from_a_client_that_never_acknowledges_the_end() {
    // TinTin++ 2.02 answers the first WILL ECHO, and nothing after it.
    let mut here = Negotiation::default();
    for turn in 0..3 {
        assert_eq!(wish(&mut here, ECHO, true), [(Verb::Will, ECHO)], "{turn}");
        if turn == 0 {
            here.hear(Verb::Do, ECHO);
        }
        assert_eq!(wish(&mut here, ECHO, false), [(Verb::Wont, ECHO)], "{turn}");
    }
}

#[test]
fn late_acknowledgements_are_no_requests() {
    let mut here = Negotiation::default();
    for on in [true, false, true] {
        assert_eq!(wish(&mut here, ECHO, on).len(), 1);
    }
    let late = [Verb::Do, Verb::Dont, Verb::Do].map(|verb| (verb, ECHO));
    assert_eq!(answers(&mut here, &late), []);
    assert!(here.is_on(Side::Us, ECHO));
}

#[test]
fn late_refusals_are_no_requests() {
    let mut here = Negotiation::default();
    for on in [true, false, true] {
        wish(&mut here, ECHO, on);
    }
    // The option was refused twice; the off in between changed nothing there.
    assert_eq!(answers(&mut here, &[(Verb::Dont, ECHO); 2]), []);
    assert!(!here.is_wished(Side::Us, ECHO));
}

#[test]
fn a_peer_that_never_acknowledges_the_end_may_ask_again() {
    let mut here = Negotiation::default();
    wish(&mut here, SGA, true);
    here.hear(Verb::Do, SGA);
    wish(&mut here, SGA, false);
    assert_eq!(answers(&mut here, &[(Verb::Do, SGA)]), [(Verb::Will, SGA)]);
    assert!(here.is_on(Side::Us, SGA));
}

#[test]
fn a_thousand_passwords_without_an_acknowledgement_are_hidden_too() {
    let mut here = Negotiation::default();
    for _ in 0..1000 {
        assert_eq!(wish(&mut here, ECHO, true), [(Verb::Will, ECHO)]);
        assert_eq!(wish(&mut here, ECHO, false), [(Verb::Wont, ECHO)]);
    }
    // The late answers are not requests.
    let late = [(Verb::Do, ECHO), (Verb::Dont, ECHO)].repeat(usize::from(UNANSWERED_MAX) / 2);
    assert_eq!(answers(&mut here, &late), []);
    assert!(!here.is_wished(Side::Us, ECHO));
}

#[test]
fn a_user_is_asked_for_as_many_passwords_as_there_are_lines() {
    let mut here = Negotiation::new(Role::User);
    let hides = [(Verb::Will, ECHO), (Verb::Wont, ECHO)];
    for _ in 0..1000 {
        let answered = answers(&mut here, &hides);
        assert_eq!(answered, [(Verb::Do, ECHO), (Verb::Dont, ECHO)]);
        here.line();
    }
    assert_eq!(
        answers(&mut here, &hides.repeat(1000)).len(),
        usize::from(ANSWERS_MAX)
    );
}

#[test]
fn what_an_end_declines_is_refused_once_like_what_nobody_knows() {
    let mut here = Negotiation::new(Role::User);
    let refused = negotiation(Verb::Dont, GMCP);
    assert_eq!(here.decline(Verb::Will, GMCP), refused);
    assert_eq!(here.decline(Verb::Will, GMCP), b"");
    assert!(!here.is_wished(Side::Him, GMCP));
}

#[test]
fn a_peer_that_answers_everything_is_not_kept_busy() {
    for begins in [Verb::Will, Verb::Do] {
        for option in 0..=255 {
            let mut here = Negotiation::default();
            here.wish(Side::Us, EOR, true);
            let mut said = vec![(begins, option)];
            for round in 0.. {
                let reply = answers(&mut here, &said);
                if reply.is_empty() {
                    break;
                }
                assert!(round < 3, "{begins:?} {option} goes on and on");
                said = reply.into_iter().map(naive).collect();
            }
        }
    }
}

/// The answer of a program that grants every request, each time.
fn naive((verb, option): (Verb, u8)) -> (Verb, u8) {
    let reply = match verb {
        Verb::Will => Verb::Do,
        Verb::Wont => Verb::Dont,
        Verb::Do => Verb::Will,
        Verb::Dont => Verb::Wont,
    };
    (reply, option)
}

/// Two ends and the verbs in transit between them, about one option.
struct Pair {
    ends: [Negotiation; 2],
    option: u8,
    /// The verbs in transit to each end.
    wires: [VecDeque<(Verb, u8)>; 2],
}

/// An event at the end with this number.
#[derive(Clone, Copy, Debug)]
enum Step {
    Wish(usize, Side, bool),
    Hear(usize),
}

impl Pair {
    fn new(roles: [Role; 2], option: u8) -> Pair {
        Pair {
            ends: roles.map(Negotiation::new),
            option,
            wires: Default::default(),
        }
    }

    fn step(&mut self, step: Step) {
        let (end, wire) = match step {
            Step::Wish(end, side, on) => (end, self.ends[end].wish(side, self.option, on)),
            Step::Hear(end) => match self.wires[end].pop_front() {
                Some((verb, option)) => (end, self.ends[end].hear(verb, option).0),
                None => return,
            },
        };
        self.wires[1 - end].extend(said(&wire));
    }

    /// Delivers all verbs and their answers; returns their number.
    fn settle(&mut self) -> usize {
        let mut heard = 0;
        while self.wires.iter().any(|wire| !wire.is_empty()) && heard < 10_000 {
            (0..2).for_each(|end| self.step(Step::Hear(end)));
            heard += 1;
        }
        heard
    }

    /// Checks that both ends have the same state after all verbs were delivered.
    fn agree(mut self, steps: &[Step]) -> Result<(), TestCaseError> {
        steps.iter().for_each(|step| self.step(*step));
        prop_assert!(self.settle() < 100);
        let [here, there] = &self.ends;
        for (side, other) in [(Side::Us, Side::Him), (Side::Him, Side::Us)] {
            let is_on = here.is_on(side, self.option);
            prop_assert_eq!(is_on, there.is_on(other, self.option));
            prop_assert_eq!(here.is_wished(side, self.option), is_on);
        }
        Ok(())
    }
}

fn step() -> impl Strategy<Value = Step> {
    let side = prop_oneof![Just(Side::Us), Just(Side::Him)];
    prop_oneof![
        (0usize..2, side, any::<bool>()).prop_map(|(end, side, on)| Step::Wish(end, side, on)),
        (0usize..2).prop_map(Step::Hear),
    ]
}

proptest! {
    #[test]
    fn two_ends_agree_whatever_was_wished_on_either(steps in proptest::collection::vec(step(), 0..40)) {
        Pair::new([Role::Server; 2], SGA).agree(&steps)?;
        for option in [ECHO, SGA, EOR, CHARSET, GMCP, TTYPE, NAWS] {
            Pair::new([Role::Server, Role::User], option).agree(&steps)?;
        }
    }

    #[test]
    fn no_answer_is_longer_than_its_question(heard in proptest::collection::vec((0usize..4, any::<u8>()), 0..500)) {
        let verbs = [Verb::Will, Verb::Wont, Verb::Do, Verb::Dont];
        let mut here = Negotiation::default();
        for (verb, option) in heard {
            prop_assert!(here.hear(verbs[verb], option).0.len() <= 3);
        }
    }

    #[test]
    fn a_peer_that_keeps_to_rfc_1143_ends_where_we_do(wishes in proptest::collection::vec(any::<bool>(), 0..20), grants in any::<bool>(), late in 0usize..6) {
        // The peer has no wishes: it grants or refuses, and answers verbs that change something.
        let (mut here, mut there, mut wire) = (Negotiation::default(), false, VecDeque::new());
        let mut last = false;
        for on in wishes.into_iter().chain([true, true]) {
            last = on;
            wire.extend(wish(&mut here, ECHO, on));
            while wire.len() > late {
                prop_assert_eq!(hear_of(&mut here, &mut there, grants, wire.pop_front().unwrap()), []);
            }
        }
        while let Some(said) = wire.pop_front() {
            prop_assert_eq!(hear_of(&mut here, &mut there, grants, said), []);
        }
        prop_assert_eq!(there, last && grants);
        prop_assert_eq!(here.is_on(Side::Us, ECHO), there);
    }
}

/// Passes a verb to such a peer, and its answer to our end; returns our answer to that.
fn hear_of(
    here: &mut Negotiation,
    there: &mut bool,
    grants: bool,
    (verb, option): (Verb, u8),
) -> Vec<(Verb, u8)> {
    let reply = match (verb == Verb::Will, *there) {
        (true, false) if grants => Some(Verb::Do),
        (true, false) => Some(Verb::Dont),
        (false, true) => Some(Verb::Dont),
        _ => None,
    };
    *there = verb == Verb::Will && grants;
    reply.map_or(Vec::new(), |verb| answers(here, &[(verb, option)]))
}
