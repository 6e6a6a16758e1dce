//! What an operator may ask a node.

use std::fmt;

use serde::{Deserialize, Serialize};

mod door;
mod release;

pub(crate) use door::{DoorRequest, TEXT_MAX};
pub(crate) use release::{ErrorAction, InstallOptions, OnOverrun, ReleaseRequest};

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
