//! The code server: loads libraries, and keeps the *current* and the *old* of every module (`code(3)`).
//!
//! ```text
//!   file ─► verify ─────────────────────► load ───────────────────► server
//!           checksum, form (elf),         sealed copy, dlopen,      library: LibraryId
//!           manifest, import lint         table, modules            module: current, old
//!           nothing of it has run yet     it is mapped forever      epoch: something became current
//! ```
//!
//! | item | purpose |
//! |---|---|
//! | [`CodeServer`] | the loaded libraries, and the current version of each module |
//! | [`Change`] | one step of an exchange of code; several of them take effect at once |
//! | [`inspect`] | reads the manifest of a library without loading it |
//! | [`linking`] | how cargo links a library |
//! | [`LoadError`] | the step at which a library was refused, and the remedy |
//!
//! A library is never unloaded, because Rust code that has run on a thread cannot be removed safely. Purged code is
//! code that no caller can reach by name any more; its mapping stays, and [`CodeServer::libraries`] lists it. The
//! number of libraries has a limit.
//!
//! Processes, and the treatment of those that run old code, are in `server/otp`; the order in which modules are
//! exchanged is in `server/release`, and the table itself in `server/abi`.

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
pub use manifest::{Callee, Declared, Loss, Manifest, ManifestError, ModuleEntry};
pub use server::{CodeServer, LIBRARIES_MAX, Preview};
pub use verify::{LIBRARY_BYTES_MAX, Wanted, inspect, manifest_of};
pub use versions::{Change, Version};

/// The limit on loads of libraries in one process of the operating system, refused loads included. A library that takes
/// a thread-specific key never returns it, and glibc has 1 024 keys (`PTHREAD_KEYS_MAX`); the 1 023rd load of such
/// libraries was the last that worked. The lint refuses the known ways to take a key; this limit covers the unknown
/// ones.
pub const LOADS_MAX: u32 = 1_000;
