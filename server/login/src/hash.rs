//! Hashes of words: argon2id with the parameters that OWASP recommends (19 MiB, 2 passes), as texts in the PHC format.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};

use crate::secret::Secret;

/// The number of hashes since the start of the process; each has cost tens of milliseconds of a core and 19 MiB.
static DONE: AtomicU64 = AtomicU64::new(0);

/// The number of hashes that were computed since the start of the process, for words that were chosen and compared.
pub fn hashes() -> u64 {
    DONE.load(Ordering::Relaxed)
}

/// Hashes a word with a random salt; `None` when the system has no random numbers.
pub fn hash(word: &Secret) -> Option<String> {
    DONE.fetch_add(1, Ordering::Relaxed);
    let hashed: Result<PasswordHash, _> = Argon2::default().hash_password(word.bytes());
    hashed.ok().map(|hash| hash.to_string())
}

/// Whether this is the word of the hash. Without a hash, or with one that cannot be read, the same work is done for a hash
/// that no word has, so the time tells nothing.
pub(crate) fn verify(word: &Secret, hash: Option<&str>) -> bool {
    let hash = hash.and_then(|hash| PasswordHash::new(hash).ok());
    let is_of = |hash: &PasswordHash| {
        DONE.fetch_add(1, Ordering::Relaxed);
        let verified = Argon2::default().verify_password(word.bytes(), hash);
        verified.is_ok()
    };
    match (&hash, nobodys()) {
        (Some(hash), _) => is_of(hash),
        (None, Some(nobodys)) => {
            is_of(nobodys);
            false
        }
        (None, None) => false,
    }
}

/// The hash of a word that nobody knows.
fn nobodys() -> Option<&'static PasswordHash> {
    static NOBODYS: OnceLock<Option<PasswordHash>> = OnceLock::new();
    let hashed = NOBODYS.get_or_init(|| {
        let hashed = Argon2::default().hash_password(b"the word of nobody");
        hashed.ok()
    });
    hashed.as_ref()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_that_of_its_own_hash_alone() {
        let word = Secret::from("open sesame");
        let (one, other) = (hash(&word).unwrap(), hash(&word).unwrap());
        assert_ne!(one, other, "salted");
        assert!(one.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{one}");
        assert!(verify(&word, Some(&one)) && verify(&word, Some(&other)));
        assert!(!verify(&Secret::from("open sesamE"), Some(&one)));
    }

    #[test]
    fn no_word_is_right_without_a_hash() {
        for hash in [None, Some("not a hash"), Some("")] {
            assert!(
                !verify(&Secret::from("the word of nobody"), hash),
                "{hash:?}"
            );
        }
    }
}
