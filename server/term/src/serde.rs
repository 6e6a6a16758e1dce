//! Terms, atoms and pids as fields of Rust types. With rmp-serde they have the bytes of [`msgpack`](crate::msgpack)'s
//! exact form; extensions are rmp-serde's `_ExtStruct`.
//!
//! serde hides two facts from a value: whether it is the key of a map (so a string key of a Rust map that looks like a
//! field is written as str), and its depth in its Rust type (each term counts its levels from itself).

use rmp_serde::MSGPACK_EXT_STRUCT_NAME;
use serde::de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

use crate::msgpack::{Depth, ext, ext_term, is_like_a_field, key_of, tuple_payload};
use crate::{Atom, BigInteger, Map, Pid, Term};

impl Serialize for Term {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Term::Atom(atom) => atom.serialize(serializer),
            Term::Pid(pid) => pid.serialize(serializer),
            Term::Tuple(items) => write_ext(serializer, ext::TUPLE, &tuple_payload(items)),
            Term::List(items) => serializer.collect_seq(items.iter()),
            Term::Map(map) => write_map(serializer, map),
            Term::Integer(value) => serializer.serialize_i64(*value),
            Term::BigInteger(big) => match u64::try_from(big.value()) {
                Ok(value) => serializer.serialize_u64(value),
                Err(_) => write_ext(serializer, ext::INTEGER, &big.value().to_signed_bytes_be()),
            },
            Term::Float(value) => serializer.serialize_f64(value.value()),
            Term::String(text) => serializer.serialize_str(text),
            Term::Binary(bytes) => serializer.serialize_bytes(bytes),
        }
    }
}

impl Serialize for Atom {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write_ext(serializer, ext::ATOM, self.as_str().as_bytes())
    }
}

impl Serialize for Pid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write_ext(serializer, ext::PID, &self.as_raw().to_be_bytes())
    }
}

/// The number of a timer as a field, for `#[serde(with = "pq_term::timer_number")]`: ext 6. A plain integer is read,
/// too.
pub mod timer_number {
    use super::{BigInteger, Deserialize, Deserializer, Serializer, Term, de, ext, write_ext};

    /// Writes the number as an extension.
    ///
    /// # Errors
    /// The errors of the serializer.
    pub fn serialize<S: Serializer>(number: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        write_ext(serializer, ext::TIMER, &number.to_be_bytes())
    }

    /// Reads the number.
    ///
    /// # Errors
    /// Fails when the value is no integer from 0 to 2^64 - 1.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
        let term = Term::deserialize(from)?;
        let number = match &term {
            Term::Integer(number) => u64::try_from(*number).ok(),
            Term::BigInteger(number) => u64::try_from(BigInteger::value(number)).ok(),
            _ => None,
        };
        number.ok_or_else(|| de::Error::custom(format!("found {term}, expected a timer")))
    }
}

fn write_ext<S: Serializer>(serializer: S, kind: i8, payload: &[u8]) -> Result<S::Ok, S::Error> {
    serializer.serialize_newtype_struct(MSGPACK_EXT_STRUCT_NAME, &(kind, Bytes(payload)))
}

fn write_map<S: Serializer>(serializer: S, map: &Map) -> Result<S::Ok, S::Error> {
    let mut out = serializer.serialize_map(Some(map.len()))?;
    for (key, value) in map.pairs() {
        match key {
            Term::String(text) if is_like_a_field(text) => {
                out.serialize_entry(&FieldLike(text), value)?;
            }
            _ => out.serialize_entry(key, value)?,
        }
    }
    out.end()
}

/// Bytes; serde would write a plain slice as a list of numbers.
struct Bytes<'a>(&'a [u8]);

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

/// A string key that as a str would read back as an atom.
struct FieldLike<'a>(&'a str);

impl Serialize for FieldLike<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write_ext(serializer, ext::STRING, self.0.as_bytes())
    }
}

impl<'de> Deserialize<'de> for Term {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Term, D::Error> {
        deserializer.deserialize_any(Value(Depth::TOP))
    }
}

