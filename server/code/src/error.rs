//! Errors of loading a library and of exchanging code. Their texts continue "failed to …".

use std::io;

use thiserror::Error;

use crate::checksum::Checksum;
use crate::library::{LibraryId, Origin};
use crate::manifest::ManifestError;

/// A library was refused. The server is unchanged.
#[derive(Debug, Error)]
#[error("load library `{origin}`: {step}")]
pub struct LoadError {
    /// The file of the library, or the program into which it is linked.
    pub origin: Origin,
    /// The step that failed, and the reason.
    pub step: FailedStep,
}

/// The step at which a library was refused. The steps are listed in the order of their execution; up to and including
/// [`FailedStep::Seal`] no code of the library has run.
#[derive(Debug, Error)]
pub enum FailedStep {
    /// The file cannot be read.
    #[error("the file cannot be read: {0}")]
    Read(#[source] io::Error),
    /// The path leads to a directory, a pipe or another kind of file.
    #[error("it is not a regular file, as a library has to be")]
    NotAFile,
    /// The file is larger than [`LIBRARY_BYTES_MAX`](crate::LIBRARY_BYTES_MAX).
    #[error("it has more than {max_bytes} bytes, which no library needs")]
    TooLarge {
        /// The limit in bytes.
        max_bytes: u64,
    },
    /// The bytes of the file are not those that the release lists.
    #[error("its SHA-256 is {found}, and {expected} is wanted: transfer it again")]
    Checksum {
        /// The checksum of the file.
        found: Checksum,
        /// The checksum that the release lists.
        expected: Checksum,
    },
    /// The file is not a shared library for this machine; the reason.
    #[error("it is no shared library for this machine: {0}")]
    Form(String),
    /// The file is a shared library without a manifest, so not made with the SDK.
    #[error(
        "it has no section `{}`: a library is made with `pq_sdk::library!` and linked with `--cfg pq_library`",
        pq_abi::MANIFEST_SECTION
    )]
    NoManifest,
    /// The manifest is not a valid one.
    #[error("its manifest cannot be read: {0}")]
    Manifest(#[from] ManifestError),
    /// The library belongs to another application or version than its place in the release.
    #[error(
        "it is the library of {found}, and that of {wanted} belongs there: build the release again"
    )]
    Owner {
        /// The application and version in the manifest.
        found: String,
        /// The expected application and version.
        wanted: String,
    },
    /// The library was compiled for another version of the table between node and library.
    #[error(
        "its manifest has ABI stamp {found:#x}, this node has {:#x}: build it with this node's SDK",
        pq_abi::ABI_STAMP
    )]
    Abi {
        /// The ABI stamp of the library.
        found: u64,
    },
    /// The library imports a function that would harm the node.
    #[error("it imports `{symbol}`: {advice}")]
    Import {
        /// The name of the imported function.
        symbol: String,
        /// The usual cause of this import, and the alternative.
        advice: &'static str,
    },
    /// The library needs a shared library other than those allowed; its name.
    #[error(
        "it needs `{0}`, and a library may need only the C library, its loader and libgcc_s: link the rest into it"
    )]
    Needs(String),
    /// The library is linked in a way that is not allowed.
    #[error("it has {found}: {advice}")]
    Linked {
        /// The property that is not allowed.
        found: &'static str,
        /// The way to link it correctly.
        advice: &'static str,
    },
    /// The library does not export its table.
    #[error(
        "it exports no `{}`, the address of its table: make it with `pq_sdk::library!`",
        pq_abi::LIBRARY_SYMBOL
    )]
    NoTable,
    /// A limit on loaded libraries or on loads is reached.
    #[error(
        "the limit of {max} {what} is reached: purged code stays in memory, so restart the node with its release"
    )]
    Budget {
        /// The kind of things that the limit counts.
        what: &'static str,
        /// The largest allowed number.
        max: u32,
    },
    /// The system cannot make a sealed copy in memory.
    #[error("no sealed copy of it can be made in memory: {0}")]
    Seal(#[source] io::Error),
    /// The dynamic linker refused the library; its message.
    #[error("the dynamic linker refused it: {0}")]
    Open(String),
    /// The table contradicts itself or the node; the contradiction.
    #[error("its table is not valid: {0}")]
    Table(String),
    /// The library has other modules than its manifest lists.
    #[error("its manifest lists {listed} where its table has {held}: build it again")]
    Modules {
        /// The first entry of the manifest that differs from the table.
        listed: String,
        /// The entry at the same place of the table.
        held: String,
    },
}

/// An exchange of code was refused, and none of its changes was made.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum ChangeError {
    /// The server has no library with this number.
    #[error("change code: there is no library {0}")]
    NoLibrary(LibraryId),
    /// The library has no module with this name.
    #[error("change code: library {library} has no module `{module}`; it has {held}")]
    NoModule {
        /// The number of the requested library.
        library: LibraryId,
        /// The name of the requested module.
        module: String,
        /// The modules that the library has, as text.
        held: String,
    },
}
