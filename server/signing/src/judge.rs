//! The judgement of a signature by the keys that a tree trusts. Nothing of a package is on the disk before it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::comment::{Comment, NoComment};
use crate::date::Date;
use crate::key::KeyId;
use crate::keys::Keys;

/// The name of the algorithm that signs the bytes themselves, in place of their hash.
const LEGACY: &[u8] = b"Ed";

/// The beginning of the line with the trusted comment.
const TRUSTED: &str = "trusted comment: ";

/// A signature that a trusted key has made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The number of the key.
    pub key: KeyId,
    /// The note on the key.
    pub note: Option<String>,
    /// The day until which the key is trusted, if it is over.
    pub ended: Option<Date>,
    /// The statements of the signature about the package.
    pub comment: Comment,
}

/// A package whose signature is refused. Displays as a clause about the package.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The package has no signature.
    #[error(
        "it is unsigned, and this tree trusts {0}: `pq sign` signs a package, and `pq tar` does when its author has a key"
    )]
    Unsigned(String),
    /// The text is no signature.
    #[error(
        "its signature is cut or malformed; the four lines that minisign or `pq sign` writes would be right"
    )]
    Malformed,
    /// The signature was made by an old minisign.
    #[error(
        "its signature has the legacy algorithm of minisign; `pq sign` or minisign from 0.10 on signs as it has to be"
    )]
    Legacy,
    /// No trusted key has this number.
    #[error(
        "it is signed with key {0}, which this tree does not trust; if you do, `pq key trust FILE` adds the key"
    )]
    Unknown(KeyId),
    /// The key was revoked on this day.
    #[error("it is signed with key {0}, which was revoked on {1}; sign it with another key")]
    Revoked(KeyId, Date),
    /// The key was trusted until this day.
    #[error(
        "it is signed with key {0}, which was trusted until {1}; sign it with another key, or trust this one for longer"
    )]
    Ended(KeyId, Date),
    /// The signature was not made by this key over these bytes and this comment.
    #[error(
        "its signature is not that of key {0}: the checksums or the comment of the signature were changed"
    )]
    Wrong(KeyId),
    /// The comment does not say which release the package is.
    #[error(transparent)]
    Comment(#[from] NoComment),
    /// The package is another release than the signature says.
    #[error("it is release {found}, and its signature is for {signed}")]
    OtherRelease {
        /// Name and version of the release in the package.
        found: String,
        /// Name and version of the release in the signature.
        signed: String,
    },
    /// A newer package was unpacked before.
    #[error(
        "its number is {seq}, and a package with the number {seen} was unpacked before: it may be an old package with a known fault; `--older` unpacks it"
    )]
    Older {
        /// The number of the package.
        seq: u64,
        /// The highest number that was unpacked.
        seen: u64,
    },
    /// Another package has the same number.
    #[error(
        "its number is {0}, and another package with that number was unpacked before; sign it with a higher number"
    )]
    Twice(u64),
}

impl Keys {
    /// Judges the signature over these bytes. An ended key still proves its author: the caller decides if the end counts.
    ///
    /// # Errors
    /// With the first reason to refuse the signature.
    pub fn judge(
        &self,
        bytes: &[u8],
        signature: &str,
        today: &Date,
    ) -> Result<Signed, SignatureError> {
        let id = shape(signature)?;
        if let Some(revoked) = self.revoked().iter().find(|revoked| revoked.id == id) {
            return Err(SignatureError::Revoked(id, revoked.day.clone()));
        }
        let trusted = self.trusted().iter().find(|trusted| trusted.key.id() == id);
        let trusted = trusted.ok_or(SignatureError::Unknown(id))?;
        let signature = minisign_verify::Signature::decode(signature);
        let signature = signature.map_err(|_| SignatureError::Malformed)?;
        let verified = trusted.key.key.verify(bytes, &signature, false);
        verified.map_err(|_| SignatureError::Wrong(id))?;
        Ok(Signed {
            key: id,
            note: trusted.note.clone(),
            ended: trusted.until.clone().filter(|until| until < today),
            comment: signature.trusted_comment().parse()?,
        })
    }
}

impl Signed {
    /// Refuses a signature that was made for another release.
    ///
    /// # Errors
    /// With both releases.
    pub fn is_for(&self, name: &str, vsn: &str) -> Result<(), SignatureError> {
        let Comment {
            name: signed_name,
            vsn: signed_vsn,
            ..
        } = &self.comment;
        match (&**signed_name, &**signed_vsn) == (name, vsn) {
            true => Ok(()),
            false => Err(SignatureError::OtherRelease {
                found: format!("{name} {vsn}"),
                signed: format!("{signed_name} {signed_vsn}"),
            }),
        }
    }

