//! `start_erl.data`: the release that boots (`ErtsVsn Vsn`, OTP Design Principles, "Target System").

use std::fmt;
use std::path::Path;

use pq_term::Term;

use crate::consult::read_text;
use crate::file_error::FileError;
use crate::terms;
use pq_files::durable::{self, WriteError};

/// The two words of a `start_erl.data` file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartErl {
    /// The version of the runtime.
    pub erts_vsn: String,
    /// The version of the release.
    pub vsn: String,
}

impl StartErl {
    /// Reads a `start_erl.data` file.
    ///
    /// # Errors
    /// When the file cannot be read or does not contain two words.
    pub fn read(file: &Path) -> Result<StartErl, FileError> {
        StartErl::parse(file, &read_text(file)?)
    }

    /// Parses the text of a `start_erl.data` file.
    ///
    /// # Errors
    /// When the text does not have two words.
    pub fn parse(file: &Path, text: &str) -> Result<StartErl, FileError> {
        let words: Vec<&str> = text.split_whitespace().collect();
        match words[..] {
            [erts_vsn, vsn] => Ok(StartErl {
                erts_vsn: erts_vsn.to_string(),
                vsn: vsn.to_string(),
            }),
            _ => Err(FileError::Content {
                file: file.to_path_buf(),
                line: line_of_fault(text),
                sentence: format!(
                    "the file has {} words; two would be right: the version of the runtime and that of the release, such as `1.0.0 1.1.0`",
                    words.len()
                ),
                term: terms::tagged("bad_start_erl", Term::string(text)),
            }),
        }
    }

    /// Writes the file atomically.
    ///
    /// # Errors
    /// When the operating system fails.
    pub fn write(&self, file: &Path) -> Result<(), WriteError> {
        durable::write(file, self.to_text().as_bytes())
    }

    /// The text of the file.
    pub fn to_text(&self) -> String {
        format!("{self}\n")
    }
}

/// The line (from 1) of the third word, or of the last word when there are too few.
fn line_of_fault(text: &str) -> usize {
    let lines = text.lines().enumerate();
    let words = lines.flat_map(|(at, line)| line.split_whitespace().map(move |_| at + 1));
    words.take(3).last().unwrap_or(1)
}

impl fmt::Display for StartErl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.erts_vsn, self.vsn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn it_is_written_as_it_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("start_erl.data");
        let start = StartErl {
            erts_vsn: "1.0.0".into(),
            vsn: "1.1.0".into(),
        };
        start.write(&file).unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "1.0.0 1.1.0\n");
        assert_eq!(StartErl::read(&file), Ok(start));
    }

    #[test]
    fn another_number_of_words_is_refused() {
        let error = StartErl::parse(Path::new("start_erl.data"), "1.0.0").unwrap_err();
        expect![[r#"read start_erl.data: line 1: the file has 1 words; two would be right: the version of the runtime and that of the release, such as `1.0.0 1.1.0` ({bad_start_erl,"1.0.0"})"#]]
            .assert_eq(&error.to_string());
        let error =
            StartErl::parse(Path::new("start_erl.data"), "1.0.0 1.1.0\n\n2 3\n4").unwrap_err();
        assert_eq!(error.line(), Some(3));
    }
}
