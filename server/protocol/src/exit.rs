//! How an operator's command ends: exit codes, and the sentence of one that failed.
//!
//! | code | means |
//! |---|---|
//! | 0 | done |
//! | 1 | internal: a bug, or a system that gives neither memory nor disk |
//! | 2 | usage: the command cannot be meant like this |
//! | 3 | refused: nothing was tried, nothing has changed |
//! | 4 | failed before the point of no return and taken back: nothing has changed |
//! | 5 | failed after it: the node is not as it was, `pq status` says how it is |
//! | 6 | unknown: the connection was lost, or the answer did not come in time |
//! | 7 | no node can be reached |
//! | 8 | another operation is in progress, or the node has enough connections |
//! | 9 | not permitted |
//! | 10 | bytes do not have the checksum they should have |
//! | 11 | a part of the answer is missing, because a shard does not answer; the rest was given |

use std::fmt;
use std::process::ExitCode;

use pq_term::shorten;
use serde::{Deserialize, Serialize};

/// The longest sentence: a screen.
const SENTENCE_CHARS_MAX: usize = 2_000;

/// How much of a term is for programs: what an event has room for when each character takes its most, six bytes.
const TERM_CHARS_MAX: usize = 100_000;

/// The table above, shortened for `pq --help`.
pub const EXIT_CODES: &str = "\
Exit codes of operators' commands:
  0  done                        6  nobody knows: no answer came in time
  1  internal error              7  no node can be reached
  2  usage                       8  busy: another operation is in progress
  3  refused, nothing tried      9  not permitted
  4  failed and taken back       10 wrong checksum
  5  failed half-way: the node   11 some of the answer is missing: a shard
     starts again, or ends          does not answer";

/// How a command ends. The numbers are for scripts and never change their meaning.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(into = "u8", from = "u8")]
#[repr(u8)]
pub enum Exit {
    /// As asked.
    Done = 0,
    /// A bug, or a system out of something.
    Internal = 1,
    /// The command cannot be meant like this.
    Usage = 2,
    /// Nothing was tried.
    Refused = 3,
    /// It was tried, and taken back.
    RolledBack = 4,
    /// It went half-way.
    Degraded = 5,
    /// Nobody knows.
    Unknown = 6,
    /// There is no node.
    Unreachable = 7,
    /// Somebody else is at it.
    Busy = 8,
    /// It is not for this user.
    NotPermitted = 9,
    /// The bytes are not what they should be.
    Checksum = 10,
    /// Some of the answer was given.
    Partial = 11,
}

impl Exit {
    const ALL: [Exit; 12] = [
        Exit::Done,
        Exit::Internal,
        Exit::Usage,
        Exit::Refused,
        Exit::RolledBack,
        Exit::Degraded,
        Exit::Unknown,
        Exit::Unreachable,
        Exit::Busy,
        Exit::NotPermitted,
        Exit::Checksum,
        Exit::Partial,
    ];
}

impl From<Exit> for u8 {
    fn from(exit: Exit) -> u8 {
        exit as u8
    }
}

/// A code that this program does not know is one of a newer node: whatever it means, it is not "done".
impl From<u8> for Exit {
    fn from(code: u8) -> Exit {
        let known = Exit::ALL.into_iter().find(|exit| u8::from(*exit) == code);
        known.unwrap_or(Exit::Internal)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(u8::from(exit))
    }
}

/// Why a command did not do what was asked.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// A sentence, beginning in lower case: what failed, why, and what would be right.
    #[serde(rename = "error")]
    pub sentence: String,
    /// The same in OTP's words, where it has words for it.
    pub term: Option<String>,
}

impl Failure {
    /// A failure without a term.
    pub fn new(exit: Exit, sentence: impl Into<String>) -> Failure {
        Failure {
            exit,
            sentence: sentence.into(),
            term: None,
        }
    }

    /// How the history says that an operation ended.
    pub fn ending(failure: Option<&Failure>) -> (Exit, String) {
        match failure {
            None => (Exit::Done, "done".to_string()),
            Some(failure) => (failure.exit, failure.sentence.clone()),
        }
    }

    /// As it is sent: a reason may be whatever a module has put into it, and an event has room for some of it.
    pub fn bounded(self) -> Failure {
        let kept = |text: String, max| shorten(&text, max).into_owned();
        Failure {
            exit: self.exit,
            sentence: kept(self.sentence, SENTENCE_CHARS_MAX),
            term: self.term.map(|term| kept(term, TERM_CHARS_MAX)),
        }
    }
}

impl std::error::Error for Failure {}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Event, frame};

    #[test]
    fn codes_travel_and_an_unknown_one_is_not_done() {
        for exit in Exit::ALL {
            assert_eq!(Exit::from(u8::from(exit)), exit);
        }
        assert_eq!(Exit::from(77), Exit::Internal);
    }

    #[test]
    fn the_longest_failure_fits_an_event() {
        let failure = Failure {
            term: Some("\u{1}".repeat(10 << 20)),
            ..Failure::new(Exit::RolledBack, "\u{1}".repeat(10 << 20))
        };
        let frame = frame::encode(&Event::Failed(failure.bounded()));
        assert!(frame.len() <= frame::EVENT_MAX, "{}", frame.len());
    }

    #[test]
    fn the_help_has_all_codes() {
        let words: Vec<&str> = EXIT_CODES.split_whitespace().collect();
        for exit in Exit::ALL {
            assert!(
                words.contains(&u8::from(exit).to_string().as_str()),
                "{exit:?}"
            );
        }
    }
}
