//! The table between a node and its libraries: what both sides agree on, byte for byte.
//!
//! ```text
//!   node (pq)                                     library (.so)
//!   ─────────                                     ─────────────
//!   Module, State   ── ModuleTable (repr C) ──►   shim (catch_unwind) ──► Callbacks
//!   Host            ◄── Op (repr C) ───────────   HostRef
//! ```
//!
//! Lives here: the `repr(C)` tables ([`raw`]), the library's half of the boundary ([`plugin`]), the node's
//! half ([`host`]), the words both use ([`kind`], [`op`], [`reason`]), the accounting allocator ([`memory`]) and what a
//! node says when a library ends it ([`crash`]).
//! Does not live here: what a gen_server is (`server/otp`), how a library is found and loaded
//! (`server/code`), the traits an author writes against (`game-plugins/sdk`).
//!
//! This crate is one of the two rooms where `unsafe` may stand. No safe way exists to call code that was
//! linked by somebody else at another time: the tables are claims that the compiler cannot check. Every
//! claim is made in one place, by a macro or a generic function of this crate, on both sides.
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
pub use kind::{Callback, Direction, Entry, Kind, Way};
pub use op::{Level, Op, OpCode};
pub use plugin::{Callbacks, HostRef};
pub use reason::Reason;

/// The version of the boundary. A library that carries another stamp is refused before it is loaded.
///
/// It changes when something that is there changes or goes: a field of a `repr(C)` type of [`raw`], a number of [`op`] or
/// [`kind`], the codec. An addition changes no stamp and locks no library out: an entry at the end of a table ([`raw`]), an
/// operation or a callback with the next number. A library that was built before has no such entry and asks for no such
/// operation; a node that was built before passes over the entry, answers 0 to the operation, and never runs the callback,
/// because a callback is added with an operation that asks for it.
pub const ABI_STAMP: u64 = 0x7071_0002;

/// The section of the library that holds its manifest: one Erlang term, readable without loading.
pub const MANIFEST_SECTION: &str = ".pq.manifest";

/// The symbol under which a library exports its [`raw::LibraryTable`].
pub const LIBRARY_SYMBOL: &str = "PQ_LIBRARY";

/// A name that came over the boundary, from either side. One that is not UTF-8 names nothing, and is shown as far as
/// it can be.
pub fn text(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => String::from_utf8_lossy(bytes),
    }
}
