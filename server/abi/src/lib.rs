//! The boundary between a node and its libraries: the types and numbers that both sides share, byte for byte.
//!
//! ```text
//!   node (pq)                                     library (.so)
//!   ─────────                                     ─────────────
//!   Module, State   ── ModuleTable (repr C) ──►   shim (catch_unwind) ──► Callbacks
//!   Host            ◄── Op (repr C) ───────────   HostRef
//! ```
//!
//! In this crate: the `repr(C)` tables ([`raw`]), the library's half of the boundary ([`plugin`]), the node's half
//! ([`host`]), the terms of both ([`kind`], [`op`], [`reason`]), the accounting allocator ([`memory`]), and the last
//! words of a node that a library's fault ends ([`crash`]).
//! Elsewhere: the behaviour of a gen_server (`server/otp`), finding and loading libraries (`server/code`), the traits
//! that an author implements (`game-plugins/sdk`).
//!
//! This crate is one of the places where `unsafe` is allowed. No safe way exists to call code that was compiled and
//! linked at another time: the tables are claims that the compiler cannot check. Each claim is made in one place, by a
//! macro or a generic function of this crate, on both sides.
#![allow(unsafe_code)]

pub mod crash;
pub mod host;
pub mod kind;
pub mod memory;
pub mod op;
pub mod plugin;
pub mod raw;
pub mod reason;
pub mod spec;

pub use host::{Answer, Failure, Host, Module, Modules, State, Verdict};
pub use kind::{Callback, Direction, Entry, Kind, OldVsn};
pub use op::{Level, Op, OpCode};
pub use plugin::{Callbacks, HostRef};
pub use reason::Reason;

/// The version of the boundary. A library with another stamp is refused before it is loaded.
///
/// The stamp changes when an existing part changes or goes: a field of a `repr(C)` type of [`raw`], a number of [`op`]
/// or [`kind`], the codec. An addition changes no stamp and locks no library out: an entry at the end of a table
/// ([`raw`]), an operation or a callback with the next number. An older library has no such entry and asks for no such
/// operation. An older node passes over the entry, answers 0 to the operation, and never runs the callback, because a
/// callback is added together with an operation that asks for it.
pub const ABI_STAMP: u64 = 0x7071_0002;

/// The section of the library that holds its manifest: one Erlang term, readable without loading.
pub const MANIFEST_SECTION: &str = ".pq.manifest";

/// The symbol under which a library exports its [`raw::LibraryTable`].
pub const LIBRARY_SYMBOL: &str = "PQ_LIBRARY";

/// A name that came over the boundary, from either side. Bytes that are not UTF-8 name nothing, and are shown with
/// replacement characters.
pub fn text(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => String::from_utf8_lossy(bytes),
    }
}
