//! Who performs which option: the Q method of RFC 1143, for each option and each side.
//!
//! ```text
//!   RFC 1143     here                         we ask for on        the peer answers
//!   NO           off, nothing unanswered      ► WILL  (WANTYES)
//!   WANTYES      on,  one unanswered          –                    DO ► YES     DONT ► NO
//!   YES          on,  nothing unanswered      –                    DONT ► NO, answered with WONT
//!   WANTNO       off, one unanswered          ► WILL  (two unanswered)          DONT ► NO
//! ```
//! One thing is different. The queue of RFC 1143 has a place for one wish, which waits there for the
//! answer to the one before. TinTin++ never answers `WONT ECHO`, and so the second password would be seen. Here
//! nothing waits: every wish goes out at once, and how many of them may still be answered is counted. On
//! and off take turns among them, so their number tells which wish an answer belongs to, and a wish
//! that was passed over will not be answered any more.
//!
//! Both ends of a connection negotiate alike; which options they know depends on their [`Role`]. What an option means
//! lives in the module of its name; when it is asked for, in `nvt` and `peer`.

use crate::wire::option::{
    CHARSET, COMPRESS2, ECHO, EOR, GMCP, MSSP, NAWS, SGA, TIMING_MARK, TTYPE,
};
use crate::wire::telnet::{Verb, negotiation};

/// How many requests of a peer are answered for each option and side; by a user's end, until the user's next line.
/// Clients ask once, and again when a player changes a setting. Past this it is a program that insists, and
/// two that insist would talk for ever.
pub const ANSWERS_MAX: u8 = 16;

/// How many of our wishes are remembered as unanswered. A client that answers late answers a handful; one that never does
/// would let them grow for ever. Beyond it the oldest is forgotten.
const UNANSWERED_MAX: u8 = 100;

/// How many timing marks are answered until the next line. A person who presses Ctrl-C gets no further.
const MARKS_MAX: u8 = 64;

/// Who performs an option. RFC 1143 calls them by these names.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Side {
    /// This end: `WILL` and `WONT` are ours, `DO` and `DONT` the peer's.
    Us,
    /// The peer.
    Him,
}

/// What became of an option.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    /// Both ends have agreed to it.
    On,
    /// One of them has ended or refused it.
    Off,
}

/// Which end of a connection this is: RFC 854 calls the two hosts by these names.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub enum Role {
    /// The end that was connected to (`nvt`).
    #[default]
    Server,
    /// The end with the person and the terminal (`peer`).
    User,
}

/// How many options either role knows at most.
const KNOWN_MAX: usize = 11;

/// The options that a server performs when its peer asks for them, or after it has asked.
const OF_SERVER: [(Side, u8); KNOWN_MAX] = [
    (Side::Us, ECHO),
    (Side::Us, SGA),
    (Side::Us, EOR),
    (Side::Us, CHARSET),
    (Side::Us, MSSP),
    (Side::Us, COMPRESS2),
    (Side::Us, GMCP),
    (Side::Him, SGA),
    (Side::Him, TTYPE),
    (Side::Him, NAWS),
    (Side::Him, CHARSET),
];

/// The same of a user's end. The status of the server (MSSP) is for crawlers.
const OF_USER: [(Side, u8); 9] = [
    (Side::Him, ECHO),
    (Side::Him, SGA),
    (Side::Him, EOR),
    (Side::Him, CHARSET),
    (Side::Him, GMCP),
    (Side::Us, SGA),
    (Side::Us, TTYPE),
    (Side::Us, NAWS),
    (Side::Us, CHARSET),
];

impl Role {
    fn known(self) -> &'static [(Side, u8)] {
        match self {
            Role::Server => &OF_SERVER,
            Role::User => &OF_USER,
        }
    }

    fn place(self, side: Side, option: u8) -> Option<usize> {
        let mut known = self.known().iter();
        known.position(|known| *known == (side, option))
    }
}

/// One option on one side.
#[derive(Clone, PartialEq, Eq, Debug)]
struct State {
    /// What was said about it last by us, or taken from the peer.
    is_on: bool,
    /// How many wishes of ours may still be answered. The last of them was `is_on`.
    unanswered: u8,
    answers_left: u8,
}

/// What follows from an answer or a request.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
struct Heard {
    reply: Option<bool>,
    change: Option<Change>,
}

impl State {
    const NEW: State = State {
        is_on: false,
        unanswered: 0,
        answers_left: ANSWERS_MAX,
    };

    /// Wishes it on or off; `true` when that must be said.
    fn wish(&mut self, on: bool) -> bool {
        let is_new = self.is_on != on;
        if is_new {
            self.is_on = on;
            self.unanswered = UNANSWERED_MAX.min(self.unanswered + 1);
        }
        is_new
    }

    /// Both ends have agreed that it is on.
    fn is_agreed(&self) -> bool {
        self.is_on && self.unanswered == 0
    }

    /// The peer says that it shall be on, or off: the answer to a wish, or a request of its own.
    fn hear(&mut self, on: bool) -> Heard {
        let oldest = self.is_on == (self.unanswered % 2 == 1);
        match self.unanswered {
            0 => self.request(on),
            _ if oldest == on => self.answered(1),
            // We said off, and it says on: it does not answer the end of an option, and asks for it anew.
            1 if on => {
                self.unanswered = 0;
                self.request(on)
            }
            1 => {
                self.is_on = false;
                self.answered(1)
            }
            // Yes to a later wish: the one before is not answered. Or no to this one: then the next, off, changes
            // nothing there, and is not answered.
            _ => self.answered(2),
        }
    }

