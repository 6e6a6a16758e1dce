//! Why a release cannot boot: a sentence for people, OTP's term for programs.

use std::io;
use std::path::PathBuf;

use pq_term::Term;

use crate::file_error::{FileError, in_words, path_term};
use crate::fit::FitError;
use crate::owner::OtherOwner;
use crate::terms::tagged;

/// A tree that cannot boot. Displays as a fragment that continues "failed to …".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BootError {
    /// A file is missing or not what its format says.
    #[error(transparent)]
    File(#[from] FileError),
    /// The applications do not fit together.
    #[error(transparent)]
    Fit(#[from] FitError),
    /// A version or name would lead out of the tree.
    #[error(
        "use `{0}` as a part of a path: a name without `/` that is not `.` or `..` would be right"
    )]
    NotPlain(String),
    /// There is no such release.
    #[error("find release {vsn}: {} holds no .rel file; a release is unpacked there before it boots", .folder.display())]
    NoSuchRelease {
        /// The version asked for.
        vsn: String,
        /// Where it would be.
        folder: PathBuf,
    },
    /// More than one file says what the release is.
    #[error("choose a .rel file for release {vsn}: {} and {} both describe it; one has to go", .files.0.display(), .files.1.display())]
    SeveralRels {
        /// The version asked for.
        vsn: String,
        /// Two of the files.
        files: (PathBuf, PathBuf),
    },
    /// The file of one version stands in the folder of another.
    #[error("use {}: line {line}: it describes `{found}`, and its place is for `{wanted}`", .file.display())]
    WrongVsn {
        /// The `.rel` or `.app` file.
        file: PathBuf,
        /// The line (from 1) of its version, or of its name where that is wrong.
        line: usize,
        /// What it describes.
        found: String,
        /// What its folder is for.
        wanted: String,
    },
    /// The folder of an application is called after another one.
    #[error("use {}: it describes `{found}`, and its place is for `{wanted}`", .folder.display())]
    WrongFolder {
        /// The folder.
        folder: PathBuf,
        /// Its name.
        found: String,
        /// The name that it should have.
        wanted: String,
    },
    /// The release needs another `pq`.
    #[error("boot {}: it needs {name} {wanted}, and this node has {have}; start it with a node of that version", .file.display())]
    OtherNode {
        /// The `.rel` file.
        file: PathBuf,
        /// `erts` or a built-in application.
        name: String,
        /// The version in the release.
        wanted: String,
        /// The version in the node.
        have: String,
    },
    /// An application has modules and no checksum for the library they are in.
    #[error("find the checksum of {}: {} has no line for it, and without one it cannot be told from another library", .library.display(), .sums.display())]
    NoChecksum {
        /// The library.
        library: PathBuf,
        /// The file of checksums.
        sums: PathBuf,
    },
    /// A library is that of another application or version.
    #[error("use {}: {owner}", .library.display())]
    OtherOwner {
        /// The library.
        library: PathBuf,
        /// Whose it is.
        owner: OtherOwner,
    },
    /// An application has modules and no library.
    #[error("find {}: {}", .library.display(), in_words(*.kind))]
    NoLibrary {
        /// The library.
        library: PathBuf,
        /// What the operating system said.
        kind: io::ErrorKind,
    },
}

impl BootError {
    /// The error as a term: in OTP's words where it has some, such as `{no_such_release,Vsn}` or those of the file.
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
            BootError::NoLibrary { library, .. } => tagged("no_such_file", path_term(library)),
        }
    }

    /// True when a file is another one than was built or unpacked.
    pub fn is_checksum(&self) -> bool {
        matches!(self, BootError::File(error) if error.is_checksum())
    }
}
