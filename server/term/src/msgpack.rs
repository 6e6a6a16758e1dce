//! Terms to bytes and back, as MessagePack.
//!
//! | term | exact ([`to_msgpack`]) | plain ([`to_plain_msgpack`]) |
//! |---|---|---|
//! | pid | ext 1: 8 bytes, big-endian | the same |
//! | atom | ext 2: its text | str; `true`, `false` as bool, `undefined` as nil |
//! | tuple | ext 3: an array | array |
//! | integer | the shortest integer; beyond 64 bits ext 4: two's complement, big-endian | the same |
//! | string | str; as a map's key that looks like an atom, ext 5: its text | str |
//! | binary, list, map, float | bin, array, map, float 64 | the same |
//!
//! Ext 6 is the number of a timer: 8 bytes, big-endian. A term reads it as an integer; its own type lets
//! [`replace_references`] find it in the state of a process.
//!
//! [`from_msgpack`] reads the exact form back as the same term. It reads the output of `rmp_serde::to_vec_named` for
//! plain Rust types as the nearest term: field names become atoms (each str key that is an atom without quotes),
//! booleans atoms, nil `undefined`. The serde implementations of [`Term`](crate::Term), [`Atom`](crate::Atom) and
//! [`Pid`](crate::Pid) (module `serde`) write and read the exact form, so these types can be fields of a Rust struct.
//!
//! Atoms in these bytes enter the table and stay there: the bytes come from the node's own libraries and releases,
//! never from a socket. A full table is an error ([`AtomError`](crate::AtomError)), not a crash.

/// The atom `ok` in its exact form: the usual answer of a function without a result.
pub const OK: [u8; 4] = *b"\xd5\x02ok";

mod decode;
mod encode;
mod exact;
mod references;
mod short;

pub use decode::{DecodeError, from_msgpack};
pub use encode::{list_to_msgpack, to_msgpack, to_plain_msgpack};
pub use exact::{exact_len, exact_pair, exact_pid, exact_text};
pub use references::{Reference, replace_references};
pub use short::{pid_to_msgpack, with_list};

pub(crate) use decode::{Depth, ext_term, key_of};
pub(crate) use encode::{is_like_a_field, tuple_payload};

/// Types of the extensions. MessagePack reserves the negative ones. A type never changes its meaning, because the same
/// table reads states and messages of older versions.
pub(crate) mod ext {
    pub(crate) const PID: i8 = 1;
    pub(crate) const ATOM: i8 = 2;
    pub(crate) const TUPLE: i8 = 3;
    pub(crate) const INTEGER: i8 = 4;
    pub(crate) const STRING: i8 = 5;
    pub(crate) const TIMER: i8 = 6;
}

/// MessagePack's markers for short values. The first two include the number of elements or bytes; the others stand
/// before the length and type of an extension, or before its type alone.
mod marker {
    pub(super) const FIX_ARRAY: u8 = 0x90;
    pub(super) const FIX_STR: u8 = 0xa0;
    pub(super) const EXT_8: u8 = 0xc7;
    pub(super) const STR_8: u8 = 0xd9;
    pub(super) const FIX_EXT_1: u8 = 0xd4;
    pub(super) const FIX_EXT_8: u8 = 0xd7;
    pub(super) const FIX_EXT_16: u8 = 0xd8;
}

#[cfg(test)]
mod tests;
