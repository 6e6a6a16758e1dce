//! The code server: loads libraries, and keeps the *current* and the *old* of every module (`code(3)`).
//!
//! ```text
//!   file ─► verify ─────────────────────► load ───────────────────► server
//!           checksum, form (elf),         sealed copy, dlopen,      library: LibraryId
//!           manifest, import lint         table, modules            module: current, old
//!           nothing of it has run yet     it is mapped for ever     epoch: something became current
//! ```
//!
//! | room | what lives there |
//! |---|---|
//! | [`CodeServer`] | which libraries there are and which version of a module is current |
//! | [`Change`] | one step of an exchange of code; several of them happen at once |
//! | [`inspect`] | what a library says of itself, without loading it |
//! | [`linking`] | how cargo links a library |
//! | [`LoadError`] | at which step a library was refused, and what would be right |
//!
//! A library is never unloaded: Rust code that has run on a thread cannot be taken from under it. Purged
//! code is code that nobody can reach by name any more; its mapping stays and is shown by
//! [`CodeServer::libraries`]. How many libraries that may be is bounded.
//!
//! What does not live here: processes and what becomes of those that run old code (`server/otp`), which
//! module is exchanged when (`server/release`), the table itself (`server/abi`).

pub mod linking;

mod library;
mod server;
mod versions;

mod checksum;
mod elf;
mod error;
mod loader;
mod manifest;
mod sealed;
mod verify;

pub use checksum::{Checksum, ParseChecksumError};
pub use error::{ChangeError, FailedStep, LoadError};
pub use library::{Library, LibraryId, LoadedModule, Origin};
pub use manifest::{Callee, Declared, Manifest, ManifestError, ModuleEntry};
pub use server::{CodeServer, LIBRARIES_MAX, Preview};
pub use verify::{LIBRARY_BYTES_MAX, Wanted, inspect, manifest_of};
pub use versions::{Change, Version};

/// How often one process of the operating system loads a library, refused ones included.
/// A library that takes a thread-specific key never gives it back, and glibc has 1 024 of them
/// (`PTHREAD_KEYS_MAX`); the 1 023rd load of such libraries was the last that worked. The lint refuses
/// what is known to take one; this is the bound for what it does not know.
pub const LOADS_MAX: u32 = 1_000;
