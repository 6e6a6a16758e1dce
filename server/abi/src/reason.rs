//! Why a process ended: the reasons that travel along links and monitors (`erlang:exit/1,2`).

use std::fmt;

use pq_term::Term;

/// An exit reason. The ones that the runtime itself gives meaning to have a name; all others are terms.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reason {
    /// Done; a linked process is not disturbed.
    Normal,
    /// Told to end by its supervisor or in an orderly stop.
    Shutdown,
    /// As a signal: cannot be trapped.
    Kill,
    /// What the others see when a process was ended by [`Reason::Kill`].
    Killed,
    /// There is no such process.
    NoProc,
    /// A request got no answer in time.
    Timeout,
    /// Anything else, such as `{panic, Message, Place}` or `{shutdown, Term}`.
    Other(Term),
}

impl Reason {
    /// A reason from a sentence: `{Tag, "text"}`.
    pub fn tagged(tag: &'static str, text: &str) -> Reason {
        Reason::Other(Term::tuple([Term::atom(tag), Term::string(text)]))
    }

    /// `true` for the ends that a supervisor takes as wanted: `normal`, `shutdown`, `{shutdown, _}`
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

    /// As OTP writes it.
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

    /// The reason that this term writes.
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

    /// For the wire.
    pub fn to_bytes(&self) -> Vec<u8> {
        pq_term::msgpack::to_msgpack(&self.to_term())
    }

    /// From the wire; bytes that are no term become `{bad_reason, Size}` rather than a second failure.
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
