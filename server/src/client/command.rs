//! The words of the operator's commands, their defaults, their help.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::operator::request::{Question, Toggle};

mod door;
mod release;

pub(crate) use door::Door;
pub(super) use release::message;
pub(crate) use release::{Install, Noted, Release, StatusWord};

/// A command for a running node.
#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// What runs, since when, and what is being done
    Status {
        /// Show it again every second
        #[arg(long)]
        watch: bool,
        #[command(flatten)]
        at: At,
    },
    /// The releases of the tree, the newest first
    WhichReleases {
        /// Only those with this status
        #[arg(value_enum)]
        status: Option<StatusWord>,
        #[command(flatten)]
        at: At,
    },
    #[command(flatten)]
    Release(Release),
    /// Bring a release into force, up or down, while everybody plays on
    ///
    /// OTP's options are here but update_paths: there is no code path. Each module comes from the library that its release
    /// names, also when an application has only moved to another folder.
    Install(Install),
    /// The applications that run
    Apps {
        #[command(flatten)]
        at: At,
    },
    #[command(flatten)]
    Door(Door),
    /// End the node, and tell the players before
    Shutdown(super::shutdown::Command),
    /// The supervision tree, with the version that each process runs
    Tree {
        /// Show each of many processes that are alike
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        at: At,
    },
    /// Names of processes, the node's own and the registry's
    Names {
        /// Only names with this text in them
        #[arg(value_name = "TEXT")]
        containing: Option<String>,
        #[command(flatten)]
        at: At,
    },
    /// Send a process a system message, as sys(3) does
    #[command(subcommand)]
    Sys(Sys),
    /// Call a function of a module
    Call {
        #[command(flatten)]
        what: Function,
        #[command(flatten)]
        at: At,
    },
    /// What was done to the node, its boots and its ends, also when it does not run
    History {
        /// All of this one entry
        #[arg(value_name = "ID")]
        entry: Option<u64>,
        #[command(flatten)]
        at: At,
    },
    /// Stop the node in order, and wait until it has gone
    Stop {
        /// End the node within two seconds, without an orderly stop; players are not told
        #[arg(long)]
        now: bool,
        /// Why, for the history
        #[arg(short, long, value_name = "TEXT", value_parser = release::message)]
        message: Option<String>,
        #[command(flatten)]
        at: At,
    },
}

/// Which node, and how its answer is written.
#[derive(Args, Debug, Clone)]
pub(crate) struct At {
    /// The release tree that the node runs on
    #[arg(long, env = "PQ_ROOT", value_name = "DIR")]
    pub(crate) root: PathBuf,
    /// Write the answer as one line of JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// A system message.
#[derive(Subcommand, Debug)]
pub(crate) enum Sys {
    /// Its state, as a term
    GetState {
        #[command(flatten)]
        of: Of,
    },
    /// Its state, mode and parent
    GetStatus {
        #[command(flatten)]
        of: Of,
    },
    /// Let it take no messages but system messages
    Suspend {
        #[command(flatten)]
        of: Of,
    },
    /// Let it take messages again
    Resume {
        #[command(flatten)]
        of: Of,
    },
    /// Count its messages
    Statistics {
        #[command(flatten)]
        of: Of,
        /// Begin, end, or show the counts
        #[arg(value_enum, default_value_t = Toggle::Get)]
        toggle: Toggle,
    },
    /// Keep its last messages
    Log {
        #[command(flatten)]
        of: Of,
        /// Begin, end, or show the messages
        #[arg(value_enum, default_value_t = Toggle::Get)]
        toggle: Toggle,
    },
    /// Write each of its messages to the node's log
    Trace {
        #[command(flatten)]
        of: Of,
        /// Begin or end
        #[arg(value_enum)]
        switch: Switch,
    },
}

/// A process of a node.
#[derive(Args, Debug)]
pub(crate) struct Of {
    /// Its name or its pid
    #[arg(value_name = "NAME|PID")]
    pub(crate) process: String,
    #[command(flatten)]
    pub(crate) at: At,
}

/// Begin or end.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Switch {
    /// Begin.
    On,
    /// End.
    Off,
}

impl Switch {
    /// Whether it begins.
    pub(crate) fn is_on(self) -> bool {
        self == Switch::On
    }
}

/// A function and its arguments.
#[derive(Args, Debug)]
pub(crate) struct Function {
    /// The module
    module: String,
    /// The function
    function: String,
    /// Its arguments: a list of terms
    #[arg(default_value = "[]", value_parser = list)]
    args: String,
}

impl Function {
    /// As a question.
    pub(crate) fn question(self) -> Question {
        Question::Call {
            module: self.module,
            function: self.function,
            args: self.args,
        }
    }
}

impl Command {
    /// Which node it is for.
    pub(crate) fn at(&self) -> &At {
        match self {
            Command::Status { at, .. }
            | Command::WhichReleases { at, .. }
            | Command::Apps { at }
            | Command::Tree { at, .. }
            | Command::Names { at, .. }
            | Command::Call { at, .. }
            | Command::History { at, .. }
            | Command::Stop { at, .. } => at,
            Command::Sys(sys) => &sys.of().at,
            Command::Door(door) => door.at(),
            Command::Shutdown(shutdown) => &shutdown.at,
            Command::Release(release) => release.at(),
            Command::Install(install) => &install.noted.at,
        }
    }
}

impl Sys {
    fn of(&self) -> &Of {
        match self {
            Sys::GetState { of }
            | Sys::GetStatus { of }
            | Sys::Suspend { of }
            | Sys::Resume { of }
            | Sys::Statistics { of, .. }
            | Sys::Log { of, .. }
            | Sys::Trace { of, .. } => of,
        }
    }
}

/// A list of terms, kept as it was written: the node reads it again.
fn list(text: &str) -> Result<String, String> {
    let term = pq_term::read_term(text).map_err(|error| error.to_string())?;
    match term.as_list() {
        Some(_) => Ok(text.to_string()),
        None => Err(format!(
            "`{term}` is no list: write the arguments between `[` and `]`"
        )),
    }
}
