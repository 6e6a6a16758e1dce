//! Packages: a release as one file, `Name-Vsn.tar.gz` (`systools:make_tar/2`).
//!
//! ```text
//!   releases/Name.rel                     the description of the release
//!   releases/Vsn/{Name.rel, relup, sys.config}
//!   lib/App-Vsn/…                         the files in the application's SHA256SUMS, and that file; also of the versions in
//!                                         between through which the relup sends states
//!   SHA256SUMS, SHA256SUMS.minisig        the checksums of all other files of the package, and their signature
//! ```
//!
//! Applications that are part of the node have no files. A package contains no scripts and no node; only the next build reads
//! its appups. [`make_tar`] writes a package, byte for byte the same from the same tree; `read` unpacks one by a list of
//! permitted contents, and `check` compares the contents with the `.rel` file. Checksums find damage, but do not tell the
//! author; the signature does ([`Author`]). `registry` moves the files to their places.

use std::io;
use std::path::{Path, PathBuf};

use pq_files::Refused;
use pq_signing::{Keys, SIGNATURE_NAME, SigningError};
use pq_term::Term;

use crate::boot::{BootError, Runtime};
use crate::checksums::{self, Checksums};
use crate::file_error::{FileError, in_words, path_term, posix};
use crate::layout;
use crate::owner::OtherOwner;
use crate::rel::Rel;
use crate::terms::tagged;
use pq_files::durable::{self, WriteError};

mod bounds;
mod check;
mod contents;
mod facts;
mod make;
mod path;
mod read;
mod refusal;
mod sign;
mod trust;

pub(crate) use check::rel_term;
pub use contents::Contents;
pub use facts::{Application, Change, Differences, Facts, PackedFile, PackedModule, Statements};
pub use make::make_tar;
pub use refusal::Refusal;
pub use sign::sign;
pub(crate) use trust::Trust;
pub use trust::{Age, Author};

use bounds::Bounds;
use read::{Sink, Whole};

