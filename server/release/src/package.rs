//! Packages: a release as one file, `Name-Vsn.tar.gz` (`systools:make_tar/2`).
//!
//! ```text
//!   releases/Name.rel                     what the package is
//!   releases/Vsn/{Name.rel, relup, sys.config}
//!   lib/App-Vsn/…                         the files that the application's SHA256SUMS names, and that file
//!   SHA256SUMS                            the checksum of every other file of the package
//! ```
//!
//! Applications that are part of the node have no files. A package holds no scripts and no node, and its appups only
//! for the next build. [`make_tar`] writes one, byte for byte the same from the same tree; `read` takes one apart by an
//! own list of what may be in it, and `check` compares that with what the `.rel` file says. Checksums find what was
//! damaged, not who made it. Where the files go from here is `registry`'s.

use std::io;
use std::path::{Path, PathBuf};

use pq_files::Refused;
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
mod make;
mod path;
mod read;
mod refusal;

pub(crate) use check::rel_term;
pub use make::make_tar;
pub use refusal::Refusal;

use bounds::Bounds;

/// A package that could not be made or is not accepted. Displays as a fragment that continues "failed to …".
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// The file cannot be opened.
    #[error("open package {}: {}", .file.display(), in_words(*.kind))]
    Open {
        /// The package.
        file: PathBuf,
        /// What the operating system said.
        kind: io::ErrorKind,
    },
    /// It is something else than a file.
    #[error("open package {}: {refused}", .file.display())]
    NoFile {
        /// The package.
        file: PathBuf,
        /// What it is.
        refused: Refused,
    },
    /// Something is in it that may not be, or something is missing.
    #[error("accept package {}: {refusal}", .file.display())]
    Refused {
        /// The package.
        file: PathBuf,
        /// Why.
        refusal: Refusal,
    },
    /// One of its files is not what its format says, or its applications do not fit together.
    #[error("accept package {}: {sentence}", .file.display())]
    Content {
        /// The package.
        file: PathBuf,
        /// File, line, what stands there and what would be right.
        sentence: String,
        /// The same in OTP's words.
        term: Term,
    },
    /// The release cannot boot, so no package is made of it.
    #[error(transparent)]
    Boot(#[from] BootError),
    /// A file cannot be added to the package.
    #[error("add {name} to the package: {source}")]
    Add {
        /// What it is called in the package.
        name: String,
        /// What is wrong with it.
        source: FileError,
    },
    /// A file of an application is not the one its checksum was written for.
    #[error("add {} to the package: its checksum is not the one in {}; build the application again", .file.display(), checksums::FILE_NAME)]
    Changed {
        /// The file.
        file: PathBuf,
    },
    /// A library is that of another application or version.
    #[error("add {} to the package: {owner}", .file.display())]
    OtherOwner {
        /// The library.
        file: PathBuf,
        /// Whose it is.
        owner: OtherOwner,
    },
    /// A package with this file would not be accepted.
    #[error("add `{name}` to the package: {refusal}")]
    Unacceptable {
        /// What it would be called in the package.
        name: String,
        /// Why.
        refusal: Refusal,
    },
    /// The operating system refused to write.
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl PackageError {
    /// The error in OTP's words (`release_handler(3)`, `systools(3)`): `{no_such_file,F}`,
    /// `{cannot_extract_file,F,Reason}`, `{tar_error,{add,F,[invalid_format]}}` …
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
            PackageError::Boot(error) => error.to_term(),
            PackageError::Add { name, .. } => not_added(name, "invalid_format"),
            PackageError::Changed { file } => not_added(&file.to_string_lossy(), "bad_checksum"),
            PackageError::Unacceptable { name, refusal } => not_added(name, refusal.word()),
            PackageError::Write(error) => posix_term(&error.path, error.source.kind()),
        }
    }
}

/// `{no_such_file,F}`, or the operating system's word for what else it was.
pub(crate) fn no_file(file: &Path, kind: io::ErrorKind) -> Term {
    match kind {
        io::ErrorKind::NotFound => tagged("no_such_file", path_term(file)),
        kind => posix_term(file, kind),
    }
}

/// `{Posix,File}`
pub(crate) fn posix_term(file: &Path, kind: io::ErrorKind) -> Term {
    tagged(posix(kind), path_term(file))
}

fn not_added(name: &str, reason: &'static str) -> Term {
    let reasons = Term::list([Term::atom(reason)]);
    let add = Term::tuple([Term::atom("add"), Term::string(name), reasons]);
    tagged("tar_error", add)
}

/// Takes a package apart below `into` and checks all of it; says which release it is. What is in `into` then is a tree
/// of that release alone, with the checksums of its folder, brought to the disk. After an error a part of it may be there.
pub(crate) fn unpack(file: &Path, into: &Path, runtime: &Runtime) -> Result<Rel, PackageError> {
    let files = read::read(file, into, &Bounds::OF_A_PACKAGE)?;
    let rel = check::check(&files, into, runtime).map_err(|fault| fault.of(file, into))?;
    for name in [
        checksums::FILE_NAME.to_string(),
        path::packed_rel(&rel.name),
    ] {
        durable::remove(&into.join(name))?;
    }
    let folder = format!("{}/", layout::release_name(&rel.vsn));
    let own = format!("{folder}{}", checksums::FILE_NAME);
    let of_release = |(path, sum): (&String, &String)| {
        let name = path.strip_prefix(&folder)?;
        (*path != own).then(|| (name.to_string(), sum.clone()))
    };
    let sums = Checksums(files.iter().filter_map(of_release).collect());
    durable::write(&into.join(own), sums.to_text().as_bytes())?;
    durable::sync_folders(into)?;
    Ok(rel)
}
