//! What is wrong with a file, for people (file, line, what would be right) and for programs (OTP's error term).

use std::io;
use std::path::{Path, PathBuf};

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
    pub(crate) fn read(file: &Path, error: &io::Error) -> FileError {
        FileError::Read {
            file: file.to_path_buf(),
            kind: error.kind(),
        }
    }

    /// The same error on another line: its text was made from another one.
    pub(crate) fn at_line(mut self, of: impl Fn(usize) -> usize) -> FileError {
        match &mut self {
            FileError::Read { .. } => {}
            FileError::Parse { source, .. } => source.line = of(source.line),
            FileError::Content { line, .. } => *line = of(*line),
        }
        self
    }

    /// The file it is about.
    pub fn file(&self) -> &Path {
        match self {
            FileError::Read { file, .. }
            | FileError::Parse { file, .. }
            | FileError::Content { file, .. } => file,
        }
    }

    /// The line (from 1), when the file could be read.
    pub fn line(&self) -> Option<usize> {
        match self {
            FileError::Read { .. } => None,
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
