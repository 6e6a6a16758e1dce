//! The parts of a spec in their flat form: an atom as its text, a term as one string of bytes, an enum as a number.
//!
//! A spec is written and read at every start of a supervisor, so at every start of an avatar, and kept for the life of
//! the supervisor. The form in which atoms and terms travel elsewhere nests a serializer for each of them, which took a
//! third of a start.

use std::fmt;

use pq_term::{Atom, Term, msgpack};
use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, Serialize};

use super::{ChildType, Modules, Restart, Shutdown, Strategy};

/// An atom as its text.
pub(super) mod atom {
    use super::{Atom, AtomText, Deserializer};
    use serde::Serializer;

    pub(crate) fn serialize<S: Serializer>(atom: &Atom, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(atom.as_str())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Atom, D::Error> {
        from.deserialize_str(AtomText)
    }
}

/// The modules of a child: `None` for those of an event manager.
#[derive(Serialize, Deserialize)]
pub(super) struct Names(Option<Vec<Name>>);

/// An atom as its text.
#[derive(Serialize, Deserialize)]
struct Name(#[serde(with = "atom")] Atom);

impl From<Modules> for Names {
    fn from(modules: Modules) -> Names {
        match modules {
            Modules::Dynamic => Names(None),
            Modules::Of(atoms) => Names(Some(atoms.into_iter().map(Name).collect())),
        }
    }
}

impl From<Names> for Modules {
    fn from(Names(names): Names) -> Modules {
        match names {
            None => Modules::Dynamic,
            Some(names) => Modules::Of(names.into_iter().map(|Name(atom)| atom).collect()),
        }
    }
}

/// An enum as a number: the place of the variant in the list.
macro_rules! numbered {
    ($type:ident: $($variant:ident)*) => {
        impl From<$type> for u8 {
            fn from(word: $type) -> u8 {
                word as u8
            }
        }

        impl TryFrom<u8> for $type {
            type Error = String;

            fn try_from(number: u8) -> Result<$type, String> {
                $(if number == $type::$variant as u8 {
                    return Ok($type::$variant);
                })*
                Err(format!("{number} is no {}", stringify!($type)))
            }
        }
    };
}

numbered! { Strategy: OneForOne OneForAll RestForOne SimpleOneForOne }
numbered! { Restart: Permanent Transient Temporary }
numbered! { ChildType: Worker Supervisor }

/// Milliseconds, or one of two numbers below zero that no time has.
const INFINITY: i64 = -1;
const BRUTAL_KILL: i64 = -2;

impl From<Shutdown> for i64 {
    fn from(shutdown: Shutdown) -> i64 {
        match shutdown {
            Shutdown::Timeout(ms) => ms.into(),
            Shutdown::Infinity => INFINITY,
            Shutdown::BrutalKill => BRUTAL_KILL,
        }
    }
}

impl TryFrom<i64> for Shutdown {
    type Error = String;

    fn try_from(number: i64) -> Result<Shutdown, String> {
        match (number, u32::try_from(number)) {
            (INFINITY, _) => Ok(Shutdown::Infinity),
            (BRUTAL_KILL, _) => Ok(Shutdown::BrutalKill),
            (_, Ok(ms)) => Ok(Shutdown::Timeout(ms)),
            (_, Err(_)) => Err(format!("{number} is no time to shut down")),
        }
    }
}

/// A term as its bytes, an atom as its text: most ids are atoms.
pub(super) mod term {
    use super::{Deserializer, Term, TermBytes, msgpack};
    use serde::Serializer;

    pub(crate) fn serialize<S: Serializer>(term: &Term, serializer: S) -> Result<S::Ok, S::Error> {
        match term {
            Term::Atom(atom) => serializer.serialize_str(atom.as_str()),
            term => serializer.serialize_bytes(&msgpack::to_msgpack(term)),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Term, D::Error> {
        from.deserialize_any(TermBytes)
    }
}

struct AtomText;

impl Visitor<'_> for AtomText {
    type Value = Atom;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the text of an atom")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Atom, E> {
        Atom::new(text).map_err(E::custom)
    }
}

struct TermBytes;

impl Visitor<'_> for TermBytes {
    type Value = Term;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the bytes of a term, or the text of an atom")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Term, E> {
        Atom::new(text).map(Term::Atom).map_err(E::custom)
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Term, E> {
        msgpack::from_msgpack(bytes).map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{ChildSpec, Start, SupFlags, SupSpec, decode, encode};

    fn child(id: &'static str, shutdown: Shutdown, modules: Modules) -> ChildSpec {
        let module = Atom::from_static("pq_player");
        ChildSpec {
            id: Term::atom(id),
            start: Start {
                module,
                args: vec![0x91, 0x07],
            },
            restart: Restart::Transient,
            shutdown,
            kind: ChildType::Supervisor,
            modules,
        }
    }

    #[test]
    fn a_spec_is_read_as_it_was_written() {
        let of = Modules::Of(vec![Atom::from_static("pq_player")]);
        let strategies = [
            Strategy::OneForOne,
            Strategy::OneForAll,
            Strategy::RestForOne,
            Strategy::SimpleOneForOne,
        ];
        for strategy in strategies {
            let flags = SupFlags {
                strategy,
                intensity: 2,
                period_s: 3_600,
            };
            let children = vec![
                child("a", Shutdown::Timeout(u32::MAX), of.clone()),
                child("b", Shutdown::Infinity, Modules::Dynamic),
                child("c", Shutdown::BrutalKill, Modules::Of(vec![])),
            ];
            let spec = SupSpec { flags, children };
            assert_eq!(decode(&encode(&spec)), Ok(spec));
        }
    }

    #[test]
    fn a_number_that_means_nothing_is_refused() {
        assert!(Strategy::try_from(4).is_err());
        assert!(Restart::try_from(3).is_err() && ChildType::try_from(2).is_err());
        assert!(Shutdown::try_from(-3).is_err() && Shutdown::try_from(1 << 32).is_err());
    }
}
