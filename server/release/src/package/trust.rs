//! The author of a package: what its signature proves to a tree, before any of its files is on the disk.

use std::fmt;
use std::path::Path;

use pq_signing::{Date, KeyId, Keys, KeysError, SIGNATURE_NAME, SignatureError, Signed, claimed};

use super::refusal::Refusal;
use crate::checksums::{self, Checksums, sha256};
use crate::sequence::Sequence;

/// What a tree knows of the author of a package or release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Author {
    /// There is no signature, and the tree trusts no key.
    Unsigned,
    /// There is a signature with a key of this number; the tree trusts no key, so nobody has judged it.
    Claimed(KeyId),
    /// A trusted key has made the signature.
    Proven(Signed),
}

/// As the history and answers say it.
impl fmt::Display for Author {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Author::Unsigned => f.write_str("unsigned"),
            Author::Claimed(key) => write!(
                f,
                "signed with key {key}, not judged: the tree trusts no key"
            ),
            Author::Proven(signed) => {
                write!(
                    f,
                    "signed with key {}, number {}",
                    signed.key, signed.comment.seq
                )?;
                let note = signed.note.as_ref();
                note.map_or(Ok(()), |note| write!(f, " ({note})"))
            }
        }
    }
}

/// Whether an older package than the newest may be unpacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    /// Only a package whose number is not below the highest one.
    Newer,
    /// Any package, whatever its number.
    Any,
}

/// The keys and numbers by which packages are judged.
#[derive(Debug, Default)]
pub(crate) struct Trust {
    keys: Keys,
    /// `None` when any number is right.
    sequence: Option<Sequence>,
}

impl Trust {
    /// The keys of the tree at `root`, and the numbers of its packages.
    pub(crate) fn of(root: &Path, sequence: Sequence, age: Age) -> Result<Trust, KeysError> {
        Ok(Trust {
            keys: Keys::read(root)?,
            sequence: (age == Age::Newer).then_some(sequence),
        })
    }

    /// The keys alone, whatever the numbers.
    pub(super) fn of_keys(keys: Keys) -> Trust {
        Trust {
            keys,
            sequence: None,
        }
    }

    /// Judges the head of a package.
    pub(super) fn judge(&self, head: &Head) -> Result<Author, SignatureError> {
        if let Some(author) = self.without_keys(head) {
            return Ok(author);
        }
        let (Some(sums), Some(signature)) = (&head.sums, &head.signature) else {
            return Err(SignatureError::Unsigned(self.keys.counted()));
        };
        let signed = self.keys.judge(sums, signature, &Date::today())?;
        let signed = signed.not_ended()?;
        if let Some(sequence) = &self.sequence {
            sequence.judge(&signed.comment, &sha256(sums))?;
        }
        Ok(Author::Proven(signed))
    }

    /// The author for a tree without keys.
    pub(super) fn without_keys(&self, head: &Head) -> Option<Author> {
        if self.keys.judges() {
            return None;
        }
        let claimed = head.signature.as_deref().and_then(claimed);
        Some(claimed.map_or(Author::Unsigned, |(key, _)| Author::Claimed(key)))
    }
}

/// The files that come first in a package.
#[derive(Debug, Default)]
pub(super) struct Head {
    /// The bytes of `SHA256SUMS`.
    pub(super) sums: Option<Vec<u8>>,
    /// The text of `SHA256SUMS.minisig`.
    pub(super) signature: Option<String>,
}

impl Head {
    pub(super) fn add(&mut self, path: &str, bytes: Vec<u8>) {
        match path {
            SIGNATURE_NAME => self.signature = Some(String::from_utf8_lossy(&bytes).into_owned()),
            _ => self.sums = Some(bytes),
        }
    }

    /// The checksums of all files.
    pub(super) fn checksums(&self) -> Result<Checksums, Refusal> {
        let text = self.sums.as_deref().unwrap_or_default();
        let text = String::from_utf8_lossy(text);
        Checksums::parse(Path::new(checksums::FILE_NAME), &text)
            .map_err(|error| Refusal::Garbled(error.to_string()))
    }
}
