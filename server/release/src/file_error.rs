//! Errors about a file, for people (file, line, correct form) and for programs (OTP's error term).

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
        /// The path of the file.
        file: PathBuf,
        /// The error of the operating system.
        kind: io::ErrorKind,
    },
    /// The path is not a plain file of the tree.
    #[error("read {}: {refused}", .file.display())]
    Refused {
        /// The path that was refused.
        file: PathBuf,
        /// The kind of file at the path, and the correct one.
        refused: Refused,
    },
    /// The file differs from the built or unpacked one.
    #[error("read {}: {how} {}; unpack the release again, or `pq install-file` puts another file of a release in place", .file.display(), .sums.display())]
    Changed {
        /// The path of the file.
        file: PathBuf,
        /// The difference, as a clause before the path of the checksums.
        how: &'static str,
        /// The path of the `SHA256SUMS` file.
        sums: PathBuf,
    },
    /// The file was built or unpacked, but does not exist any more.
    #[error("read {}: no such file, and {} lists it; unpack the release again, or put the file back", .file.display(), .sums.display())]
    Gone {
        /// The path of the missing file.
        file: PathBuf,
        /// The path of the `SHA256SUMS` file that lists it.
        sums: PathBuf,
    },
    /// The text is not Erlang terms.
    #[error("read {}: {source}", .file.display())]
    Parse {
        /// The path of the file.
        file: PathBuf,
        /// Line, column, the text that was found and the text that was expected.
        source: ReadError,
    },
    /// The terms do not have the form of the format.
    #[error("read {}: line {line}: {sentence} ({term})", .file.display())]
    Content {
        /// The path of the file.
        file: PathBuf,
        /// The line (from 1) of the faulty part.
        line: usize,
        /// The faulty part and the correct form.
        sentence: String,
        /// The same error as OTP's term, such as `{bad_param,vsn}`.
        term: Term,
    },
}

impl FileError {
    /// The error of a failed read of this file.
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

    /// Moves the error to another line, for a text that was made from another text.
    pub(crate) fn at_line(mut self, of: impl Fn(usize) -> usize) -> FileError {
        match &mut self {
            FileError::Parse { source, .. } => source.line = of(source.line),
            FileError::Content { line, .. } => *line = of(*line),
            _ => {}
        }
        self
    }

    /// True when the file does not exist, and no `SHA256SUMS` lists it.
    pub fn is_absence(&self) -> bool {
        let none = io::ErrorKind::NotFound;
        matches!(self, FileError::Read { kind, .. } if *kind == none)
    }

    /// True when the file differs from the built or unpacked one.
    pub fn is_checksum(&self) -> bool {
        matches!(self, FileError::Changed { .. })
    }

    /// The path of the file at fault.
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

    /// The line (from 1) of the fault; `None` when the file could not be read.
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

    /// The error as OTP's term: `{open,File,enoent}`, `{parse,File,{Line,erl_parse,Text}}`, or the term of the format.
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

/// A path in the form of OTP's terms.
pub(crate) fn path_term(path: &Path) -> Term {
    Term::string(path.to_string_lossy())
}

/// OTP's atom for an error of the operating system (`file(3)`, "POSIX Error Codes").
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
