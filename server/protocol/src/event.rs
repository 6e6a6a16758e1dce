//! The envelope of a request, and the events of an answer. Each connection carries one request, and the answer is a
//! sequence of [`Event`]s.
//!
//! ```text
//!   operator ─► {"version": 1, "request": …}
//!   node     ─► waiting | progress | part …  ─► done | failed
//! ```

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::exit::Failure;

/// The version of the protocol. A change that an older peer would not understand raises the number.
pub const PROTOCOL: u32 = 1;

/// A request with its envelope.
#[derive(Serialize, Deserialize, Debug)]
pub struct Asked<R> {
    /// The version of the protocol ([`PROTOCOL`]).
    pub version: u32,
    /// The request, of a type known to the receiver.
    pub request: R,
}

/// One event of an answer.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A sign of life: the node works on the request and has no news.
    Waiting,
    /// The progress of an operation.
    Progress(Progress),
    /// The next part of the answer, which is JSON.
    Part {
        /// The text of the part.
        text: String,
    },
    /// The end of a complete answer.
    Done,
    /// The end of a failed request, with the reason.
    Failed(Failure),
}

/// The progress of an operation.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug, JsonSchema)]
pub struct Progress {
    /// The present step: `stopping`, or a phase of an install.
    pub step: String,
    /// The number of processes concerned; 0 while unknown.
    #[serde(default)]
    pub total: u64,
    /// The number of converted states, including repeated conversions.
    pub converted: u64,
    /// The number of processes that are suspended now.
    pub held: u64,
    /// The number of processes that run a new version.
    pub swapped: u64,
}

impl Progress {
    /// A step without counts.
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

/// The counts above zero: `copy: 1200 of 4000 converted, 3 held`.
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
