//! The term itself: its kinds, its constructors and its accessors.
//!
//! The order of terms is in `order`, text in `read`, `print` and `pretty`, bytes in `msgpack`.

use std::sync::Arc;

use num_bigint::BigInt;

use crate::{Atom, BigInteger, Float, Map, Pid, atom};

/// A value of one of Erlang's kinds. A clone copies 24 bytes and increments at most one reference count.
///
/// Equality is Erlang's `=:=`; the order is Erlang's term order, made total (see `Ord`). `Display` prints the term as
/// Erlang source. With rmp-serde, a term has the bytes of [`msgpack`](crate::msgpack).
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Term {
    /// An atom, such as `shop_till` or `'Bob'`.
    Atom(Atom),
    /// An integer in the range of `i64`, such as `42`.
    Integer(i64),
    /// An integer outside the range of `i64`, such as `18446744073709551616`.
    BigInteger(BigInteger),
    /// A float, such as `0.5`; always finite.
    Float(Float),
    /// A string, such as `"text"`; it is not equal to the list of its characters.
    String(Arc<str>),
    /// A binary, such as `<<1,2,255>>`.
    Binary(Arc<[u8]>),
    /// A tuple, such as `{a,b}`.
    Tuple(Arc<[Term]>),
    /// A proper list, such as `[a,b]`.
    List(Arc<[Term]>),
    /// A map, such as `#{a => b}`.
    Map(Map),
    /// A process identifier, such as `<0.1.2>`.
    Pid(Pid),
}

/// 24 bytes: a counted reference with its length, and a tag.
const _: () = assert!(size_of::<Term>() <= 24);

impl Term {
    /// Makes the atom of a literal.
    ///
    /// # Panics
    /// See [`Atom::from_static`]. For text from outside use [`Atom::new`].
    pub fn atom(text: &'static str) -> Term {
        Term::Atom(Atom::from_static(text))
    }

    /// Makes a tuple, such as `{a,b}`.
    pub fn tuple(items: impl Into<Arc<[Term]>>) -> Term {
        Term::Tuple(items.into())
    }

    /// Makes a list, such as `[a,b]`.
    pub fn list(items: impl Into<Arc<[Term]>>) -> Term {
        Term::List(items.into())
    }

    /// Makes a string, such as `"text"`.
    pub fn string(text: impl Into<Arc<str>>) -> Term {
        Term::String(text.into())
    }

    /// Makes a binary, such as `<<1,2,3>>`.
    pub fn binary(bytes: impl Into<Arc<[u8]>>) -> Term {
        Term::Binary(bytes.into())
    }

    /// Makes a map, such as `#{a => b}`. When pairs have the same key, the last one counts.
    pub fn map(pairs: impl IntoIterator<Item = (Term, Term)>) -> Term {
        Term::Map(pairs.into_iter().collect())
    }

    /// Makes a float, such as `0.5`; `None` for NaN and the infinities.
    pub fn float(value: f64) -> Option<Term> {
        Float::new(value).map(Term::Float)
    }

    /// The atom `undefined`, which stands for a missing value in OTP.
    pub fn undefined() -> Term {
        Term::Atom(atom!("undefined"))
    }

    /// The atom; `None` for other kinds.
    pub fn as_atom(&self) -> Option<Atom> {
        match self {
            Term::Atom(atom) => Some(*atom),
            _ => None,
        }
    }

    /// Whether the term is the atom with this text.
    pub fn is_atom(&self, text: &str) -> bool {
        matches!(self, Term::Atom(atom) if *atom == text)
    }

    /// The integer if it fits an `i64`; `None` for other kinds.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Term::Integer(value) => Some(*value),
            _ => None,
        }
    }

    /// The float; `None` for other kinds, also for integers.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Term::Float(float) => Some(float.value()),
            _ => None,
        }
    }

    /// The value of the atoms `true` and `false`; `None` for all other terms.
    pub fn as_bool(&self) -> Option<bool> {
        match self.as_atom()?.as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }

    /// The text of a string; `None` for other kinds. The text of an atom is [`Atom::as_str`].
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Term::String(text) => Some(text),
            _ => None,
        }
    }

    /// The bytes of a binary; `None` for other kinds.
    pub fn as_binary(&self) -> Option<&[u8]> {
        match self {
            Term::Binary(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The elements of a tuple, for a pattern such as `if let Some([tag, name]) = term.as_tuple()`.
    pub fn as_tuple(&self) -> Option<&[Term]> {
        match self {
            Term::Tuple(items) => Some(items),
            _ => None,
        }
    }

    /// The elements of a list; `None` for other kinds, also for strings.
    pub fn as_list(&self) -> Option<&[Term]> {
        match self {
            Term::List(items) => Some(items),
            _ => None,
        }
    }

    /// The map; `None` for other kinds.
    pub fn as_map(&self) -> Option<&Map> {
        match self {
            Term::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The reason of an error that a function returned: `{error, Reason}` from Erlang, `Err` from Rust (in MessagePack
    /// a map with that single key).
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

    /// The pid; `None` for other kinds.
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
    /// Collects terms into a list.
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
