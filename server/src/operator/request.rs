//! What an operator may ask a node. Each connection carries one request; the answer is a row of [`Event`]s.
//!
//! ```text
//!   operator ─► {"version": 1, "request": …}
//!   node     ─► waiting | progress | part …  ─► done | failed
//! ```

use serde::{Deserialize, Serialize};

use super::exit::Failure;

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
    /// The end of the node, in order.
    Stop {
        /// Why, for the history.
        message: Option<String>,
    },
}

impl From<Question> for Request {
    fn from(question: Question) -> Request {
        Request::Question(question)
    }
}

/// What is answered at any time.
#[derive(Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Question {
    /// What runs, since when, and what is being done.
    Status,
    /// The applications that run.
    Apps,
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
    /// What it does, in the present: `convert pq_player`.
    pub(crate) step: String,
    /// How many of [`Progress::total`] are done, where it counts.
    pub(crate) done: Option<u64>,
    /// How many there are.
    pub(crate) total: Option<u64>,
}

impl Progress {
    /// A step that counts nothing.
    pub(crate) fn step(step: impl Into<String>) -> Progress {
        Progress {
            step: step.into(),
            done: None,
            total: None,
        }
    }
}
