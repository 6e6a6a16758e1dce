//! The result of an operator's command: an exit code, and a sentence on failure.
//!
//! | code | meaning |
//! |---|---|
//! | 0 | done |
//! | 1 | internal error: a bug, or a system without free memory or disk space |
//! | 2 | usage error: the command line is invalid |
//! | 3 | refused: nothing was tried, nothing has changed |
//! | 4 | failed before the point of no return and rolled back: nothing has changed |
//! | 5 | failed after the point of no return: the node restarts or ends, `pq status` shows its state |
//! | 6 | unknown result: the connection was lost, or no answer arrived in time |
//! | 7 | no node can be reached |
//! | 8 | busy: another operation is in progress, or the limit of connections is reached |
//! | 9 | not permitted |
//! | 10 | wrong checksum of a file, or a package that is not signed as the tree asks for |
//! | 11 | incomplete answer: a shard does not answer, and its part is missing |

use std::fmt;
use std::process::ExitCode;

use pq_term::shorten;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The longest sentence in characters: one screen.
const SENTENCE_CHARS_MAX: usize = 2_000;

/// The longest OTP term in characters: even with six bytes per character the term fits into an event.
const TERM_CHARS_MAX: usize = 100_000;

/// The table above, shortened for `pq --help`.
pub const EXIT_CODES: &str = "\
Exit codes of operators' commands:
  0  done                          6  unknown result: no answer in time
  1  internal error                7  no node can be reached
  2  usage error                   8  busy: another operation is in progress
  3  refused, nothing was tried    9  not permitted
  4  failed and rolled back        10 wrong checksum or signature
  5  failed after the point of     11 incomplete answer: a shard does not
     no return: the node              answer
     restarts or ends";

/// The exit code of a command. The numbers are for scripts and never change their meaning.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(into = "u8", from = "u8")]
#[schemars(with = "u8")]
#[repr(u8)]
pub enum Exit {
    /// The command has done its work.
    Done = 0,
    /// A bug, or a system without free memory or disk space.
    Internal = 1,
    /// The command line or the request is invalid.
    Usage = 2,
    /// The node has tried nothing and changed nothing.
    Refused = 3,
    /// The operation failed and was rolled back.
    RolledBack = 4,
    /// The operation failed after the point of no return.
    Degraded = 5,
    /// The result is unknown, because no complete answer arrived.
    Unknown = 6,
    /// No node can be reached.
    Unreachable = 7,
    /// Another operation is in progress, or the limit of connections is reached.
    Busy = 8,
    /// The user may not operate this node.
    NotPermitted = 9,
    /// A file has the wrong checksum, or a package is not signed with a trusted key.
    Checksum = 10,
    /// A part of the answer is missing.
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

/// An unknown code comes from a newer node: its meaning is anything but "done".
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

/// The reason for the failure of a command.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Failure {
    /// The exit code of the command.
    pub exit: Exit,
    /// A sentence that begins in lower case: the failure, its reason and, if possible, the remedy.
    #[serde(rename = "error")]
    pub sentence: String,
    /// The failure as an OTP term, if OTP has one for it.
    pub term: Option<String>,
}

impl Failure {
    /// Creates a failure without a term.
    pub fn new(exit: Exit, sentence: impl Into<String>) -> Failure {
        Failure {
            exit,
            sentence: sentence.into(),
            term: None,
        }
    }

    /// The result of an operation as the history records it.
    pub fn ending(failure: Option<&Failure>) -> (Exit, String) {
        match failure {
            None => (Exit::Done, "done".to_string()),
            Some(failure) => (failure.exit, failure.sentence.clone()),
        }
    }

    /// Shortens the texts for an event: a reason may contain a term of any size.
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
