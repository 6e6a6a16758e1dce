//! The record of a word, as a store keeps it: the hash of the word, and the hashes of tokens that stand for it.
//!
//! ```text
//!   $argon2id$…             the hash of the word
//!   token UNTIL SHA-256     at most 8 of these, the oldest first; UNTIL in seconds since 1970
//! ```
//! A token is what a browser keeps in place of a word. It is 256 random bits, so its hash needs neither salt nor work. A new word
//! is a new record, so it ends all tokens of the old one.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use crate::hash;
use crate::secret::Secret;

/// The life of a token.
pub const TOKEN_LIFE_S: u64 = 30 * 24 * 3_600;

/// The tokens of one word: a person has fewer browsers. A further one ends the oldest.
pub const TOKENS_MAX: usize = 8;

/// The beginning of each token, by which a search finds one that has got into a wrong place.
const PREFIX: &str = "pqt_";

const TOKEN_BYTES: usize = 32;

/// See the top of the file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    hash: String,
    tokens: Vec<Token>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Token {
    until_unix_s: u64,
    hash: String,
}

/// A token for a browser.
pub struct Issued {
    /// The token, which is not kept.
    pub token: String,
    /// Its end, in seconds since 1970.
    pub until_unix_s: u64,
}

/// The way in which a word was right.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Proof {
    /// It is the word.
    Word,
    /// It is a token that is valid.
    Token {
        /// The end of the token, in seconds since 1970.
        until_unix_s: u64,
    },
}

impl Record {
    /// The record in a text. Lines that are no tokens are left out.
    pub fn read(text: &str) -> Record {
        let mut lines = text.lines();
        Record {
            hash: lines.next().unwrap_or_default().to_string(),
            tokens: lines.filter_map(Token::read).collect(),
        }
    }

    /// The text of the record.
    pub fn write(&self) -> String {
        let mut text = self.hash.clone();
        for Token { until_unix_s, hash } in &self.tokens {
            // Writing to a String cannot fail.
            let _ = write!(text, "\ntoken {until_unix_s} {hash}");
        }
        text
    }

    /// Adds a token; tokens whose life is over go. `None` when the system has no random numbers.
    pub fn issue(&mut self, now_unix_s: u64) -> Option<Issued> {
        let mut bytes = [0; TOKEN_BYTES];
        getrandom::fill(&mut bytes).ok()?;
        let token = format!("{PREFIX}{}", hex(&bytes));
        let until_unix_s = now_unix_s + TOKEN_LIFE_S;
        self.tokens.retain(|token| token.until_unix_s > now_unix_s);
        if self.tokens.len() >= TOKENS_MAX {
            self.tokens.remove(0);
        }
        self.tokens.push(Token {
            until_unix_s,
            hash: hash_of(&Secret::from(&*token)),
        });
        Some(Issued {
            token,
            until_unix_s,
        })
    }

    /// Removes a token. Returns whether it was there.
    pub fn revoke(&mut self, token: &Secret) -> bool {
        let (before, hash) = (self.tokens.len(), hash_of(token));
        self.tokens.retain(|token| token.hash != hash);
        self.tokens.len() < before
    }

    fn end_of(&self, hash: &str, now_unix_s: u64) -> Option<u64> {
        let mut tokens = self.tokens.iter();
        let found = tokens.find(|token| token.hash == hash && token.until_unix_s > now_unix_s);
        found.map(|token| token.until_unix_s)
    }
}

impl Token {
    fn read(line: &str) -> Option<Token> {
        let (until, hash) = line.strip_prefix("token ")?.split_once(' ')?;
        Some(Token {
            until_unix_s: until.parse().ok()?,
            hash: hash.to_string(),
        })
    }
}

/// Whether this is the word of a record, or one of its tokens. Without a record the same work is done, so the time tells nothing about
/// names. Only a right token is known without that work.
pub fn verify(word: &Secret, record: Option<&Record>, now_unix_s: u64) -> Option<Proof> {
    let hash = hash_of(word);
    if let Some(until_unix_s) = record.and_then(|record| record.end_of(&hash, now_unix_s)) {
        return Some(Proof::Token { until_unix_s });
    }
    let is_word = hash::verify(word, record.map(|record| &*record.hash));
    is_word.then_some(Proof::Word)
}

fn hash_of(token: &Secret) -> String {
    hex(&Sha256::digest(token.bytes()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000;

    fn record(word: &str) -> Record {
        Record::read(&hash::hash(&Secret::from(word)).unwrap())
    }

    #[test]
    fn a_token_stands_for_the_word_until_its_end() {
        let mut record = record("open sesame");
        let issued = record.issue(NOW).unwrap();
        let token = Secret::from(&*issued.token);
        let kept = Record::read(&record.write());
        assert_eq!(kept, record);
        assert!(!kept.write().contains(&issued.token), "stored as a hash");
        let until_unix_s = NOW + TOKEN_LIFE_S;
        let by_token = Some(Proof::Token { until_unix_s });
        assert_eq!(verify(&token, Some(&kept), until_unix_s - 1), by_token);
        assert_eq!(verify(&token, Some(&kept), until_unix_s), None);
        let word = Secret::from("open sesame");
        assert_eq!(verify(&word, Some(&kept), NOW), Some(Proof::Word));
        assert_eq!(verify(&Secret::from("pqt_"), Some(&kept), NOW), None);
    }

    #[test]
    fn a_token_that_is_revoked_is_none_and_the_others_stay() {
        let mut record = record("open sesame");
        let [one, other] = [(), ()].map(|()| record.issue(NOW).unwrap().token);
        assert_ne!(one, other);
        let [one, other] = [one, other].map(|token| Secret::from(&*token));
        assert!(record.revoke(&one) && !record.revoke(&one));
        assert_eq!(verify(&one, Some(&record), NOW), None);
        assert!(verify(&other, Some(&record), NOW).is_some());
    }

    #[test]
    fn further_tokens_end_the_oldest_and_dead_ones_are_not_kept() {
        let mut record = record("open sesame");
        let all: Vec<String> = (0..TOKENS_MAX + 1)
            .map(|_| record.issue(NOW).unwrap().token)
            .collect();
        assert_eq!(record.tokens.len(), TOKENS_MAX);
        let is_valid =
            |token: &String| verify(&Secret::from(&**token), Some(&record), NOW).is_some();
        assert_eq!((is_valid(&all[0]), is_valid(&all[1])), (false, true));
        record.issue(NOW + TOKEN_LIFE_S).unwrap();
        assert_eq!(record.tokens.len(), 1);
    }

    #[test]
    fn a_damaged_text_is_a_record_that_no_word_opens() {
        for text in ["", "\n\n", "token 1 2", "not a hash\ntoken x y\ntoken 5"] {
            let record = Record::read(text);
            assert_eq!(verify(&Secret::from("sesame"), Some(&record), NOW), None);
            assert!(record.tokens.is_empty(), "{text:?}");
        }
    }
}
