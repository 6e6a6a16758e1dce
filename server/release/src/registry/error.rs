//! What the registry refuses: a sentence for people, OTP's term for programs.

use std::io;
use std::path::PathBuf;

use pq_protocol::Exit;
use pq_term::Term;

use crate::boot::BootError;
use crate::file_error::{FileError, in_words, path_term};
use crate::package::{PackageError, Refusal, no_file, posix_term, rel_term};
use crate::releases::Status;
use crate::summed::PutError;
use crate::terms::tagged;
use pq_files::durable::WriteError;

/// The registry refuses. Displays as a fragment that continues "failed to …".
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// `RELEASES` or `start_erl.data` cannot be used, or a file that was to be installed.
    #[error(transparent)]
    File(#[from] FileError),
    /// A `.rel` file cannot be used.
    #[error(transparent)]
    Rel(FileError),
    /// A `relup` cannot be used.
    #[error(transparent)]
    Relup(FileError),
    /// A release is not all there, or does not fit together.
    #[error(transparent)]
    Boot(#[from] BootError),
    /// A package is not accepted.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// The operating system refused to write.
    #[error(transparent)]
    Write(WriteError),
    /// A file could not be put beside its checksum.
    #[error(transparent)]
    Put(#[from] PutError),
    /// The operating system refused to read.
    #[error("read {}: {}", .file.display(), in_words(*.kind))]
    Read {
        /// The file.
        file: PathBuf,
        /// What it said.
        kind: io::ErrorKind,
    },
    /// No release has this version.
    #[error("find release {vsn}: {}", listed(.known))]
    NoSuchRelease {
        /// The version asked for.
        vsn: String,
        /// The versions that there are.
        known: Vec<String>,
    },
    /// A release has this version already.
    #[error("add release {vsn}: it is there already ({}); remove it first, or give the new one another version", .status.word())]
    ExistingRelease {
        /// The version.
        vsn: String,
        /// The status of the release that has it.
        status: Status,
    },
    /// An application or release of this version is there with other bytes.
    #[error(
        "put {folder} in place: one of this version is there, and its `{file}` differs; what differs needs another version"
    )]
    OtherBytes {
        /// The folder within the tree.
        folder: String,
        /// The first file in which they differ.
        file: String,
    },
    /// The release has not the status that this needs.
    #[error("boot release {vsn} next time: it is {}; {wanted}", .status.word())]
    BadStatus {
        /// The release.
        vsn: String,
        /// Its status.
        status: Status,
        /// What would be right.
        wanted: &'static str,
    },
    /// The release is needed and stays.
    #[error("remove release {vsn}: it is {}; {}", .status.word(), way_out(*.status))]
    Needed {
        /// The release.
        vsn: String,
        /// Why: permanent, current or about to be.
        status: Status,
    },
    /// The release runs already.
    #[error("install release {vsn}: it runs already")]
    AlreadyInstalled {
        /// The release.
        vsn: String,
    },
    /// No `relup` has a way between the two.
    #[error("install release {to}: there is no way from {from} to {to}; {}", these(.ways))]
    NoWay {
        /// The release that runs.
        from: String,
        /// The release that was to run.
        to: String,
        /// The ways that there are, from and to.
        ways: Vec<(String, String)>,
    },
    /// A folder of an application does not exist.
    #[error("find {}: no such folder", .0.display())]
    NoSuchDirectory(PathBuf),
    /// A folder of an application is none.
    #[error("use {}: it is no folder", .0.display())]
    NotADirectory(PathBuf),
    /// A folder was named for an application that the release does not have.
    #[error(
        "find {name}-{vsn} in release {rel}: it lists no such application, or in another version"
    )]
    NotInRelease {
        /// The application.
        name: String,
        /// Its version.
        vsn: String,
        /// The release.
        rel: String,
    },
}

impl RegistryError {
    /// The error in OTP's words (`release_handler(3)`), without the `error` around it.
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
            RegistryError::NotADirectory(path) => tagged("not_a_directory", path_term(path)),
            RegistryError::NotInRelease { name, vsn, .. } => {
                let app = Term::tuple([Term::string(name.as_str()), Term::string(vsn.as_str())]);
                tagged("no_such_application", app)
            }
        }
    }
}

impl RegistryError {
    /// How the operator's command ends. Either all is done or nothing: what the system did not let be written was tried and
    /// taken back.
    pub fn exit(&self) -> Exit {
        match self {
            _ if self.is_checksum() => Exit::Checksum,
            RegistryError::Write(_) | RegistryError::Package(PackageError::Write(_)) => {
                Exit::RolledBack
            }
            _ => Exit::Refused,
        }
    }

    /// True when a file is another one than was built or unpacked.
    pub fn is_checksum(&self) -> bool {
        match self {
            RegistryError::File(error)
            | RegistryError::Rel(error)
            | RegistryError::Relup(error) => error.is_checksum(),
            RegistryError::Boot(error) => error.is_checksum(),
            RegistryError::Package(PackageError::Refused { refusal, .. }) => {
                matches!(refusal, Refusal::Damaged { .. } | Refusal::Differ(..))
            }
            _ => false,
        }
    }
}

/// `{no_matching_relup,Vsn,CurrentVsn}`
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
    format!("there is none; there are: {}", known.join(", "))
}

fn these(ways: &[(String, String)]) -> String {
    let way = |(from, to): &(String, String)| format!("{from} to {to}");
    match ways {
        [] => "no `relup` in the tree has one between two of its releases".to_string(),
        _ => {
            let ways: Vec<String> = ways.iter().map(way).collect();
            format!("there are: {}", ways.join(", "))
        }
    }
}

fn way_out(status: Status) -> &'static str {
    match status {
        Status::Permanent => "what boots next time is needed; make another one permanent first",
        Status::TmpCurrent => "it is to run after the restart that is under way",
        _ => "what runs is needed; install another one first",
    }
}
