//! A file that holds one term, with the positions that errors need.
//!
//! The modules of the formats (`app`, `rel` …) use it; they check the term.

use std::path::{Path, PathBuf};

use pq_term::Term;

use crate::file_error::FileError;
use crate::places;

/// Reads the text of a file. Plain text formats (`start_erl`, `checksums`) use it, too.
pub(crate) fn read_text(file: &Path) -> Result<String, FileError> {
    let bytes = pq_files::read(file, pq_files::TEXT_BYTES_MAX)
        .map_err(|error| FileError::read(file, &error))?;
    text_of(file, &bytes)
}

/// Decodes the bytes of a file as text.
pub(crate) fn text_of(file: &Path, bytes: &[u8]) -> Result<String, FileError> {
    match pq_term::checked_text(bytes) {
        Ok(text) => Ok(text.into_owned()),
        Err(source) => Err(FileError::Parse {
            file: file.to_path_buf(),
            source,
        }),
    }
}

/// The first term of a text. As in OTP, the rest of the text is parsed but not used.
pub(crate) struct Sheet<'a> {
    file: PathBuf,
    text: &'a str,
    pub(crate) term: Term,
}

impl<'a> Sheet<'a> {
    /// Parses the text; `wanted` is the expected form, for the error about an empty text.
    pub(crate) fn read(file: &Path, text: &'a str, wanted: &str) -> Result<Sheet<'a>, FileError> {
        crate::names::check(&[text]).map_err(|error| FileError::Content {
            file: file.to_path_buf(),
            line: 1,
            sentence: error.to_string(),
            term: Term::atom("system_limit"),
        })?;
        let terms = pq_term::read_all(text).map_err(|source| FileError::Parse {
            file: file.to_path_buf(),
            source,
        })?;
        let file = file.to_path_buf();
        match terms.into_iter().next() {
            Some(term) => Ok(Sheet { file, text, term }),
            None => Err(FileError::Content {
                line: 1,
                sentence: format!("the file holds no term; {wanted} would be right"),
                term: Term::tuple([Term::atom("read"), crate::file_error::path_term(&file)]),
                file,
            }),
        }
    }

    /// As [`Sheet::read`], but a second term is an error.
    pub(crate) fn read_only(
        file: &Path,
        text: &'a str,
        wanted: &str,
    ) -> Result<Sheet<'a>, FileError> {
        let sheet = Sheet::read(file, text, wanted)?;
        match pq_term::read_all_located(text).unwrap_or_default().get(1) {
            None => Ok(sheet),
            Some((line, term)) => Err(FileError::Content {
                file: sheet.file,
                line: *line,
                sentence: format!("`{term}` is a second term; the file holds one, {wanted}"),
                term: Term::atom("badly_formatted_file"),
            }),
        }
    }

    pub(crate) fn text(&self) -> &'a str {
        self.text
    }

    /// The line (from 1) of a part of the term; see [`places::line_at`] for `path`.
    pub(crate) fn line(&self, path: &[usize]) -> usize {
        places::line_at(self.text, path)
    }

    /// An error about a part of the term.
    pub(crate) fn wrong(&self, path: &[usize], sentence: String, term: Term) -> FileError {
        FileError::Content {
            file: self.file.clone(),
            line: self.line(path),
            sentence,
            term,
        }
    }
}
