//! Reasons why a release cannot boot: a sentence for people, OTP's term for programs.

use std::io;
use std::path::PathBuf;

use pq_signing::SignatureError;
use pq_term::Term;

use crate::file_error::{FileError, in_words, path_term};
use crate::fit::FitError;
use crate::owner::OtherOwner;
use crate::terms::tagged;

/// A release tree that cannot boot. Displays as a fragment that continues "failed to …".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BootError {
    /// A file is missing or malformed.
    #[error(transparent)]
    File(#[from] FileError),
    /// The applications of the release do not fit together.
    #[error(transparent)]
    Fit(#[from] FitError),
    /// A version or name would be a path outside the tree.
    #[error(
        "use `{0}` as a part of a path: a name without `/` that is not `.` or `..` would be right"
    )]
    NotPlain(String),
    /// The tree has no release of this version.
    #[error("find release {vsn}: {} holds no .rel file; a release is unpacked there before it boots", .folder.display())]
    NoSuchRelease {
        /// The version that was asked for.
        vsn: String,
        /// The directory in which the release would be.
        folder: PathBuf,
    },
    /// Two `.rel` files describe the same version of the release.
    #[error("choose a .rel file for release {vsn}: {} and {} both describe it; remove one of the two", .files.0.display(), .files.1.display())]
    SeveralRels {
        /// The version that was asked for.
        vsn: String,
        /// The paths of the two files.
        files: (PathBuf, PathBuf),
    },
    /// The version or name in a file differs from that of its directory.
    #[error("use {}: line {line}: it describes `{found}`, but its directory is for `{wanted}`", .file.display())]
    WrongVsn {
        /// The path of the `.rel` or `.app` file.
        file: PathBuf,
        /// The line (from 1) of the version, or of the name when the name is wrong.
        line: usize,
        /// The version, or name and version, in the file.
        found: String,
        /// The version, or name and version, of the directory.
        wanted: String,
    },
    /// The directory of an application has another name.
    #[error("use {}: it describes `{found}`, but its directory is for `{wanted}`", .folder.display())]
    WrongFolder {
        /// The directory that `RELEASES` names.
        folder: PathBuf,
        /// The name of the directory.
        found: String,
        /// The name that the directory should have.
        wanted: String,
    },
    /// The release needs another version of the node.
    #[error("boot {}: it needs {name} {wanted}, and this node has {have}; start it with a node of that version", .file.display())]
    OtherNode {
        /// The path of the `.rel` file.
        file: PathBuf,
        /// `erts` or a built-in application.
        name: String,
        /// The version in the release.
        wanted: String,
        /// The version in the node.
        have: String,
    },
    /// An application has modules, but its library has no checksum.
    #[error("find the checksum of {}: {} has no line for it, so the library cannot be verified", .library.display(), .sums.display())]
    NoChecksum {
        /// The path of the library.
        library: PathBuf,
        /// The path of the `SHA256SUMS` file.
        sums: PathBuf,
    },
    /// A library belongs to another application or version.
    #[error("use {}: {owner}", .library.display())]
    OtherOwner {
        /// The path of the library.
        library: PathBuf,
        /// The application and version that the library belongs to.
        owner: OtherOwner,
    },
    /// A version in between has no modules, so no state can go through it.
    #[error("use {}: it lists no modules, and states are to go through them", .file.display())]
    NoModules {
        /// The path of the `.app` file.
        file: PathBuf,
    },
    /// An application has modules, but no library.
    #[error("find {}: {}", .library.display(), in_words(*.kind))]
    NoLibrary {
        /// The path at which the library is missing.
        library: PathBuf,
        /// The error of the operating system.
        kind: io::ErrorKind,
    },
    /// The signature that came with the release was changed.
    #[error("trust release {vsn}: {why}")]
    Signature {
        /// The version of the release.
        vsn: String,
        /// The fault of the signature.
        why: SignatureError,
    },
    /// The release was signed with a key that is not trusted now.
    #[error("trust release {vsn}: {why}")]
    Doubted {
        /// The version of the release.
        vsn: String,
        /// The reason, as a clause.
        why: String,
    },
}

impl BootError {
    /// The error as a term: OTP's term where OTP has one, such as `{no_such_release,Vsn}`, or the term of the file's error.
    pub fn to_term(&self) -> Term {
        match self {
            BootError::File(error) => error.to_term(),
            BootError::Fit(error) => error.term.clone(),
            BootError::NotPlain(part) => tagged("bad_name", Term::string(part.as_str())),
            BootError::NoSuchRelease { vsn, .. } => {
                tagged("no_such_release", Term::string(vsn.as_str()))
            }
            BootError::SeveralRels { files, .. } => tagged("bad_rel_file", path_term(&files.1)),
            BootError::WrongVsn { file, .. } => tagged("wrong_vsn", path_term(file)),
            BootError::WrongFolder { folder, .. } => tagged("wrong_vsn", path_term(folder)),
            BootError::OtherNode { name, wanted, .. } => {
                let wanted = [Term::string(name.as_str()), Term::string(wanted.as_str())];
                tagged("other_node", Term::tuple(wanted))
            }
            BootError::NoChecksum { library, .. } => tagged("no_checksum", path_term(library)),
            BootError::OtherOwner { library, .. } => tagged("wrong_vsn", path_term(library)),
            BootError::NoModules { file } => tagged("no_modules", path_term(file)),
            BootError::NoLibrary { library, .. } => tagged("no_such_file", path_term(library)),
            BootError::Signature { vsn, .. } | BootError::Doubted { vsn, .. } => {
                tagged("bad_signature", Term::string(vsn.as_str()))
            }
        }
    }

    /// True when a file differs from the built or unpacked one.
    pub fn is_checksum(&self) -> bool {
        match self {
            BootError::File(error) => error.is_checksum(),
            BootError::Signature { .. } | BootError::Doubted { .. } => true,
            _ => false,
        }
    }
}
