//! The name of a hero, as a shared text.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The name of a hero. The hero sends it with every event, so a clone increments a reference count instead of copying
/// the text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<str>);

impl From<&str> for Name {
    fn from(text: &str) -> Name {
        Name(text.into())
    }
}

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Name, D::Error> {
        deserializer.deserialize_str(NameText)
    }
}

/// Reads the text without a `String` in between, which would be one more allocation.
struct NameText;

impl Visitor<'_> for NameText {
    type Value = Name;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a hero")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Name, E> {
        Ok(Name::from(text))
    }

    /// Erlang sends text as a binary in most cases.
    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Name, E> {
        let text = std::str::from_utf8(bytes).map_err(E::custom)?;
        self.visit_str(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_it_was_written_and_nothing_else_is_one() {
        for text in ["", "Gandalf", "Éowyn"] {
            let bytes = rmp_serde::to_vec(&Name::from(text)).unwrap();
            assert_eq!(bytes, rmp_serde::to_vec(text).unwrap());
            assert_eq!(rmp_serde::from_slice::<Name>(&bytes).unwrap(), text.into());
            assert_eq!(
                rmp_serde::from_read::<_, Name>(&bytes[..]).unwrap(),
                text.into()
            );
        }
        // The MessagePack head of a binary of two bytes.
        let binary = [0xc4, 2, 0xc3, 0xa9];
        assert_eq!(rmp_serde::from_slice::<Name>(&binary).unwrap(), "é".into());
        assert!(rmp_serde::from_slice::<Name>(&[0xc4, 2, 0xc3, 0xff]).is_err());
        let number = rmp_serde::to_vec(&7).unwrap();
        let error = rmp_serde::from_slice::<Name>(&number).unwrap_err();
        assert!(error.to_string().contains("the name of a hero"), "{error}");
    }
}
