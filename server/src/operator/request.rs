//! What an operator may ask a node. Each connection carries one request; the answer is a row of [`Event`]s.
//!
//! ```text
//!   operator ─► {"version": 1, "request": …}
//!   node     ─► waiting | progress | part …  ─► done | failed
//! ```

use std::fmt;

use serde::{Deserialize, Serialize};

use super::exit::Failure;

mod door;
mod release;

pub(crate) use door::{DoorRequest, TEXT_MAX};
pub(crate) use release::{ErrorAction, InstallOptions, OnOverrun, ReleaseRequest};

/// The version of this language. Another word that an older side would not understand is another version.
pub(crate) const PROTOCOL: u32 = 1;

/// A request as it travels.
#[derive(Serialize, Deserialize, Debug)]
pub(crate) struct Asked<R> {
    /// The language.
    pub(crate) version: u32,
    /// What is asked.
    pub(crate) request: R,
}

/// A request.
#[derive(Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Request {
    /// Something that is answered at any time.
    Question(Question),
    /// Something about releases, one at a time.
    Release {
        /// What.
        request: ReleaseRequest,
        /// Why, for the history.
        message: Option<String>,
    },
    /// Something at the players' door, at any time.
    Door(DoorRequest),
    /// The end of the node.
    Stop {
        /// Why, for the history.
        message: Option<String>,
        /// As it is, whatever it is at.
        #[serde(default)]
        now: bool,
    },
    /// The same, with a word to the players.
    Shutdown(ShutdownRequest),
}

/// As messages call it.
impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Request::Question(_) => f.write_str("answer"),
            Request::Release { request, .. } => request.fmt(f),
            Request::Door(request) => request.fmt(f),
            Request::Stop { .. } => f.write_str("stop"),
            Request::Shutdown(_) => f.write_str("shutdown"),
        }
    }
}

impl From<Question> for Request {
    fn from(question: Question) -> Request {
        Request::Question(question)
    }
}

impl From<DoorRequest> for Request {
    fn from(request: DoorRequest) -> Request {
        Request::Door(request)
    }
}

/// The end of the node, as players hear of it.
#[derive(Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ShutdownRequest {
    /// It comes at once.
    Now {
        /// What players are told besides.
        text: Option<String>,
    },
    /// It comes later, unless it is cancelled.
    Plan {
        /// After how long.
        after_ms: u64,
        /// What players are told besides.
        text: Option<String>,
    },
    /// It does not come.
    Cancel,
}

/// What is answered at any time.
#[derive(Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Question {
    /// What runs, since when, and what is being done.
    Status,
    /// The releases there are (`release_handler:which_releases/0,1`).
    WhichReleases {
        /// Only those with this status, in OTP's word.
        status: Option<String>,
    },
    /// The applications that run.
    Apps,
    /// Who is connected.
    Who,
    /// Who is banned.
    Bans,
    /// The processes and who started whom.
    Tree {
        /// Also each of many that are alike.
        all: bool,
    },
    /// Names and whose they are.
    Names {
        /// Only names with this text in them.
        containing: Option<String>,
    },
    /// A system message to a process (`sys(3)`).
    Sys {
        /// Its pid or one of its names.
        process: String,
        /// Which message.
        message: SysRequest,
    },
    /// A call of a function (`rpc:call/4`).
    Call {
        /// The module.
        module: String,
        /// The function.
        function: String,
        /// A list of terms, as text.
        args: String,
    },
}

/// The system messages that an operator may send (`sys(3)`).
#[derive(Serialize, Deserialize, Clone, Copy, Debug)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SysRequest {
    /// The state as a term.
    GetState,
    /// State, mode and parent.
    GetStatus,
    /// Take no messages.
    Suspend,
    /// Take messages again.
    Resume,
    /// Messages counted.
    Statistics(Toggle),
    /// The last messages.
    Log(Toggle),
    /// Each message in the node's log, or not any more.
    Trace(bool),
}

/// Begin, end or show.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Toggle {
    /// Begin.
    On,
    /// End, and forget what was gathered.
    Off,
    /// Show what was gathered.
    Get,
}

/// A piece of an answer.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Event {
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
pub(crate) struct Progress {
    /// What is being done: `stopping`, or a phase of an install.
    pub(crate) step: String,
    /// Processes that it concerns; 0 while that is not known.
    #[serde(default)]
    pub(crate) total: u64,
    /// States converted so far, counting those that were converted again.
    pub(crate) converted: u64,
    /// Processes that stand still now.
    pub(crate) held: u64,
    /// Processes that play with a new version.
    pub(crate) swapped: u64,
}

impl Progress {
    /// A step that counts nothing.
    pub(crate) fn step(step: &str) -> Progress {
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
