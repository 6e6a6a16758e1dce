//! Erlang-style terms: their values, their text, and their bytes as MessagePack.
//!
//! | items | purpose |
//! |---|---|
//! | [`Term`] | one value of any kind; clones are counted references |
//! | [`Atom`], [`atom!`] | names interned once per process of the operating system |
//! | [`Pid`] | one incarnation of a process, as a number |
//! | [`BigInteger`], [`Float`], [`Map`] | parts of a term that hold an invariant of their own |
//! | [`read_one`], [`read_all`], [`read_term`] … | text to terms, as `file:consult/1` reads `.app`, `.appup` and `.rel` |
//! | `Display`, [`pretty`], [`write_file_text`] | terms to text; what is printed reads back as the same term |
//! | [`msgpack`] | terms to bytes: exact between nodes and versions, plain for typed Rust |
//!
//! ```
//! use pq_term::{Term, read_one};
//!
//! let relup = read_one(r#"{"1.1.0", [{load_module, shop_goods}]}."#)?;
//! assert_eq!(relup.as_tuple().and_then(|parts| parts[0].as_str()), Some("1.1.0"));
//! assert_eq!(relup.to_string(), r#"{"1.1.0",[{load_module,shop_goods}]}"#);
//!
//! let name = Term::tuple([Term::atom("events"), Term::from("Bob")]);
//! assert_eq!(name.to_string(), r#"{events,"Bob"}"#);
//! # Ok::<(), pq_term::ReadError>(())
//! ```
//!
//! Differences from Erlang: a string is a kind of its own (`""` is not `[]`), lists are proper, a float is finite, and
//! two keys of a map or two terms are equal only when they match (`1` is not `1.0`, `0.0` is not `-0.0`). Funs, ports,
//! references and bit strings that are not whole bytes do not exist. An integer has at most 32 768 bits
//! ([`BigInteger::BITS_MAX`]), an atom at most 255 characters, and the sizes in the binaries of a text ask for at most
//! 1 MiB.
//!
//! Text and bytes from outside nest at most [`NESTING_MAX`] levels, so reading, printing, comparing, hashing and
//! dropping may recurse. A term that a program builds itself has no such limit.
//!
//! This crate does not know the meaning of any term. `server/release` has the formats (`.app`, `relup` …), `regis` the
//! registered names.

// The example of the README is a doctest.
#![cfg_attr(doctest, doc = include_str!("../README.md"))]

mod atom;
mod map;
mod number;
mod order;
mod pid;
mod pretty;
mod print;
mod read;
mod serde;
mod shown;
mod term;

pub mod msgpack;

pub use crate::serde::timer_number;
pub use atom::{ATOM_CHARS_MAX, ATOMS_MAX, Atom, AtomError, OUTSIDE_MAX};
pub use map::Map;
pub use number::{BigInteger, Float};
pub use pid::{ParsePidError, Pid};
pub use pretty::{pretty, write_file_text};
pub use read::{
    ReadError, checked_text, new_names, read_all, read_all_located, read_bytes, read_one,
    read_outside, read_term,
};
pub use shown::{is_shown, printable, printable_json, printable_lines, shorten};
pub use term::Term;

/// The largest number of levels that text and bytes from outside may nest. The deepest of about 700 `.app`, `.appup`,
/// `.rel` and `relup` texts nests 9 levels; 256 leaves room for the states of programs. Reading takes the most stack,
/// less than 3 KiB a level in unoptimised code: 1 MiB holds 256 levels, and the tests named `the_deepest_term_…` run
/// with that stack.
pub const NESTING_MAX: usize = 256;

#[cfg(test)]
mod properties;
