//! Bytes to terms. The bytes may be wrong or hostile: nesting is bounded, and memory is reserved for at most as many
//! elements as the remaining bytes could hold.

use std::sync::Arc;

use num_bigint::BigInt;
use rmp::Marker;

use super::ext;
use super::is_like_a_field;
use crate::{Atom, AtomError, BigInteger, Float, Map, NESTING_MAX, Pid, Term};

/// Elements for which memory is reserved at once. A longer array grows while its elements are read, so nested arrays
/// that all claim a great length do not each get that much memory.
const FIRST_ITEMS_MAX: usize = 64;

/// Reasons why bytes are not a term.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes end in the middle of a value.
    #[error("the bytes end inside a value")]
    Truncated,
    /// Bytes follow the value; their number.
    #[error("bytes left behind the value: {0}")]
    TrailingBytes(usize),
    /// The value nests more than [`NESTING_MAX`] levels.
    #[error("values nest deeper than {NESTING_MAX} levels")]
    TooDeep,
    /// The marker 0xc1, which MessagePack never uses.
    #[error("the marker 0xc1 is not used by MessagePack")]
    ReservedMarker,
    /// An extension with a type that no term has; its type.
    #[error("extension type {0} is unknown")]
    UnknownExt(i8),
    /// An extension with a known type and content that does not fit that type; its type.
    #[error("the content of extension type {0} is wrong")]
    WrongExt(i8),
    /// A text is not UTF-8.
    #[error("a text is not UTF-8")]
    NotUtf8,
    /// A float is NaN or infinite, which no term can hold.
    #[error("a float is not finite")]
    NotFinite,
    /// An integer has more than [`BigInteger::BITS_MAX`] bits.
    #[error("an integer has more than {} bits", BigInteger::BITS_MAX)]
    IntegerTooBig,
    /// A text cannot become an atom: it is too long, or the table is full.
    #[error(transparent)]
    Atom(#[from] AtomError),
}

/// Reads one term from all the bytes. When pairs of a map have the same key, the last one counts.
///
/// # Errors
/// Fails when the bytes are not exactly one value of the kinds in the table of [`msgpack`](super).
pub fn from_msgpack(bytes: &[u8]) -> Result<Term, DecodeError> {
    let mut decoder = Decoder { bytes };
    let term = decoder.term(Depth::TOP)?;
    decoder.end()?;
    Ok(term)
}

/// The number of levels that a value may still nest.
#[derive(Clone, Copy)]
pub(crate) struct Depth(usize);

impl Depth {
    pub(crate) const TOP: Depth = Depth(NESTING_MAX);

    pub(crate) fn below(self) -> Result<Depth, DecodeError> {
        self.0.checked_sub(1).map(Depth).ok_or(DecodeError::TooDeep)
    }
}

/// Converts the payload of an extension to a term.
pub(crate) fn ext_term(kind: i8, payload: &[u8], depth: Depth) -> Result<Term, DecodeError> {
    match kind {
        ext::PID => match payload.try_into() {
            Ok(raw) => Ok(Term::Pid(Pid::from_raw(u64::from_be_bytes(raw)))),
            Err(_) => Err(DecodeError::WrongExt(kind)),
        },
        ext::ATOM => match Atom::known(payload) {
            Some(atom) => Ok(Term::Atom(atom)),
            None => Ok(Term::Atom(Atom::new(text(payload)?)?)),
        },
        ext::TUPLE => tuple(payload, depth),
        ext::INTEGER => big_integer(payload),
        ext::STRING => Ok(Term::from(text(payload)?)),
        ext::TIMER => match payload.try_into() {
            Ok(number) => Ok(Term::from(u64::from_be_bytes(number))),
            Err(_) => Err(DecodeError::WrongExt(kind)),
        },
        _ => Err(DecodeError::UnknownExt(kind)),
    }
}

/// Converts a str key of a map to a term. The key may be the name of a field or the input of a player, so a name beyond
/// the budget for text from outside stays a string.
pub(crate) fn key_of(text: &str) -> Term {
    let atom = is_like_a_field(text).then(|| Atom::from_outside(text));
    match atom {
        Some(Ok(atom)) => Term::Atom(atom),
        _ => Term::from(text),
    }
}

