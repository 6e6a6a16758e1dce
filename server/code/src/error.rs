//! Why a library was refused, why an exchange of code was. Texts continue "failed to …".

use std::io;

use thiserror::Error;

use crate::checksum::Checksum;
use crate::library::{LibraryId, Origin};
use crate::manifest::ManifestError;

/// A library was refused, and the server is as it was.
#[derive(Debug, Error)]
#[error("load library `{origin}`: {step}")]
pub struct LoadError {
    /// Which library.
    pub origin: Origin,
    /// At which step, and why.
    pub step: FailedStep,
}

/// At which step a library was refused. The steps stand in their order; up to [`FailedStep::Seal`] nothing
/// of the library has run.
#[derive(Debug, Error)]
pub enum FailedStep {
    /// The file cannot be read.
    #[error("the file cannot be read: {0}")]
    Read(#[source] io::Error),
    /// A folder, a pipe or the like.
    #[error("it is not a regular file; a library is one")]
    NotAFile,
    /// Larger than any library is.
    #[error("it has more than {max_bytes} bytes, which no library needs")]
    TooLarge {
        /// The most there may be.
        max_bytes: u64,
    },
    /// Not the bytes that were meant.
    #[error("its SHA-256 is {found}, and {expected} is wanted: transfer it again")]
    Checksum {
        /// Of the file.
        found: Checksum,
        /// Of the library that was meant.
        expected: Checksum,
    },
    /// Not a shared library of this machine.
    #[error("it is no shared library for this machine: {0}")]
    Form(String),
    /// A shared library, but not one of ours.
    #[error(
        "it has no section `{}`: a library is made with `pq_sdk::library!` and linked with `--cfg pq_library`",
        pq_abi::MANIFEST_SECTION
    )]
    NoManifest,
    /// The manifest cannot be understood.
    #[error("its manifest cannot be read: {0}")]
    Manifest(#[from] ManifestError),
    /// The library of something else, under this name.
    #[error(
        "it is the library of {found}, and that of {wanted} belongs there: build the release again"
    )]
    Owner {
        /// The application and version in its manifest.
        found: String,
        /// Those that were meant.
        wanted: String,
    },
    /// Compiled for another version of the boundary.
    #[error(
        "its manifest has ABI stamp {found:#x}, this node has {:#x}: build it with this node's SDK",
        pq_abi::ABI_STAMP
    )]
    Abi {
        /// The stamp of the library.
        found: u64,
    },
    /// It imports what would harm the node.
    #[error("it imports `{symbol}`: {advice}")]
    Import {
        /// The symbol.
        symbol: String,
        /// Who imports such a thing, and what to use instead.
        advice: &'static str,
    },
    /// It wants libraries besides the C library.
    #[error(
        "it needs `{0}`, and a library may need only the C library, its loader and libgcc_s: link the rest into it"
    )]
    Needs(String),
    /// It is linked in a way that is not allowed.
    #[error("it has {found}: {advice}")]
    Linked {
        /// What was found.
        found: &'static str,
        /// What would be right.
        advice: &'static str,
    },
    /// It exports no table.
    #[error(
        "it exports no `{}`, the address of its table: make it with `pq_sdk::library!`",
        pq_abi::LIBRARY_SYMBOL
    )]
    NoTable,
    /// Too many libraries.
    #[error(
        "{max} {what} are the most: purged code stays in memory, so start the node anew with its release"
    )]
    Budget {
        /// What is counted.
        what: &'static str,
        /// The most there may be.
        max: u32,
    },
    /// No sealed copy can be made.
    #[error("no sealed copy of it can be made in memory: {0}")]
    Seal(#[source] io::Error),
    /// The dynamic linker refused it.
    #[error("the dynamic linker refused it: {0}")]
    Open(String),
    /// The table is not what the manifest lets expect.
    #[error("its table cannot be believed: {0}")]
    Table(String),
    /// Other modules than the manifest lists.
    #[error("its manifest lists {listed} where its table has {held}: build it again")]
    Modules {
        /// The first entry of the manifest that is not as in the table.
        listed: String,
        /// The entry of the table in the same place.
        held: String,
    },
}

/// An exchange of code was refused, and nothing of it has happened.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum ChangeError {
    /// There is no such library.
    #[error("change code: there is no library {0}")]
    NoLibrary(LibraryId),
    /// The library has no such module.
    #[error("change code: library {library} has no module `{module}`; it has {held}")]
    NoModule {
        /// The library.
        library: LibraryId,
        /// The module that was asked for.
        module: String,
        /// The names of those it has.
        held: String,
    },
}
