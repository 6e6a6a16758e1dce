//! The term itself: its kinds, how code builds one and looks inside.
//!
//! Order is in `order`, text in `read`, `print` and `pretty`, bytes in `msgpack`.

use std::sync::Arc;

use num_bigint::BigInt;

use crate::{Atom, BigInteger, Float, Map, Pid, atom};

/// A value of Erlang's kinds. A clone copies 24 bytes and counts a reference at most.
///
/// Equality is Erlang's `=:=`, the order its term order made total (see `Ord`), `Display` its text.
/// With serde, through rmp-serde, a term writes and reads the bytes of [`msgpack`](crate::msgpack).
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Term {
    /// `shop_till`, `'Bob'`
    Atom(Atom),
    /// `42`
    Integer(i64),
    /// `18446744073709551616`; never a value that fits [`Term::Integer`].
    BigInteger(BigInteger),
    /// `0.5`; always finite.
    Float(Float),
    /// `"text"`; not the same as a list of its characters.
    String(Arc<str>),
    /// `<<1,2,255>>`
    Binary(Arc<[u8]>),
    /// `{a,b}`
    Tuple(Arc<[Term]>),
    /// `[a,b]`
    List(Arc<[Term]>),
    /// `#{a => b}`
    Map(Map),
    /// `<0.1.2>`
    Pid(Pid),
}

/// A counted reference with its length, and a tag.
const _: () = assert!(size_of::<Term>() <= 24);

impl Term {
    /// The atom of a literal.
    ///
    /// # Panics
    /// As [`Atom::from_static`]. Text from outside goes through [`Atom::new`].
    pub fn atom(text: &'static str) -> Term {
        Term::Atom(Atom::from_static(text))
    }

    /// `{a,b}`
    pub fn tuple(items: impl Into<Arc<[Term]>>) -> Term {
        Term::Tuple(items.into())
    }

    /// `[a,b]`
    pub fn list(items: impl Into<Arc<[Term]>>) -> Term {
        Term::List(items.into())
    }

    /// `"text"`
    pub fn string(text: impl Into<Arc<str>>) -> Term {
        Term::String(text.into())
    }

    /// `<<1,2,3>>`
    pub fn binary(bytes: impl Into<Arc<[u8]>>) -> Term {
        Term::Binary(bytes.into())
    }

    /// `#{a => b}`; of pairs with the same key the last counts.
    pub fn map(pairs: impl IntoIterator<Item = (Term, Term)>) -> Term {
        Term::Map(pairs.into_iter().collect())
    }

    /// `0.5`; `None` for NaN and the infinities.
    pub fn float(value: f64) -> Option<Term> {
        Float::new(value).map(Term::Float)
    }

    /// The atom `undefined`, OTP's word for no value.
    pub fn undefined() -> Term {
        Term::Atom(atom!("undefined"))
    }

    /// The atom, if it is one.
    pub fn as_atom(&self) -> Option<Atom> {
        match self {
            Term::Atom(atom) => Some(*atom),
            _ => None,
        }
    }

    /// True when this is the atom of that text.
    pub fn is_atom(&self, text: &str) -> bool {
        matches!(self, Term::Atom(atom) if *atom == text)
    }