    /// Refuses a signature of a key whose last day is over.
    ///
    /// # Errors
    /// With that day.
    pub fn not_ended(self) -> Result<Signed, SignatureError> {
        match self.ended {
            Some(day) => Err(SignatureError::Ended(self.key, day)),
            None => Ok(self),
        }
    }
}

/// The number of the key in a signature of the right form, which is of the present algorithm.
fn shape(signature: &str) -> Result<KeyId, SignatureError> {
    let lines: Vec<&str> = signature.lines().collect();
    let [_, signed, comment, global] = lines[..] else {
        return Err(SignatureError::Malformed);
    };
    let bytes = |line: &str| STANDARD.decode(line).map_err(|_| SignatureError::Malformed);
    let signed = bytes(signed)?;
    if !comment.starts_with(TRUSTED) || bytes(global)?.len() != 64 || signed.len() != 74 {
        return Err(SignatureError::Malformed);
    }
    match signed.starts_with(LEGACY) {
        true => Err(SignatureError::Legacy),
        false => KeyId::of(&signed).ok_or(SignatureError::Malformed),
    }
}

/// The comment of a signature, which nothing proves, and the number of its key; `None` for a text that is no signature.
pub fn claimed(signature: &str) -> Option<(KeyId, Comment)> {
    let id = shape(signature).ok()?;
    let comment = signature.lines().nth(2)?.strip_prefix(TRUSTED)?;
    Some((id, comment.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::keys::Trusted;
    use crate::secret::SecretKey;

    const BYTES: &[u8] = b"the checksums of a package";

    /// A new key in this directory, and the keys of a tree that trusts it.
    fn signer(folder: &Path, name: &str) -> (SecretKey, Keys) {
        let file = folder.join(name);
        let key = SecretKey::make(&file, None).unwrap();
        let mut keys = Keys::default();
        let trusted = Trusted {
            key,
            note: None,
            until: None,
        };
        keys.trust(trusted).unwrap();
        (SecretKey::read(&file, None).unwrap(), keys)
    }

    fn comment() -> Comment {
        "pq 1.1.0 seq=7 from=1.0.0".parse().unwrap()
    }

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    #[test]
    fn a_trusted_key_is_recognised_and_another_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let (key, keys) = signer(folder.path(), "one");
        let signature = key.sign(BYTES, &comment()).unwrap();
        let signed = keys.judge(BYTES, &signature, &Date::today()).unwrap();
        assert_eq!((signed.comment, signed.key), (comment(), key.public().id()));
        assert_eq!(claimed(&signature), Some((key.public().id(), comment())));
        let (other, _) = signer(folder.path(), "other");
        let signature = other.sign(BYTES, &comment()).unwrap();
        let refused = keys.judge(BYTES, &signature, &Date::today());
        assert_eq!(refused, Err(SignatureError::Unknown(other.public().id())));
    }

    #[test]
    fn a_key_ends_after_its_last_day() {
        let folder = tempfile::tempdir().unwrap();
        let (key, mut keys) = signer(folder.path(), "one");
        let until = Some(day("2026-11-30"));
        let public = key.public().clone();
        keys.trust(Trusted {
            key: public,
            note: None,
            until,
        })
        .unwrap();
        let signature = key.sign(BYTES, &comment()).unwrap();
        let judge = |today| {
            keys.judge(BYTES, &signature, &day(today))
                .unwrap()
                .not_ended()
        };
        assert!(judge("2026-11-30").is_ok());
        let ended = SignatureError::Ended(key.public().id(), day("2026-11-30"));
        assert_eq!(judge("2026-12-01"), Err(ended));
    }

    #[test]
    fn no_other_bytes_and_no_other_text_are_signed() {
        let folder = tempfile::tempdir().unwrap();
        let (key, keys) = signer(folder.path(), "one");
        let signature = key.sign(BYTES, &comment()).unwrap();
        let today = Date::today();
        assert_eq!(
            keys.judge(b"", &signature, &today),
            Err(SignatureError::Wrong(key.public().id()))
        );
        for at in 0..signature.len() {
            assert!(
                keys.judge(BYTES, &signature[..at], &today).is_err()
                    || signature[at..].trim().is_empty()
            );
            let mut changed = signature.clone().into_bytes();
            changed[at] ^= 1;
            // The first line is the untrusted comment, of which nothing is used.
            let is_used = at > signature.find('\n').unwrap();
            let Ok(changed) = String::from_utf8(changed) else {
                continue;
            };
            let judged = keys.judge(BYTES, &changed, &today);
            assert!(
                judged.is_err() || !is_used || at + 1 == signature.len(),
                "{changed}"
            );
        }
    }
}