impl<'de> Deserialize<'de> for Pid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Pid, D::Error> {
        let term = Term::deserialize(deserializer)?;
        term.as_pid()
            .ok_or_else(|| de::Error::custom(format!("found {term}, expected a pid")))
    }
}

impl<'de> Deserialize<'de> for Atom {
    /// Accepts the plain form, too, where an atom is a str.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Atom, D::Error> {
        match Term::deserialize(deserializer)? {
            Term::Atom(atom) => Ok(atom),
            Term::String(text) => Atom::new(&text).map_err(de::Error::custom),
            term => Err(de::Error::custom(format!("found {term}, expected an atom"))),
        }
    }
}

/// Reads a term with the given levels left.
#[derive(Clone, Copy)]
struct Value(Depth);

impl<'de> DeserializeSeed<'de> for Value {
    type Value = Term;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Term, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value {
    type Value = Term;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a term")
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Term, E> {
        Ok(Term::from(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Term, E> {
        Ok(Term::from(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Term, E> {
        Ok(Term::from(value))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Term, E> {
        Term::float(value).ok_or_else(|| E::custom("a float is not finite"))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Term, E> {
        Ok(Term::from(text))
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Term, E> {
        Ok(Term::from(bytes))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Term, E> {
        Ok(Term::undefined())
    }

    fn visit_none<E: de::Error>(self) -> Result<Term, E> {
        Ok(Term::undefined())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Term, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, ext: D) -> Result<Term, D::Error> {
        ext.deserialize_any(Ext(self.0))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Term, A::Error> {
        let below = Value(self.0.below().map_err(de::Error::custom)?);
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(below)? {
            items.push(item);
        }
        Ok(Term::from(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Term, A::Error> {
        let depth = self.0.below().map_err(de::Error::custom)?;
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry_seed(Key(depth), Value(depth))? {
            pairs.push(pair);
        }
        Ok(Term::Map(Map::from(pairs)))
    }
}

/// Reads the key of a map. Only a key may be a str that becomes an atom; all other kinds are read like any value.
struct Key(Depth);

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Term;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Term, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Key {
    type Value = Term;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key of a map")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Term, E> {
        Ok(key_of(text))
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Term, E> {
        Value(self.0).visit_bool(value)
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Term, E> {
        Value(self.0).visit_i64(value)
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Term, E> {
        Value(self.0).visit_u64(value)
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Term, E> {
        Value(self.0).visit_f64(value)
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Term, E> {
        Value(self.0).visit_bytes(bytes)
    }

    fn visit_unit<E: de::Error>(self) -> Result<Term, E> {
        Value(self.0).visit_unit()
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, ext: D) -> Result<Term, D::Error> {
        Value(self.0).visit_newtype_struct(ext)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Term, A::Error> {
        Value(self.0).visit_seq(seq)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Term, A::Error> {
        Value(self.0).visit_map(map)
    }
}

/// Reads the type and the payload of an extension.
struct Ext(Depth);

impl<'de> Visitor<'de> for Ext {
    type Value = Term;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the type and the bytes of an extension")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Term, A::Error> {
        let kind = seq.next_element()?;
        let kind = kind.ok_or_else(|| de::Error::invalid_length(0, &self))?;
        let content = Content {
            kind,
            depth: self.0,
        };
        let term = seq.next_element_seed(content)?;
        term.ok_or_else(|| de::Error::invalid_length(1, &self))
    }
}

/// Reads the payload of an extension of a known type, without a copy.
struct Content {
    kind: i8,
    depth: Depth,
}

impl<'de> DeserializeSeed<'de> for Content {
    type Value = Term;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Term, D::Error> {
        deserializer.deserialize_bytes(self)
    }
}

impl<'de> Visitor<'de> for Content {
    type Value = Term;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the bytes of extension type {}", self.kind)
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Term, E> {
        ext_term(self.kind, bytes, self.depth).map_err(E::custom)
    }
}

#[cfg(test)]
mod tests;
