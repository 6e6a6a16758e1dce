//! Tokens of operators for orders from the live page: `pq token` gives one to an operator, who hands it to the page.
//!
//! The node keeps only the hash of a token, in memory, so no token outlives the node. A token is 128 random bits, so its hash needs
//! no salt.

use std::time::{Duration, Instant};

use parking_lot::Mutex;
use pq_protocol::Who;
use rustix::rand::{GetRandomFlags, getrandom};
use sha2::{Digest, Sha256};

/// The longest life of a token: a day in a workshop.
pub(crate) const LIFE_MAX: Duration = Duration::from_secs(12 * 3_600);

/// The life of a token unless asked for otherwise.
pub(crate) const LIFE: Duration = Duration::from_secs(3_600);

/// The tokens at one time. A further one ends the oldest.
const TOKENS_MAX: usize = 16;

const TOKEN_BYTES: usize = 16;

/// The tokens of a node.
#[derive(Default)]
pub(crate) struct Tokens(Mutex<Vec<Held>>);

struct Held {
    hash: [u8; 32],
    until: Instant,
    who: Who,
}

impl Tokens {
    /// Makes a token for an operator.
    ///
    /// # Errors
    /// Fails if the system has no random numbers yet.
    pub(crate) fn issue(&self, who: &Who, life: Duration) -> std::io::Result<String> {
        let mut bytes = [0; TOKEN_BYTES];
        let filled = getrandom(&mut bytes[..], GetRandomFlags::empty())?;
        if filled < TOKEN_BYTES {
            return Err(std::io::Error::other(
                "the system returned too few random bytes",
            ));
        }
        let token: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut held = self.0.lock();
        held.retain(|held| held.until > Instant::now());
        if held.len() >= TOKENS_MAX {
            held.remove(0);
        }
        held.push(Held {
            hash: hash(&token),
            until: Instant::now() + life.min(LIFE_MAX),
            who: who.clone(),
        });
        Ok(token)
    }

    /// The operator of a token that is valid now.
    pub(crate) fn operator(&self, token: &str) -> Option<Who> {
        let hash = hash(token);
        let held = self.0.lock();
        let mut valid = held.iter().filter(|held| held.until > Instant::now());
        valid
            .find(|held| held.hash == hash)
            .map(|held| held.who.clone())
    }
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_valid_until_its_end_and_no_other_text_is() {
        let tokens = Tokens::default();
        let ann = Who::of(7, Some(1));
        let token = tokens.issue(&ann, LIFE).unwrap();
        assert_eq!(tokens.operator(&token), Some(ann.clone()));
        let short = tokens.issue(&ann, Duration::ZERO).unwrap();
        assert_eq!(tokens.operator(&short), None, "its life is over");
        for other in ["", &token[1..], &token.to_uppercase(), &format!("{token} ")] {
            assert_eq!(tokens.operator(other), None, "{other}");
        }
        assert_ne!(token, tokens.issue(&ann, LIFE).unwrap());
    }

    #[test]
    fn further_tokens_end_the_oldest_ones() {
        let tokens = Tokens::default();
        let issue = |_| tokens.issue(&Who::own(), LIFE).unwrap();
        let all: Vec<String> = (0..TOKENS_MAX + 2).map(issue).collect();
        let valid = all.iter().map(|token| tokens.operator(token).is_some());
        let valid: Vec<bool> = valid.collect();
        assert_eq!(valid.iter().filter(|it| **it).count(), TOKENS_MAX);
        assert_eq!(valid[..3], [false, false, true]);
    }
}