    fn answered(&mut self, wishes: u8) -> Heard {
        self.unanswered -= wishes;
        let change = match self.is_on {
            true => Change::On,
            false => Change::Off,
        };
        Heard {
            reply: None,
            change: (self.unanswered == 0).then_some(change),
        }
    }

    /// RFC 1143 answers what changes something. A request too many changes nothing and is not answered.
    fn request(&mut self, on: bool) -> Heard {
        if on == self.is_on {
            return Heard::default();
        }
        let may_answer = self.answers_left > 0;
        let change = match on {
            true => may_answer.then_some(Change::On),
            false => Some(Change::Off),
        };
        self.answers_left -= u8::from(may_answer);
        self.is_on = change == Some(Change::On);
        Heard {
            reply: may_answer.then_some(self.is_on),
            change,
        }
    }
}

/// One bit per option.
type Options = [u64; 4];

/// All options of a connection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Negotiation {
    /// In the order of what the role knows.
    known: [State; KNOWN_MAX],
    /// Unknown options that were refused already, of our side and of the peer's.
    refused: [Options; 2],
    marks_left: u8,
    role: Role,
}

/// A server's.
impl Default for Negotiation {
    fn default() -> Negotiation {
        Negotiation::new(Role::default())
    }
}

impl Negotiation {
    /// Nothing is agreed.
    pub fn new(role: Role) -> Negotiation {
        Negotiation {
            known: [State::NEW; KNOWN_MAX],
            refused: [[0; 4]; 2],
            marks_left: MARKS_MAX,
            role,
        }
    }

    /// Asks for an option on or off: the bytes to be sent, or none when this was said already or the option is
    /// not known.
    pub fn wish(&mut self, side: Side, option: u8, on: bool) -> Vec<u8> {
        let is_to_be_said = self.known(side, option).is_some_and(|state| state.wish(on));
        match is_to_be_said {
            true => negotiation(verb(side, on), option).to_vec(),
            false => Vec::new(),
        }
    }

    /// The peer's word about an option: the bytes of the answer, none or three, and what became of it.
    ///
    /// INVARIANT: two ends fall silent, whatever was wished on either
    /// (`two_ends_agree_whatever_was_wished_on_either`).
    pub fn hear(&mut self, heard: Verb, option: u8) -> (Vec<u8>, Option<Change>) {
        let (side, on) = meaning(heard);
        let Some(state) = self.known(side, option) else {
            return (self.refuse(side, option, on), None);
        };
        let Heard { reply, change } = state.hear(on);
        let wire = reply.map(|on| negotiation(verb(side, on), option).to_vec());
        (wire.unwrap_or_default(), change)
    }

    /// The same for an option that this end could perform and does not: it is refused, as one that nobody knows.
    pub fn decline(&mut self, heard: Verb, option: u8) -> Vec<u8> {
        let (side, on) = meaning(heard);
        self.refuse(side, option, on)
    }

    /// Both ends have agreed to this option.
    pub fn is_on(&self, side: Side, option: u8) -> bool {
        self.role
            .place(side, option)
            .is_some_and(|at| self.known[at].is_agreed())
    }

    /// The option was asked for or agreed to, and was not refused so far.
    pub fn is_wished(&self, side: Side, option: u8) -> bool {
        self.role
            .place(side, option)
            .is_some_and(|at| self.known[at].is_on)
    }

    /// A line has come from the user: there is somebody.
    pub fn line(&mut self) {
        self.marks_left = MARKS_MAX;
        // A server asks for as many passwords as there are lines, and each has to be hidden. What a client asks for
        // does not depend on lines.
        if self.role == Role::User {
            for state in &mut self.known {
                state.answers_left = ANSWERS_MAX;
            }
        }
    }

    fn known(&mut self, side: Side, option: u8) -> Option<&mut State> {
        let at = self.role.place(side, option)?;
        Some(&mut self.known[at])
    }

    /// An option that nobody performs is refused, once: the peer has no state that could change.
    fn refuse(&mut self, side: Side, option: u8, on: bool) -> Vec<u8> {
        let (word, bit) = (usize::from(option >> 6), 1 << (option & 63));
        let refused = &mut self.refused[usize::from(side == Side::Him)][word];
        let is_answered = match (side, option) {
            (Side::Us, TIMING_MARK) => on && self.marks_left > 0,
            _ => on && *refused & bit == 0,
        };
        if !is_answered {
            return Vec::new();
        }
        *refused |= bit;
        // A client that asked for a mark throws away what it receives until it is answered (RFC 860), each time.
        // A refusal does for that, and no client answers one with another request.
        self.marks_left -= u8::from((side, option) == (Side::Us, TIMING_MARK));
        negotiation(verb(side, false), option).to_vec()
    }
}

/// What we say about an option of this side.
fn verb(side: Side, on: bool) -> Verb {
    match (side, on) {
        (Side::Us, true) => Verb::Will,
        (Side::Us, false) => Verb::Wont,
        (Side::Him, true) => Verb::Do,
        (Side::Him, false) => Verb::Dont,
    }
}

/// What the peer says, in our terms.
fn meaning(heard: Verb) -> (Side, bool) {
    match heard {
        Verb::Do => (Side::Us, true),
        Verb::Dont => (Side::Us, false),
        Verb::Will => (Side::Him, true),
        Verb::Wont => (Side::Him, false),
    }
}

#[cfg(test)]
mod tests;
