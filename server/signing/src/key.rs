//! Public keys of minisign and their numbers.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The number of bytes before the number of a key: the name of the algorithm.
const ALGORITHM_BYTES: usize = 2;

/// The number of bytes of the number of a key.
const ID_BYTES: usize = 8;

/// The number of a key, which minisign draws when it makes the key. It finds a key and proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(u64);

impl KeyId {
    /// The number in the bytes of a key or of a signature.
    pub(crate) fn of(bytes: &[u8]) -> Option<KeyId> {
        let id = bytes.get(ALGORITHM_BYTES..ALGORITHM_BYTES + ID_BYTES)?;
        Some(KeyId(u64::from_le_bytes(id.try_into().ok()?)))
    }
}

/// As minisign shows it, with all digits.
impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016X}", self.0)
    }
}

/// The text is not a key of minisign. Displays as a fragment that continues "failed to …".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoKey {
    /// The number of a key has another form.
    #[error(
        "read `{0}` as the number of a key: it has 16 hexadecimal digits, as `pq key list` shows them"
    )]
    Id(String),
    /// A public key has another form.
    #[error("read a public key: its text is none that minisign or `pq key new` has written")]
    Public,
}

impl FromStr for KeyId {
    type Err = NoKey;

    fn from_str(text: &str) -> Result<KeyId, NoKey> {
        let is_id = text.len() == 2 * ID_BYTES && text.chars().all(|c| c.is_ascii_hexdigit());
        let number = u64::from_str_radix(text, 16).ok().filter(|_| is_id);
        number.map(KeyId).ok_or_else(|| NoKey::Id(text.to_string()))
    }
}

/// A public key, which recognises the signatures of one secret key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    id: KeyId,
    base64: String,
    pub(crate) key: minisign_verify::PublicKey,
}

impl PublicKey {
    /// Reads the text of a `.pub` file (a comment and the key), or the key alone.
    ///
    /// # Errors
    /// When the text is no such key.
    pub fn parse(text: &str) -> Result<PublicKey, NoKey> {
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let base64 = lines.next_back().ok_or(NoKey::Public)?;
        let bytes = STANDARD.decode(base64).map_err(|_| NoKey::Public)?;
        let key = minisign_verify::PublicKey::from_base64(base64).map_err(|_| NoKey::Public)?;
        Ok(PublicKey {
            id: KeyId::of(&bytes).ok_or(NoKey::Public)?,
            base64: base64.to_string(),
            key,
        })
    }

    /// The number of the key.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The key as one word, as minisign's `-P` takes it.
    pub fn base64(&self) -> &str {
        &self.base64
    }

    /// The text of a `.pub` file.
    pub fn to_text(&self) -> String {
        format!(
            "untrusted comment: minisign public key {}\n{}\n",
            self.id, self.base64
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key in the documentation of minisign.
    const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";

    #[test]
    fn a_key_has_the_number_that_minisign_shows() {
        let key = PublicKey::parse(KEY).unwrap();
        assert_eq!(key.id().to_string(), "E7620F1842B4E81F");
        assert_eq!("E7620F1842B4E81F".parse(), Ok(key.id()));
        assert_eq!(PublicKey::parse(&key.to_text()), Ok(key));
    }

    #[test]
    fn another_text_is_no_key() {
        for text in [
            "",
            "key",
            &KEY[..40],
            &KEY.replace('f', "!"),
            &"A".repeat(56),
        ] {
            assert_eq!(PublicKey::parse(text), Err(NoKey::Public), "{text}");
        }
        for text in [
            "",
            "E7620F1842B4E81",
            "+7620F1842B4E81F",
            "E7620F1842B4E81F0",
        ] {
            assert!(text.parse::<KeyId>().is_err(), "{text}");
        }
    }
}
