//! Reasons to refuse a package: a sentence and OTP's term for each.

use std::path::Path;

use pq_signing::SignatureError;
use pq_term::Term;

use crate::checksums;
use crate::file_error::path_term;
use crate::layout;
use crate::owner::OtherOwner;
use crate::terms::tagged;

/// The reason why a package is refused. Paths are relative to the package.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The file is not an archive, or the archive is incomplete.
    #[error("it cannot be read to its end ({0}); a tar archive packed with gzip would be right")]
    Garbled(String),
    /// A path leads out of the tree, or to a place without files of a release.
    #[error(
        "it holds `{0}`; only plain paths such as `releases/Vsn/relup` or `lib/App-Vsn/ebin/App.app` have a place in a release tree"
    )]
    Path(String),
    /// An entry is neither a file nor a directory.
    #[error("`{path}` is {kind}; only files and folders can be unpacked")]
    Kind {
        /// The path of the entry.
        path: String,
        /// The kind of the entry, with an article.
        kind: &'static str,
    },
    /// A path occurs twice, or a file is the parent of another entry.
    #[error("`{0}` occurs twice; remove one of the two")]
    Twice(String),
    /// The archive has more entries than permitted.
    #[error("it holds more than {0} entries")]
    TooMany(usize),
    /// A file is larger than permitted.
    #[error("`{path}` has {bytes} bytes; {bytes_max} at most are right for it")]
    FileTooLarge {
        /// The path of the file.
        path: String,
        /// The size of the file, in bytes.
        bytes: u64,
        /// The greatest permitted size, in bytes.
        bytes_max: u64,
    },
    /// The unpacked files are too large in relation to the package.
    #[error("it unpacks to more than {bytes_max} bytes, which is too much for its size")]
    TooMuch {
        /// The greatest permitted size of all files, in bytes.
        bytes_max: u64,
    },
    /// The files of the package have too many new names.
    #[error("{0}")]
    TooManyNames(String),
    /// Bytes follow the end of the archive.
    #[error("bytes follow the end of the archive; a file that ends there would be right")]
    Behind,
    /// The package has no `.rel` file that names its release.
    #[error("it has no .rel file in `releases` that names its release")]
    NoRel,
    /// The package has two `.rel` files that name its release.
    #[error("`{0}` and `{1}` both name its release; remove one of the two")]
    SeveralRels(String, String),
    /// A name or version in the `.rel` file is not a plain component of a path.
    #[error(
        "the release uses `{0}` as a name or version; a plain component of a path would be right"
    )]
    NotPlain(String),
    /// The name of a `.rel` file differs from the name of the release.
    #[error("`{path}` describes release `{name}`; the file needs the name of its release")]
    WrongName {
        /// The path of the `.rel` file.
        path: String,
        /// The name of the release in the file.
        name: String,
    },
    /// A file does not belong to the release.
    #[error("`{path}` does not belong to release {vsn}: {why}")]
    Foreign {
        /// The path of the file.
        path: String,
        /// The version of the release.
        vsn: String,
        /// The reason as a clause.
        why: &'static str,
    },
    /// A file has no checksum.
    #[error("`{path}` has no line in `{sums}`; every file needs one")]
    NoChecksum {
        /// The path of the file.
        path: String,
        /// The path of the `SHA256SUMS` file.
        sums: String,
    },
    /// A file is missing.
    #[error("`{path}` is missing, and {asked_by} asks for it")]
    Missing {
        /// The path of the missing file.
        path: String,
        /// The path of the file that lists it.
        asked_by: String,
    },
    /// A file differs from its checksum.
    #[error("`{path}` is damaged: its checksum is not the one in `{sums}`")]
    Damaged {
        /// The path of the file.
        path: String,
        /// The path of the `SHA256SUMS` file.
        sums: String,
    },
    /// A library belongs to another application or version.
    #[error("`{path}` does not belong there: {owner}")]
    OtherOwner {
        /// The path of the library.
        path: String,
        /// The application and version that the library belongs to.
        owner: OtherOwner,
    },
    /// The keys of the tree refuse the package.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// Two files differ that have to be equal.
    #[error("`{0}` and `{1}` differ; they have to be the same")]
    Differ(String, String),
}

