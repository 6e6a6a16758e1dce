//! What is wrong with a file, for people (file, line, what would be right) and for programs (OTP's error term).

use std::io;
use std::path::{Path, PathBuf};

use pq_files::Refused;
use pq_term::{ReadError, Term};

/// A file that cannot be used. Displays as a fragment that continues "failed to …".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// The file could not be read.
    #[error("read {}: {}", .file.display(), in_words(*.kind))]
    Read {
        /// The file.
        file: PathBuf,
        /// What the operating system said.
        kind: io::ErrorKind,
    },
    /// It is something else than a file of the tree.
    #[error("read {}: {refused}", .file.display())]
    Refused {
        /// Its path.
        file: PathBuf,
        /// What it is, and what would be right.
        refused: Refused,
    },
    /// It is not the file that was built or unpacked.
    #[error("read {}: {how} {}; unpack the release again, or `pq install-file` puts another file of a release in place", .file.display(), .sums.display())]
    Changed {
        /// The file.
        file: PathBuf,
        /// How that shows.
        how: &'static str,
        /// The checksums.
        sums: PathBuf,
    },
    /// It was built or unpacked, and is no longer there.
    #[error("read {}: no such file, and {} lists it; unpack the release again, or put the file back", .file.display(), .sums.display())]
    Gone {
        /// The file.
        file: PathBuf,
        /// The checksums.
        sums: PathBuf,
    },
    /// The text is not Erlang terms.
    #[error("read {}: {source}", .file.display())]
    Parse {
        /// The file.
        file: PathBuf,
        /// Line, column, what was found and what was expected.
        source: ReadError,
    },
    /// The terms are not what the format asks for.
    #[error("read {}: line {line}: {sentence} ({term})", .file.display())]
    Content {
        /// The file.
        file: PathBuf,
        /// The line (from 1) of the part that is wrong.
        line: usize,
        /// What stands there and what would be right.
        sentence: String,
        /// The same in OTP's words, such as `{bad_param,vsn}`.
        term: Term,
    },
}

impl FileError {
    /// The error of reading this file.
    pub fn read(file: &Path, error: &io::Error) -> FileError {
        let file = file.to_path_buf();
        match Refused::of(error) {
            Some(refused) => FileError::Refused {
                file,
                refused: refused.clone(),
            },
            None => FileError::Read {
                file,
                kind: error.kind(),
            },
        }
    }

    /// The same error on another line: its text was made from another one.
    pub(crate) fn at_line(mut self, of: impl Fn(usize) -> usize) -> FileError {
        match &mut self {
            FileError::Parse { source, .. } => source.line = of(source.line),
            FileError::Content { line, .. } => *line = of(*line),
            _ => {}
        }
        self
    }

    /// True when there is no such file, and nobody says that there should be one.
    pub fn is_absence(&self) -> bool {
        let none = io::ErrorKind::NotFound;
        matches!(self, FileError::Read { kind, .. } if *kind == none)
    }

    /// True when the file is another one than was built or unpacked.
    pub fn is_checksum(&self) -> bool {
        matches!(self, FileError::Changed { .. })
    }

    /// The file it is about.
    pub fn file(&self) -> &Path {
        match self {
            FileError::Read { file, .. }
            | FileError::Refused { file, .. }
            | FileError::Changed { file, .. }
            | FileError::Gone { file, .. }
            | FileError::Parse { file, .. }
            | FileError::Content { file, .. } => file,
        }
    }

    /// The line (from 1), when the file could be read.
    pub fn line(&self) -> Option<usize> {
        match self {
            FileError::Read { .. }
            | FileError::Refused { .. }
            | FileError::Changed { .. }
            | FileError::Gone { .. } => None,
            FileError::Parse { source, .. } => Some(source.line),
            FileError::Content { line, .. } => Some(*line),
        }
    }

    /// The error in OTP's words: `{open,File,enoent}`, `{parse,File,{Line,erl_parse,Text}}`, or the format's own term.
    pub fn to_term(&self) -> Term {
        match self {
            FileError::Read { file, kind } => Term::tuple([
                Term::atom("open"),
                path_term(file),
                Term::atom(posix(*kind)),
            ]),
            FileError::Refused { file, refused } => {
                let word = match refused {
                    Refused::NotRegular("a folder") => "eisdir",
                    Refused::TooLarge(_) => "efbig",
                    _ => "einval",
                };
                Term::tuple([Term::atom("open"), path_term(file), Term::atom(word)])
            }
            FileError::Changed { file, .. } => {
                crate::terms::tagged("wrong_checksum", path_term(file))
            }
            FileError::Gone { file, .. } => crate::terms::tagged("no_such_file", path_term(file)),
            FileError::Parse { file, source } => {
                Term::tuple([Term::atom("parse"), path_term(file), parse_reason(source)])
            }
            FileError::Content { term, .. } => term.clone(),
        }
    }
}

fn parse_reason(source: &ReadError) -> Term {
    let text = format!("found {}, expected {}", source.found, source.expected);
    Term::tuple([
        Term::from(source.line),
        Term::atom("erl_parse"),
        Term::string(text),
    ])
}

/// A path as OTP's terms hold it.
pub(crate) fn path_term(path: &Path) -> Term {
    Term::string(path.to_string_lossy())
}

/// OTP's word for an error of the operating system (`file(3)`, "POSIX Error Codes").
pub(crate) fn posix(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::NotFound => "enoent",
        io::ErrorKind::PermissionDenied => "eacces",
        io::ErrorKind::IsADirectory => "eisdir",
        io::ErrorKind::NotADirectory => "enotdir",
        io::ErrorKind::AlreadyExists => "eexist",
        io::ErrorKind::StorageFull => "enospc",
        io::ErrorKind::ReadOnlyFilesystem => "erofs",
        _ => "eio",
    }
}

pub(crate) fn in_words(kind: io::ErrorKind) -> String {
    match kind {
        io::ErrorKind::NotFound => "no such file".to_string(),
        kind => kind.to_string(),
    }
}
