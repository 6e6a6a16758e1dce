//! Exit reasons: they travel along links and monitors (`erlang:exit/1,2`).

use std::fmt;

use pq_term::Term;

/// An exit reason. Reasons that the runtime itself interprets are variants; all others are terms.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reason {
    /// The process has finished its work; linked processes are not disturbed.
    Normal,
    /// The supervisor ended the process, or the system stops in order.
    Shutdown,
    /// As an exit signal: the receiver cannot trap it.
    Kill,
    /// The reason that links and monitors report for a process that [`Reason::Kill`] ended.
    Killed,
    /// The process does not exist.
    NoProc,
    /// A request got no answer in time.
    Timeout,
    /// Any other reason, such as `{panic, Message, Place}` or `{shutdown, Term}`.
    Other(Term),
}

impl Reason {
    /// A reason with a text for people: `{Tag, "text"}`.
    pub fn tagged(tag: &'static str, text: &str) -> Reason {
        Reason::Other(Term::tuple([Term::atom(tag), Term::string(text)]))
    }

    /// `true` for the reasons that a supervisor takes as an orderly end: `normal`, `shutdown`, `{shutdown, _}`
    /// (`supervisor(3)`, restart type `transient`).
    pub fn is_orderly(&self) -> bool {
        match self {
            Reason::Normal | Reason::Shutdown => true,
            Reason::Other(term) => term
                .as_tuple()
                .is_some_and(|items| items.len() == 2 && items[0] == Term::atom("shutdown")),
            _ => false,
        }
    }

    /// The reason as the term that OTP has for it.
    pub fn to_term(&self) -> Term {
        match self {
            Reason::Normal => Term::atom("normal"),
            Reason::Shutdown => Term::atom("shutdown"),
            Reason::Kill => Term::atom("kill"),
            Reason::Killed => Term::atom("killed"),
            Reason::NoProc => Term::atom("noproc"),
            Reason::Timeout => Term::atom("timeout"),
            Reason::Other(term) => term.clone(),
        }
    }

    /// The reason that this term stands for.
    pub fn from_term(term: Term) -> Reason {
        let known = term.as_atom().map(|atom| match atom.as_str() {
            "normal" => Some(Reason::Normal),
            "shutdown" => Some(Reason::Shutdown),
            "kill" => Some(Reason::Kill),
            "killed" => Some(Reason::Killed),
            "noproc" => Some(Reason::NoProc),
            "timeout" => Some(Reason::Timeout),
            _ => None,
        });
        known.flatten().unwrap_or(Reason::Other(term))
    }

    /// Encodes the reason as a term, for messages and the boundary.
    pub fn to_bytes(&self) -> Vec<u8> {
        pq_term::msgpack::to_msgpack(&self.to_term())
    }

    /// Decodes a reason; bytes that are no term become `{bad_reason, Size}` instead of a second failure.
    pub fn from_bytes(bytes: &[u8]) -> Reason {
        match pq_term::msgpack::from_msgpack(bytes) {
            Ok(term) => Reason::from_term(term),
            Err(_) => Reason::Other(Term::tuple([
                Term::atom("bad_reason"),
                Term::from(bytes.len() as i64),
            ])),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_term().fmt(f)
    }
}
