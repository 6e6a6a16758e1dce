//! Terms to bytes. Writing to memory cannot fail.

use rmp::encode;

use super::{ext, marker};
use crate::print::{is_reserved, needs_quotes};
use crate::{ATOM_CHARS_MAX, Atom, BigInteger, Map, Term};

/// `rmp` returns errors only for writers that can be full; memory never is.
const MEMORY: &str = "memory takes all bytes";
const LENGTH: &str = "one term takes less than 4 GiB";

/// Bytes for a message of usual size, so the buffer grows at most once.
const FIRST_CAPACITY: usize = 64;

/// The head of nearly every tuple: marker, one byte of length, type. The length is filled in when it is known.
const TUPLE_HEAD: [u8; 3] = [marker::EXT_8, 0, ext::TUPLE as u8];

#[derive(Clone, Copy)]
enum Form {
    Exact,
    Plain,
}

/// Converts a term to bytes that [`from_msgpack`](super::from_msgpack) reads back as the same term.
pub fn to_msgpack(term: &Term) -> Vec<u8> {
    let mut out = Vec::with_capacity(FIRST_CAPACITY);
    write(&mut out, term, Form::Exact);
    out
}

/// Converts a list of these terms to its exact bytes.
pub fn list_to_msgpack(items: &[Term]) -> Vec<u8> {
    let mut out = Vec::with_capacity(FIRST_CAPACITY);
    write_array(&mut out, items, Form::Exact);
    out
}

/// Converts a term to bytes for a typed Rust function that reads them with `rmp_serde`: atoms as text, tuples as
/// arrays. Different terms may have the same bytes.
pub fn to_plain_msgpack(term: &Term) -> Vec<u8> {
    let mut out = Vec::with_capacity(FIRST_CAPACITY);
    write(&mut out, term, Form::Plain);
    out
}

/// The payload of a tuple's extension: its elements in exact form, as an array.
pub(crate) fn tuple_payload(items: &[Term]) -> Vec<u8> {
    let mut out = Vec::with_capacity(FIRST_CAPACITY);
    write_array(&mut out, items, Form::Exact);
    out
}

/// Whether a str key of a map counts as the name of a field: an ASCII atom without quotes. A reserved word is a valid
/// name of a field (`end`).
pub(crate) fn is_like_a_field(text: &str) -> bool {
    text.len() <= ATOM_CHARS_MAX && text.is_ascii() && (!needs_quotes(text) || is_reserved(text))
}

/// Writes a term: one arm for each kind.
fn write(out: &mut Vec<u8>, term: &Term, form: Form) {
    match (term, form) {
        (Term::Atom(atom), Form::Exact) => write_ext(out, ext::ATOM, atom.as_str().as_bytes()),
        (Term::Atom(atom), Form::Plain) => write_plain_atom(out, *atom),
        (Term::Tuple(items), Form::Exact) => write_tuple(out, items),
        (Term::Tuple(items), Form::Plain) => write_array(out, items, form),
        (Term::List(items), _) => write_array(out, items, form),
        (Term::Map(map), _) => write_map(out, map, form),
        (Term::Integer(value), _) => encode::write_sint(out, *value).map(drop).expect(MEMORY),
        (Term::BigInteger(value), _) => write_big(out, value),
        (Term::Float(value), _) => encode::write_f64(out, value.value()).expect(MEMORY),
        (Term::String(text), _) => encode::write_str(out, text).expect(MEMORY),
        (Term::Binary(bytes), _) => encode::write_bin(out, bytes).expect(MEMORY),
        (Term::Pid(pid), _) => write_ext(out, ext::PID, &pid.as_raw().to_be_bytes()),
    }
}

fn write_plain_atom(out: &mut Vec<u8>, atom: Atom) {
    match atom.as_str() {
        "true" => encode::write_bool(out, true).expect(MEMORY),
        "false" => encode::write_bool(out, false).expect(MEMORY),
        "undefined" => encode::write_nil(out).expect(MEMORY),
        text => encode::write_str(out, text).expect(MEMORY),
    }
}

/// Writes the elements behind the usual head, and replaces the head when the length needs a different one.
fn write_tuple(out: &mut Vec<u8>, items: &[Term]) {
    let start = out.len();
    out.extend_from_slice(&TUPLE_HEAD);
    write_array(out, items, Form::Exact);
    match out.len() - start - TUPLE_HEAD.len() {
        length @ (1 | 2 | 4 | 8 | 16 | 256..) => change_head(out, start, length),
        length => out[start + 1] = length as u8,
    }
}

/// Replaces the head: several lengths have a head without a length byte, and large lengths need more bytes.
fn change_head(out: &mut Vec<u8>, start: usize, length: usize) {
    let mut head = Vec::new();
    write_ext_head(&mut head, length, ext::TUPLE);
    out.splice(start..start + TUPLE_HEAD.len(), head);
}

fn write_array(out: &mut Vec<u8>, items: &[Term], form: Form) {
    match u32::try_from(items.len()).expect(LENGTH) {
        // Nearly all atoms are this short, and this line takes a tenth of the time of `rmp`.
        length @ ..16 => out.push(marker::FIX_ARRAY | length as u8),
        length => drop(encode::write_array_len(out, length).expect(MEMORY)),
    }
    for item in items {
        write(out, item, form);
    }
}

fn write_map(out: &mut Vec<u8>, map: &Map, form: Form) {
    let length = u32::try_from(map.len()).expect(LENGTH);
    encode::write_map_len(out, length).expect(MEMORY);
    for (key, value) in map.pairs() {
        write_key(out, key, form);
        write(out, value, form);
    }
}

fn write_key(out: &mut Vec<u8>, key: &Term, form: Form) {
    match (key, form) {
        (Term::String(text), Form::Exact) if is_like_a_field(text) => {
            write_ext(out, ext::STRING, text.as_bytes());
        }
        _ => write(out, key, form),
    }
}

fn write_big(out: &mut Vec<u8>, big: &BigInteger) {
    match u64::try_from(big.value()) {
        Ok(value) => encode::write_uint(out, value).map(drop).expect(MEMORY),
        Err(_) => write_ext(out, ext::INTEGER, &big.value().to_signed_bytes_be()),
    }
}

fn write_ext(out: &mut Vec<u8>, kind: i8, payload: &[u8]) {
    write_ext_head(out, payload.len(), kind);
    out.extend_from_slice(payload);
}

/// Writes the short heads, which all atoms and pids and most tuples have, at once: `rmp` reserves memory and checks for
/// an error at each byte.
fn write_ext_head(out: &mut Vec<u8>, length: usize, kind: i8) {
    let length = u32::try_from(length).expect(LENGTH);
    match length {
        1 | 2 | 4 | 8 | 16 => out.extend([marker::FIX_EXT_1 + length.ilog2() as u8, kind as u8]),
        ..256 => out.extend([marker::EXT_8, length as u8, kind as u8]),
        _ => drop(encode::write_ext_meta(out, length, kind).expect(MEMORY)),
    }
}
