//! What travels over the socket besides what is asked and answered itself: each connection carries one request, and the
//! answer is a row of [`Event`]s.
//!
//! ```text
//!   operator ─► {"version": 1, "request": …}
//!   node     ─► waiting | progress | part …  ─► done | failed
//! ```

use std::fmt;

use serde::{Deserialize, Serialize};

use super::exit::Failure;

/// The version of this language. Another word that an older side would not understand is another version.
pub const PROTOCOL: u32 = 1;

/// A request as it travels.
#[derive(Serialize, Deserialize, Debug)]
pub struct Asked<R> {
    /// The language.
    pub version: u32,
    /// What is asked.
    pub request: R,
}

/// A piece of an answer.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The node is at it, and has nothing to say yet.
    Waiting,
    /// How far it is.
    Progress(Progress),
    /// The next piece of the answer, which is JSON.
    Part {
        /// The piece.
        text: String,
    },
    /// The answer is complete.
    Done,
    /// There is no answer, and why.
    Failed(Failure),
}

/// How far an operation is.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
pub struct Progress {
    /// What is being done: `stopping`, or a phase of an install.
    pub step: String,
    /// Processes that it concerns; 0 while that is not known.
    #[serde(default)]
    pub total: u64,
    /// States converted so far, counting those that were converted again.
    pub converted: u64,
    /// Processes that stand still now.
    pub held: u64,
    /// Processes that play with a new version.
    pub swapped: u64,
}

impl Progress {
    /// A step that counts nothing.
    pub fn step(step: &str) -> Progress {
        Progress {
            step: step.to_string(),
            total: 0,
            converted: 0,
            held: 0,
            swapped: 0,
        }
    }
}

/// `copy: 1200 of 4000 converted, 3 held`: what is not zero.
impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = match self.total {
            0 => String::new(),
            total => format!(" of {total}"),
        };
        let (first, again) = match self.total {
            0 => (self.converted, 0),
            total => (
                self.converted.min(total),
                self.converted.saturating_sub(total),
            ),
        };
        let counts = [
            (first, format!("{of} converted")),
            (again, " converted again".to_string()),
            (self.held, " held".to_string()),
            (self.swapped, format!("{of} with a new version")),
        ];
        let counted = counts.iter().filter(|(count, _)| *count > 0);
        let counted: Vec<String> = counted.map(|(count, of)| format!("{count}{of}")).collect();
        match counted.is_empty() {
            true => f.write_str(&self.step),
            false => write!(f, "{}: {}", self.step, counted.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_tells_what_is_not_zero() {
        assert_eq!(Progress::step("stopping").to_string(), "stopping");
        let progress = Progress {
            converted: 1_200,
            held: 3,
            ..Progress::step("hold")
        };
        assert_eq!(progress.to_string(), "hold: 1200 converted, 3 held");
        let progress = Progress {
            total: 1_000,
            swapped: 7,
            ..progress
        };
        assert_eq!(
            progress.to_string(),
            "hold: 1000 of 1000 converted, 200 converted again, 3 held, 7 of 1000 with a new version"
        );
    }
}
