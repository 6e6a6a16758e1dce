//! Errors of the registry: a sentence for people, OTP's term for programs.

use std::io;
use std::path::PathBuf;

use pq_protocol::Exit;
use pq_signing::KeysError;
use pq_term::Term;

use crate::boot::BootError;
use crate::file_error::{FileError, in_words, path_term};
use crate::package::{PackageError, no_file, posix_term, rel_term};
use crate::releases::Status;
use crate::summed::PutError;
use crate::terms::tagged;
use pq_files::durable::WriteError;

/// An operation that the registry refuses. Displays as a fragment that continues "failed to …".
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// `RELEASES`, `start_erl.data` or a file to install is malformed.
    #[error(transparent)]
    File(#[from] FileError),
    /// A `.rel` file is malformed.
    #[error(transparent)]
    Rel(FileError),
    /// A `relup` is malformed.
    #[error(transparent)]
    Relup(FileError),
    /// A release is incomplete, or its applications do not fit together.
    #[error(transparent)]
    Boot(#[from] BootError),
    /// A package is refused.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// The keys of the tree cannot be used.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The tree trusts keys, and no signature proves where the files of the release come from.
    #[error("add release {vsn}: {why}")]
    Untrusted {
        /// The version of the release.
        vsn: String,
        /// The reason as a clause about the release.
        why: String,
    },
    /// The operating system failed to write.
    #[error(transparent)]
    Write(WriteError),
    /// A file or its checksum could not be written.
    #[error(transparent)]
    Put(#[from] PutError),
    /// The operating system failed to read.
    #[error("read {}: {}", .file.display(), in_words(*.kind))]
    Read {
        /// The path of the file.
        file: PathBuf,
        /// The error of the operating system.
        kind: io::ErrorKind,
    },
    /// The tree has no release of this version.
    #[error("find release {vsn}: {}", listed(.known))]
    NoSuchRelease {
        /// The version that was asked for.
        vsn: String,
        /// The versions of all releases.
        known: Vec<String>,
    },
    /// A release of this version already exists.
    #[error("add release {vsn}: it is there already ({}); remove it first, or give the new one another version", .status.word())]
    ExistingRelease {
        /// The version of both releases.
        vsn: String,
        /// The status of the existing release.
        status: Status,
    },
    /// An application or release of this version exists with other bytes.
    #[error(
        "put {folder} in place: it already exists with another `{file}`; different contents need another version"
    )]
    OtherBytes {
        /// The directory, relative to the tree.
        folder: String,
        /// The first file that differs.
        file: String,
    },
    /// The release has the wrong status for this operation.
    #[error("boot release {vsn} next time: it is {}; {wanted}", .status.word())]
    BadStatus {
        /// The version of the release.
        vsn: String,
        /// The status that the release has.
        status: Status,
        /// A clause about the required status or the remedy.
        wanted: &'static str,
    },
    /// The release is in use and cannot be removed.
    #[error("remove release {vsn}: it is {}; {}", .status.word(), way_out(*.status))]
    Needed {
        /// The version of the release.
        vsn: String,
        /// The status of the release: permanent, current or tmp_current.
        status: Status,
    },
    /// The release already runs.
    #[error("install release {vsn}: it runs already")]
    AlreadyInstalled {
        /// The version of the release.
        vsn: String,
    },
    /// No `relup` has a way between the two releases.
    #[error("install release {to}: there is no way from {from} to {to}; {}; none can be composed: {why}", these(.ways))]
    NoWay {
        /// The version of the running release.
        from: String,
        /// The version of the release to install.
        to: String,
        /// All existing ways, as pairs of versions (from, to).
        ways: Vec<(String, String)>,
        /// The reason why the appups in the tree have no such way.
        why: String,
    },
    /// The directory of an application does not exist.
    #[error("find {}: no such folder", .0.display())]
    NoSuchDirectory(PathBuf),
    /// The checksums of a release were given as a file to install.
    #[error("copy {}: the node itself writes the checksums of a release; install the files that they are for", .0.display())]
    OwnChecksums(PathBuf),
    /// The path of an application's directory is not a directory.
    #[error("use {}: it is no folder", .0.display())]
    NotADirectory(PathBuf),
    /// A directory was given for an application that the release lacks.
    #[error(
        "find {name}-{vsn} in release {rel}: it lists no such application, or in another version"
    )]
    NotInRelease {
        /// The name of the application.
        name: String,
        /// The version of the application.
        vsn: String,
        /// The version of the release.
        rel: String,
    },
}