/// A package that cannot be made or is not accepted. Displays as a fragment that continues "failed to …".
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// The package cannot be opened.
    #[error("open package {}: {}", .file.display(), in_words(*.kind))]
    Open {
        /// The path of the package.
        file: PathBuf,
        /// The error of the operating system.
        kind: io::ErrorKind,
    },
    /// The path of the package is not a plain file.
    #[error("open package {}: {refused}", .file.display())]
    NoFile {
        /// The path of the package.
        file: PathBuf,
        /// The kind of file at the path.
        refused: Refused,
    },
    /// The package has forbidden or missing contents.
    #[error("accept package {}: {refusal}", .file.display())]
    Refused {
        /// The path of the package.
        file: PathBuf,
        /// The reason for the refusal.
        refusal: Refusal,
    },
    /// A file of the package is malformed, or its applications do not fit together.
    #[error("accept package {}: {sentence}", .file.display())]
    Content {
        /// The path of the package.
        file: PathBuf,
        /// File, line, the fault and the correct form.
        sentence: String,
        /// The same error as OTP's term.
        term: Term,
    },
    /// The release cannot boot, so it is not packed.
    #[error(transparent)]
    Boot(#[from] BootError),
    /// A version in between, through which the relup sends states, is missing or damaged.
    #[error(
        "add {lib} to the package: {error}; the relup sends states through it, and `pq build` of the release builds it into the tree"
    )]
    Converter {
        /// The application and version.
        lib: String,
        /// The reason, which names the faulty file.
        error: BootError,
    },
    /// A file cannot be added to the package.
    #[error("add {name} to the package: {source}")]
    Add {
        /// The path of the file within the package.
        name: String,
        /// The error about the file.
        source: FileError,
    },
    /// A file of an application differs from its checksum.
    #[error("add {} to the package: its checksum is not the one in {}; build the application again", .file.display(), checksums::FILE_NAME)]
    Changed {
        /// The path of the file.
        file: PathBuf,
    },
    /// A library belongs to another application or version.
    #[error("add {} to the package: {owner}", .file.display())]
    OtherOwner {
        /// The path of the library.
        file: PathBuf,
        /// The application and version that the library belongs to.
        owner: OtherOwner,
    },
    /// A package with this file would not be accepted.
    #[error("add `{name}` to the package: {refusal}")]
    Unacceptable {
        /// The path of the file within the package.
        name: String,
        /// The reason for the refusal.
        refusal: Refusal,
    },
    /// The package cannot be signed.
    #[error(transparent)]
    Sign(#[from] SigningError),
    /// The operating system failed to write.
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl PackageError {
    /// The error as OTP's term (`release_handler(3)`, `systools(3)`): `{no_such_file,F}`, `{cannot_extract_file,F,Reason}`,
    /// `{tar_error,{add,F,[invalid_format]}}` …
    pub fn to_term(&self) -> Term {
        match self {
            PackageError::Open { file, kind } => no_file(file, *kind),
            PackageError::NoFile { file, refused } => {
                FileError::read(file, &refused.clone().into()).to_term()
            }
            PackageError::OtherOwner { file, .. } => {
                not_added(&file.to_string_lossy(), "wrong_vsn")
            }
            PackageError::Refused { file, refusal } => refusal.to_term(file),
            PackageError::Content { term, .. } => term.clone(),
            PackageError::Boot(error) | PackageError::Converter { error, .. } => error.to_term(),
            PackageError::Add { name, .. } => not_added(name, "invalid_format"),
            PackageError::Changed { file } => not_added(&file.to_string_lossy(), "bad_checksum"),
            PackageError::Unacceptable { name, refusal } => not_added(name, refusal.word()),
            PackageError::Sign(error) => tagged("bad_key", Term::string(error.to_string())),
            PackageError::Write(error) => posix_term(&error.path, error.source.kind()),
        }
    }
}

/// `{no_such_file,F}`, or OTP's term for another error of the operating system.
pub(crate) fn no_file(file: &Path, kind: io::ErrorKind) -> Term {
    match kind {
        io::ErrorKind::NotFound => tagged("no_such_file", path_term(file)),
        kind => posix_term(file, kind),
    }
}

/// The term `{Posix,File}` of an error of the operating system.
pub(crate) fn posix_term(file: &Path, kind: io::ErrorKind) -> Term {
    tagged(posix(kind), path_term(file))
}

fn not_added(name: &str, reason: &'static str) -> Term {
    let reasons = Term::list([Term::atom(reason)]);
    let add = Term::tuple([Term::atom("add"), Term::string(name), reasons]);
    tagged("tar_error", add)
}

/// A package that was unpacked in the work directory.
pub(crate) struct Staged {
    pub(crate) rel: Rel,
    pub(crate) author: Author,
    /// The checksum of the package's `SHA256SUMS`, which tells it from other packages.
    pub(crate) sum: String,
}

/// Examines a package as unpacking does, in a new directory that is removed afterwards. Keys, if there are some, judge its signature.
///
/// # Errors
/// With the first reason to refuse the package; when the operating system fails.
pub fn verify(
    file: &Path,
    work: &Path,
    runtime: &Runtime,
    keys: Keys,
) -> Result<(Rel, Author), PackageError> {
    let examined = unpack(file, work, runtime, &Trust::of_keys(keys));
    durable::remove(work)?;
    examined.map(|staged| (staged.rel, staged.author))
}

/// Unpacks a package below `into` and checks all of it. Afterwards `into` is a synced tree of only that release, with the
/// checksums of its directory and, if the package is signed, with its signature. After an error, a part of it may remain.
pub(crate) fn unpack(
    file: &Path,
    into: &Path,
    runtime: &Runtime,
    trust: &Trust,
) -> Result<Staged, PackageError> {
    let Whole {
        files,
        author,
        head,
    } = read::read(file, Sink::Folder(into), &Bounds::OF_A_PACKAGE, trust)?;
    let rel = check::check(&files, into, runtime).map_err(|fault| fault.of(file, into))?;
    is_as_signed(&rel, &author).map_err(|refusal| PackageError::Refused {
        file: file.to_path_buf(),
        refusal,
    })?;
    durable::remove(&into.join(path::packed_rel(&rel.name)))?;
    let signed = into.join(layout::signed_name(&rel.vsn));
    let sums = head.sums.unwrap_or_default();
    for (name, bytes) in [
        (checksums::FILE_NAME, sums.as_slice()),
        (
            SIGNATURE_NAME,
            head.signature.as_deref().unwrap_or_default().as_bytes(),
        ),
    ] {
        durable::remove(&into.join(name))?;
        if head.signature.is_some() {
            durable::write(&signed.join(name), bytes)?;
        }
    }
    write_sums(&files, into, &rel.vsn)?;
    durable::sync_folders(into)?;
    let sum = checksums::sha256(&sums);
    Ok(Staged { rel, author, sum })
}

/// Compares the release with the statement of the signature.
fn is_as_signed(rel: &Rel, author: &Author) -> Result<(), Refusal> {
    match author {
        Author::Proven(signed) => Ok(signed.is_for(&rel.name, &rel.vsn)?),
        _ => Ok(()),
    }
}

/// Writes the checksums of the release's directory.
fn write_sums(files: &read::Files, into: &Path, vsn: &str) -> Result<(), WriteError> {
    let folder = format!("{}/", layout::release_name(vsn));
    let own = format!("{folder}{}", checksums::FILE_NAME);
    let of_release = |(path, sum): (&String, &String)| {
        let name = path.strip_prefix(&folder)?;
        (*path != own).then(|| (name.to_string(), sum.clone()))
    };
    let sums = Checksums(files.iter().filter_map(of_release).collect());
    durable::write(&into.join(own), sums.to_text().as_bytes())
}
