//! `SHA256SUMS`: the checksums of an application's files, in the form that `sha256sum -c` reads.
//!
//! `server/code` compares them with the library that it loads.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use pq_term::Term;
use sha2::{Digest, Sha256};

use crate::consult::read_text;
use crate::file_error::FileError;
use crate::terms;

/// The name of the file in an application's directory.
pub const FILE_NAME: &str = "SHA256SUMS";

/// A SHA-256 (FIPS 180-4) as 64 lower-case hexadecimal digits.
pub type Sha256Hex = String;

/// Checksums by path within the directory, such as `priv/pq.so`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Checksums(pub BTreeMap<String, Sha256Hex>);

/// Computes the checksum of these bytes.
pub fn sha256(bytes: &[u8]) -> Sha256Hex {
    hex(&Sha256::digest(bytes))
}

/// The hexadecimal digits of a digest.
pub(crate) fn hex(digest: &[u8]) -> Sha256Hex {
    digest.iter().fold(String::new(), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

impl Checksums {
    /// Reads a `SHA256SUMS` file.
    ///
    /// # Errors
    /// When the file cannot be read, and as [`Checksums::parse`].
    pub fn read(file: &Path) -> Result<Checksums, FileError> {
        Checksums::parse(file, &read_text(file)?)
    }

    /// Parses the text of a `SHA256SUMS` file.
    ///
    /// # Errors
    /// With the first line that is not 64 digits, two blanks (or a blank and `*`) and a path.
    pub fn parse(file: &Path, text: &str) -> Result<Checksums, FileError> {
        let mut sums = BTreeMap::new();
        for (at, line) in text.lines().enumerate() {
            let Some((hex, path)) = entry(line) else {
                return Err(FileError::Content {
                    file: file.to_path_buf(),
                    line: at + 1,
                    sentence: format!(
                        "`{line}`; 64 hexadecimal digits, two blanks and a path would be right"
                    ),
                    term: terms::tagged("bad_checksum", Term::string(line)),
                });
            };
            sums.insert(path, hex);
        }
        Ok(Checksums(sums))
    }

    /// The text of the file: one line for each path, ordered by path.
    pub fn to_text(&self) -> String {
        self.0.iter().fold(String::new(), |mut text, (path, hex)| {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{hex}  {path}");
            text
        })
    }
}

fn entry(line: &str) -> Option<(Sha256Hex, String)> {
    let (hex, path) = line.split_once(' ')?;
    let path = path.strip_prefix([' ', '*'])?;
    let is_hex = hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_hex && !path.is_empty()).then(|| (hex.to_ascii_lowercase(), path.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FIPS 180-4, appendix B.1: the checksum of `abc`.
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn the_checksum_is_that_of_the_standard() {
        assert_eq!(sha256(b"abc"), ABC);
    }

    #[test]
    fn what_is_written_reads_back() {
        let sums = Checksums([("priv/a.so".to_string(), ABC.to_string())].into());
        assert_eq!(sums.to_text(), format!("{ABC}  priv/a.so\n"));
        assert_eq!(
            Checksums::parse(Path::new(FILE_NAME), &sums.to_text()),
            Ok(sums)
        );
    }

    #[test]
    fn a_line_that_is_no_checksum_is_named() {
        for line in [
            "abc  priv/a.so",
            ABC,
            &format!("{ABC} priv/a.so"),
            &format!("{ABC}  "),
        ] {
            let text = format!("{ABC} *ebin/a.app\n{line}\n");
            let error = Checksums::parse(Path::new(FILE_NAME), &text).unwrap_err();
            assert_eq!(error.line(), Some(2), "{error}");
        }
    }
}