impl RegistryError {
    /// The error as OTP's term (`release_handler(3)`), without the enclosing `error` tuple.
    pub fn to_term(&self) -> Term {
        let about = |tag, vsn: &String| tagged(tag, Term::string(vsn.as_str()));
        match self {
            RegistryError::File(error) => error.to_term(),
            RegistryError::Put(error) => match error {
                PutError::File(error) => error.to_term(),
                PutError::Write(error) => posix_term(&error.path, error.source.kind()),
            },
            RegistryError::Rel(error) => rel_term(error),
            RegistryError::Relup(error) => relup_term(error),
            RegistryError::Boot(error) => error.to_term(),
            RegistryError::Package(error) => error.to_term(),
            RegistryError::Keys(error) => tagged("bad_keys", Term::string(error.to_string())),
            RegistryError::Untrusted { vsn, .. } => about("bad_signature", vsn),
            RegistryError::Write(error) => posix_term(&error.path, error.source.kind()),
            RegistryError::Read { file, kind } => posix_term(file, *kind),
            RegistryError::NoSuchRelease { vsn, .. } => about("no_such_release", vsn),
            RegistryError::ExistingRelease { vsn, .. } => about("existing_release", vsn),
            RegistryError::OtherBytes { folder, file } => other_bytes(folder, file),
            RegistryError::BadStatus { status, .. } => {
                tagged("bad_status", Term::atom(status.word()))
            }
            RegistryError::Needed { vsn, status } => about(status.word(), vsn),
            RegistryError::AlreadyInstalled { vsn } => about("already_installed", vsn),
            RegistryError::NoWay { from, to, .. } => no_matching_relup(to, from),
            RegistryError::NoSuchDirectory(path) => tagged("no_such_directory", path_term(path)),
            RegistryError::OwnChecksums(file) => tagged("bad_file", path_term(file)),
            RegistryError::NotADirectory(path) => tagged("not_a_directory", path_term(path)),
            RegistryError::NotInRelease { name, vsn, .. } => {
                let app = Term::tuple([Term::string(name.as_str()), Term::string(vsn.as_str())]);
                tagged("no_such_application", app)
            }
        }
    }
}

impl RegistryError {
    /// The exit code of the operator's command. An operation is done completely or not at all: after a failed write, it has
    /// been undone.
    pub fn exit(&self) -> Exit {
        match self {
            _ if self.is_checksum() => Exit::Checksum,
            RegistryError::Write(_) | RegistryError::Package(PackageError::Write(_)) => {
                Exit::RolledBack
            }
            _ => Exit::Refused,
        }
    }

    /// True when a file differs from the built or unpacked one.
    pub fn is_checksum(&self) -> bool {
        match self {
            RegistryError::File(error)
            | RegistryError::Rel(error)
            | RegistryError::Relup(error) => error.is_checksum(),
            RegistryError::Boot(error) => error.is_checksum(),
            RegistryError::Package(PackageError::Refused { refusal, .. }) => refusal.is_checksum(),
            RegistryError::Keys(_) | RegistryError::Untrusted { .. } => true,
            _ => false,
        }
    }
}

/// OTP's error term `{no_matching_relup,Vsn,CurrentVsn}`.
fn no_matching_relup(to: &str, from: &str) -> Term {
    Term::tuple([
        Term::atom("no_matching_relup"),
        Term::string(to),
        Term::string(from),
    ])
}

fn other_bytes(folder: &str, file: &str) -> Term {
    let path = format!("{folder}/{file}");
    Term::tuple([
        Term::atom("existing_file"),
        Term::string(path),
        Term::atom("differs"),
    ])
}

fn relup_term(error: &FileError) -> Term {
    match error {
        FileError::Read { file, kind } => no_file(file, *kind),
        FileError::Changed { .. } | FileError::Gone { .. } => error.to_term(),
        _ => tagged("bad_relup_file", path_term(error.file())),
    }
}

fn listed(known: &[String]) -> String {
    let known = known.join(", ");
    format!("there is none; there are: {known}; `pq unpack` adds the release of a package")
}

fn these(ways: &[(String, String)]) -> String {
    let way = |(from, to): &(String, String)| format!("{from} to {to}");
    match ways {
        [] => "no `relup` in the tree has a way between two of its releases".to_string(),
        _ => {
            let ways: Vec<String> = ways.iter().map(way).collect();
            format!("there are: {}", ways.join(", "))
        }
    }
}

fn way_out(status: Status) -> &'static str {
    match status {
        Status::Permanent => "the node boots it next time; make another release permanent first",
        Status::TmpCurrent => "it runs after the pending restart",
        _ => "the node runs it; install another release first",
    }
}
