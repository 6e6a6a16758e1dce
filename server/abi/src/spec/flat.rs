//! Names and terms of a spec in their flat form: an atom as its text, a term as one string of bytes.
//!
//! A spec is written and read at every start of a supervisor, so at every start of a hero. The form in which
//! atoms and terms travel elsewhere nests a serializer for each of them; that made a third of a start.

use std::fmt;

use pq_term::{Atom, Term, msgpack};
use serde::de::{Deserializer, Error, Visitor};

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

/// Atoms as their texts.
pub(super) mod atoms {
    use super::{Atom, AtomText, Deserializer};
    use serde::{Deserialize, Serializer};

    /// One of them.
    struct Item(Atom);

    impl<'de> Deserialize<'de> for Item {
        fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Item, D::Error> {
            from.deserialize_str(AtomText).map(Item)
        }
    }

    pub(crate) fn serialize<S: Serializer>(atoms: &[Atom], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(atoms.iter().map(|atom| atom.as_str()))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Atom>, D::Error> {
        let items = Vec::<Item>::deserialize(from)?;
        Ok(items.into_iter().map(|Item(atom)| atom).collect())
    }
}

/// A term as its bytes.
pub(super) mod term {
    use super::{Deserializer, Term, TermBytes, msgpack};
    use serde::Serializer;

    pub(crate) fn serialize<S: Serializer>(term: &Term, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&msgpack::to_msgpack(term))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Term, D::Error> {
        from.deserialize_bytes(TermBytes)
    }
}

/// Child specs, each as its bytes.
pub(super) mod children {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};
    use serde_bytes::{ByteBuf, Bytes};

    use crate::spec::{ChildSpec, decode, encode};

    pub(crate) fn serialize<S: Serializer>(specs: &[ChildSpec], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(specs.iter().map(|spec| ByteBuf::from(encode(spec))))
    }

    pub(crate) fn deserialize<'de, D>(from: D) -> Result<Vec<ChildSpec>, D::Error>
    where
        D: Deserializer<'de>,
    {
        let children = Vec::<&Bytes>::deserialize(from)?;
        let specs = children.into_iter().map(|bytes| decode(bytes));
        specs.collect::<Result<_, _>>().map_err(D::Error::custom)
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
        f.write_str("the bytes of a term")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Term, E> {
        msgpack::from_msgpack(bytes).map_err(E::custom)
    }
}