impl Refusal {
    /// The reason as one word, for OTP's term.
    pub fn word(&self) -> &'static str {
        match self {
            Refusal::Garbled(_) => "bad_archive",
            Refusal::Path(_) | Refusal::NotPlain(_) => "bad_path",
            Refusal::Kind { .. } => "bad_file_type",
            Refusal::Twice(_) => "duplicate",
            Refusal::TooMany(_) | Refusal::FileTooLarge { .. } | Refusal::TooMuch { .. } => {
                "too_large"
            }
            Refusal::TooManyNames(_) => "system_limit",
            Refusal::Behind => "trailing_data",
            Refusal::NoRel => "enoent",
            Refusal::SeveralRels(..) | Refusal::WrongName { .. } => "bad_rel_file",
            Refusal::Foreign { .. } => "not_in_release",
            Refusal::NoChecksum { .. } => "no_checksum",
            Refusal::Missing { .. } => "no_such_file",
            Refusal::OtherOwner { .. } => "wrong_vsn",
            Refusal::Damaged { .. } | Refusal::Differ(..) => "bad_checksum",
            Refusal::Signature(_) => "bad_signature",
        }
    }

    /// True when the files are not those for which the checksums and the signature were made.
    pub(crate) fn is_checksum(&self) -> bool {
        match self {
            Refusal::Garbled(_)
            | Refusal::Behind
            | Refusal::Signature(_)
            | Refusal::NoChecksum { .. }
            | Refusal::Damaged { .. }
            | Refusal::Differ(..) => true,
            Refusal::Missing { asked_by, .. } => asked_by.contains(checksums::FILE_NAME),
            _ => false,
        }
    }

    /// `{cannot_extract_file,Path,Reason}`; for a package without a `.rel` file `{enoent,RelFile}`, and for one with a
    /// malformed one `{bad_rel_file,File}`, as in `release_handler:unpack_release/1`.
    pub(super) fn to_term(&self, package: &Path) -> Term {
        let path = match self {
            Refusal::NoRel => return tagged("enoent", Term::string(rel_file_of(package))),
            Refusal::SeveralRels(_, path) | Refusal::WrongName { path, .. } => {
                return tagged("bad_rel_file", Term::string(path.as_str()));
            }
            Refusal::Missing { path, .. } => {
                return tagged("no_such_file", Term::string(path.as_str()));
            }
            Refusal::Path(path)
            | Refusal::NotPlain(path)
            | Refusal::Twice(path)
            | Refusal::Differ(_, path) => path,
            Refusal::Kind { path, .. }
            | Refusal::FileTooLarge { path, .. }
            | Refusal::Foreign { path, .. }
            | Refusal::NoChecksum { path, .. }
            | Refusal::OtherOwner { path, .. }
            | Refusal::Damaged { path, .. } => path,
            Refusal::Garbled(_)
            | Refusal::TooMany(_)
            | Refusal::TooMuch { .. }
            | Refusal::TooManyNames(_)
            | Refusal::Signature(_)
            | Refusal::Behind => {
                return cannot_extract(path_term(package), self.word());
            }
        };
        cannot_extract(Term::string(path.as_str()), self.word())
    }
}

fn cannot_extract(path: Term, reason: &'static str) -> Term {
    Term::tuple([Term::atom("cannot_extract_file"), path, Term::atom(reason)])
}

/// The file that OTP looks for: OTP takes the name of the package for the name of the release.
fn rel_file_of(package: &Path) -> String {
    let name = package.file_name().unwrap_or_default().to_string_lossy();
    let name = name.strip_suffix(".tar.gz").unwrap_or(&name);
    format!("releases/{}", layout::rel_name(name))
}
