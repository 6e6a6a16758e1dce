//! `<<…>>`: segments to bytes (Reference Manual, "Bit Syntax Expressions").
//!
//! A segment is a value, a size and types; all segments together are whole bytes. The sizes in one text have a common
//! bound, so a short text cannot ask for all memory.

mod bits;
mod types;

use num_bigint::BigInt;

use self::bits::Bits;
use self::types::{Types, Words};
use super::lexer::{Kind, Span, Token};
use super::{ReadError, Reader};
use crate::{Float, Term};

/// The largest number of bytes that the sizes of all segments of one text may ask for. Files of releases ask for far
/// less.
pub(super) const SIZED_BYTES_MAX: usize = 1_048_576;

/// The value of a segment before its size and types apply.
enum Value {
    String(String),
    Number(Term),
    Binary(std::sync::Arc<[u8]>),
}

impl Reader<'_> {
    /// Reads the binary whose `<<` stands at `open`.
    pub(super) fn binary(&mut self, open: Span) -> Result<Term, ReadError> {
        let mut bits = Bits::default();
        self.enter(open)?;
        self.until(">>", "`,` or `>>`", |reader| reader.segment(&mut bits))?;
        self.leave();
        match bits.into_bytes() {
            Some(bytes) => Ok(Term::Binary(bytes.into())),
            None => Err(self.wrong(open, "whole bytes (bit strings are not read)")),
        }
    }

    fn segment(&mut self, bits: &mut Bits) -> Result<(), ReadError> {
        let span = self.peek()?.span;
        let value = self.segment_value()?;
        let size = self.segment_size()?;
        let types = self.segment_types(size)?;
        self.sized(span, size, types, &value)?;
        match put(bits, &value, types) {
            Some(()) => Ok(()),
            None => Err(self.wrong(span, &types.expected())),
        }
    }

    fn segment_value(&mut self) -> Result<Value, ReadError> {
        let span = self.peek()?.span;
        match self.term()? {
            Term::String(text) => Ok(Value::String(text.to_string())),
            Term::Binary(bytes) => Ok(Value::Binary(bytes)),
            number @ (Term::Integer(_) | Term::BigInteger(_) | Term::Float(_)) => {
                Ok(Value::Number(number))
            }
            _ => Err(self.wrong(span, "a number, a string or a binary")),
        }
    }

    fn segment_size(&mut self) -> Result<Option<usize>, ReadError> {
        if !self.accept(&Kind::Mark(":"))? {
            return Ok(None);
        }
        let span = self.peek()?.span;
        let is_signed = matches!(self.peek()?.kind, Kind::Mark("-" | "+"));
        let size = match is_signed {
            true => None,
            false => self.term()?.as_i64(),
        };
        match size.and_then(|size| usize::try_from(size).ok()) {
            Some(size) => Ok(Some(size)),
            None => Err(self.wrong(span, "a size from 0")),
        }
    }

    fn segment_types(&mut self, size: Option<usize>) -> Result<Types, ReadError> {
        let mut words = Words::default();
        let start = self.peek()?.span;
        if self.accept(&Kind::Mark("/"))? {
            self.segment_type(&mut words)?;
            while self.accept(&Kind::Mark("-"))? {
                self.segment_type(&mut words)?;
            }
        }
        let types = words.types(size);
        types.map_err(|expected| self.wrong(start, expected))
    }

    fn segment_type(&mut self, words: &mut Words) -> Result<(), ReadError> {
        let Token { kind, span } = self.next()?;
        let Kind::Atom(name) = kind else {
            return Err(self.wrong(span, types::WANTED));
        };
        let mut count = None;
        if self.accept(&Kind::Mark(":"))? {
            count = match self.next()?.kind {
                Kind::Integer(value) => usize::try_from(value).ok(),
                _ => return Err(self.wrong(span, types::WANTED)),
            };
        }
        match words.add(&name, count) {
            true => Ok(()),
            false => Err(self.wrong(span, types::WANTED)),
        }
    }

    /// Adds the size of a segment to the sum for this text.
    fn sized(
        &mut self,
        span: Span,
        size: Option<usize>,
        types: Types,
        value: &Value,
    ) -> Result<(), ReadError> {
        if size.is_none() {
            return Ok(());
        }
        let times = match value {
            Value::String(text) => text.chars().count(),
            _ => 1,
        };
        let asked = types.bits().and_then(|bits| bits.checked_mul(times));
        let sized = asked.and_then(|asked| self.sized_bits.checked_add(asked));
        match sized {
            Some(sized) if sized <= SIZED_BYTES_MAX * 8 => {
                self.sized_bits = sized;
                Ok(())
            }
            _ => {
                let expected = format!("sizes that are {SIZED_BYTES_MAX} bytes in all");
                Err(self.wrong(span, &expected))
            }
        }
    }
}

/// Appends the value; `None` when it does not fit these types.
fn put(bits: &mut Bits, value: &Value, types: Types) -> Option<()> {
    match (value, types) {
        (Value::Binary(bytes), Types::Bytes { bits: count, unit }) => {
            let count = count.unwrap_or(bytes.len() * 8);
            (count <= bytes.len() * 8 && count % unit == 0).then(|| bits.push(bytes, count))
        }
        (Value::String(_), Types::Bytes { .. }) => None,
        (Value::String(text), types) => put_text(bits, text, types),
        (Value::Number(number), types) => put_number(bits, number, types),
        _ => None,
    }
}

/// Appends each character as a number.
fn put_text(bits: &mut Bits, text: &str, types: Types) -> Option<()> {
    text.chars()
        .try_for_each(|c| put_number(bits, &Term::from(u32::from(c)), types))
}

fn put_number(bits: &mut Bits, number: &Term, types: Types) -> Option<()> {
    match types {
        Types::Integer {
            bits: count,
            endian,
        } => {
            bits.push_integer(&integer(number)?, count, endian);
            Some(())
        }
        Types::Float {
            bits: count,
            endian,
        } => bits.push_float(float(number)?, count, endian),
        Types::Utf { width, endian } => {
            let code = u32::try_from(number.as_i64()?).ok()?;
            bits.push_character(char::from_u32(code)?, width, endian);
            Some(())
        }
        Types::Bytes { .. } => None,
    }
}

fn integer(number: &Term) -> Option<BigInt> {
    match number {
        Term::Integer(value) => Some(BigInt::from(*value)),
        Term::BigInteger(value) => Some(value.value().clone()),
        _ => None,
    }
}

fn float(number: &Term) -> Option<Float> {
    match number {
        Term::Float(value) => Some(*value),
        other => {
            let digits = integer(other)?.to_string();
            digits.parse().ok().and_then(Float::new)
        }
    }
}

impl Types {
    /// Describes the values that these types accept.
    fn expected(self) -> String {
        match self {
            Types::Integer { .. } => "an integer or a string".into(),
            Types::Float { .. } => "a number".into(),
            Types::Utf { .. } => "the number of a character of Unicode, or a string".into(),
            Types::Bytes { .. } => "a binary that holds as much as the size says".into(),
        }
    }
}
