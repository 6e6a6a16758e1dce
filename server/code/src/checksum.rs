//! SHA-256 checksums, with which a release identifies the exact bytes of a library. `verify` compares them.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};
use thiserror::Error;

/// The SHA-256 of a file (FIPS 180-4), written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Checksum([u8; 32]);

impl Checksum {
    /// Computes the SHA-256 of these bytes.
    pub fn of(bytes: &[u8]) -> Checksum {
        Checksum(Sha256::digest(bytes).into())
    }

    /// The first eight digits: enough to distinguish the libraries of one node.
    pub fn short(&self) -> String {
        self.to_string()[..8].to_string()
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not 64 hexadecimal digits.
#[derive(Debug, PartialEq, Eq, Error)]
#[error("read `{0}` as a SHA-256: it is written as 64 hexadecimal digits")]
pub struct ParseChecksumError(String);

impl FromStr for Checksum {
    type Err = ParseChecksumError;

    fn from_str(text: &str) -> Result<Checksum, ParseChecksumError> {
        let digits: Option<Vec<u8>> = text
            .chars()
            .map(|c| c.to_digit(16).map(|d| d as u8))
            .collect();
        let bytes = digits.map(|digits| digits.chunks(2).map(pair).collect::<Vec<u8>>());
        let sized = bytes
            .filter(|_| text.len() == 64)
            .and_then(|bytes| bytes.try_into().ok());
        sized
            .map(Checksum)
            .ok_or_else(|| ParseChecksumError(text.to_string()))
    }
}

fn pair(digits: &[u8]) -> u8 {
    digits.iter().fold(0, |byte, digit| byte << 4 | digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_of_abc_is_the_one_of_the_standard() {
        let written = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Checksum::of(b"abc").to_string(), written);
        assert_eq!(written.parse(), Ok(Checksum::of(b"abc")));
        assert_eq!(Checksum::of(b"abc").short(), "ba7816bf");
    }

    #[test]
    fn a_text_that_is_no_checksum_is_refused() {
        for text in [
            "",
            "ba78",
            &"g".repeat(64),
            &"a".repeat(63),
            &"a".repeat(65),
            &"ä".repeat(32),
        ] {
            assert_eq!(
                text.parse::<Checksum>(),
                Err(ParseChecksumError(text.to_string()))
            );
        }
    }
}