fn tuple(payload: &[u8], depth: Depth) -> Result<Term, DecodeError> {
    let mut decoder = Decoder { bytes: payload };
    let length = match decoder.marker()? {
        Marker::FixArray(length) => usize::from(length),
        Marker::Array16 => decoder.length::<2>()?,
        Marker::Array32 => decoder.length::<4>()?,
        _ => return Err(DecodeError::WrongExt(ext::TUPLE)),
    };
    let items = decoder.items(length, depth)?;
    decoder.end()?;
    Ok(Term::Tuple(items))
}

fn big_integer(payload: &[u8]) -> Result<Term, DecodeError> {
    // One more byte than the bits fill is allowed, for the sign.
    if payload.len() as u64 > BigInteger::BITS_MAX / 8 + 1 {
        return Err(DecodeError::IntegerTooBig);
    }
    let value = BigInt::from_signed_bytes_be(payload);
    match value.bits() <= BigInteger::BITS_MAX {
        true => Ok(Term::from(value)),
        false => Err(DecodeError::IntegerTooBig),
    }
}

fn text(bytes: &[u8]) -> Result<&str, DecodeError> {
    std::str::from_utf8(bytes).map_err(|_| DecodeError::NotUtf8)
}

fn float(value: f64) -> Result<Term, DecodeError> {
    Float::new(value)
        .map(Term::Float)
        .ok_or(DecodeError::NotFinite)
}

struct Decoder<'a> {
    bytes: &'a [u8],
}

impl<'a> Decoder<'a> {
    /// Reads kinds that nest. `leaf` reads the others, so that the stack frames of nested values stay small.
    fn term(&mut self, depth: Depth) -> Result<Term, DecodeError> {
        match self.marker()? {
            Marker::FixArray(length) => self.list(length.into(), depth),
            Marker::Array16 => self.list_of::<2>(depth),
            Marker::Array32 => self.list_of::<4>(depth),
            Marker::FixMap(length) => self.map(length.into(), depth),
            Marker::Map16 => self.map_of::<2>(depth),
            Marker::Map32 => self.map_of::<4>(depth),
            Marker::FixExt1 => self.ext(1, depth),
            Marker::FixExt2 => self.ext(2, depth),
            Marker::FixExt4 => self.ext(4, depth),
            Marker::FixExt8 => self.ext(8, depth),
            Marker::FixExt16 => self.ext(16, depth),
            Marker::Ext8 => self.ext_of::<1>(depth),
            Marker::Ext16 => self.ext_of::<2>(depth),
            Marker::Ext32 => self.ext_of::<4>(depth),
            leaf => self.leaf(leaf),
        }
    }

    /// Reads a value without parts: one arm for each marker.
    fn leaf(&mut self, marker: Marker) -> Result<Term, DecodeError> {
        match marker {
            Marker::FixPos(value) => Ok(Term::Integer(value.into())),
            Marker::FixNeg(value) => Ok(Term::Integer(value.into())),
            Marker::Null => Ok(Term::undefined()),
            Marker::True => Ok(Term::from(true)),
            Marker::False => Ok(Term::from(false)),
            Marker::U8 => Ok(Term::Integer(u8::from_be_bytes(self.array()?).into())),
            Marker::U16 => Ok(Term::Integer(u16::from_be_bytes(self.array()?).into())),
            Marker::U32 => Ok(Term::Integer(u32::from_be_bytes(self.array()?).into())),
            Marker::U64 => Ok(Term::from(u64::from_be_bytes(self.array()?))),
            Marker::I8 => Ok(Term::Integer(i8::from_be_bytes(self.array()?).into())),
            Marker::I16 => Ok(Term::Integer(i16::from_be_bytes(self.array()?).into())),
            Marker::I32 => Ok(Term::Integer(i32::from_be_bytes(self.array()?).into())),
            Marker::I64 => Ok(Term::Integer(i64::from_be_bytes(self.array()?))),
            Marker::F32 => float(f32::from_be_bytes(self.array()?).into()),
            Marker::F64 => float(f64::from_be_bytes(self.array()?)),
            Marker::FixStr(length) => self.string(length.into()),
            Marker::Str8 => self.length::<1>().and_then(|n| self.string(n)),
            Marker::Str16 => self.length::<2>().and_then(|n| self.string(n)),
            Marker::Str32 => self.length::<4>().and_then(|n| self.string(n)),
            Marker::Bin8 => self.length::<1>().and_then(|n| self.binary(n)),
            Marker::Bin16 => self.length::<2>().and_then(|n| self.binary(n)),
            Marker::Bin32 => self.length::<4>().and_then(|n| self.binary(n)),
            _ => Err(DecodeError::ReservedMarker),
        }
    }

