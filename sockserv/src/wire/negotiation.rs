//! The negotiation of options: the Q method of RFC 1143, for each option and each side.
//!
//! ```text
//!   RFC 1143     here                         our request for on   the peer answers
//!   NO           off, nothing unanswered      ► WILL  (WANTYES)
//!   WANTYES      on,  one unanswered          –                    DO ► YES     DONT ► NO
//!   YES          on,  nothing unanswered      –                    DONT ► NO, answered with WONT
//!   WANTNO       off, one unanswered          ► WILL  (two unanswered)          DONT ► NO
//! ```
//! One thing is different. The queue of RFC 1143 holds one wish, which waits for the answer to the wish before. TinTin++
//! never answers `WONT ECHO`, so its player's second password would be visible. Here the node sends every wish at once,
//! and counts the wishes that may still be answered. On and off alternate among them, so the number of unanswered wishes
//! tells to which wish an answer belongs. A wish that was passed over will not be answered any more.
//!
//! Both ends of a connection negotiate in the same way; the known options depend on the [`Role`]. The module with an
//! option's name has its meaning; `nvt` and `peer` decide when to request it.

use crate::wire::option::{
    CHARSET, COMPRESS2, ECHO, EOR, GMCP, MSSP, NAWS, SGA, TIMING_MARK, TTYPE,
};
use crate::wire::telnet::{Verb, negotiation};

/// The maximum number of answered requests of a peer for each option and side. At a user's end the count starts again
/// with each line of the user. Clients send a request once, and again when a player changes a setting. A program that
/// sends more insists on its wish, and two such programs would never stop.
pub const ANSWERS_MAX: u8 = 16;

/// The maximum number of remembered wishes without an answer. A client that answers late leaves a handful open; a client
/// that never answers would let the number grow without a bound. Beyond the maximum, the oldest wish is forgotten.
const UNANSWERED_MAX: u8 = 100;

/// The maximum number of answered timing marks until the next line. A person who presses Ctrl-C needs fewer.
const MARKS_MAX: u8 = 64;

/// The side of a connection that performs an option, with the names of RFC 1143.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Side {
    /// This end: `WILL` and `WONT` are ours, `DO` and `DONT` the peer's.
    Us,
    /// The peer: `WILL` and `WONT` are the peer's, `DO` and `DONT` ours.
    Him,
}

/// The result of a negotiation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    /// Both ends have agreed to the option.
    On,
    /// One end has ended or refused the option.
    Off,
}

/// The role of this end in a connection, with the names of RFC 854.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub enum Role {
    /// The end that accepted the connection (`nvt`).
    #[default]
    Server,
    /// The end with the person and the terminal (`peer`).
    User,
}

/// The larger of the two roles' numbers of known options.
const KNOWN_MAX: usize = 11;

/// The options that a server performs when its peer requests them, or after the server has requested them.
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

/// The options of a user's end. The status of the server (MSSP) is for crawlers.
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

/// The state of one option on one side.
#[derive(Clone, PartialEq, Eq, Debug)]
struct State {
    /// The latest state that this end has sent, or has accepted from the peer.
    is_on: bool,
    /// The number of our wishes that may still be answered. The last of them was `is_on`.
    unanswered: u8,
    answers_left: u8,
}

/// The consequences of an answer or a request.
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

    /// Wishes the option on or off; `true` when the wish must be sent.
    fn wish(&mut self, on: bool) -> bool {
        let is_new = self.is_on != on;
        if is_new {
            self.is_on = on;
            self.unanswered = UNANSWERED_MAX.min(self.unanswered + 1);
        }
        is_new
    }

    /// Whether both ends have agreed that the option is on.
    fn is_agreed(&self) -> bool {
        self.is_on && self.unanswered == 0
    }

    /// Takes an on or off from the peer: the answer to a wish, or a request of the peer.
    fn hear(&mut self, on: bool) -> Heard {
        let oldest = self.is_on == (self.unanswered % 2 == 1);
        match self.unanswered {
            0 => self.request(on),
            _ if oldest == on => self.answered(1),
            // We said off, and the peer says on: the peer does not answer our off, but requests the option again.
            1 if on => {
                self.unanswered = 0;
                self.request(on)
            }
            1 => {
                self.is_on = false;
                self.answered(1)
            }
            // A yes to a later wish: the wish before gets no answer. Or a no to this wish: then the next wish, off, changes
            // nothing at the peer and gets no answer.
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

    /// RFC 1143 answers requests that change something. A request above the limit changes nothing and gets no answer.
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

/// A set of option numbers, one bit per option.
type Options = [u64; 4];

/// The state of all options of a connection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Negotiation {
    /// The states, in the order of the role's table of known options.
    known: [State; KNOWN_MAX],
    /// Unknown options that were refused already, of our side and of the peer's side.
    refused: [Options; 2],
    marks_left: u8,
    role: Role,
}

/// The negotiation of a server.
impl Default for Negotiation {
    fn default() -> Negotiation {
        Negotiation::new(Role::default())
    }
}

impl Negotiation {
    /// A negotiation in which no option is agreed to or requested.
    pub fn new(role: Role) -> Negotiation {
        Negotiation {
            known: [State::NEW; KNOWN_MAX],
            refused: [[0; 4]; 2],
            marks_left: MARKS_MAX,
            role,
        }
    }

    /// Requests that an option be on or off. Returns the bytes to send: none when the request was sent before, or when the
    /// role does not know the option.
    pub fn wish(&mut self, side: Side, option: u8, on: bool) -> Vec<u8> {
        let is_to_be_said = self.known(side, option).is_some_and(|state| state.wish(on));
        match is_to_be_said {
            true => negotiation(verb(side, on), option).to_vec(),
            false => Vec::new(),
        }
    }

    /// Takes a verb of the peer. Returns the bytes of the answer, none or three, and the change of the option's state.
    ///
    /// INVARIANT: two ends stop sending, after any wishes on either end
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

    /// Refuses an option that this end knows and does not want to perform, as if the option were unknown.
    pub fn decline(&mut self, heard: Verb, option: u8) -> Vec<u8> {
        let (side, on) = meaning(heard);
        self.refuse(side, option, on)
    }

    /// Whether both ends have agreed to this option.
    pub fn is_on(&self, side: Side, option: u8) -> bool {
        self.role
            .place(side, option)
            .is_some_and(|at| self.known[at].is_agreed())
    }

    /// Whether the option was requested or agreed to, and not refused since.
    pub fn is_wished(&self, side: Side, option: u8) -> bool {
        self.role
            .place(side, option)
            .is_some_and(|at| self.known[at].is_on)
    }

    /// Notes that a line has come from the user, so a person is present.
    pub fn line(&mut self) {
        self.marks_left = MARKS_MAX;
        // A server hides as many passwords as there are lines. The requests of a client do not depend on lines, so only a
        // user's end counts anew here.
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

    /// Refuses an unknown option, once: the peer has no state that could change.
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
        // A client that requested a mark discards its input until the answer (RFC 860), each time. A refusal counts as the
        // answer, and no client answers a refusal with another request.
        self.marks_left -= u8::from((side, option) == (Side::Us, TIMING_MARK));
        negotiation(verb(side, false), option).to_vec()
    }
}

/// The verb by which this end sends the state of an option.
fn verb(side: Side, on: bool) -> Verb {
    match (side, on) {
        (Side::Us, true) => Verb::Will,
        (Side::Us, false) => Verb::Wont,
        (Side::Him, true) => Verb::Do,
        (Side::Him, false) => Verb::Dont,
    }
}

/// The side and the state that a verb of the peer refers to.
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