    /// The integer, if it is one and fits.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Term::Integer(value) => Some(*value),
            _ => None,
        }
    }

    /// The float, if it is one.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Term::Float(float) => Some(float.value()),
            _ => None,
        }
    }

    /// `true` or `false`, if it is one of these atoms.
    pub fn as_bool(&self) -> Option<bool> {
        match self.as_atom()?.as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }

    /// The text of a string; an atom's text is [`Atom::as_str`].
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Term::String(text) => Some(text),
            _ => None,
        }
    }

    /// The bytes of a binary.
    pub fn as_binary(&self) -> Option<&[u8]> {
        match self {
            Term::Binary(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The elements of a tuple; matches well: `if let Some([tag, name]) = term.as_tuple()`.
    pub fn as_tuple(&self) -> Option<&[Term]> {
        match self {
            Term::Tuple(items) => Some(items),
            _ => None,
        }
    }

    /// The elements of a list; a string is none.
    pub fn as_list(&self) -> Option<&[Term]> {
        match self {
            Term::List(items) => Some(items),
            _ => None,
        }
    }

    /// The map, if it is one.
    pub fn as_map(&self) -> Option<&Map> {
        match self {
            Term::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The reason, if it is an error as a function returns it: `{error, Reason}` in Erlang, `Err` in Rust (on the wire a map
    /// with that one key).
    pub fn returned_error(&self) -> Option<&Term> {
        match (self.as_tuple(), self.as_map()) {
            (Some([tag, reason]), _) if tag.is_atom("error") => Some(reason),
            (_, Some(map)) if map.len() == 1 => {
                let keys = [Term::atom("Err"), Term::string("Err")];
                keys.iter().find_map(|key| map.get(key))
            }
            _ => None,
        }
    }

    /// The pid, if it is one.
    pub fn as_pid(&self) -> Option<Pid> {
        match self {
            Term::Pid(pid) => Some(*pid),
            _ => None,
        }
    }
}

impl From<Atom> for Term {
    fn from(atom: Atom) -> Term {
        Term::Atom(atom)
    }
}

impl From<Pid> for Term {
    fn from(pid: Pid) -> Term {
        Term::Pid(pid)
    }
}

impl From<Map> for Term {
    fn from(map: Map) -> Term {
        Term::Map(map)
    }
}

impl From<Float> for Term {
    fn from(float: Float) -> Term {
        Term::Float(float)
    }
}

impl From<bool> for Term {
    fn from(value: bool) -> Term {
        Term::Atom(if value { atom!("true") } else { atom!("false") })
    }
}

impl From<i32> for Term {
    fn from(value: i32) -> Term {
        Term::Integer(value.into())
    }
}

impl From<u32> for Term {
    fn from(value: u32) -> Term {
        Term::Integer(value.into())
    }
}

impl From<i64> for Term {
    fn from(value: i64) -> Term {
        Term::Integer(value)
    }
}

impl From<u64> for Term {
    fn from(value: u64) -> Term {
        match i64::try_from(value) {
            Ok(small) => Term::Integer(small),
            Err(_) => Term::from(BigInt::from(value)),
        }
    }
}

impl From<usize> for Term {
    fn from(value: usize) -> Term {
        Term::from(value as u64)
    }
}

impl From<BigInt> for Term {
    fn from(value: BigInt) -> Term {
        match BigInteger::new(value) {
            Ok(big) => Term::BigInteger(big),
            Err(small) => Term::Integer(small),
        }
    }
}

impl From<&str> for Term {
    fn from(text: &str) -> Term {
        Term::String(text.into())
    }
}

impl From<String> for Term {
    fn from(text: String) -> Term {
        Term::String(text.into())
    }
}

impl From<&[u8]> for Term {
    fn from(bytes: &[u8]) -> Term {
        Term::Binary(bytes.into())
    }
}

impl From<Vec<Term>> for Term {
    fn from(items: Vec<Term>) -> Term {
        Term::List(items.into())
    }
}

impl FromIterator<Term> for Term {
    /// A list.
    fn from_iter<I: IntoIterator<Item = Term>>(items: I) -> Term {
        Term::List(items.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_value_is_equal_however_it_was_made() {
        assert_eq!(Term::from(BigInt::from(42)), Term::from(42));
        assert_eq!(Term::from(u64::MAX), Term::from(BigInt::from(u64::MAX)));
    }

    #[test]
    fn strings_lists_and_numbers_keep_their_kinds_apart() {
        assert_ne!(Term::string(""), Term::list([]));
        assert_ne!(Term::string("a"), Term::list([Term::from(97)]));
        assert_ne!(Term::from(1), Term::float(1.0).unwrap());
        assert_ne!(Term::tuple([]), Term::list([]));
    }

    #[test]
    fn an_error_that_comes_as_a_value_is_one() {
        let error = |text: &str| crate::read_term(text).unwrap().returned_error().cloned();
        assert_eq!(error("{error,enoent}"), Some(Term::atom("enoent")));
        assert_eq!(error("#{'Err' => full}"), Some(Term::atom("full")));
        assert_eq!(error("#{\"Err\" => full}"), Some(Term::atom("full")));
        for fine in [
            "ok",
            "{ok,error}",
            "[error,x]",
            "#{'Err' => 1, b => 2}",
            "{error,1,2}",
            "7",
        ] {
            assert_eq!(error(fine), None, "{fine}");
        }
    }

    #[test]
    fn a_tagged_tuple_is_taken_apart_by_matching() {
        let name = Term::tuple([Term::atom("events"), Term::from("Bob")]);
        let Some([tag, hero]) = name.as_tuple() else {
            panic!("{name} is a pair");
        };
        assert!(tag.is_atom("events"));
        assert_eq!(hero.as_str(), Some("Bob"));
    }
}