    fn list_of<const N: usize>(&mut self, depth: Depth) -> Result<Term, DecodeError> {
        let length = self.length::<N>()?;
        self.list(length, depth)
    }

    fn map_of<const N: usize>(&mut self, depth: Depth) -> Result<Term, DecodeError> {
        let length = self.length::<N>()?;
        self.map(length, depth)
    }

    fn ext_of<const N: usize>(&mut self, depth: Depth) -> Result<Term, DecodeError> {
        let length = self.length::<N>()?;
        self.ext(length, depth)
    }

    /// Reads a key of a map. A str becomes an atom if it could be the name of a field.
    fn key(&mut self, depth: Depth) -> Result<Term, DecodeError> {
        let rest = self.bytes;
        let length = match self.marker()? {
            Marker::FixStr(length) => usize::from(length),
            Marker::Str8 => self.length::<1>()?,
            Marker::Str16 => self.length::<2>()?,
            Marker::Str32 => self.length::<4>()?,
            _ => {
                self.bytes = rest;
                return self.term(depth);
            }
        };
        Ok(key_of(text(self.take(length)?)?))
    }

    fn string(&mut self, length: usize) -> Result<Term, DecodeError> {
        Ok(Term::from(text(self.take(length)?)?))
    }

    fn binary(&mut self, length: usize) -> Result<Term, DecodeError> {
        Ok(Term::from(self.take(length)?))
    }

    fn ext(&mut self, length: usize, depth: Depth) -> Result<Term, DecodeError> {
        let kind = i8::from_be_bytes(self.array()?);
        ext_term(kind, self.take(length)?, depth)
    }

    fn list(&mut self, length: usize, depth: Depth) -> Result<Term, DecodeError> {
        Ok(Term::List(self.items(length, depth)?))
    }

    /// Most messages are pairs and triples; they take one allocation each.
    fn items(&mut self, length: usize, depth: Depth) -> Result<Arc<[Term]>, DecodeError> {
        let depth = depth.below()?;
        match length {
            0 => Ok(Arc::default()),
            1 => Ok(Arc::new([self.term(depth)?])),
            2 => Ok(Arc::new([self.term(depth)?, self.term(depth)?])),
            3 => Ok(Arc::new([
                self.term(depth)?,
                self.term(depth)?,
                self.term(depth)?,
            ])),
            _ => {
                let mut items = Vec::with_capacity(self.first_capacity(length)?);
                for _ in 0..length {
                    items.push(self.term(depth)?);
                }
                Ok(items.into())
            }
        }
    }

    fn map(&mut self, length: usize, depth: Depth) -> Result<Term, DecodeError> {
        let depth = depth.below()?;
        let mut pairs = Vec::with_capacity(self.first_capacity(length)?);
        for _ in 0..length {
            pairs.push((self.key(depth)?, self.term(depth)?));
        }
        Ok(Term::Map(Map::from(pairs)))
    }

    /// Each element takes at least one byte, so a claim above the number of remaining bytes is false.
    fn first_capacity(&self, length: usize) -> Result<usize, DecodeError> {
        match length <= self.bytes.len() {
            true => Ok(length.min(FIRST_ITEMS_MAX)),
            false => Err(DecodeError::Truncated),
        }
    }

    fn marker(&mut self) -> Result<Marker, DecodeError> {
        self.array::<1>().map(|[byte]| Marker::from_u8(byte))
    }

    /// Reads a big-endian length of `N` bytes, at most four.
    fn length<const N: usize>(&mut self) -> Result<usize, DecodeError> {
        let bytes = self.array::<N>()?;
        Ok(bytes
            .iter()
            .fold(0, |length, byte| length << 8 | usize::from(*byte)))
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (array, rest) = self
            .bytes
            .split_first_chunk()
            .ok_or(DecodeError::Truncated)?;
        self.bytes = rest;
        Ok(*array)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) = self
            .bytes
            .split_at_checked(length)
            .ok_or(DecodeError::Truncated)?;
        self.bytes = rest;
        Ok(taken)
    }

    fn end(&self) -> Result<(), DecodeError> {
        match self.bytes.len() {
            0 => Ok(()),
            left => Err(DecodeError::TrailingBytes(left)),
        }
    }
}
