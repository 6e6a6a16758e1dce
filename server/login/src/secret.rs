//! A word in memory, and the rules for a new one.

use std::fmt;

use zeroize::Zeroizing;

/// The fewest characters of a word. Argon2 makes a guess expensive, not a short list of guesses.
pub const LENGTH_MIN: usize = 6;

/// The most bytes of a word: a long sentence.
pub const LENGTH_MAX: usize = 128;

/// The letters of a random word: without those that look like another one.
const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstvwxyz0123456789";

/// A word as it was typed. Its memory is wiped when it is dropped, and it is never shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(Zeroizing<Vec<u8>>);

/// The reason why a word cannot be chosen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unfit {
    /// It has fewer than [`LENGTH_MIN`] characters.
    Short,
    /// It has more than [`LENGTH_MAX`] bytes.
    Long,
}

impl Secret {
    /// The word in these bytes.
    pub fn new(bytes: Vec<u8>) -> Secret {
        Secret(Zeroizing::new(bytes))
    }

    /// A new word of 16 random letters and digits (80 bits), and its text for the person who passes it on. `None` when the
    /// system has no random numbers.
    pub fn random() -> Option<(Secret, String)> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).ok()?;
        let mut text = String::new();
        for (place, byte) in bytes.iter().enumerate() {
            if place > 0 && place % 4 == 0 {
                text.push('-');
            }
            text.push(char::from(LETTERS[usize::from(byte % 32)]));
        }
        Some((Secret::from(&*text), text))
    }

    /// Whether the word may be chosen.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub fn judge(&self) -> Result<(), Unfit> {
        let characters = String::from_utf8_lossy(&self.0).chars().count();
        match () {
            () if characters < LENGTH_MIN => Err(Unfit::Short),
            () if self.0.len() > LENGTH_MAX => Err(Unfit::Long),
            () => Ok(()),
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Secret {
        Secret::new(text.as_bytes().to_vec())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_has_six_characters_of_any_language_to_128_bytes() {
        for fit in ["secret", "勇者と竜と剣", &"x".repeat(LENGTH_MAX)] {
            assert_eq!(Secret::from(fit).judge(), Ok(()), "{fit}");
        }
        for short in ["", "words", "勇者竜剣盾"] {
            assert_eq!(Secret::from(short).judge(), Err(Unfit::Short), "{short}");
        }
        let long = "x".repeat(LENGTH_MAX + 1);
        assert_eq!(Secret::from(&*long).judge(), Err(Unfit::Long));
    }

    #[test]
    fn a_random_word_is_fit_and_no_two_are_the_same() {
        let ((word, text), (other, _)) = (Secret::random().unwrap(), Secret::random().unwrap());
        assert_eq!((word.judge(), text.len()), (Ok(()), 19));
        assert_ne!(word, other);
    }

    #[test]
    fn a_word_is_not_shown() {
        assert_eq!(format!("{:?}", Secret::from("sesame")), "Secret");
    }
}
